/* SPDX-License-Identifier: MIT */
#include "store/pool.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define RETRY_MS 1000

struct slot {
	struct pg *pg; /* NULL: free, or just being connected */
	int trait;
	bool taken; /* leased, being connected or idle */
};

struct pool {
	struct pg_options options;
	char *url;
	int64_t lease_ms;
	int stop_fd; /* an eventfd, readable once the pool closes */
	pthread_t keeper;

	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t changed;
	bool away, stopping;
	size_t max, open, leased;
	uint64_t timeouts, failures;
	size_t *idle; /* slots, used as a stack: the warmest goes first */
	size_t idle_count;
	struct slot *slots;
};

static void lock(struct pool *pool)
{
	pthread_mutex_lock(&pool->lock);
}

static void unlock(struct pool *pool)
{
	pthread_mutex_unlock(&pool->lock);
}

/* With the lock held. False at the deadline. */
static bool wait_change(struct pool *pool, int64_t deadline_ms)
{
	struct timespec until = { .tv_sec = deadline_ms / 1000,
				  .tv_nsec = deadline_ms % 1000 * 1000000 };
	return pthread_cond_timedwait(&pool->changed, &pool->lock, &until) == 0 ||
	       clock_mono_ms() < deadline_ms;
}

static void go_away(struct pool *pool, const char *reason)
{
	lock(pool);
	bool news = !pool->away;
	pool->away = true;
	pthread_cond_broadcast(&pool->changed);
	unlock(pool);
	if (news)
		log_error("database is away", LOG_TEXT("reason", reason));
}

/* --- the keeper: brings the database back --- */

/* With the lock held: a slot not taken, or max. */
static size_t free_slot(const struct pool *pool)
{
	size_t i = 0;
	while (i < pool->max && pool->slots[i].taken)
		i++;
	return i;
}

static void come_back(struct pool *pool, struct pg **pg)
{
	lock(pool);
	size_t at = pool->open < pool->max ? free_slot(pool) : pool->max;
	if (at < pool->max) {
		pool->slots[at] = (struct slot){ .pg = *pg, .taken = true };
		pool->idle[pool->idle_count++] = at;
		pool->open++;
		*pg = NULL;
	}
	pool->away = false;
	pthread_cond_broadcast(&pool->changed);
	unlock(pool);
	log_info("database is back");
}

static void *keep(void *state)
{
	struct pool *pool = state;
	lock(pool);
	while (!pool->stopping) {
		if (!pool->away) {
			pthread_cond_wait(&pool->changed, &pool->lock);
			continue;
		}
		int64_t next_ms = clock_mono_ms() + RETRY_MS;
		unlock(pool);
		CLEANUP(pg_close) struct pg *pg = NULL;
		if (pg_connect(&pool->options, NULL, &pg) == STATUS_OK)
			come_back(pool, &pg);
		lock(pool);
		while (!pool->stopping && pool->away && wait_change(pool, next_ms))
			;
	}
	unlock(pool);
	return NULL;
}

/* --- opening and closing --- */

static void pool_free(struct pool *pool)
{
	pthread_mutex_destroy(&pool->lock);
	pthread_cond_destroy(&pool->changed);
	if (pool->stop_fd >= 0)
		close(pool->stop_fd);
	free(pool->url);
	free(pool->idle);
	free(pool->slots);
	free(pool);
}

static bool start_keeper(struct pool *pool)
{
	pthread_attr_t attr;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, (size_t)512 * 1024);
	int failed = pthread_create(&pool->keeper, &attr, keep, pool);
	pthread_attr_destroy(&attr);
	return failed == 0;
}

static void init_lock(struct pool *pool)
{
	pthread_condattr_t attr;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&pool->changed, &attr);
	pthread_condattr_destroy(&attr);
	pthread_mutex_init(&pool->lock, NULL);
}

enum status pool_open(const struct pool_options *options, struct pool **out)
{
	TRY(pg_check_url(options->url));
	struct pool *pool = calloc(1, sizeof(*pool));
	if (pool == NULL)
		return STATUS_NO_MEMORY;
	init_lock(pool);
	pool->max = options->connections > 0 ? options->connections : 1;
	pool->lease_ms = options->lease_ms;
	pool->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pool->url = strdup(options->url);
	pool->slots = calloc(pool->max, sizeof(*pool->slots));
	pool->idle = calloc(pool->max, sizeof(*pool->idle));
	pool->options = (struct pg_options){
		.url = pool->url,
		.name = options->name,
		.prepared = options->prepared,
		.connect_ms = options->connect_ms,
		.call_ms = options->call_ms,
		.stop_fd = pool->stop_fd,
	};
	if (pool->url == NULL || pool->slots == NULL || pool->idle == NULL || pool->stop_fd < 0 ||
	    !start_keeper(pool)) {
		pool_free(pool);
		return STATUS_INTERNAL;
	}
	*out = pool;
	return STATUS_OK;
}

void pool_stop(struct pool *pool)
{
	lock(pool);
	pool->stopping = true;
	pthread_cond_broadcast(&pool->changed);
	unlock(pool);
	uint64_t one = 1;
	while (write(pool->stop_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

void pool_close(struct pool **pool)
{
	struct pool *p = *pool;
	if (p == NULL)
		return;
	*pool = NULL;
	pool_stop(p);
	pthread_join(p->keeper, NULL);
	for (size_t i = 0; i < p->max; i++)
		pg_close(&p->slots[i].pg);
	pool_free(p);
}

/* --- leasing --- */

static void give_back(struct pool *pool, size_t at, bool sound)
{
	lock(pool);
	pool->leased--;
	bool news = sound && pool->away;
	if (sound) {
		/* It answered, so the database is there, even when it refuses
		 * more connections. */
		pool->away = false;
		pool->idle[pool->idle_count++] = at;
	} else {
		pool->slots[at].taken = false;
		pool->open--;
		pool->failures++;
	}
	pthread_cond_broadcast(&pool->changed);
	unlock(pool);
	if (news)
		log_info("database is back");
}

/* Takes a slot: an idle connection, or the right to make one. Without that
 * right (a connect just failed) waits for an idle one while any is open. */
static enum status take_slot(struct pool *pool, bool may_connect, int64_t deadline_ms, size_t *out)
{
	lock(pool);
	enum status status = STATUS_BUSY;
	while (status == STATUS_BUSY) {
		if (pool->away || pool->stopping || (!may_connect && pool->open == 0)) {
			status = STATUS_UNAVAILABLE;
		} else if (pool->idle_count > 0) {
			*out = pool->idle[--pool->idle_count];
			status = STATUS_OK;
		} else if (may_connect && pool->open < pool->max) {
			*out = free_slot(pool);
			pool->slots[*out].taken = true;
			pool->open++;
			status = STATUS_OK;
		} else if (!wait_change(pool, deadline_ms)) {
			pool->timeouts++;
			status = STATUS_UNAVAILABLE;
		}
	}
	pool->leased += status == STATUS_OK;
	unlock(pool);
	return status;
}

/* A connection in slot `at`, or the slot is given back. */
static enum status connect_slot(struct pool *pool, size_t at, char *reason)
{
	struct slot *slot = &pool->slots[at];
	if (slot->pg != NULL && pg_is_sound(slot->pg))
		return STATUS_OK;
	pg_close(&slot->pg);
	slot->trait = 0;
	enum status status = pg_connect(&pool->options, reason, &slot->pg);
	if (status != STATUS_OK)
		give_back(pool, at, false);
	return status;
}

enum status pool_lease(struct pool *pool, struct pool_lease *out)
{
	int64_t deadline_ms = clock_mono_ms() + pool->lease_ms;
	char reason[PG_REASON_ROOM] = "";
	size_t at;
	TRY(take_slot(pool, true, deadline_ms, &at));
	enum status status = connect_slot(pool, at, reason);
	while (status != STATUS_OK && take_slot(pool, false, deadline_ms, &at) == STATUS_OK)
		status = connect_slot(pool, at, reason);
	if (status != STATUS_OK) {
		go_away(pool, reason);
		return STATUS_UNAVAILABLE;
	}
	struct slot *slot = &pool->slots[at];
	*out = (struct pool_lease){ pool, slot->pg, at, &slot->trait };
	return STATUS_OK;
}

void pool_release(struct pool_lease *lease)
{
	if (lease->pg == NULL)
		return;
	struct pool *pool = lease->pool;
	bool sound = pg_is_sound(lease->pg);
	if (!sound)
		pg_close(&pool->slots[lease->slot].pg);
	give_back(pool, lease->slot, sound);
	*lease = (struct pool_lease){ 0 };
}

void pool_read_stats(struct pool *pool, struct pool_stats *out)
{
	lock(pool);
	*out = (struct pool_stats){
		.open = pool->open,
		.leased = pool->leased,
		.timeouts = pool->timeouts,
		.failures = pool->failures,
		.away = pool->away,
	};
	unlock(pool);
}
