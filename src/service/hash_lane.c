/* SPDX-License-Identifier: MIT */
#include "service/hash_lane.h"

#include "base/clock.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* A waiter looks again this often even if no release wakes it: the holder may
 * have been killed. */
#define LOOK_AGAIN_MS 50

struct hash_lane {
	size_t concurrency, queue;
	pthread_mutex_t tickets_lock; /* guards tickets */
	uint32_t tickets[HASH_LANE_WORKERS_MAX];
	_Atomic uint32_t releases; /* futex word: grows at each release */
	_Atomic uint32_t waiters;
	pthread_mutex_t slots[HASH_LANE_SLOTS_MAX];
};

static void shared_mutex(pthread_mutex_t *mutex)
{
	pthread_mutexattr_t attr;
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(mutex, &attr);
	pthread_mutexattr_destroy(&attr);
}

enum status hash_lane_create(size_t concurrency, size_t queue, struct hash_lane **out)
{
	struct hash_lane *lane = mmap(NULL, sizeof(*lane), PROT_READ | PROT_WRITE,
				      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (lane == MAP_FAILED)
		return STATUS_NO_MEMORY;
	if (concurrency > HASH_LANE_SLOTS_MAX)
		concurrency = HASH_LANE_SLOTS_MAX;
	lane->concurrency = concurrency;
	lane->queue = queue;
	shared_mutex(&lane->tickets_lock);
	for (size_t i = 0; i < concurrency; i++)
		shared_mutex(&lane->slots[i]);
	*out = lane;
	return STATUS_OK;
}

void hash_lane_destroy(struct hash_lane **lane)
{
	if (*lane != NULL)
		munmap(*lane, sizeof(**lane));
	*lane = NULL;
}

/* True when `result` means the mutex is ours; a dead owner's is mended. */
static bool is_ours(pthread_mutex_t *mutex, int result)
{
	if (result == EOWNERDEAD)
		return pthread_mutex_consistent(mutex) == 0;
	return result == 0;
}

static bool lock_tickets(struct hash_lane *lane)
{
	return is_ours(&lane->tickets_lock, pthread_mutex_lock(&lane->tickets_lock));
}

static size_t tickets_out(const struct hash_lane *lane)
{
	size_t sum = 0;
	for (size_t i = 0; i < HASH_LANE_WORKERS_MAX; i++)
		sum += lane->tickets[i];
	return sum;
}

bool hash_lane_enter(struct hash_lane *lane, size_t worker)
{
	if (!lock_tickets(lane))
		return false;
	bool free_ticket = tickets_out(lane) < lane->concurrency + lane->queue;
	if (free_ticket)
		lane->tickets[worker % HASH_LANE_WORKERS_MAX]++;
	pthread_mutex_unlock(&lane->tickets_lock);
	return free_ticket;
}

void hash_lane_leave(struct hash_lane *lane, size_t worker)
{
	if (!lock_tickets(lane))
		return;
	uint32_t *mine = &lane->tickets[worker % HASH_LANE_WORKERS_MAX];
	if (*mine > 0)
		(*mine)--;
	pthread_mutex_unlock(&lane->tickets_lock);
}

void hash_lane_reap(struct hash_lane *lane, size_t worker)
{
	if (!lock_tickets(lane))
		return;
	lane->tickets[worker % HASH_LANE_WORKERS_MAX] = 0;
	pthread_mutex_unlock(&lane->tickets_lock);
}

static bool take_free_slot(struct hash_lane *lane, size_t *slot_out)
{
	for (size_t i = 0; i < lane->concurrency; i++) {
		pthread_mutex_t *slot = &lane->slots[i];
		if (is_ours(slot, pthread_mutex_trylock(slot))) {
			*slot_out = i;
			return true;
		}
	}
	return false;
}

enum status hash_lane_acquire(struct hash_lane *lane, int64_t wait_ms, size_t *slot_out)
{
	int64_t deadline = clock_mono_ms() + wait_ms;
	const struct timespec look_again = { .tv_nsec = LOOK_AGAIN_MS * 1000000L };
	for (;;) {
		uint32_t seen = atomic_load(&lane->releases);
		if (take_free_slot(lane, slot_out))
			return STATUS_OK;
		if (clock_mono_ms() >= deadline)
			return STATUS_BUSY;
		atomic_fetch_add(&lane->waiters, 1);
		syscall(SYS_futex, &lane->releases, FUTEX_WAIT, seen, &look_again, NULL, 0);
		atomic_fetch_sub(&lane->waiters, 1);
	}
}

void hash_lane_release(struct hash_lane *lane, size_t slot)
{
	pthread_mutex_unlock(&lane->slots[slot]);
	atomic_fetch_add(&lane->releases, 1);
	if (atomic_load(&lane->waiters) > 0)
		syscall(SYS_futex, &lane->releases, FUTEX_WAKE, 1, NULL, NULL, 0);
}

void hash_lane_read_stats(struct hash_lane *lane, struct hash_lane_stats *out)
{
	*out = (struct hash_lane_stats){ 0 };
	if (lock_tickets(lane)) {
		out->tickets = tickets_out(lane);
		pthread_mutex_unlock(&lane->tickets_lock);
	}
	for (size_t i = 0; i < lane->concurrency; i++) {
		pthread_mutex_t *slot = &lane->slots[i];
		if (is_ours(slot, pthread_mutex_trylock(slot)))
			pthread_mutex_unlock(slot);
		else
			out->running++;
	}
}
