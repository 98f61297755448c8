/* SPDX-License-Identifier: MIT */

const apiOrigin = process.env.NEXT_PUBLIC_API_ORIGIN ?? "";

/* Pages hold no inline script and no inline style, so none is allowed. */
const policy = [
	"default-src 'self'",
	"connect-src 'self' " + apiOrigin,
	"object-src 'none'",
	"base-uri 'none'",
	"form-action 'self'",
	"frame-ancestors 'none'",
].map((directive) => directive.trim()).join("; ");

const headers = [
	{ key: "Content-Security-Policy", value: policy },
	{ key: "X-Content-Type-Options", value: "nosniff" },
	{ key: "Referrer-Policy", value: "same-origin" },
];

export default {
	reactStrictMode: true,
	poweredByHeader: false,
	images: { unoptimized: true },
	headers: async () => [{ source: "/:path*", headers }],
};
