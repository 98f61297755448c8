/* SPDX-License-Identifier: MIT */
/*
 * exchange: one request to the responder on its way to a reply, and the parts
 * that every endpoint shares: body and schema, origin checks, cookies, the
 * session behind them. The order of checks is the contract's and stands in
 * responder.c.
 *
 * Functions that return bool have written the whole refusal when they return
 * false.
 */
#ifndef ROLE_EXCHANGE_H
#define ROLE_EXCHANGE_H

#include "base/jdoc.h"
#include "http/error.h"
#include "role/app.h"
#include "service/audit.h"
#include "service/sessions.h"

struct exchange;

struct field {
	const char *name;
	enum jdoc_type type;
	enum { FIELD_REQUIRED, FIELD_OPTIONAL } need;
	enum { FIELD_ANY, FIELD_EMAIL, FIELD_NOT_EMPTY } form;
	size_t max; /* bytes; 0: as the body */
};

enum route_flags {
	ROUTE_FORM = 1,         /* takes form bodies too */
	ROUTE_LOGIN = 2,        /* second origin check */
	ROUTE_SESSION = 4,      /* 401 without a live session */
	ROUTE_FRESH = 8,        /* 403 when the session is not fresh */
	ROUTE_BODY = 16,        /* the body is required to be an object */
	ROUTE_RECORD = 32,      /* a non-object body yields a second issue */
	ROUTE_PASSWORD = 64,    /* hashes: password lane */
	ROUTE_OFFLINE = 128,    /* needs no database */
	ROUTE_MAYBE_BODY = 256, /* a body may be absent, else it is an object */
};

struct route {
	const char *method, *path;
	unsigned flags;
	const struct field *fields; /* name NULL ends; NULL: none */
	void (*handle)(struct exchange *x);
};

struct exchange {
	struct app *app;
	struct service *service;
	struct gate_local *local;
	struct request *request;
	struct reply *reply;
	struct arena *mem;
	const struct route *route;
	int64_t now_ms;
	struct span address;      /* of the client, "" when unknown */
	struct jdoc *body;        /* NULL when absent */
	struct span token;        /* proven session token; absent: none was sent */
	bool remember_off;        /* a signed dont_remember cookie came along */
	struct session_view view; /* with ROUTE_SESSION, or after exchange_session */
	struct span auth_token;   /* of the session cookie that was set last; absent: none */
	bool expose_jwt;
};

/* --- exchange_body.c --- */
bool exchange_read_body(struct exchange *x);
bool exchange_check_schema(struct exchange *x);
/* Of the checked body; absent span / the default when not sent. */
struct span exchange_text(const struct exchange *x, const char *name);
bool exchange_flag(const struct exchange *x, const char *name, bool otherwise);

/* --- exchange_origin.c --- */
bool exchange_check_origin(struct exchange *x);
bool exchange_check_redirects(struct exchange *x);
bool exchange_check_login_origin(struct exchange *x);

/* --- exchange_session.c --- */
/* Finds the proven session token: bearer, else cookie. Never refuses. */
void exchange_find_token(struct exchange *x);
/* The live session. STATUS_NOT_FOUND: none; when a good signature named no
 * live row the clearing cookies are already in the reply. */
MUST_CHECK enum status exchange_session(struct exchange *x, bool may_slide);
/* As above, but writes 401 / 503 itself. */
bool exchange_need_session(struct exchange *x);
bool exchange_need_fresh(struct exchange *x);
/* Sets the session cookie (and dont_remember). */
void exchange_set_session(struct exchange *x, const struct session *session, bool remember);
void exchange_clear_cookies(struct exchange *x);
/* A dont_remember cookie of an earlier sign-in must not stop this one sliding. */
void exchange_clear_stale_remember(struct exchange *x);
/* set-auth-jwt; on failure writes the refusal. */
bool exchange_set_jwt(struct exchange *x, const struct session_view *view);
/* set-auth-token for the cookie set last, and access-control-expose-headers.
 * Last of all headers. */
void exchange_expose(struct exchange *x);
/* The browser that just signed in gets an allowance of its own. */
void exchange_set_device(struct exchange *x, struct span user_id);
/* Reads it back for `email`'s sign-in: the device's name, absent: none. */
struct span exchange_device(const struct exchange *x);

struct client exchange_client(const struct exchange *x);

/* --- exchange_objects.c: the contract's objects --- */
void write_user(struct jdoc_writer *w, const char *name, const struct user *user);
void write_session(struct jdoc_writer *w, const char *name, const struct session *session);
void write_account(struct jdoc_writer *w, const struct account_row *account, struct span user_id);
/* {"status":true} */
void exchange_status_true(struct exchange *x);
/* Starts a JSON reply: {…} is then written through *w. */
void exchange_json(struct exchange *x, struct jdoc_writer *w);

/* The cache headers of get-session. */
void exchange_no_store(struct exchange *x);
/* Drops the headers set so far: cookies of a session that is gone. */
void exchange_restart(struct exchange *x);

/* Logs and audits what the user did (`reason` NULL) or was refused. An unknown
 * user is absent; never an address that was typed in. */
void exchange_tell(const struct exchange *x, enum audit_event event, struct span user_id,
		   const char *reason);

/* Refusals. */
void exchange_error(struct exchange *x, enum error error);
void exchange_failed(struct exchange *x, enum status status);
/* 429 with x-retry-after; `wait_ms` rounded up to seconds. */
void exchange_too_many(struct exchange *x, int64_t wait_ms);

#endif
