/* SPDX-License-Identifier: MIT */
#include "server/door_inside.h"

#include "base/clock.h"
#include "http/metrics.h"

#include <sys/epoll.h>
#include <unistd.h>

/* While stopping: for the first byte of a connection just accepted. */
enum { STOPPING_SILENT_MS = 250 };

void door_close_connection(struct door *door, int fd)
{
	close(fd);
	door->connections--;
}

void door_close_slot(struct door *door, struct slot *slot)
{
	int fd = slot->fd;
	slots_put(&door->slots, slot, SLOT_FREE, 0);
	door_close_connection(door, fd);
}

void door_drop_slot(struct door *door, struct slot *slot)
{
	pthread_mutex_lock(&door->lock);
	door_close_slot(door, slot);
	pthread_mutex_unlock(&door->lock);
}

void door_drop(struct door *door, struct door_visit *visit)
{
	if (visit->slot != NULL)
		door_drop_slot(door, visit->slot);
	else
		door_close_connection(door, visit->fd);
}

void door_arm(struct door *door, struct slot *slot, int operation)
{
	struct epoll_event event = {
		.events = (slot->wait == SLOT_WRITING ? EPOLLOUT : EPOLLIN) | EPOLLONESHOT,
		.data.u64 = slots_tag(&door->slots, slot),
	};
	slot->busy = false;
	if (epoll_ctl(door->epoll, operation, slot->fd, &event) != 0)
		door_close_slot(door, slot);
}

struct slot *door_slot(struct door *door, struct door_visit *visit, int *operation_out)
{
	*operation_out = visit->slot != NULL ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
	if (visit->slot != NULL)
		return visit->slot;
	struct slot *slot = slots_take(&door->slots, visit->fd);
	if (slot == NULL) {
		door_close_connection(door, visit->fd);
		return NULL;
	}
	slot->local = visit->local;
	slot->over_limit = visit->over_limit;
	return slot;
}

void door_park(struct door *door, struct door_visit *visit, struct intake *in, enum slot_wait wait)
{
	int operation;
	pthread_mutex_lock(&door->lock);
	struct slot *slot = door_slot(door, visit, &operation);
	if (slot != NULL) {
		if (in != NULL)
			intake_move(&slot->intake, in);
		else
			slot->intake.frames = visit->next;
		if (slot->wait != wait)
			slots_put(&door->slots, slot, wait, clock_mono_ms());
		if (wait == SLOT_KEPT && door->stopping)
			door_close_slot(door, slot);
		else
			door_arm(door, slot, operation);
	} else if (in != NULL) {
		intake_clear(in);
	}
	pthread_mutex_unlock(&door->lock);
}

bool door_evict(struct door *door)
{
	pthread_mutex_lock(&door->lock);
	struct slot *oldest = slots_most_silent(&door->slots);
	if (oldest != NULL)
		door_close_slot(door, oldest);
	pthread_mutex_unlock(&door->lock);
	return oldest != NULL;
}

struct slot *door_claim(struct door *door, uint64_t tag)
{
	pthread_mutex_lock(&door->lock);
	struct slot *slot = slots_find(&door->slots, tag);
	if (slot != NULL)
		slot->busy = true;
	pthread_mutex_unlock(&door->lock);
	return slot;
}

static int64_t limit_ms(const struct door *door, const struct slot *slot)
{
	switch (slot->wait) {
	case SLOT_READING:
		return door->stopping && frames_is_idle(&slot->intake.frames)
			       ? STOPPING_SILENT_MS
			       : door->options.read_ms;
	case SLOT_KEPT:
		return door->options.kept_ms;
	default:
		return door->options.write_ms;
	}
}

/* In each queue the limit is the same, but while stopping. */
void door_close_overdue(struct door *door, enum slot_wait wait, int64_t now_ms)
{
	struct slot *next, *slot = slots_oldest(&door->slots, wait);
	for (; slot != NULL; slot = next) {
		next = slots_newer(slot);
		if (now_ms - slot->since_ms >= limit_ms(door, slot)) {
			metrics_count(&door->options.counters->timeouts, 1);
			door_close_slot(door, slot);
		} else if (!door->stopping) {
			break;
		}
	}
}
