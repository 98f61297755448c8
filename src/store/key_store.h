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

/* Inserts `row` unless a key of its alg exists that signs beyond
 * row->created_ms (first wins, also among hosts): STATUS_CONFLICT. With
 * `max_age_ms`, which 0 turns off, no key signs longer than that, and those of
 * its alg that would sign beside the new one expire when its time begins. */
MUST_CHECK enum status store_insert_signer(struct store *store, const struct key_row *row,
					   int64_t max_age_ms);

#endif
