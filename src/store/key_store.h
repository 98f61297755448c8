/* SPDX-License-Identifier: MIT */
/* key_store: the rows of "jwks"; part of store.h's promise and rules. */
#ifndef STORE_KEY_STORE_H
#define STORE_KEY_STORE_H

#include "model/key_row.h"
#include "store/store.h"

MUST_CHECK enum status store_keys(struct store *store, struct arena *mem, struct key_row **rows_out,
				  size_t *count_out);

/* The gate's question when the feed cannot be trusted: was this key not removed?
 * STATUS_NOT_FOUND: it was. */
MUST_CHECK enum status store_key_is_there(struct store *store, struct span kid);

/* Inserts `row` unless a live key of its alg exists already (first wins, also
 * among hosts). STATUS_CONFLICT: one does. */
MUST_CHECK enum status store_insert_first_key(struct store *store, const struct key_row *row,
					      int64_t now_ms);

#endif
