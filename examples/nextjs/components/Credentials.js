/* SPDX-License-Identifier: MIT */
import { useRouter } from "next/router";
import { useEffect, useState } from "react";
import { authClient, explain, outcome } from "../lib/auth";
import { returnTo } from "../lib/return-to";

/*
 * The form of sign-in and sign-up. submit(fields): calls the client. Once there
 * is a session, whoever made it, the page asked for is shown.
 */
export default function Credentials({ action, submit, children }) {
	const { data } = authClient.useSession();
	const [problem, setProblem] = useState("");
	const [busy, setBusy] = useState(false);
	const router = useRouter();
	const present = router.isReady && Boolean(data);

	useEffect(() => {
		/* In place of this page, so that "back" does not lead to it. */
		if (present)
			router.replace(returnTo(router.query.next));
	}, [present]);

	async function send(event) {
		event.preventDefault();
		setProblem("");
		setBusy(true);
		const fields = Object.fromEntries(new FormData(event.target));
		const { error } = await outcome(submit(fields));
		if (error)
			setProblem(explain(error));
		setBusy(false);
	}
	/* Without a script the browser itself would send the form; by POST, the
	 * password at least stays out of the address. */
	return (
		<form method="post" onSubmit={send} aria-busy={busy}>
			{children}
			<p role="alert">{problem}</p>
			<button disabled={busy}>{action}</button>
		</form>
	);
}

export function Field({ id, label, hint, ...input }) {
	return (
		<div className="field">
			<label htmlFor={id}>{label}</label>
			<input id={id} name={id} required aria-describedby={hint && id + "-hint"} {...input} />
			{hint && <p id={id + "-hint"} className="hint">{hint}</p>}
		</div>
	);
}
