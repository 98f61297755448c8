/* SPDX-License-Identifier: MIT */
import Link from "next/link";
import { useRouter } from "next/router";
import Credentials, { Field } from "../components/Credentials";
import Page from "../components/Page";
import { authClient } from "../lib/auth";

export default function SignUp() {
	const { query } = useRouter();
	return (
		<Page title="Sign up">
			<Credentials action="Sign up" submit={(fields) => authClient.signUp.email(fields)}>
				<Field id="name" label="Name" autoComplete="name" />
				<Field id="email" label="E-mail" type="email" autoComplete="username" />
				<Field id="password" label="Password" type="password" autoComplete="new-password"
					minLength={8} maxLength={128} hint="At least 8 characters." />
			</Credentials>
			<p>Have an account? <Link href={{ pathname: "/sign-in", query }}>Sign in</Link></p>
		</Page>
	);
}
