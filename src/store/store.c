/* SPDX-License-Identifier: MIT */
#include "store/store.h"

#include "store/run.h"

#include <stdlib.h>

enum status store_check_url(const char *url)
{
	return pg_check_url(url);
}

enum status store_open(const struct store_options *options, struct store **out)
{
	struct pool_options pool = {
		.url = options->url,
		.name = "authbridge",
		.prepared = options->prepared,
		.connections = options->connections,
		.connect_ms = options->connect_ms,
		.lease_ms = options->lease_ms,
		.call_ms = options->call_ms,
	};
	struct store *store = calloc(1, sizeof(*store));
	if (store == NULL)
		return STATUS_NO_MEMORY;
	enum status status = pool_open(&pool, &store->pool);
	if (status != STATUS_OK) {
		free(store);
		return status;
	}
	*out = store;
	return STATUS_OK;
}

void store_stop(struct store *store)
{
	if (store != NULL)
		pool_stop(store->pool);
}

void store_close(struct store **store)
{
	if (*store == NULL)
		return;
	pool_close(&(*store)->pool);
	free(*store);
	*store = NULL;
}

enum status store_ping(struct store *store)
{
	static const struct pg_statement ping = { "ping", "SELECT 1" };
	return run_read(store, &ping, NULL, NULL);
}

void store_read_stats(struct store *store, struct store_stats *out)
{
	struct pool_stats pool;
	pool_read_stats(store->pool, &pool);
	*out = (struct store_stats){
		.open = pool.open,
		.leased = pool.leased,
		.timeouts = pool.timeouts,
		.failures = pool.failures,
	};
}

/* Short statements, so that nobody waits long for a row. */
#define TIDY_BATCH 1000
#define TIDY_ROUNDS 50

static enum status tidy_rounds(struct store *store, const struct pg_statement *statement)
{
	struct pg_args args = { 0 };
	pg_put_int(&args, TIDY_BATCH);
	for (int round = 0; round < TIDY_ROUNDS; round++) {
		CLEANUP(pg_rows_free) struct pg_result *rows = NULL;
		TRY(run_write(store, statement, &args, &rows));
		if (pg_int(rows, 0, 0) < TIDY_BATCH)
			break;
	}
	return STATUS_OK;
}

enum status store_tidy(struct store *store, int64_t now_ms)
{
	static const struct pg_statement tidy = {
		"tidy",
		"SELECT authbridge.tidy($1::integer) FROM"
		" set_config('synchronous_commit', 'off', true)",
	};
	static const struct pg_statement tidy_audit = {
		"tidy_audit",
		"SELECT authbridge.tidy_audit($1::integer) FROM"
		" set_config('synchronous_commit', 'off', true)",
	};
	(void)now_ms; /* the database's own clock decides: it made the times */
	TRY(tidy_rounds(store, &tidy));
	return tidy_rounds(store, &tidy_audit);
}
