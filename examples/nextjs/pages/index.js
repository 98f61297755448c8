/* SPDX-License-Identifier: MIT */
import Link from "next/link";
import Page from "../components/Page";

export default function Home() {
	return (
		<Page title="A task list">
			<p>
				Sign up with any e-mail address and keep a list of tasks. Nobody else can
				read it: the web server asks at a gate before it lets a request pass.
			</p>
			<p><Link href="/tasks">Go to your tasks</Link></p>
		</Page>
	);
}
