/* SPDX-License-Identifier: MIT */
#include "store/throttle_store.h"

#include "store/run.h"

/* Each round lets at least one contender through, and no more contend than
 * there are connections. */
#define ROUNDS 64

enum status store_throttle_read(struct store *store, struct span key,
				struct throttle_state *state_out)
{
	static const struct pg_statement read = {
		"throttle_read",
		"SELECT last_ms, failures FROM authbridge.throttle WHERE key = $1",
	};
	struct pg_args args = { 0 };
	pg_put_text(&args, key);
	CLEANUP(pg_rows_free) struct pg_result *rows = NULL;
	TRY(run_read(store, &read, &args, &rows));
	*state_out = (struct throttle_state){ 0 };
	if (pg_count(rows) > 0)
		*state_out = (struct throttle_state){
			.last_ms = pg_int(rows, 0, 0),
			.failures = (unsigned)pg_int(rows, 0, 1),
		};
	return STATUS_OK;
}

/* Replaces `before` by `after` under the row's lock, if it still is `before`.
 * What a crash of the server loses is a moment's count: no wait for the disk. */
static enum status replace(struct store *store, struct span key,
			   const struct throttle_state *before, const struct throttle_state *after,
			   size_t *replaced_out)
{
	static const struct pg_statement swap = {
		"throttle_swap",
		"INSERT INTO authbridge.throttle AS t (key, last_ms, failures)"
		" SELECT $1, $2, $3 FROM set_config('synchronous_commit', 'off', true)"
		" WHERE ($4 = 0 AND $5 = 0) OR EXISTS (SELECT FROM authbridge.throttle k"
		" WHERE k.key = $1) ON CONFLICT (key) DO UPDATE"
		" SET last_ms = excluded.last_ms, failures = excluded.failures"
		" WHERE t.last_ms = $4 AND t.failures = $5",
	};
	struct pg_args args = { 0 };
	pg_put_text(&args, key);
	pg_put_int(&args, after->last_ms);
	pg_put_int(&args, after->failures);
	pg_put_int(&args, before->last_ms);
	pg_put_int(&args, before->failures);
	return run_change(store, &swap, &args, replaced_out);
}

enum status store_throttle_take(struct store *store, struct span key, int64_t now_ms,
				int64_t *wait_ms_out)
{
	for (int round = 0; round < ROUNDS; round++) {
		struct throttle_state before;
		TRY(store_throttle_read(store, key, &before));
		int64_t wait_ms = throttle_wait_ms(&before, now_ms);
		size_t replaced = 0;
		if (wait_ms == 0) {
			struct throttle_state after = before;
			throttle_fail(&after, now_ms);
			TRY(replace(store, key, &before, &after, &replaced));
		}
		if (wait_ms > 0 || replaced == 1) {
			*wait_ms_out = wait_ms;
			return STATUS_OK;
		}
	}
	return STATUS_BUSY;
}

enum status store_throttle_forgive(struct store *store, struct span key)
{
	static const struct pg_statement forgive = {
		"throttle_forgive",
		"DELETE FROM authbridge.throttle"
		" USING set_config('synchronous_commit', 'off', true) WHERE key = $1",
	};
	struct pg_args args = { 0 };
	pg_put_text(&args, key);
	return run_write(store, &forgive, &args, NULL);
}
