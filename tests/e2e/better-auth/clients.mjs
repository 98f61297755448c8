// SPDX-License-Identifier: MIT
// The stock client's story against a server, as a frontend would live it. One
// JSON argument: {package, baseURL, whole}. whole: every call there is, not
// only sign-up, sign-in, session, token and sign-out. Prints one JSON line
// {step, problem} for each step; problem is null when all is well.
import assert from "node:assert/strict";

const given = JSON.parse(process.argv[2]);
// Enough of a browser for useSession to fetch and for redirects to be seen.
globalThis.window = { location: { href: "" } };
const { createAuthClient } = await import(given.package + "/client");
const { jwtClient } = await import(given.package + "/client/plugins");

// What a browser adds to fetch: a cookie jar and the page's origin.
class Browser {
	constructor() {
		this.jar = new Map();
		this.headers = null;
		this.client = createAuthClient({
			baseURL: given.baseURL,
			plugins: [jwtClient()],
			fetchOptions: {
				customFetchImpl: (url, options) => this.fetch(url, options),
				onResponse: ({ response }) => {
					this.headers = response.headers;
				},
			},
		});
	}

	async fetch(url, options) {
		const headers = new Headers(options?.headers);
		headers.set("origin", new URL(given.baseURL).origin);
		if (this.jar.size) {
			headers.set("cookie", [...this.jar].map(
				([name, value]) => name + "=" + value).join("; "));
		}
		const response = await fetch(url, { ...options, headers });
		for (const line of response.headers.getSetCookie()) {
			const [pair, ...attributes] = line.split("; ");
			const at = pair.indexOf("=");
			if (attributes.includes("Max-Age=0")) {
				this.jar.delete(pair.slice(0, at));
			} else {
				this.jar.set(pair.slice(0, at), pair.slice(at + 1));
			}
		}
		return response;
	}
}

async function step(name, body) {
	let problem = null;
	try {
		await body();
	} catch (error) {
		problem = String(error.message ?? error);
	}
	console.log(JSON.stringify({ step: name, problem }));
}

function data(result) {
	assert.equal(result.error, null, JSON.stringify(result.error));
	return result.data;
}

function refused(result, status, code) {
	assert.equal(result.data, null);
	assert.equal(result.error.status, status, JSON.stringify(result.error));
	if (code !== undefined) {
		assert.equal(result.error.code, code);
	}
}

const unique = process.pid.toString(36) + Date.now().toString(36);
const email = "client-" + unique + "@example.com";
const password = "correct horse 1";
const browser = new Browser();
const { client } = browser;
let user = null;

await step("sign-up", async () => {
	const got = data(await client.signUp.email({ name: "Ann", email, password }));
	user = got.user;
	assert.equal(user.email, email);
	assert.equal(user.emailVerified, false);
	assert.ok(user.createdAt instanceof Date);
	assert.match(got.token, /^[A-Za-z0-9]{32}$/);
	assert.ok(browser.headers.get("set-auth-token"));
});
await step("get-session after sign-up", async () => {
	const got = data(await client.getSession());
	assert.equal(got.user.id, user.id);
	assert.equal(got.session.userId, user.id);
	assert.ok(got.session.expiresAt instanceof Date);
	assert.ok(browser.headers.get("set-auth-jwt"));
});
await step("token", async () => {
	const { token } = data(await client.token());
	const claims = JSON.parse(Buffer.from(token.split(".")[1], "base64url"));
	assert.equal(claims.sub, user.id);
	assert.equal(claims.email, email);
	assert.ok(claims.exp > claims.iat);
});
await step("sign-out", async () => {
	assert.deepEqual(data(await client.signOut()), { success: true });
	assert.equal(data(await client.getSession()), null);
	refused(await client.token(), 401);
	assert.equal(browser.jar.size, 0);
});
await step("sign-in refused", async () => {
	refused(await client.signIn.email({ email, password: "wrong one" }), 401,
		"INVALID_EMAIL_OR_PASSWORD");
});
await step("sign-in", async () => {
	const got = data(await client.signIn.email({ email, password }));
	assert.equal(got.redirect, false);
	assert.equal(got.user.id, user.id);
	assert.equal(data(await client.getSession()).user.id, user.id);
});
await step("bearer", async () => {
	const token = data(await client.getSession()).session.token;
	const app = new Browser();
	const auth = { type: "Bearer", token: () => token };
	const got = data(await app.client.getSession({ fetchOptions: { auth } }));
	assert.equal(got.user.id, user.id);
	assert.equal(app.jar.size, 0);
});
await step("set-auth-token as bearer", async () => {
	const other = new Browser();
	data(await other.client.signIn.email({ email, password }));
	const token = other.headers.get("set-auth-token");
	const app = new Browser();
	for (const value of [token, encodeURIComponent(token)]) {
		const got = data(await app.client.getSession({
			fetchOptions: { auth: { type: "Bearer", token: value } } }));
		assert.equal(got.user.id, user.id);
	}
	data(await other.client.signOut());
});
await step("useSession", async () => {
	const seen = [];
	const stop = client.useSession.subscribe((value) => seen.push(value));
	for (let tries = 0; tries < 100; tries++) {
		if (seen.at(-1)?.data) {
			break;
		}
		await new Promise((done) => setTimeout(done, 20));
	}
	stop();
	assert.equal(seen.at(-1)?.data?.user.id, user.id);
});

if (given.whole) {
	await step("list-sessions", async () => {
		const got = data(await client.listSessions());
		assert.equal(got.length, 1);
		assert.ok(got.every((each) => each.userId === user.id));
	});
	await step("revoke-session", async () => {
		const other = new Browser();
		const { token } = data(
			await other.client.signIn.email({ email, password }));
		assert.deepEqual(data(await client.revokeSession({ token })),
			{ status: true });
		assert.equal(data(await other.client.getSession()), null);
	});
	await step("revoke-other-sessions", async () => {
		const other = new Browser();
		data(await other.client.signIn.email({ email, password }));
		data(await client.revokeOtherSessions());
		assert.equal(data(await other.client.getSession()), null);
		assert.equal(data(await client.listSessions()).length, 1);
	});
	await step("update-user", async () => {
		data(await client.updateUser({ name: "Bea", image: "/b.png" }));
		const got = data(await client.getSession());
		assert.equal(got.user.name, "Bea");
		assert.equal(got.user.image, "/b.png");
	});
	await step("update-user refused", async () => {
		refused(await client.updateUser({ email: "x@example.com" }), 400,
			"EMAIL_CAN_NOT_BE_UPDATED");
		refused(await client.updateUser({ role: "admin" }), 400);
	});
	await step("change-password refused", async () => {
		refused(await client.changePassword({
			newPassword: "another horse 2", currentPassword: "wrong one" }),
		400, "INVALID_PASSWORD");
		refused(await client.changePassword({
			newPassword: "short", currentPassword: password }),
		400, "PASSWORD_TOO_SHORT");
	});
	await step("change-password", async () => {
		const other = new Browser();
		data(await other.client.signIn.email({ email, password }));
		const got = data(await client.changePassword({
			newPassword: "another horse 2", currentPassword: password,
			revokeOtherSessions: true }));
		assert.match(got.token, /^[A-Za-z0-9]{32}$/);
		assert.equal(data(await other.client.getSession()), null);
		assert.equal(data(await client.getSession()).user.id, user.id);
		refused(await other.client.signIn.email({ email, password }), 401);
	});
	await step("list-accounts", async () => {
		const got = data(await client.listAccounts());
		assert.equal(got.length, 1);
		assert.equal(got[0].providerId, "credential");
		assert.deepEqual(got[0].scopes, []);
	});
	await step("change-email is off", async () => {
		refused(await client.changeEmail({ newEmail: "n" + email }), 400,
			"CHANGE_EMAIL_DISABLED");
	});
	await step("delete-user is off", async () => {
		refused(await client.deleteUser(), 404);
	});
	await step("jwks", async () => {
		assert.ok(Array.isArray(data(await client.jwks()).keys));
	});
	await step("sign-up refused", async () => {
		refused(await new Browser().client.signUp.email(
			{ name: "x", email, password }), 422,
		"USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL");
		refused(await new Browser().client.signUp.email(
			{ name: "x", email: "nope", password }), 400,
		"VALIDATION_ERROR");
	});
	await step("rememberMe: false", async () => {
		const other = new Browser();
		data(await other.client.signIn.email({
			email, password: "another horse 2", rememberMe: false }));
		assert.ok([...other.jar.keys()].some(
			(name) => name.endsWith("better-auth.dont_remember")));
		data(await other.client.signOut());
		assert.equal(other.jar.size, 0);
	});
	await step("revoke-sessions", async () => {
		data(await client.revokeSessions());
		assert.equal(data(await client.getSession()), null);
	});
	await step("unknown call", async () => {
		refused(await client.nothing.here(), 404);
	});
	await step("redirect", async () => {
		data(await new Browser().client.signIn.email({
			email, password: "another horse 2", callbackURL: "/home" }));
		assert.equal(window.location.href, "/home");
	});
	await step("throw: true", async () => {
		await assert.rejects(client.signIn.email({
			email, password: "wrong one", fetchOptions: { throw: true } }));
	});
}
process.exit(0);
