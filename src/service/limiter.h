/* SPDX-License-Identifier: MIT */
/*
 * limiter: the contract's per-address request windows, counted across threads
 * and workers in shared memory of fixed size. When a set of the table is full
 * the entry that was idle longest is forgotten.
 */
#ifndef SERVICE_LIMITER_H
#define SERVICE_LIMITER_H

#include "base/rng.h"
#include "base/span.h"
#include "base/status.h"

#include <stdint.h>

struct limiter;

/* In the parent, before workers. STATUS_NO_MEMORY. */
MUST_CHECK enum status limiter_create(const struct rng *rng, struct limiter **out);
void limiter_destroy(struct limiter **limiter);

/* `address` is an address_key, `path` the part below the base path. 0:
 * allowed and counted; else milliseconds to wait. */
int64_t limiter_check(struct limiter *limiter, struct span address, struct span path,
		      int64_t now_ms);

#endif
