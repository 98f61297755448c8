/* SPDX-License-Identifier: MIT */
/*
 * feed_read: one reading of the revocation tables, whole or of what changed
 * since a mark.
 *
 * A mark holds the xmin of the snapshot that a reading began with. Each row
 * has its transaction's id, and a transaction that this reading did not see
 * has an id of at least that xmin; so the next reading, which starts there,
 * misses nothing, whatever the order of commits. It may see rows again.
 */
#ifndef STORE_FEED_READ_H
#define STORE_FEED_READ_H

#include "base/span.h"
#include "base/status.h"
#include "model/revocation.h"
#include "store/pg.h"

#include <stdint.h>

struct feed_mark {
	char xmin[24];         /* xid8 in decimal */
	int64_t now_ms;        /* the database's clock at that snapshot */
	uint64_t keys, reload; /* authbridge.generation */
	bool armed;            /* the triggers are there and fire always */
};

/* Everything is after this one. */
#define FEED_MARK_START                            \
	{                                          \
		.xmin = "0", .now_ms = PG_FIRST_MS \
	}

struct feed_row {
	enum { FEED_SESSION, FEED_CUT_OFF, FEED_DISABLED } kind;
	struct span id; /* of the session or user; valid during the call */
	int64_t not_before, until;
};

/* Takes 1 to FEED_ROWS rows: what a lock may be held for once. */
#define FEED_ROWS 64
typedef enum status feed_take(void *state, const struct feed_row *rows, size_t count);

/* Gives all rows after *mark to `take`, stopping at its first failure, and
 * moves *mark. On failure *mark is as it was; some rows may have been given. */
MUST_CHECK enum status feed_read(struct pg *pg, struct feed_mark *mark, feed_take *take,
				 void *state);

/* All cut-offs and disabled users there are, but no sessions. */
MUST_CHECK enum status feed_read_cut_offs(struct pg *pg, feed_take *take, void *state);

MUST_CHECK enum status feed_rows_apply(struct revocation_set *set, const struct feed_row *rows,
				       size_t count);

#endif
