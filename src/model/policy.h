/* SPDX-License-Identifier: MIT */
/*
 * policy: the gate's route rules, and the verdict on a principal, a method and
 * a path. Pure; a zeroed verdict denies.
 *
 *     route = METHODS PATTERN RULE        GET,POST or *
 *
 * Segments: literal, {user_id} (exactly one, a user id), * (exactly one), **
 * (any number, last; zero segments and an empty last one match too). Rules:
 * owner, user, deny. First match wins; nothing matching is deny.
 */
#ifndef MODEL_POLICY_H
#define MODEL_POLICY_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/span.h"
#include "base/status.h"

enum verdict { VERDICT_DENY = 0, VERDICT_ALLOW };

enum policy_rule { POLICY_DENY = 0, POLICY_OWNER, POLICY_USER };

struct policy; /* immutable once parsed; shared by threads; lives in its arena */

#define POLICY_DEFAULT_ROUTE "* /api/{user_id}/** owner"

/* Reads one route and appends it to *policy (NULL at first; made in `mem`).
 * STATUS_INVALID: `why` holds one sentence with the remedy. */
MUST_CHECK enum status policy_add(struct policy **policy, struct arena *mem, struct span route,
				  struct buf *why);

/* The rule for a method and a canonical path, and the {user_id} it matched
 * (absent when the pattern has none). A path that is not canonical, or no
 * match, is POLICY_DENY. An `owner` route without {user_id} cannot be added. */
enum policy_rule policy_match(const struct policy *policy, struct span method, struct span path,
			      struct span *user_id_out);

/* The decision itself: `subject` is the verified token's, absent without one. */
enum verdict policy_judge(enum policy_rule rule, struct span user_id, struct span subject);

#endif
