/* SPDX-License-Identifier: MIT */
/*
 * cookie: reading the Cookie header and writing Set-Cookie, as the contract's
 * reference does. Signing is not done here (crypto/cookie_mac.h). Pure.
 */
#ifndef HTTP_COOKIE_H
#define HTTP_COOKIE_H

#include "base/arena.h"
#include "base/span.h"
#include "http/reply.h"

/* The value of the first cookie called `name`: split on ';', trimmed, first
 * '=' separates, surrounding double quotes dropped, percent-decoded when it
 * holds '%' (left alone when that fails). Nameless elements are skipped. */
bool cookie_find(struct arena *mem, struct span header, const char *name, struct span *value_out);

/* One attribute set, in the contract's order: Max-Age, Path=/, HttpOnly,
 * Secure, SameSite=Lax. */
struct cookie {
	const char *name;  /* whole, with any __Secure- prefix */
	struct span value; /* already percent-encoded */
	int64_t max_age_s; /* < 0: no Max-Age (a session cookie) */
	bool secure;
};

void cookie_set(struct reply *r, const struct cookie *cookie);

#endif
