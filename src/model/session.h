/* SPDX-License-Identifier: MIT */
/* session: a row of "session" and the rules of its life. Pure. */
#ifndef MODEL_SESSION_H
#define MODEL_SESSION_H

#include "base/span.h"

#include <stdint.h>

#define SESSION_TOKEN_LEN 32

struct session {
	struct span id, token, user_id;
	struct span ip_address, user_agent; /* never absent: "" when unknown */
	int64_t expires_ms, created_ms, updated_ms;
};

/* How long sessions live, from the configuration; seconds. */
struct session_rules {
	int64_t ttl_s, update_age_s, fresh_age_s;
};

/* Expiry of a session that is not to be remembered: 24 hours. */
#define SESSION_SHORT_TTL_S 86400

/* expiresAt >= now. */
bool session_is_live(const struct session *s, int64_t now_ms);

/* Due for a slide: expiresAt - ttl + update_age <= now. */
bool session_is_due(const struct session *s, const struct session_rules *rules, int64_t now_ms);

/* Younger than fresh_age, counted from createdAt; fresh_age 0 is always fresh. */
bool session_is_fresh(const struct session *s, const struct session_rules *rules, int64_t now_ms);

#endif
