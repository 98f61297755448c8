/* SPDX-License-Identifier: MIT */
/* sessions: reading, sliding, ending, and the JWT of a session. */
#ifndef SERVICE_SESSIONS_H
#define SERVICE_SESSIONS_H

#include "base/arena.h"
#include "base/span.h"
#include "base/status.h"
#include "crypto/keyring.h"
#include "model/session.h"
#include "model/user.h"

struct service;

/* Where a request comes from. */
struct client {
	struct span address;    /* address_key form, "" when unknown */
	struct span user_agent; /* "" when unknown */
};

struct session_view {
	struct user user;
	struct session session;
	bool slid; /* its expiry was moved just now */
};

/* A fresh session of `user_id` (ids from the service's rng), not stored yet. */
void sessions_make(struct service *service, struct arena *mem, struct span user_id, bool remember,
		   const struct client *client, int64_t now_ms, struct session *out);

/* The live session of a token; slides it when it is due and `may_slide`. An
 * expired row is deleted. STATUS_NOT_FOUND: no live one. */
MUST_CHECK enum status sessions_read(struct service *service, struct arena *mem, struct span token,
				     bool may_slide, int64_t now_ms, struct session_view *out);

/* The session's JWT. STATUS_UNAVAILABLE: no key to sign with. */
MUST_CHECK enum status sessions_jwt(struct service *service, struct keyring **held,
				    struct arena *mem, const struct session_view *view,
				    int64_t now_ms, struct span *jwt_out);

#endif
