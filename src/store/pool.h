/* SPDX-License-Identifier: MIT */
/*
 * pool: a bounded number of connections, leased to threads for one statement
 * or one short transaction.
 *
 * A lease has a deadline. While the database is known to be away every lease
 * fails at once; a thread of the pool tries to connect each second and the
 * first success opens the doors again. Nothing talks to the database, or waits
 * for it, while it holds the pool's lock. Thread-safe.
 */
#ifndef STORE_POOL_H
#define STORE_POOL_H

#include "store/pg.h"

#include <stddef.h>

struct pool;

struct pool_options {
	const char *url; /* copied */
	const char *name;
	bool prepared;
	size_t connections;
	int64_t connect_ms, lease_ms, call_ms;
};

/* Connects nothing yet. STATUS_INVALID: the URL. STATUS_INTERNAL: no thread. */
MUST_CHECK enum status pool_open(const struct pool_options *options, struct pool **out);
/* Ends every wait and refuses every lease, for a shutdown. */
void pool_stop(struct pool *pool);
/* No lease may be out. Returns within a moment, whatever the database does. */
void pool_close(struct pool **pool);

struct pool_lease {
	struct pool *pool;
	struct pg *pg;
	size_t slot;
	/* What a statement learned of the tables, kept with the connection. */
	int *trait;
};

/* STATUS_UNAVAILABLE: away, or no connection free in time. */
MUST_CHECK enum status pool_lease(struct pool *pool, struct pool_lease *out);
/* For CLEANUP; a broken or unfinished connection is closed. Safe on an empty
 * lease. */
void pool_release(struct pool_lease *lease);

struct pool_stats {
	uint64_t open, leased, timeouts, failures;
	bool away;
};
void pool_read_stats(struct pool *pool, struct pool_stats *out);

#endif
