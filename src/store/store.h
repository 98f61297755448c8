/* SPDX-License-Identifier: MIT */
/*
 * store: facts, kept in PostgreSQL. The only layer that knows SQL. It returns
 * the model's types, never rows, and there is no function that takes a query.
 *
 * Every operation leases one connection for one statement (or one short
 * transaction), has a deadline, and fails with STATUS_UNAVAILABLE when no
 * connection can be had in time or the database is away: at once while the
 * database is known to be away (retried every second in the background).
 * Nothing is held between calls. Results live in `mem`. Thread-safe.
 *
 * Link-time seam: pg-backed here, in memory in tests/fake/store.c.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/arena.h"
#include "base/span.h"
#include "base/status.h"
#include "model/session.h"
#include "model/user.h"

#include <stdint.h>

struct store;

struct store_options {
	const char *url;                       /* libpq URI or keywords */
	bool prepared;                         /* false: behind a pooler that cannot keep them */
	size_t connections;                    /* at most this many */
	int64_t connect_ms, lease_ms, call_ms; /* deadlines of each step */
};

/* STATUS_INVALID: not a URI or keyword list of libpq. Opens nothing. */
MUST_CHECK enum status store_check_url(const char *url);

/* Opens nothing yet: the first lease connects. STATUS_INVALID: the URL is not
 * one (libpq's reason is logged without the password). */
MUST_CHECK enum status store_open(const struct store_options *options, struct store **out);
/* Ends every call under way and refuses later ones, for a shutdown: whoever
 * still calls comes back within a moment. NULL is fine. */
void store_stop(struct store *store);
void store_close(struct store **store);

/* The migration level and shape. STATUS_OK; STATUS_INVALID: a schema this
 * build does not know, `why` says which and the command that mends it;
 * STATUS_UNAVAILABLE. */
MUST_CHECK enum status store_check_schema(struct store *store, struct arena *mem, char **why_out);

/* One round trip; for readiness. */
MUST_CHECK enum status store_ping(struct store *store);

/* For metrics: connections open, leased, and waits that timed out. */
struct store_stats {
	uint64_t open, leased, timeouts, failures;
};
void store_read_stats(struct store *store, struct store_stats *out);

/* --- accounts --- */

/* User, credential account and first session in one statement.
 * STATUS_CONFLICT: the address is taken (the unique constraint decides).
 * STATUS_INVALID: a value cannot be stored (an embedded NUL). */
MUST_CHECK enum status store_sign_up(struct store *store, const struct user *user,
				     struct span account_id, struct span hash,
				     const struct session *session);

/* By lower-case address. A user without credential account has an absent
 * credential->account_id. STATUS_NOT_FOUND. */
MUST_CHECK enum status store_user_by_email(struct store *store, struct arena *mem,
					   struct span email, struct user *user_out,
					   struct credential *credential_out);

MUST_CHECK enum status store_credential(struct store *store, struct arena *mem, struct span user_id,
					struct credential *credential_out);

/* The session of a good sign-in, only if the account's hash still is
 * `verified` and the user is not disabled; the hash is replaced by `renewed`
 * unless that is absent. One statement. STATUS_CONFLICT: it no longer is. */
MUST_CHECK enum status store_sign_in(struct store *store, const struct session *session,
				     struct span account_id, struct span verified,
				     struct span renewed);

/* Compare-and-swap of the password. With `session` not NULL every session of
 * the user is ended and that one made. One transaction. STATUS_CONFLICT: the
 * hash is no longer `verified`. */
MUST_CHECK enum status store_change_password(struct store *store, struct span user_id,
					     struct span account_id, struct span verified,
					     struct span renewed, const struct session *session,
					     int64_t now_ms);

/* Changes name and image as flagged, sets updatedAt. STATUS_NOT_FOUND. */
struct user_change {
	bool name_set, image_set;
	struct span name, image; /* an absent image clears it */
};
MUST_CHECK enum status store_update_user(struct store *store, struct arena *mem,
					 struct span user_id, const struct user_change *change,
					 int64_t now_ms, struct user *user_out);

/* User, sessions, accounts. STATUS_NOT_FOUND. */
MUST_CHECK enum status store_delete_user(struct store *store, struct span user_id);

/* Rows of "account" of a user, for list-accounts. */
struct account_row {
	struct span id, account_id, provider_id, scope;
	int64_t created_ms, updated_ms;
};
MUST_CHECK enum status store_accounts(struct store *store, struct arena *mem, struct span user_id,
				      struct account_row **rows_out, size_t *count_out);

/* --- sessions --- */

/* The row and its user, live or not. STATUS_NOT_FOUND. */
MUST_CHECK enum status store_session_by_token(struct store *store, struct arena *mem,
					      struct span token, struct session *session_out,
					      struct user *user_out);

/* Moves expiry, only while the row exists and is live. STATUS_NOT_FOUND. */
MUST_CHECK enum status store_slide_session(struct store *store, struct span token,
					   int64_t expires_ms, int64_t now_ms);

/* Ends one session; STATUS_OK also when there was none. With `user_id` not
 * absent, only if it is that user's. */
MUST_CHECK enum status store_end_session(struct store *store, struct span token,
					 struct span user_id);

/* Ends all of a user's sessions but `except` (absent: all). */
MUST_CHECK enum status store_end_sessions(struct store *store, struct span user_id,
					  struct span except);

/* Live sessions, at most 100. */
MUST_CHECK enum status store_sessions(struct store *store, struct arena *mem, struct span user_id,
				      int64_t now_ms, struct session **rows_out, size_t *count_out);

/* The gate's question when the feed cannot be trusted: is this session (absent:
 * only cut-offs count) of this user alive, and no cut-off after `issued`?
 * STATUS_NOT_FOUND: no. */
MUST_CHECK enum status store_token_is_live(struct store *store, struct span session_id,
					   struct span user_id, int64_t issued, int64_t now);

/* --- upkeep --- */

/* Deletes what nothing needs any more: old revocations, expired sessions,
 * decayed throttle rows, what the audit policy lets go. Bounded per call. */
MUST_CHECK enum status store_tidy(struct store *store, int64_t now_ms);

#endif
