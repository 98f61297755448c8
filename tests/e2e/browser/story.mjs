// SPDX-License-Identifier: MIT
/*
 * Two users, each in a browser context of their own, go through the example
 * (examples/nextjs). The parts run in order and stand on one another; each
 * prints one line of JSON: its name, and what was wrong or null.
 *
 *   node story.mjs '{"pages": origin, "api": origin, "shots": folder or null,
 *                    "life": seconds a JWT lives}'
 */
import assert from "node:assert/strict";
import { chromium } from "playwright-core";

const { pages, api, shots, life } = JSON.parse(process.argv[2]);
const PASSWORD = "correct horse battery";
const FLAGS = [
	"--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
	"--disable-background-networking", "--disable-component-update",
	"--disable-sync",
];
const browser = await chromium.launch({
	executablePath: "/usr/bin/chromium", args: FLAGS,
});
const stamp = Date.now();

/* A person with a browser of their own. */
class Person {
	constructor(name) {
		this.name = name;
		this.email = `${name.toLowerCase()}-${stamp}@example.com`;
		this.complaints = [];	/* what the console says is wrong */
		this.asked = [];	/* { url, method, jwt, status } */
	}

	async arrive() {
		this.context = await browser.newContext({ colorScheme: "light", reducedMotion: "reduce", viewport: { width: 720, height: 640 } });
		this.context.setDefaultTimeout(30000);
		this.page = await this.newPage();
		return this;
	}

	async newPage() {
		const page = await this.context.newPage();
		page.on("pageerror", (error) => this.complaints.push(String(error)));
		page.on("console", (message) => {
			/* A refusal is logged, too; those are looked at one by one. */
			if (message.type() === "error" && !message.text().startsWith("Failed to load resource"))
				this.complaints.push(message.text());
		});
		page.on("response", (response) => {
			const request = response.request();
			this.asked.push({
				url: new URL(request.url()),
				method: request.method(),
				jwt: request.headers().authorization?.slice("Bearer ".length),
				status: response.status(),
			});
		});
		return page;
	}

	open(path) {
		return this.page.goto(pages + path);
	}

	/* The path shown, as the address bar has it. */
	at() {
		const url = new URL(this.page.url());
		assert.equal(url.origin, pages);
		return url.pathname + url.search;
	}

	async shows(title) {
		await this.page.getByRole("heading", { level: 1, name: title, exact: true }).waitFor();
	}

	async alerts(text) {
		await this.page.getByRole("alert").filter({ hasText: text }).waitFor();
	}

	async fillIn(fields, button) {
		for (const [label, text] of Object.entries(fields))
			await this.page.getByLabel(label, { exact: true }).fill(text);
		await this.page.getByRole("main").getByRole("button", { name: button }).click();
	}

	signUp(more) {
		return this.fillIn({ Name: this.name, "E-mail": this.email, Password: PASSWORD, ...more }, "Sign up");
	}

	signIn(password = PASSWORD) {
		return this.fillIn({ "E-mail": this.email, Password: password }, "Sign in");
	}

	async add(title) {
		await this.page.getByLabel("New task").fill(title);
		await this.page.keyboard.press("Enter");
		await this.page.getByRole("listitem").filter({ hasText: title }).waitFor();
	}

	/* A box that the page has just replaced has lost its label. */
	tasks() {
		return this.page.getByRole("listitem").getByRole("checkbox").evaluateAll(
			(boxes) => boxes.map((box) => (box.checked ? "x " : "- ") + box.labels[0]?.textContent));
	}

	async listed(wanted) {
		await until(async () => same(await this.tasks(), wanted), `tasks are ${wanted}`);
	}

	/* As a script on the page asks. */
	fetch(path, options = {}) {
		return this.page.evaluate(async ([url, init]) => {
			const answer = await fetch(url, init);
			return { status: answer.status, text: await answer.text() };
		}, [api + path, options]);
	}

	ask(path, jwt, headers = {}) {
		return this.fetch(path, { headers: { Authorization: "Bearer " + jwt, ...headers }, credentials: "omit" });
	}

	async token() {
		const answer = await this.fetch("/api/auth/token", { credentials: "include" });
		return JSON.parse(answer.text).token;
	}

	async sessionCookie() {
		const cookies = await this.context.cookies(api);
		return cookies.find(({ name }) => name.endsWith("better-auth.session_token"));
	}

	toTheApi() {
		return this.asked.filter(({ url }) => url.origin === api && /^\/api\/(?!auth\/)/.test(url.pathname));
	}

	async shoot(name) {
		if (shots)
			await this.page.screenshot({ path: `${shots}/${name}.png` });
	}
}

function claims(jwt) {
	return JSON.parse(Buffer.from(jwt.split(".")[1], "base64url"));
}

function same(a, b) {
	return JSON.stringify(a) === JSON.stringify(b);
}

async function until(condition, about, seconds = 30) {
	const end = Date.now() + seconds * 1000;
	while (!await condition()) {
		assert.ok(Date.now() < end, `not within ${seconds} s: ${about}`);
		await new Promise((resolve) => setTimeout(resolve, 50));
	}
}

const ann = await new Person("Ann").arrive();
const bob = await new Person("Bob").arrive();

const parts = {
	async "asks for a sign-in"() {
		await ann.open("/tasks?show=open");
		await ann.shows("Sign in");
		assert.equal(ann.at(), "/sign-in?next=" + encodeURIComponent("/tasks?show=open"));
		await ann.shoot("sign-in");
	},

	async "sign-up"() {
		await ann.page.getByRole("main").getByRole("link", { name: "Sign up" }).click();
		await ann.shows("Sign up");
		await ann.signUp({ "E-mail": "ann@example" });
		await ann.alerts("Invalid email");
		await ann.signUp();
		await ann.shows("Your tasks");
		assert.equal(ann.at(), "/tasks?show=open", "the page asked for");
		assert.equal(await ann.page.getByText("Signed in as Ann").count(), 1);

		await bob.open("/sign-up");
		await bob.signUp({ "E-mail": ann.email });
		await bob.alerts("User already exists");
		await bob.signUp();
		await bob.shows("Your tasks");
		ann.id = claims(await ann.token()).sub;
		bob.id = claims(await bob.token()).sub;
		assert.notEqual(ann.id, bob.id);
	},

	async "no script reads the session or keeps the JWT"() {
		assert.equal((await ann.sessionCookie()).httpOnly, true);
		const seen = await ann.page.evaluate(() => document.cookie + JSON.stringify({ ...localStorage, ...sessionStorage }));
		assert.ok(!/session_token|eyJ/.test(seen), seen);
	},

	async "tasks"() {
		await ann.add("Buy milk");
		await ann.add("Water the plants");
		await ann.listed(["- Buy milk", "- Water the plants"]);
		await ann.page.getByLabel("Buy milk", { exact: true }).click();
		await ann.listed(["- Water the plants"]);
		await ann.page.getByRole("link", { name: "Done" }).click();
		await ann.listed(["x Buy milk"]);
		await ann.page.getByRole("link", { name: "All" }).click();
		await ann.listed(["x Buy milk", "- Water the plants"]);
		await ann.add("To be deleted");
		await ann.page.getByRole("button", { name: "Delete To be deleted" }).click();
		await ann.listed(["x Buy milk", "- Water the plants"]);
		await ann.shoot("tasks");
		await bob.add("Secret of Bob's");
		for (const { jwt, status } of [...ann.toTheApi(), ...bob.toTheApi()])
			assert.ok(status < 300 && (jwt || status === 204), `${status}, token: ${jwt}`);
	},

	async "refresh, back and a second tab"() {
		await ann.page.reload();
		await ann.listed(["x Buy milk", "- Water the plants"]);
		await ann.page.getByRole("link", { name: "Home" }).click();
		await ann.shows("A task list");
		await ann.page.goBack();
		await ann.shows("Your tasks");
		await ann.listed(["x Buy milk", "- Water the plants"]);
		await ann.page.goForward();
		await ann.shows("A task list");
		await ann.page.goBack();
		ann.second = await ann.newPage();
		await ann.second.goto(pages + "/tasks");
		await ann.second.getByText("Water the plants").waitFor();
	},

	async "isolation"() {
		const jwt = await bob.token();
		await bob.open(`/users/${ann.id}/tasks`);
		await bob.alerts("These tasks belong to someone else.");
		await bob.shoot("refused");
		assert.ok(!/milk|plants/.test(await bob.page.content()));
		for (const [path, status, headers] of [
			[`/api/${ann.id}/tasks`, 403],
			[`/api/${bob.id}/../${ann.id}/tasks`, 403],
			[`/api/${ann.id}/tasks`, 403, { "X-User-Id": ann.id }],
			[`/api/${bob.id}/tasks`, 200],
		]) {
			/* On another origin the preflight stops a foreign header. */
			if (headers && api !== pages)
				continue;
			const answer = await bob.ask(path, jwt, headers);
			assert.equal(answer.status, status, path);
			assert.ok(!/milk|plants/.test(answer.text), path);
		}
		/* A link carries the cookie, and the gate does not take it. */
		const answer = await bob.page.goto(`${api}/api/${bob.id}/tasks`);
		assert.equal(answer.status(), 401);
		await bob.open("/tasks");
		await bob.listed(["- Secret of Bob's"]);
	},

	/* Nobody touches the page meanwhile. */
	async "renews the JWT before it expires"() {
		const page = ann.page;
		const renewed = () => ann.asked.filter(({ url }) => url.pathname === "/api/auth/token").length;
		const quick = life < 60;
		if (!quick)
			await page.clock.install();
		await page.reload();
		await ann.listed(["x Buy milk", "- Water the plants"]);
		const before = ann.toTheApi().at(-1).jwt;
		const count = renewed();
		const refused = ann.asked.filter(({ status }) => status === 401).length;
		assert.equal(claims(before).exp - claims(before).iat, life);
		if (!quick)
			await page.clock.fastForward((life - 30) * 1000);
		await until(() => renewed() > count, "a new token", life);
		if (quick)
			await until(() => Date.now() / 1000 > claims(before).exp, "the old one expires", life);
		await ann.add("Renewed");
		const after = ann.toTheApi().at(-1).jwt;
		assert.notEqual(after, before);
		assert.ok(claims(after).exp > Date.now() / 1000);
		assert.equal(ann.asked.filter(({ status }) => status === 401).length, refused, "no 401 on the way");
		if (quick)
			assert.equal((await ann.ask(`/api/${ann.id}/tasks`, before)).status, 401);
	},

	async "sign-out"() {
		const own = `/api/${ann.id}/tasks`;
		const jwt = await ann.token();
		assert.equal((await ann.ask(own, jwt)).status, 200);
		await ann.page.getByRole("button", { name: "Sign out" }).click();
		await ann.page.getByText("You are signed out.").waitFor();
		assert.equal(await ann.sessionCookie(), undefined);
		/* The workers hear of it a moment after the answer. */
		await until(async () => (await ann.ask(own, jwt)).status === 401, "the old JWT is refused", 2);
		assert.ok(claims(jwt).exp > Date.now() / 1000, "by then it has not expired");
		assert.equal((await ann.fetch("/api/auth/token", { credentials: "include" })).status, 401);
	},

	async "signed out in every tab, after back and after refresh"() {
		await ann.second.bringToFront();
		await ann.second.getByRole("heading", { level: 1, name: "Sign in" }).waitFor();
		assert.ok(!/milk|plants/.test(await ann.second.content()));
		await ann.second.close();
		await ann.page.goBack();
		await ann.shows("Sign in");
		await ann.page.reload();
		await ann.shows("Sign in");
		assert.ok(!/milk|plants/.test(await ann.page.content()));
	},

	async "sign-in returns to the page asked for"() {
		const asked = `/users/${ann.id}/tasks?show=done`;
		await ann.open("/");
		await ann.open(asked);
		await ann.shows("Sign in");
		await ann.signIn("not this one");
		await ann.alerts("Invalid email or password");
		assert.equal(ann.at(), "/sign-in?next=" + encodeURIComponent(asked), "no password in the address");
		await ann.signIn();
		await ann.shows("Tasks of one user");
		assert.equal(ann.at(), asked);
		await ann.listed(["x Buy milk"]);
		await ann.page.goBack();
		await ann.shows("A task list");
	},

	async "sign-in returns to no other site"() {
		for (const next of [
			"https://evil.example/", "//evil.example/", "/\\evil.example/", "\\\\evil.example/",
			"/.//evil.example/", "/x/..//evil.example/", "/%2fevil.example/", "/%5cevil.example/",
			"/\t/evil.example/", "javascript:alert(1)", "/sign-in", "", "tasks",
		]) {
			const answer = await ann.open("/sign-in?next=" + encodeURIComponent(next));
			/* lighttpd lets no control character in. */
			if (answer.status() === 400)
				continue;
			await ann.shows("Your tasks");
			assert.equal(ann.at(), "/tasks", next);
		}
	},

	async "a session ended elsewhere asks for a sign-in"() {
		const answer = await ann.fetch("/api/auth/revoke-sessions", {
			method: "POST", body: "{}", credentials: "include",
			headers: { "Content-Type": "application/json" },
		});
		assert.equal(answer.status, 200);
		await ann.page.getByLabel("New task").fill("Too late");
		await ann.page.keyboard.press("Enter");
		await ann.shows("Sign in");
		assert.equal(ann.at(), "/sign-in?next=%2Ftasks");
		assert.ok(!/milk|plants/.test(await ann.page.content()));
	},

	async "by keyboard alone, and by name"() {
		await ann.open("/sign-in?next=%2Ftasks");
		const press = async (...keys) => {
			for (const key of keys)
				await ann.page.keyboard.press(key);
		};
		const focused = () => ann.page.evaluate(() => document.activeElement.labels?.[0]?.textContent ?? document.activeElement.textContent);
		for (let tabs = 0; await focused() !== "E-mail"; tabs++) {
			assert.ok(tabs < 10, "E-mail is reached");
			await press("Tab");
		}
		await ann.page.keyboard.type(ann.email);
		await press("Tab");
		await ann.page.keyboard.type(PASSWORD);
		await press("Enter");
		await ann.shows("Your tasks");
		await until(async () => await focused() === "Your tasks", "the heading has the focus");
		for (const path of ["/", "/tasks", "/sign-in", "/sign-up", "/none"]) {
			await bob.open(path);
			await bob.page.getByRole("banner").waitFor();
			const wrong = await bob.page.evaluate(() => [
				document.documentElement.lang === "en" || "language",
				document.title !== "" || "title",
				document.querySelectorAll("h1").length === 1 || "one h1",
				document.querySelectorAll("main, header, nav").length === 3 + document.querySelectorAll("main nav").length || "landmarks",
				[...document.querySelectorAll("input")].every((input) => input.labels.length === 1) || "labels",
				document.querySelectorAll("[role=status]").length > 0 || "live region",
			].filter((result) => result !== true));
			assert.deepEqual(wrong, [], path);
		}
	},

	async "the picture in the dark"() {
		await ann.page.emulateMedia({ colorScheme: "dark" });
		await ann.shoot("tasks-dark");
		const paper = await ann.page.evaluate(() => getComputedStyle(document.body).backgroundColor);
		assert.notEqual(paper, "rgb(255, 255, 255)");
	},

	async "nothing is asked of another host, and the console is clean"() {
		for (const person of [ann, bob]) {
			assert.deepEqual(person.complaints, []);
			for (const { url } of person.asked)
				assert.ok([pages, api].includes(url.origin), url.href);
			for (const { url, jwt } of person.asked)
				assert.ok(!jwt || url.origin === api, `a token went to ${url.href}`);
		}
	},
};

for (const [name, part] of Object.entries(parts)) {
	let problem = null;
	try {
		await part();
	} catch (error) {
		problem = `${error.message}\n(ann at ${ann.page.url()}, bob at ${bob.page.url()})`;
	}
	console.log(JSON.stringify({ name, problem }));
}
await browser.close();
