/* SPDX-License-Identifier: MIT */
import Link from "next/link";
import { useRouter } from "next/router";
import Credentials, { Field } from "../components/Credentials";
import Page from "../components/Page";
import { authClient } from "../lib/auth";

export default function SignIn() {
	const { query } = useRouter();
	return (
		<Page title="Sign in">
			<Credentials action="Sign in" submit={(fields) => authClient.signIn.email(fields)}>
				<Field id="email" label="E-mail" type="email" autoComplete="username" />
				<Field id="password" label="Password" type="password" autoComplete="current-password" />
			</Credentials>
			<p>New here? <Link href={{ pathname: "/sign-up", query }}>Sign up</Link></p>
		</Page>
	);
}
