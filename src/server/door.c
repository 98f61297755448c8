/* SPDX-License-Identifier: MIT */
#include "server/door.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "server/slots.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Beyond the limit a few may still send a request and be told 503. */
enum { SLOTS_SPARE = 16 };
/* Of one connection in one turn, so that a flood does not hold a thread. */
enum { READS_PER_TURN = 8 };
/* Accepts by one thread before it looks at the waiting connections. */
enum { ACCEPTS_IN_A_ROW = 16 };
/* While stopping: for the first byte of a connection just accepted. */
enum { STOPPING_SILENT_MS = 250 };

/* A slot's tag has its index in the lower half, far below these. */
#define TAG_LISTENER (UINT64_C(1) << 31)
#define TAG_END (UINT64_C(1) << 30)
#define TAG_NOTHING (UINT64_C(1) << 29)

struct door {
	struct door_options options;
	int epoll, end;
	_Atomic size_t connections;
	_Atomic bool stopping;
	_Atomic bool stalled[LISTENERS_MAX]; /* to be watched anew by the next tick */
	_Atomic uint64_t accepted, requests, refused_streams, timeouts, over_limit;
	pthread_mutex_t lock; /* guards slots */
	struct slots slots;
};

/* Edge-triggered, so that one arrival wakes one thread of one process; who is
 * woken accepts until there is nobody left. */
static bool watch_listener(struct door *door, size_t i)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET | EPOLLEXCLUSIVE,
				     .data.u64 = TAG_LISTENER | i };
	int fd = door->options.listeners->at[i].fd;
	return epoll_ctl(door->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

static void forget_listener(struct door *door, size_t i)
{
	epoll_ctl(door->epoll, EPOLL_CTL_DEL, door->options.listeners->at[i].fd, NULL);
}

/* Gives up our share of the socket and keeps the descriptor's number, which is
 * not ours to close: whoever connects must not wait for us, and lighttpd starts
 * a new process only when nobody listens any more. */
static void leave_listener(struct door *door, size_t i)
{
	forget_listener(door, i);
	dup3(door->end, door->options.listeners->at[i].fd, O_CLOEXEC);
}

static enum status watch_all(struct door *door)
{
	struct epoll_event end = { .events = EPOLLIN, .data.u64 = TAG_END };
	if (epoll_ctl(door->epoll, EPOLL_CTL_ADD, door->end, &end) != 0)
		return STATUS_UNAVAILABLE;
	for (size_t i = 0; i < door->options.listeners->count; i++) {
		int fd = door->options.listeners->at[i].fd;
		int flags = fcntl(fd, F_GETFL);
		if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
		    !watch_listener(door, i))
			return STATUS_UNAVAILABLE;
	}
	return STATUS_OK;
}

enum status door_open(const struct door_options *options, struct door **door_out)
{
	struct door *door = calloc(1, sizeof(*door));
	if (door == NULL)
		return STATUS_NO_MEMORY;
	door->options = *options;
	pthread_mutex_init(&door->lock, NULL);
	door->epoll = epoll_create1(EPOLL_CLOEXEC);
	door->end = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	enum status status = slots_open(&door->slots, options->connections_max + SLOTS_SPARE);
	if (status == STATUS_OK)
		status = door->epoll >= 0 && door->end >= 0 ? watch_all(door) : STATUS_UNAVAILABLE;
	if (status == STATUS_OK)
		*door_out = door;
	else
		door_close(&door);
	return status;
}

static void close_connection(struct door *door, int fd)
{
	close(fd);
	door->connections--;
}

/* Under the lock. */
static void close_slot(struct door *door, struct slot *slot)
{
	int fd = slot->fd;
	slots_put(&door->slots, slot, SLOT_FREE, 0);
	close_connection(door, fd);
}

static void drop_slot(struct door *door, struct slot *slot)
{
	pthread_mutex_lock(&door->lock);
	close_slot(door, slot);
	pthread_mutex_unlock(&door->lock);
}

void door_close(struct door **doorp)
{
	struct door *door = *doorp;
	if (door == NULL)
		return;
	for (size_t i = 0; i < door->slots.count; i++) {
		if (door->slots.at[i].wait != SLOT_FREE)
			close_connection(door, door->slots.at[i].fd);
	}
	slots_close(&door->slots);
	if (door->epoll >= 0)
		close(door->epoll);
	if (door->end >= 0)
		close(door->end);
	pthread_mutex_destroy(&door->lock);
	free(door);
	*doorp = NULL;
}

/* Lets the slot wait for its peer: for one event, for one thread. Closes it if
 * that cannot be had. Under the lock. */
static void arm_slot(struct door *door, struct slot *slot, int operation)
{
	struct epoll_event event = {
		.events = (slot->wait == SLOT_WRITING ? EPOLLOUT : EPOLLIN) | EPOLLONESHOT,
		.data.u64 = slots_tag(&door->slots, slot),
	};
	slot->busy = false;
	if (epoll_ctl(door->epoll, operation, slot->fd, &event) != 0)
		close_slot(door, slot);
}

/* The visit's slot, or one for it; NULL: none left, and closed. Under the lock. */
static struct slot *visit_slot(struct door *door, struct door_visit *visit, int *operation_out)
{
	*operation_out = visit->slot != NULL ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
	if (visit->slot != NULL)
		return visit->slot;
	struct slot *slot = slots_take(&door->slots, visit->fd);
	if (slot == NULL) {
		close_connection(door, visit->fd);
		return NULL;
	}
	slot->local = visit->local;
	slot->over_limit = visit->over_limit;
	return slot;
}

/* Lets a connection wait for bytes, with what came of its request. */
static void park(struct door *door, struct door_visit *visit, struct intake *in,
		 enum slot_wait wait)
{
	int operation;
	pthread_mutex_lock(&door->lock);
	struct slot *slot = visit_slot(door, visit, &operation);
	if (slot != NULL) {
		if (in != NULL)
			intake_move(&slot->intake, in);
		else
			slot->intake.frames = visit->next;
		if (slot->wait != wait)
			slots_put(&door->slots, slot, wait, clock_mono_ms());
		if (wait == SLOT_KEPT && door->stopping)
			close_slot(door, slot);
		else
			arm_slot(door, slot, operation);
	} else if (in != NULL) {
		intake_clear(in);
	}
	pthread_mutex_unlock(&door->lock);
}

/* Closes the connection that has been silent the longest; false: none is. */
static bool evict_oldest(struct door *door)
{
	pthread_mutex_lock(&door->lock);
	struct slot *oldest = slots_most_silent(&door->slots);
	if (oldest != NULL)
		close_slot(door, oldest);
	pthread_mutex_unlock(&door->lock);
	return oldest != NULL;
}

static bool may_connect(const struct door *door, const struct sockaddr *peer)
{
	return listener_is_loopback(peer) ||
	       (door->options.peer_allowed != NULL &&
		door->options.peer_allowed(door->options.peer_state, peer));
}

static void accept_failed(struct door *door, struct door_seat *seat, size_t i, int error)
{
	bool starved = error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
	/* A connection that went away before we came, or an idle one that gives
	 * its descriptor: there may be more behind it. */
	if (error == EINTR || error == ECONNABORTED || error == EPROTO ||
	    (starved && evict_oldest(door)))
		return;
	seat->hot &= ~(1U << i);
	if (error == EAGAIN || door->stopping)
		return;
	log_error("cannot accept", LOG_ERRNO(error));
	door->stalled[i] = true;
}

/* False: nobody, or somebody who may not. */
static bool accept_one(struct door *door, struct door_seat *seat, size_t i,
		       struct door_visit *visit)
{
	const struct listener *from = &door->options.listeners->at[i];
	union {
		struct sockaddr any;
		struct sockaddr_storage storage;
	} peer = { .any.sa_family = AF_UNSPEC };
	socklen_t len = sizeof(peer);
	int fd = accept4(from->fd, from->local ? NULL : &peer.any, from->local ? NULL : &len,
			 SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0) {
		accept_failed(door, seat, i, errno);
		return false;
	}
	door->accepted++;
	bool over = ++door->connections > door->options.connections_max && !evict_oldest(door);
	*visit = (struct door_visit){ .fd = fd, .local = from->local, .over_limit = over };
	if (over)
		door->over_limit++;
	if (from->local || may_connect(door, &peer.any))
		return true;
	log_warn("peer refused: not among listen_peers");
	close_connection(door, fd);
	return false;
}

/* Between connect and the first byte a web server needs a microsecond; letting
 * it run saves the wait in the table. Measured: 1.5 times the requests. */
static ssize_t receive(const struct door_visit *visit, char *room, int turn)
{
	ssize_t got = recv(visit->fd, room, DOOR_ROOM, 0);
	if (got >= 0 || errno != EAGAIN || visit->slot != NULL || turn > 0)
		return got;
	sched_yield();
	return recv(visit->fd, room, DOOR_ROOM, 0);
}

/* INCOMPLETE: wait for more. REFUSE: close. */
static enum frames_verdict read_request(struct door *door, char *room, struct intake *in,
					struct door_visit *visit)
{
	enum frames_verdict verdict = FRAMES_INCOMPLETE;
	for (int turn = 0; verdict == FRAMES_INCOMPLETE && turn < READS_PER_TURN; turn++) {
		ssize_t got = receive(visit, room, turn);
		if (got < 0)
			return errno == EAGAIN || errno == EINTR ? verdict : FRAMES_REFUSE;
		if (got == 0)
			return FRAMES_REFUSE;
		struct span bytes = span_make(room, (size_t)got), rest;
		size_t used;
		verdict = intake_feed(in, bytes, &used);
		rest = span_from(bytes, used);
		visit->keep = in->frames.keep && verdict == FRAMES_WHOLE;
		visit->unread = in->frames.authorizer && rest.len == 0;
		visit->next = in->frames;
		frames_next(&visit->next);
		if (visit->keep &&
		    frames_feed(&visit->next, rest, NULL, &used) != FRAMES_INCOMPLETE)
			visit->keep = false;
		secret_wipe(room, bytes.len);
		if (bytes.len < DOOR_ROOM)
			break;
	}
	if (verdict != FRAMES_REFUSE)
		return verdict;
	door->refused_streams++;
	log_debug("stream refused", LOG_TEXT("reason", in->frames.reason));
	return verdict;
}

/* Reads on behalf of a new connection, or of a slot that is busy with us.
 * True: a whole request. */
static bool read_visit(struct door *door, char *room, struct intake *in, struct door_visit *visit)
{
	enum frames_verdict verdict = read_request(door, room, in, visit);
	visit->too_large = verdict == FRAMES_TOO_LARGE;
	switch (verdict) {
	case FRAMES_WHOLE:
	case FRAMES_TOO_LARGE:
		door->requests++;
		return true;
	case FRAMES_INCOMPLETE:
		park(door, visit, in,
		     visit->slot != NULL && frames_is_idle(&in->frames) ? visit->slot->wait
									: SLOT_READING);
		break;
	case FRAMES_REFUSE:
		intake_clear(in);
		door_drop(door, visit);
	}
	return false;
}

static bool visit_new(struct door *door, struct door_seat *seat, size_t listener, struct intake *in,
		      struct door_visit *visit)
{
	return accept_one(door, seat, listener, visit) && read_visit(door, seat->room, in, visit);
}

void door_drop(struct door *door, struct door_visit *visit)
{
	if (visit->slot != NULL)
		drop_slot(door, visit->slot);
	else
		close_connection(door, visit->fd);
}

/* The answer is sent. Closing with unread input resets the peer, who may then
 * lose the answer: what is still coming is read first. */
static void settle(struct door *door, struct door_visit *visit, bool drain)
{
	char stray[FRAMES_HEADER * 32];
	if (visit->keep && !door->stopping) {
		park(door, visit, NULL, SLOT_KEPT);
	} else if (drain && shutdown(visit->fd, SHUT_WR) == 0) {
		park(door, visit, NULL, SLOT_DRAINING);
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

static void write_on(struct door *door, struct slot *slot)
{
	struct iovec part = { slot->out + slot->out_at, slot->out_len - slot->out_at };
	ssize_t sent = send_some(slot->fd, &part, 1);
	if (sent < 0) {
		drop_slot(door, slot);
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
	arm_slot(door, slot, EPOLL_CTL_MOD);
	pthread_mutex_unlock(&door->lock);
}

static void drain_on(struct door *door, struct slot *slot, char *room)
{
	ssize_t got = 1;
	for (int turn = 0; got > 0 && turn < READS_PER_TURN; turn++)
		got = recv(slot->fd, room, DOOR_ROOM, 0);
	pthread_mutex_lock(&door->lock);
	if (got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR)))
		arm_slot(door, slot, EPOLL_CTL_MOD);
	else
		close_slot(door, slot);
	pthread_mutex_unlock(&door->lock);
}

/* The slot of an event, which becomes this thread's. */
static struct slot *claim(struct door *door, uint64_t tag)
{
	pthread_mutex_lock(&door->lock);
	struct slot *slot = slots_find(&door->slots, tag);
	if (slot != NULL)
		slot->busy = true;
	pthread_mutex_unlock(&door->lock);
	return slot;
}

static bool visit_known(struct door *door, uint64_t tag, char *room, struct intake *in,
			struct door_visit *visit)
{
	struct slot *slot = claim(door, tag);
	if (slot == NULL)
		return false;
	if (slot->wait == SLOT_WRITING) {
		write_on(door, slot);
		return false;
	}
	if (slot->wait == SLOT_DRAINING) {
		drain_on(door, slot, room);
		return false;
	}
	*visit = (struct door_visit){
		.fd = slot->fd, .local = slot->local, .over_limit = slot->over_limit, .slot = slot
	};
	intake_move(in, &slot->intake);
	if (!read_visit(door, room, in, visit))
		return false;
	pthread_mutex_lock(&door->lock);
	slots_put(&door->slots, slot, SLOT_ANSWERING, 0);
	pthread_mutex_unlock(&door->lock);
	return true;
}

/* A listener that may have more, in turn; now and then the others first. */
static uint64_t next_event(struct door *door, struct door_seat *seat)
{
	struct epoll_event event;
	if (seat->hot != 0 && ++seat->turns % ACCEPTS_IN_A_ROW != 0)
		return TAG_LISTENER | (uint64_t)__builtin_ctz(seat->hot);
	int ready = epoll_wait(door->epoll, &event, 1, seat->hot != 0 ? 0 : -1);
	if (ready < 0 && errno != EINTR)
		poll(NULL, 0, 10);
	if (ready != 1)
		return TAG_NOTHING;
	if ((event.data.u64 & TAG_LISTENER) != 0)
		seat->hot |= 1U << (event.data.u64 & ~TAG_LISTENER);
	return event.data.u64;
}

bool door_next(struct door *door, struct door_seat *seat, struct intake *in, struct door_visit *out)
{
	bool found = false;
	while (!found) {
		uint64_t tag = next_event(door, seat);
		if (tag == TAG_END)
			return false;
		if (door->stopping)
			seat->hot = 0;
		if (tag == TAG_NOTHING)
			continue;
		if ((tag & TAG_LISTENER) != 0)
			found = visit_new(door, seat, (size_t)(tag & ~TAG_LISTENER), in, out);
		else
			found = visit_known(door, tag, seat->room, in, out);
	}
	return true;
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
	struct slot *slot = visit_slot(door, visit, &operation);
	if (slot != NULL) {
		slot->out = rest;
		slot->out_len = records->length - sent;
		slot->out_at = 0;
		slot->keep = visit->keep;
		slot->drain = visit->too_large;
		slot->intake.frames = visit->next;
		slots_put(&door->slots, slot, SLOT_WRITING, clock_mono_ms());
		arm_slot(door, slot, operation);
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

/* Under the lock. In each queue the limit is the same, but while stopping. */
static void close_overdue(struct door *door, enum slot_wait wait, int64_t now_ms)
{
	struct slot *next, *slot = slots_oldest(&door->slots, wait);
	for (; slot != NULL; slot = next) {
		next = slots_newer(slot);
		if (now_ms - slot->since_ms >= limit_ms(door, slot)) {
			door->timeouts++;
			close_slot(door, slot);
		} else if (!door->stopping) {
			break;
		}
	}
}

void door_tick(struct door *door, int64_t now_ms)
{
	pthread_mutex_lock(&door->lock);
	for (enum slot_wait wait = SLOT_READING; wait < SLOT_WAITS; wait++)
		close_overdue(door, wait, now_ms);
	pthread_mutex_unlock(&door->lock);
	for (size_t i = 0; i < door->options.listeners->count; i++) {
		if (door->stopping || !atomic_exchange(&door->stalled[i], false))
			continue;
		forget_listener(door, i);
		if (!watch_listener(door, i))
			door->stalled[i] = true;
	}
}

void door_stop(struct door *door)
{
	door->stopping = true;
	for (size_t i = 0; i < door->options.listeners->count; i++)
		leave_listener(door, i);
	pthread_mutex_lock(&door->lock);
	struct slot *next, *slot = slots_oldest(&door->slots, SLOT_KEPT);
	for (; slot != NULL; slot = next) {
		next = slots_newer(slot);
		close_slot(door, slot);
	}
	pthread_mutex_unlock(&door->lock);
}

size_t door_connections(const struct door *door)
{
	return door->connections;
}

void door_end(struct door *door)
{
	uint64_t one = 1;
	while (write(door->end, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

void door_read_stats(const struct door *door, struct door_stats *out)
{
	*out = (struct door_stats){ .accepted = door->accepted,
				    .requests = door->requests,
				    .refused_streams = door->refused_streams,
				    .timeouts = door->timeouts,
				    .over_limit = door->over_limit };
}
