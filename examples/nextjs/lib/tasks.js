/* SPDX-License-Identifier: MIT */
/* The task API. The gate judges each request by the token it carries. */
import { SignedOut, apiOrigin, explain, freshToken } from "./auth";

const REASONS = {
	403: "These tasks belong to someone else.",
	404: "This task is gone.",
	422: "A task needs a text of 1 to 200 characters.",
};

async function send(jwt, method, path, body) {
	const headers = { Authorization: "Bearer " + jwt };
	if (body)
		headers["Content-Type"] = "application/json";
	try {
		return await fetch(apiOrigin + path, {
			method,
			headers,
			body: body && JSON.stringify(body),
			/* The token says it all; the cookie is not for the API. */
			credentials: "omit",
		});
	} catch {
		throw new Error(explain({ status: 0 }));
	}
}

async function call(user, method, path, body) {
	const jwt = await freshToken(user);
	let answer = await send(jwt, method, path, body);
	/* Refused although fresh: once more, with a new one. */
	if (answer.status === 401)
		answer = await send(await freshToken(user, jwt), method, path, body);
	if (answer.status === 401)
		throw new SignedOut();
	if (!answer.ok)
		throw new Error(REASONS[answer.status] || explain(answer));
	return answer.json();
}

/* The tasks of `owner`, as `user` asks for them. */
export function tasksOf(owner, user) {
	const path = "/api/" + encodeURIComponent(owner) + "/tasks";
	return {
		list: () => call(user, "GET", path),
		add: (title) => call(user, "POST", path, { title }),
		toggle: (id) => call(user, "PATCH", `${path}/${id}/complete`),
		remove: (id) => call(user, "DELETE", `${path}/${id}`),
	};
}
