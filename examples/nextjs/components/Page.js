/* SPDX-License-Identifier: MIT */
import Head from "next/head";
import Link from "next/link";
import { useRouter } from "next/router";
import { createContext, useContext } from "react";
import { authClient, explain, signOut } from "../lib/auth";

/* say(text): to everyone, by eye or ear. The region itself stands in _app.js:
 * one that appears together with its text is not read out. */
export const Say = createContext(() => {});

/* A name that looks like a date arrives as a Date. */
export function nameOf(user) {
	return String(user.name || user.email);
}

function SignOut() {
	const router = useRouter();
	const say = useContext(Say);

	/* First to a page that needs no session, so that none is asked for. */
	async function leave() {
		await router.push("/");
		const error = await signOut();
		say(error ? explain(error) : "You are signed out.");
	}
	return <button type="button" onClick={leave}>Sign out</button>;
}

function Who() {
	const { data, isPending } = authClient.useSession();

	if (isPending)
		return null;
	if (!data)
		return (
			<>
				<Link href="/sign-in">Sign in</Link>
				<Link href="/sign-up">Sign up</Link>
			</>
		);
	return (
		<>
			<span>Signed in as <strong>{nameOf(data.user)}</strong></span>
			<SignOut />
		</>
	);
}

export default function Page({ title, children }) {
	return (
		<>
			<Head><title>{title}</title></Head>
			<header>
				<nav aria-label="Main"><Link href="/">Home</Link><Link href="/tasks">Tasks</Link></nav>
				<div className="who"><Who /></div>
			</header>
			<main>
				<h1 tabIndex={-1}>{title}</h1>
				{children}
			</main>
		</>
	);
}
