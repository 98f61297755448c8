/* SPDX-License-Identifier: MIT */
/* admin_trail: reading the audit trail and the guessing throttle; part of
 * admin.h's promise and rules. */
#ifndef STORE_ADMIN_TRAIL_H
#define STORE_ADMIN_TRAIL_H

#include "model/throttle.h"
#include "store/store.h"

/* --- audit --- */

struct trail_row {
	int64_t id, at_ms, times;
	struct span actor, event, user_id, address, reason, detail;
};

/* The last `limit` rows, oldest first. Rows are not committed in the order of
 * their ids. */
MUST_CHECK enum status admin_trail(struct store *store, struct arena *mem, size_t limit,
				   struct trail_row **rows_out, size_t *count_out);

/* How long rows are kept; the setter changes what is not 0, at least a day. */
struct trail_policy {
	int64_t keep_days, keep_refused_days;
};
MUST_CHECK enum status admin_trail_policy(struct store *store, const struct trail_policy *set,
					  struct trail_policy *out);

/* --- throttle --- */

struct throttle_row {
	struct span key; /* keyed: it says nothing of the account */
	struct throttle_state state;
};

/* Those of the `key_count` keys, or with 0 all, at most `limit`; newest first. */
MUST_CHECK enum status admin_throttle(struct store *store, struct arena *mem,
				      const struct span *keys, size_t key_count, size_t limit,
				      struct throttle_row **rows_out, size_t *count_out);

/* Forgets those keys, or with 0 all; how many there were. */
MUST_CHECK enum status admin_throttle_clear(struct store *store, const struct span *keys,
					    size_t key_count, struct span user_id,
					    size_t *cleared_out);

#endif
