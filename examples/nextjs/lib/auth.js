/* SPDX-License-Identifier: MIT */
/*
 * Who is here. The session is an HttpOnly cookie that no script can read; the
 * JWT for the API lives in this module's memory alone, so that a reload, or a
 * new tab, gets one of its own from the session.
 */
import { createAuthClient } from "better-auth/react";
import { jwtClient } from "better-auth/client/plugins";

/* "": the API is on the page's own origin. */
export const apiOrigin = process.env.NEXT_PUBLIC_API_ORIGIN ?? "";

export const authClient = createAuthClient({
	baseURL: apiOrigin || undefined,
	plugins: [jwtClient()],
	fetchOptions: {
		/* Sign-up, sign-in and session answers bring a JWT along. */
		onSuccess({ response }) {
			const jwt = response.headers.get("set-auth-jwt");
			if (jwt)
				keep(jwt);
		},
	},
});

/* The session has ended, or is another user's by now. */
export class SignedOut extends Error {}

const DAY_MS = 24 * 3600 * 1000;
let held = null;	/* { jwt, subject, renewAt } */
let renewal = null;	/* the promise of the request under way */
let timer;

/* Only how long a token lives is read from it, not until when: a browser
 * whose clock is wrong renews in time, too. */
function keep(jwt) {
	const payload = jwt.split(".")[1].replace(/-/g, "+").replace(/_/g, "/");
	const { sub, iat, exp } = JSON.parse(atob(payload));
	const life = (exp - iat) * 1000;
	const wait = life - Math.min(60 * 1000, life / 4);

	held = { jwt, subject: sub, renewAt: Date.now() + wait };
	clearTimeout(timer);
	/* A timer of more than 24 days would fire at once. */
	timer = setTimeout(() => renew().catch(() => {}), Math.min(wait, DAY_MS));
}

function forget() {
	held = renewal = null;
	clearTimeout(timer);
}

async function askForToken() {
	const { data, error } = await outcome(authClient.token());
	if (error?.status === 401)
		throw new SignedOut();
	if (error)
		throw new Error(explain(error));
	return data.token;
}

/* However many ask at once, one request renews for them all. */
function renew() {
	if (renewal)
		return renewal;
	const mine = renewal = askForToken().then((jwt) => {
		/* Signed out meanwhile: this token is nobody's. */
		if (renewal !== mine)
			throw new SignedOut();
		keep(jwt);
	}).finally(() => {
		if (renewal === mine)
			renewal = null;
	});
	return mine;
}

/* A JWT of this user that is good for the next request; not the one refused. */
export async function freshToken(user, refused) {
	if (held?.subject !== user.id || held.jwt === refused ||
	    Date.now() >= held.renewAt)
		await renew();
	if (held?.subject !== user.id)
		throw new SignedOut();
	return held.jwt;
}

export async function signOut() {
	const { error } = await outcome(authClient.signOut());
	if (error)
		return error;
	forget();
	return null;
}

/* What a call of the client's came to; a network that fails is an error like
 * any other. */
export async function outcome(call) {
	try {
		return await call;
	} catch {
		return { data: null, error: { status: 0 } };
	}
}

/* What to tell a person about an error of the client's. */
export function explain(error) {
	if (error.status === 429)
		return "Too many attempts. Wait a moment and try again.";
	if (!error.status || error.status >= 500)
		return "The service cannot be reached. Try again in a moment.";
	return error.message || "Error " + error.status;
}
