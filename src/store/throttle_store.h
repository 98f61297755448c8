/* SPDX-License-Identifier: MIT */
/* throttle_store: the guessing throttle, shared by all workers and hosts; part
 * of store.h's promise and rules. */
#ifndef STORE_THROTTLE_STORE_H
#define STORE_THROTTLE_STORE_H

#include "model/throttle.h"
#include "store/store.h"

/* Keys are opaque text (an account, a device). Reading never fails open: an
 * error is the caller's 503. Missing rows read as zero. */
MUST_CHECK enum status store_throttle_read(struct store *store, struct span key,
					   struct throttle_state *state_out);
/* Counts one more try under a row lock: judges throttle_wait_ms on the stored
 * state; when 0, stores throttle_fail of it (a try counts as a failure until
 * forgiven). *wait_ms_out > 0: not counted, wait. */
MUST_CHECK enum status store_throttle_take(struct store *store, struct span key, int64_t now_ms,
					   int64_t *wait_ms_out);
/* After a success. */
MUST_CHECK enum status store_throttle_forgive(struct store *store, struct span key);

#endif
