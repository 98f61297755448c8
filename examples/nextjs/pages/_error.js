/* SPDX-License-Identifier: MIT */
import Page from "../components/Page";

export default function Failed() {
	return <Page title="Something went wrong"><p>Try again in a moment.</p></Page>;
}
