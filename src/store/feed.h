/* SPDX-License-Identifier: MIT */
/*
 * feed: what this worker knows of ended sessions, and how old that knowledge
 * is. A thread of its own reads the revocation tables over a connection of its
 * own: at start whole, then the changes since the last read, at each NOTIFY and
 * at least four times within max_age. A NOTIFY only wakes it (any database
 * role can send one); the tables decide. Reading overlaps exactly: each row
 * carries its transaction id, and a read starts at the previous snapshot's
 * xmin, because commit order is not id order. After a reconnect everything is
 * read anew. While the triggers that fill the tables are missing or disabled
 * the feed is blind, and tokens from before their return stay refused. It is
 * blind, too, when its connection goes through a pooler, and while `requests`
 * lead to another database or server than its own connection.
 *
 * Knowledge is as old as the *start* of the last successful read.
 */
#ifndef STORE_FEED_H
#define STORE_FEED_H

#include "base/rng.h"
#include "base/span.h"
#include "base/status.h"
#include "store/store.h"

#include <stdint.h>

struct feed;

struct feed_options {
	const char *url;    /* a direct connection, never through a pooler */
	int64_t max_age_ms; /* revocation_max_age */
	int64_t connect_ms;
	const struct rng *rng;
	struct store *requests; /* outlives the feed; NULL: not compared */
	/* Called in the feed's thread after a read that saw another key
	 * generation (also after the first). False: it could not be followed;
	 * knowledge then ages until a later call succeeds. */
	bool (*keys_changed)(void *state, uint64_t generation);
	void *state;
};

/* Starts the thread; does not wait for the first read. */
MUST_CHECK enum status feed_start(const struct feed_options *options, struct feed **out);
/* Stops the thread within a second, once `requests` have been stopped. */
void feed_stop(struct feed **feed);

enum feed_state {
	FEED_BLIND = 0, /* never loaded, or older than max_age: memory says nothing */
	FEED_AGEING,    /* connection lost or silent, but younger than max_age */
	FEED_CURRENT,   /* connected and heard within max_age */
};

struct feed_answer {
	enum feed_state state;
	bool revoked; /* meaningful unless BLIND */
};

/* Is a token of this session (absent: names none), user and iat revoked?
 * `mono_ms` is the caller's monotonic now. Takes a read lock only. */
struct feed_answer feed_ask(struct feed *feed, struct span session_id, struct span user_id,
			    int64_t issued, int64_t mono_ms);

/* Makes the feed read soon, as a NOTIFY would. */
void feed_wake(struct feed *feed);

struct feed_stats {
	enum feed_state state;
	int64_t age_ms; /* -1: never loaded */
	uint64_t revocations, bytes, reads, reconnects;
};
void feed_read_stats(struct feed *feed, int64_t mono_ms, struct feed_stats *out);

#endif
