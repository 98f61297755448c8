/* SPDX-License-Identifier: MIT */
/*
 * url: as much of the WHATWG URL standard as origins need, because a browser
 * reads an URL that way: what we take for trusted must be where it goes. Host
 * names are ASCII only; one that a browser would map from other letters is
 * refused, never mapped. Pure; results live in `mem`.
 */
#ifndef HTTP_URL_H
#define HTTP_URL_H

#include "base/arena.h"
#include "base/span.h"

/* An absolute URL of a scheme that has origins: http, https, ws, wss, ftp. */
struct url {
	struct span origin; /* scheme://host[:port], the default port dropped */
	struct span scheme; /* lower case */
	struct span host;   /* lower case, with its port if not the default one */
	bool ipv4;          /* the host is an IPv4 address, in whatever spelling */
};

/* False: not absolute, another scheme, or not a URL. User information, path,
 * query and fragment are passed over. */
bool url_parse(struct arena *mem, struct span text, struct url *out);

/* A copy in ASCII lower case. */
struct span url_lower(struct arena *mem, struct span text);

/* Without control bytes and spaces at both ends, and without any TAB, LF, CR. */
struct span url_clean(struct arena *mem, struct span text);

/* The scheme of a cleaned URL in lower case, and what follows its colon. */
bool url_split_scheme(struct arena *mem, struct span text, struct span *scheme_out,
		      struct span *rest_out);

#endif
