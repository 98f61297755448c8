/* SPDX-License-Identifier: MIT */
#include "service/hash_lane.h"

#include "base/clock.h"
#include "crypto/workarea.h"

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

/* A slot is passed on within a worker, with its work area, while the worker has
 * more to hash: for so long at most, and so many times in a row, that the other
 * workers come to their turn. Areas thus exist where slots are held. */
#define KEPT_MS 100
#define KEPT_IN_A_ROW 32

struct slot {
	pthread_mutex_t lock;
	uint32_t in_a_row; /* the holder's */
	_Atomic pid_t kept_for;
	_Atomic int64_t kept_until_ms;
};

struct hash_lane {
	size_t concurrency, queue;
	pthread_mutex_t tickets_lock; /* guards tickets */
	uint32_t tickets[HASH_LANE_WORKERS_MAX];
	_Atomic uint32_t releases; /* futex word: grows at each release */
	_Atomic uint32_t waiters;
	struct slot slots[HASH_LANE_SLOTS_MAX];
};

/* Threads of this process that wait for a slot. */
static _Atomic size_t waiting_here;

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
		shared_mutex(&lane->slots[i].lock);
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

/* Whom the slot is kept for; 0: for whoever comes. */
static pid_t kept_for(const struct slot *slot)
{
	pid_t pid = atomic_load(&slot->kept_for);
	return pid != 0 && clock_mono_ms() < atomic_load(&slot->kept_until_ms) ? pid : 0;
}

static bool take_slot_of(struct hash_lane *lane, pid_t pid, size_t *slot_out)
{
	for (size_t i = 0; i < lane->concurrency; i++) {
		struct slot *slot = &lane->slots[i];
		if (kept_for(slot) != pid ||
		    !is_ours(&slot->lock, pthread_mutex_trylock(&slot->lock)))
			continue;
		if (kept_for(slot) == pid) {
			if (pid == 0)
				slot->in_a_row = 0;
			atomic_store(&slot->kept_for, 0);
			*slot_out = i;
			return true;
		}
		pthread_mutex_unlock(&slot->lock);
	}
	return false;
}

static bool take_free_slot(struct hash_lane *lane, size_t *slot_out)
{
	return take_slot_of(lane, getpid(), slot_out) || take_slot_of(lane, 0, slot_out);
}

/* Threads of one process share a bit, so that a kept slot wakes one of them. */
static uint32_t wake_bit(void)
{
	return UINT32_C(1) << ((uint32_t)getpid() % 32);
}

static void sleep_until_release(struct hash_lane *lane, uint32_t seen)
{
	int64_t at = clock_mono_ms() + LOOK_AGAIN_MS;
	const struct timespec until = { .tv_sec = at / 1000, .tv_nsec = at % 1000 * 1000000 };
	atomic_fetch_add(&lane->waiters, 1);
	syscall(SYS_futex, &lane->releases, FUTEX_WAIT_BITSET, seen, &until, NULL, wake_bit());
	atomic_fetch_sub(&lane->waiters, 1);
}

static enum status wait_for_slot(struct hash_lane *lane, int64_t wait_ms, size_t *slot_out)
{
	int64_t deadline = clock_mono_ms() + wait_ms;
	for (;;) {
		uint32_t seen = atomic_load(&lane->releases);
		if (take_free_slot(lane, slot_out))
			return STATUS_OK;
		if (clock_mono_ms() >= deadline)
			return STATUS_BUSY;
		sleep_until_release(lane, seen);
	}
}

enum status hash_lane_acquire(struct hash_lane *lane, int64_t wait_ms, size_t *slot_out)
{
	if (take_free_slot(lane, slot_out))
		return STATUS_OK;
	atomic_fetch_add(&waiting_here, 1);
	enum status status = wait_for_slot(lane, wait_ms, slot_out);
	size_t others = atomic_fetch_sub(&waiting_here, 1) - 1;
	if (status != STATUS_OK)
		workarea_trim(others);
	return status;
}

/* True when more wait here than slots are kept for. */
static bool is_wanted_here(const struct hash_lane *lane)
{
	size_t wanted = atomic_load(&waiting_here);
	for (size_t i = 0; i < lane->concurrency && wanted > 0; i++)
		wanted -= kept_for(&lane->slots[i]) == getpid();
	return wanted > 0;
}

void hash_lane_release(struct hash_lane *lane, size_t index)
{
	struct slot *slot = &lane->slots[index];
	bool keep = slot->in_a_row++ < KEPT_IN_A_ROW && is_wanted_here(lane);
	workarea_trim(keep ? atomic_load(&waiting_here) : 0);
	if (keep) {
		atomic_store(&slot->kept_until_ms, clock_mono_ms() + KEPT_MS);
		atomic_store(&slot->kept_for, getpid());
	}
	pthread_mutex_unlock(&slot->lock);
	atomic_fetch_add(&lane->releases, 1);
	if (atomic_load(&lane->waiters) > 0)
		syscall(SYS_futex, &lane->releases, FUTEX_WAKE_BITSET, 1, NULL, NULL,
			keep ? wake_bit() : FUTEX_BITSET_MATCH_ANY);
}

void hash_lane_read_stats(struct hash_lane *lane, struct hash_lane_stats *out)
{
	*out = (struct hash_lane_stats){ 0 };
	if (lock_tickets(lane)) {
		out->tickets = tickets_out(lane);
		pthread_mutex_unlock(&lane->tickets_lock);
	}
	for (size_t i = 0; i < lane->concurrency; i++) {
		pthread_mutex_t *slot = &lane->slots[i].lock;
		if (is_ours(slot, pthread_mutex_trylock(slot)))
			pthread_mutex_unlock(slot);
		else
			out->running++;
	}
}
