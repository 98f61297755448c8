/* SPDX-License-Identifier: MIT */
import { useRouter } from "next/router";
import { useEffect } from "react";
import { authClient, explain } from "../lib/auth";
import { signInPath } from "../lib/return-to";

/*
 * Shows children(user, refetch) to whoever is signed in, and sends everyone
 * else to sign in and back. This is for convenience: what protects the data is
 * the gate, which judges every request of the page.
 */
export default function Guarded({ children }) {
	const { data, error, isPending, refetch } = authClient.useSession();
	const router = useRouter();
	const absent = router.isReady && !isPending && !data && !error;

	useEffect(() => {
		if (absent)
			router.replace(signInPath(router.asPath));
	}, [absent]);
	if (data && router.isReady)
		return children(data.user, refetch);
	if (error)
		return (
			<>
				<p role="alert">{explain(error)}</p>
				<button type="button" onClick={() => refetch()}>Try again</button>
			</>
		);
	return <p role="status">Loading …</p>;
}
