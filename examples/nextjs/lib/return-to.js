/* SPDX-License-Identifier: MIT */

const HERE = "http://here.invalid";

/*
 * The page to show after a sign-in: the path asked for if it is one of this
 * site, else the task list. It comes from the address bar, so that anyone can
 * have written it into a link: whatever a browser could take for another
 * origin is refused, before and after its dots are resolved.
 */
export function returnTo(asked) {
	const home = "/tasks";
	if (typeof asked !== "string" || !/^\/[^/\\]/.test(asked) ||
	    /[\\\u0000-\u0020\u007f]|%2f|%5c/i.test(asked.split(/[?#]/, 1)[0]))
		return home;
	try {
		const url = new URL(asked, HERE);
		if (url.origin !== HERE || url.pathname.startsWith("//") ||
		    /^\/sign-(in|up)\b/.test(url.pathname))
			return home;
		return url.pathname + url.search + url.hash;
	} catch {
		return home;
	}
}

export function signInPath(asked) {
	return "/sign-in?next=" + encodeURIComponent(asked);
}
