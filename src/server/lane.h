/* SPDX-License-Identifier: MIT */
/*
 * lane: a bounded queue between the threads that read requests and those that
 * may wait. Thread-safe.
 */
#ifndef SERVER_LANE_H
#define SERVER_LANE_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* First member of what is queued. */
struct lane_job {
	struct lane_job *next;
	int64_t since_ms;
};

struct lane;
struct lane *lane_new(size_t waiting_max) __attribute__((returns_nonnull));
void lane_free(struct lane **lane); /* empty, and nobody inside */

/* False at once when the queue is full or the lane is stopped. */
MUST_CHECK bool lane_push(struct lane *lane, struct lane_job *job, int64_t now_ms);

/* The oldest job, waiting for one. NULL: stopped and empty. Every job taken is
 * given back with lane_done. */
struct lane_job *lane_take(struct lane *lane);
void lane_done(struct lane *lane);

/* The oldest job if it was pushed before `before_ms`, else NULL. */
struct lane_job *lane_expire(struct lane *lane, int64_t before_ms);

void lane_stop(struct lane *lane);

size_t lane_waiting(struct lane *lane);
size_t lane_running(struct lane *lane);

#endif
