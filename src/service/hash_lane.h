/* SPDX-License-Identifier: MIT */
/*
 * hash_lane: how many password hashes run at once in the whole service, and
 * how many may wait. Lives in memory shared by all workers; what a killed
 * worker held comes back by itself (robust mutexes) or through reap.
 *
 * A request takes a ticket before it is queued (bounded by concurrency +
 * queue), and a slot (bounded by concurrency) for each hash itself.
 */
#ifndef SERVICE_HASH_LANE_H
#define SERVICE_HASH_LANE_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HASH_LANE_SLOTS_MAX 256
#define HASH_LANE_WORKERS_MAX 256

struct hash_lane;

/* In the parent, before workers. STATUS_NO_MEMORY. */
MUST_CHECK enum status hash_lane_create(size_t concurrency, size_t queue, struct hash_lane **out);
void hash_lane_destroy(struct hash_lane **lane);

/* False at once when concurrency + queue tickets are out. */
bool hash_lane_enter(struct hash_lane *lane, size_t worker);
void hash_lane_leave(struct hash_lane *lane, size_t worker);

/* Waits for a slot until `wait_ms` have passed: STATUS_BUSY then. */
MUST_CHECK enum status hash_lane_acquire(struct hash_lane *lane, int64_t wait_ms, size_t *slot_out);
void hash_lane_release(struct hash_lane *lane, size_t slot);

/* In the parent: worker `worker` is gone, its tickets are void. */
void hash_lane_reap(struct hash_lane *lane, size_t worker);

struct hash_lane_stats {
	size_t tickets, running;
};
void hash_lane_read_stats(struct hash_lane *lane, struct hash_lane_stats *out);

#endif
