/* SPDX-License-Identifier: MIT */
import Page from "../components/Page";

export default function NotFound() {
	return <Page title="There is no such page"><p>The address may be mistyped.</p></Page>;
}
