/* SPDX-License-Identifier: MIT */
#include "server/door_inside.h"

#include "base/clock.h"
#include "base/secret.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>

/* The answer is sent. Closing with unread input resets the peer, who may then
 * lose the answer: what is still coming is read first. */
static void settle(struct door *door, struct door_visit *visit, bool drain)
{
	char stray[FRAMES_HEADER * 32];
	if (visit->keep && !door->stopping) {
		door_park(door, visit, NULL, SLOT_KEPT);
	} else if (drain && shutdown(visit->fd, SHUT_WR) == 0) {
		door_park(door, visit, NULL, SLOT_DRAINING);
	} else {
		if (visit->unread && recv(visit->fd, stray, sizeof(stray), 0) > 0)
			secret_wipe(stray, sizeof(stray));
		door_drop(door, visit);
	}
}

static ssize_t send_some(int fd, struct iovec *parts, size_t count)
{
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = count };
	ssize_t sent;
	do {
		sent = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (sent < 0 && errno == EINTR);
	return sent < 0 && errno == EAGAIN ? 0 : sent;
}

void door_write_on(struct door *door, struct slot *slot)
{
	struct iovec part = { slot->out + slot->out_at, slot->out_len - slot->out_at };
	ssize_t sent = send_some(slot->fd, &part, 1);
	if (sent < 0) {
		door_drop_slot(door, slot);
		return;
	}
	slot->out_at += (size_t)sent;
	if (slot->out_at == slot->out_len) {
		struct door_visit visit = { .fd = slot->fd,
					    .keep = slot->keep,
					    .slot = slot,
					    .next = slot->intake.frames };
		slots_sent(slot);
		settle(door, &visit, slot->drain);
		return;
	}
	pthread_mutex_lock(&door->lock);
	door_arm(door, slot, EPOLL_CTL_MOD);
	pthread_mutex_unlock(&door->lock);
}

void door_drain_on(struct door *door, struct slot *slot, char *room)
{
	ssize_t got = 1;
	for (int turn = 0; got > 0 && turn < DOOR_READS_PER_TURN; turn++)
		got = recv(slot->fd, room, DOOR_ROOM, 0);
	pthread_mutex_lock(&door->lock);
	if (got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR)))
		door_arm(door, slot, EPOLL_CTL_MOD);
	else
		door_close_slot(door, slot);
	pthread_mutex_unlock(&door->lock);
}

/* What the peer does not take now waits in the table, not in a thread. */
static void send_later(struct door *door, struct door_visit *visit,
		       const struct frames_records *records, size_t sent)
{
	char *rest = malloc(records->length - sent);
	if (rest == NULL) {
		door_drop(door, visit);
		return;
	}
	frames_copy(records, sent, rest);
	int operation;
	pthread_mutex_lock(&door->lock);
	struct slot *slot = door_slot(door, visit, &operation);
	if (slot != NULL) {
		slot->out = rest;
		slot->out_len = records->length - sent;
		slot->out_at = 0;
		slot->keep = visit->keep;
		slot->drain = visit->too_large;
		slot->intake.frames = visit->next;
		slots_put(&door->slots, slot, SLOT_WRITING, clock_mono_ms());
		door_arm(door, slot, operation);
	}
	pthread_mutex_unlock(&door->lock);
	if (slot == NULL)
		free(rest);
}

void door_answer(struct door *door, struct door_visit *visit, uint16_t id, struct span block)
{
	struct frames_records records;
	frames_answer(id, block, &records);
	ssize_t sent = send_some(visit->fd, records.parts, (size_t)records.count);
	if (sent < 0)
		door_drop(door, visit);
	else if ((size_t)sent == records.length)
		settle(door, visit, visit->too_large);
	else
		send_later(door, visit, &records, (size_t)sent);
}

bool door_peer_left(const struct door_visit *visit)
{
	struct pollfd at = { .fd = visit->fd, .events = POLLRDHUP };
	/* A TCP peer that closed looks like one that will send no more; web
	 * servers do not end one direction alone. */
	short left = visit->local ? POLLHUP | POLLERR : POLLHUP | POLLERR | POLLRDHUP;
	return poll(&at, 1, 0) > 0 && (at.revents & left) != 0;
}
