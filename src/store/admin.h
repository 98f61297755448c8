/* SPDX-License-Identifier: MIT */
/*
 * admin: what an administrator does to keys, sessions and tokens, on top of
 * store.h. Needs the rights of the tables' owner; a role without them gets
 * STATUS_DENIED. The triggers tell every worker.
 */
#ifndef STORE_ADMIN_H
#define STORE_ADMIN_H

#include "store/key_store.h"
#include "store/store.h"

/* --- keys --- */

/* Inserts `row`; it signs from the next read of the workers on, being newest. */
MUST_CHECK enum status admin_insert_key(struct store *store, const struct key_row *row);

/* Ends the key's time to sign; it goes on verifying for 30 days.
 * STATUS_NOT_FOUND: no such key, or retired before. */
MUST_CHECK enum status admin_retire_key(struct store *store, struct span kid, int64_t now_ms);

/* The key is gone, with every token it signed. STATUS_NOT_FOUND. */
MUST_CHECK enum status admin_remove_key(struct store *store, struct span kid);

/* --- sessions --- */

struct session_row {
	struct session session; /* its token stays absent: it is a secret */
	struct span email;
};

/* Live sessions, newest first, of one user (id or address) or of all, at most
 * `limit`. */
MUST_CHECK enum status admin_sessions(struct store *store, struct arena *mem, struct span user,
				      size_t limit, struct session_row **rows_out,
				      size_t *count_out);

/* Ends one session by its id / all sessions of a user (id or address), and
 * says how many. */
MUST_CHECK enum status admin_end_session(struct store *store, struct span id, size_t *ended_out);
MUST_CHECK enum status admin_end_sessions_of(struct store *store, struct span user,
					     size_t *ended_out);

/* No token of `user_id` (empty: of anybody) issued before `not_before_ms`. A
 * cut-off only moves forward. */
MUST_CHECK enum status admin_cut_off(struct store *store, struct span user_id,
				     int64_t not_before_ms);

/* --- users: by id or address; each act leaves a line in authbridge.audit --- */

struct user_row {
	struct user user;
	int64_t sessions; /* live ones */
	bool disabled;
};

/* Newest first, whose id is `pattern` or whose address contains it (absent:
 * all), at most `limit`. */
MUST_CHECK enum status admin_users(struct store *store, struct arena *mem, struct span pattern,
				   size_t limit, struct user_row **rows_out, size_t *count_out);

/* The one with that id or address, and the stored password of its credential
 * account (absent: none). STATUS_NOT_FOUND. */
MUST_CHECK enum status admin_user(struct store *store, struct arena *mem, struct span user,
				  struct user_row *row_out, struct span *hash_out);

/* Sign-in is refused, sessions end, tokens die; until enabled again.
 * STATUS_NOT_FOUND, as for all that follow. */
MUST_CHECK enum status admin_disable_user(struct store *store, struct span user);
MUST_CHECK enum status admin_enable_user(struct store *store, struct span user);
MUST_CHECK enum status admin_delete_user(struct store *store, struct span user);
/* Tokens issued until now are refused; sessions stay, and get new ones. */
MUST_CHECK enum status admin_revoke_user(struct store *store, struct span user);

#endif
