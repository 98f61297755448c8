/* SPDX-License-Identifier: MIT */
import { useRouter } from "next/router";
import { useEffect, useState } from "react";
import { Say } from "../components/Page";
import "../styles.css";

export default function App({ Component, pageProps }) {
	const [said, say] = useState("");
	const { events } = useRouter();

	useEffect(() => {
		const leave = (_, { shallow }) => shallow || say("");
		/* Whoever came by a link begins at the new page's heading. */
		const arrive = (_, { shallow }) => shallow || document.querySelector("h1")?.focus();
		/* A page out of the browser's memory does not know who is here now. */
		const restore = ({ persisted }) => persisted && window.location.reload();

		events.on("routeChangeStart", leave);
		events.on("routeChangeComplete", arrive);
		window.addEventListener("pageshow", restore);
		return () => {
			events.off("routeChangeStart", leave);
			events.off("routeChangeComplete", arrive);
			window.removeEventListener("pageshow", restore);
		};
	}, [events]);
	return (
		<Say.Provider value={say}>
			<Component {...pageProps} />
			<p id="said" role="status">{said}</p>
		</Say.Provider>
	);
}
