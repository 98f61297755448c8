/* SPDX-License-Identifier: MIT */
/*
 * http: CGI parameters and body to a request, a reply to bytes, and the small
 * texts of HTTP: cookies, forms, origins, error bodies. Pure: no I/O, no
 * policy. Includes base alone.
 *
 * request: one finished request. Made once from the FastCGI parameters; spans
 * borrow from them or live in the request's arena.
 */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include "base/arena.h"
#include "base/span.h"
#include "base/status.h"

#include <stdint.h>

/* What is asked of us, decided from the FastCGI role and AUTHBRIDGE_MODE
 * alone; both come from the web server and a client can set neither. The role
 * AUTHORIZER wins over any word, since its every 200 opens something. */
enum request_mode {
	REQUEST_NONE = 0, /* an unknown or contradicted AUTHBRIDGE_MODE: answered 500 */
	REQUEST_RESPOND,
	REQUEST_AUTHORIZE, /* role AUTHORIZER, or AUTHBRIDGE_MODE=authorize */
	REQUEST_METRICS,   /* AUTHBRIDGE_MODE=metrics */
	REQUEST_READY,     /* AUTHBRIDGE_MODE=ready */
	REQUEST_LIVE,      /* AUTHBRIDGE_MODE=live */
};

/* A header that must have one value: `repeated` when it came twice (lighttpd
 * folds `_` and `-`, so a repetition can be an attack). */
struct request_field {
	struct span value; /* absent when not sent; the first one when repeated */
	bool repeated;
};

struct request {
	struct arena *mem;
	enum request_mode mode;
	int64_t whole_us;        /* monotonic; set by the server, as `local` */
	bool local;              /* came over a unix socket */
	struct span method;      /* as sent, case kept */
	struct span target;      /* raw REQUEST_URI */
	struct span path, query; /* target cut at its first '?'; query absent without one */
	struct request_field redirect_uri; /* lighttpd's normalised target, when it sends one */
	struct request_field authorization, cookie, origin, referer, content_type;
	struct request_field user_agent, forwarded_for;
	struct request_field fetch_site, fetch_mode, fetch_dest;
	struct span remote_addr; /* of the socket's peer as the web server says */
	struct span body;        /* absent when none was declared; may hold NUL */
	bool body_too_large;     /* declared over the limit: answer 413, body is absent */
};

/* At most this many bytes of body are read; a declared larger one is 413. */
#define REQUEST_BODY_MAX 65536

/* How a body was declared, from CONTENT_LENGTH: absent or empty is 0. Two
 * values that differ, a signed or a non-decimal one are STATUS_INVALID; an
 * empty one beside another says nothing (nginx sends that). A number beyond
 * size_t is SIZE_MAX. In authorize mode nothing is read whatever it says. */
MUST_CHECK enum status request_body_length(const char *const *params, size_t *length_out);

/* `params` are "NAME=value" texts, NULL at the end, borrowed for the life of
 * the request. `authorizer` is the FastCGI role. STATUS_INVALID: no method or
 * no target, two that differ, or a body that is not as long as declared; the
 * caller answers 400 (authorize mode: 403). No allocation. */
MUST_CHECK enum status request_parse(struct arena *mem, const char *const *params, bool authorizer,
				     struct span body, struct request *request_out);

/* The mode alone, for choosing a lane before the body is read. */
enum request_mode request_mode_of(const char *const *params, bool authorizer);

/* First value of a query parameter, percent-decoded ('+' is a space). */
bool request_query(const struct request *request, const char *name, struct span *value_out);

#endif
