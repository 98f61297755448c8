/* SPDX-License-Identifier: MIT */
/*
 * fake: link-time doubles of store.h and feed.h that keep everything in
 * memory, with switches that a test turns. One store and one feed at a time;
 * thread-safe. The contract tests run the same cases on the fake store and on
 * PostgreSQL.
 */
#ifndef FAKE_FAKE_H
#define FAKE_FAKE_H

#include "base/span.h"
#include "base/status.h"
#include "model/key_row.h"
#include "store/audit_store.h"
#include "store/feed.h"
#include "store/store.h"

/* The `count` operations after the next `after` ones answer `status` and do
 * nothing. 0 turns it off. */
void fake_store_fail(enum status status, unsigned after, unsigned count);
/* Operations begun since store_open, refused ones too. */
unsigned fake_store_calls(void);

/* What an administrator or another server would do behind the service. */
void fake_store_disable(struct span user_id, bool disabled);
void fake_store_cut_off(struct span user_id, int64_t not_before);
void fake_store_add_key(const struct key_row *row);
/* Makes the schema check fail with this reason; NULL: well again. */
void fake_store_schema(const char *why);
/* The user's credential account goes, the user stays. */
void fake_store_drop_credential(struct span user_id);
/* The audit trail alone cannot be written; what was written to it so far. */
void fake_store_audit_away(bool away);
size_t fake_store_audited(const struct audit_line **lines_out);
size_t fake_store_users(void);
size_t fake_store_live_sessions(void);

/* The feed is CURRENT from feed_start on. Sessions that end in the fake store
 * are revoked in it at once, unless it is deaf. */
void fake_feed_set(enum feed_state state);
void fake_feed_deaf(bool deaf);
void fake_feed_revoke(struct span session_id);
void fake_feed_cut_off(struct span user_id, int64_t not_before);
/* Calls keys_changed. */
void fake_feed_new_keys(uint64_t generation);
unsigned fake_feed_wakes(void);

/* Called by the fake store. */
void fake_feed_heard(struct span session_id);

#endif
