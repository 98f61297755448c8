/* SPDX-License-Identifier: MIT */
#include "server/lane.h"

#include <pthread.h>
#include <stdlib.h>

struct lane {
	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t filled;
	struct lane_job *first, **end;
	size_t waiting, waiting_max, running;
	bool stopped;
};

struct lane *lane_new(size_t waiting_max)
{
	struct lane *lane = calloc(1, sizeof(*lane));
	if (lane == NULL)
		abort();
	pthread_mutex_init(&lane->lock, NULL);
	pthread_cond_init(&lane->filled, NULL);
	lane->end = &lane->first;
	lane->waiting_max = waiting_max;
	return lane;
}

void lane_free(struct lane **lane)
{
	if (*lane == NULL)
		return;
	pthread_cond_destroy(&(*lane)->filled);
	pthread_mutex_destroy(&(*lane)->lock);
	free(*lane);
	*lane = NULL;
}

bool lane_push(struct lane *lane, struct lane_job *job, int64_t now_ms)
{
	pthread_mutex_lock(&lane->lock);
	bool taken = !lane->stopped && lane->waiting < lane->waiting_max;
	if (taken) {
		job->next = NULL;
		job->since_ms = now_ms;
		*lane->end = job;
		lane->end = &job->next;
		lane->waiting++;
		pthread_cond_signal(&lane->filled);
	}
	pthread_mutex_unlock(&lane->lock);
	return taken;
}

/* Under the lock; there is one. */
static struct lane_job *shift(struct lane *lane)
{
	struct lane_job *job = lane->first;
	lane->first = job->next;
	if (lane->first == NULL)
		lane->end = &lane->first;
	lane->waiting--;
	return job;
}

struct lane_job *lane_take(struct lane *lane)
{
	struct lane_job *job = NULL;
	pthread_mutex_lock(&lane->lock);
	while (lane->first == NULL && !lane->stopped)
		pthread_cond_wait(&lane->filled, &lane->lock);
	if (lane->first != NULL) {
		job = shift(lane);
		lane->running++;
	}
	pthread_mutex_unlock(&lane->lock);
	return job;
}

void lane_done(struct lane *lane)
{
	pthread_mutex_lock(&lane->lock);
	lane->running--;
	pthread_mutex_unlock(&lane->lock);
}

struct lane_job *lane_expire(struct lane *lane, int64_t before_ms)
{
	struct lane_job *job = NULL;
	pthread_mutex_lock(&lane->lock);
	if (lane->first != NULL && lane->first->since_ms < before_ms)
		job = shift(lane);
	pthread_mutex_unlock(&lane->lock);
	return job;
}

void lane_stop(struct lane *lane)
{
	pthread_mutex_lock(&lane->lock);
	lane->stopped = true;
	pthread_cond_broadcast(&lane->filled);
	pthread_mutex_unlock(&lane->lock);
}

size_t lane_waiting(struct lane *lane)
{
	pthread_mutex_lock(&lane->lock);
	size_t waiting = lane->waiting;
	pthread_mutex_unlock(&lane->lock);
	return waiting;
}

size_t lane_running(struct lane *lane)
{
	pthread_mutex_lock(&lane->lock);
	size_t running = lane->running;
	pthread_mutex_unlock(&lane->lock);
	return running;
}
