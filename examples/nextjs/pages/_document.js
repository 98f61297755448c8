/* SPDX-License-Identifier: MIT */
import { Head, Html, Main, NextScript } from "next/document";

export default function Document() {
	return (
		<Html lang="en">
			<Head>
				<link rel="icon" href="/icon.svg" type="image/svg+xml" />
				<meta name="color-scheme" content="light dark" />
			</Head>
			<body>
				<Main />
				<noscript><p>These pages need JavaScript.</p></noscript>
				<NextScript />
			</body>
		</Html>
	);
}
