/* SPDX-License-Identifier: MIT */
/*
 * The session lives in an HttpOnly cookie that this script cannot read. The
 * JWT is kept in memory alone: a reload gets a new one from /api/auth/token.
 */
"use strict";

const at = (id) => document.getElementById(id);
let user = null;
let jwt = null;

async function auth(path, body) {
	const answer = await fetch("/api/auth/" + path, body === undefined ? {} : {
		method: "POST",
		headers: { "Content-Type": "application/json" },
		body: JSON.stringify(body),
	});
	/* A web server's own error page is not JSON. */
	const data = await answer.json().catch(() => null);
	if (!answer.ok)
		throw new Error((data && data.message) || "Error " + answer.status);
	jwt = answer.headers.get("set-auth-jwt") || jwt;
	return data;
}

function secondsLeft(token) {
	const payload = token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/");
	return JSON.parse(atob(payload)).exp - Date.now() / 1000;
}

/* A token good for the next request, renewed from the session if need be. */
async function freshToken() {
	if (!jwt || secondsLeft(jwt) < 30)
		jwt = (await auth("token")).token;
	return jwt;
}

async function api(method, rest, body) {
	const call = async () => fetch("/api/" + user.id + "/tasks" + rest, {
		method,
		headers: {
			"Authorization": "Bearer " + await freshToken(),
			...(body && { "Content-Type": "application/json" }),
		},
		body: body && JSON.stringify(body),
	});
	let answer = await call();
	if (answer.status === 401) {
		/* Refused although fresh: once more with a new token. */
		jwt = null;
		answer = await call();
	}
	if (!answer.ok)
		throw new Error("The task list answered " + answer.status);
	return answer.json();
}

function say(text) {
	at("message").textContent = text;
}

function show() {
	at("signed-out").hidden = user !== null;
	at("signed-in").hidden = user === null;
	at("who").textContent = user ? user.name || user.email : "";
	if (!user)
		at("tasks").replaceChildren();
}

function taskItem(task) {
	const item = document.createElement("li");
	const box = document.createElement("input");
	const label = document.createElement("label");
	const remove = document.createElement("button");

	item.className = task.completed ? "completed" : "";
	box.type = "checkbox";
	box.id = "task-" + task.id;
	box.checked = task.completed;
	box.onchange = act(() => change("PATCH", "/" + task.id + "/complete"));
	label.htmlFor = box.id;
	label.textContent = task.title;
	remove.type = "button";
	remove.textContent = "Delete";
	remove.setAttribute("aria-label", "Delete " + task.title);
	remove.onclick = act(() => change("DELETE", "/" + task.id));
	item.append(box, label, remove);
	return item;
}

async function list() {
	const tasks = await api("GET", "");
	at("tasks").replaceChildren(...tasks.map(taskItem));
	at("empty").hidden = tasks.length > 0;
}

async function change(method, rest, body) {
	await api(method, rest, body);
	await list();
}

/* Runs an action of the user's and tells them how it failed, if it did. */
function act(action) {
	return async (event) => {
		event.preventDefault();
		say("");
		try {
			await action(event.target);
		} catch (error) {
			say(error.message);
			await resume();
		}
	};
}

async function enter(path, form) {
	jwt = null;
	user = (await auth(path, Object.fromEntries(new FormData(form)))).user;
	form.reset();
	show();
	at("heading").focus();
	await list();
}

/* What the session's cookie says about who is here. */
async function resume() {
	const session = await auth("get-session").catch(() => undefined);
	if (session === undefined)
		return;
	user = session && session.user;
	jwt = session && jwt;
	show();
}

at("sign-in").onsubmit = act((form) => enter("sign-in/email", form));
at("sign-up").onsubmit = act((form) => enter("sign-up/email", form));
at("sign-out").onclick = act(async () => {
	await auth("sign-out", {});
	user = jwt = null;
	show();
	say("You are signed out.");
	at("heading").focus();
});
at("add").onsubmit = act(async (form) => {
	await change("POST", "", { title: form.elements.title.value });
	form.reset();
});

resume().then(() => user ? list() : undefined).catch((error) => say(error.message));
