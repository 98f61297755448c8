/* SPDX-License-Identifier: MIT */
#include "server/door.h"

#include "base/clock.h"
#include "base/log.h"
#include "http/metrics.h"
#include "base/secret.h"
#include "server/door_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Beyond the limit a few may still send a request and be told 503. */
enum { SLOTS_SPARE = 16 };
/* Accepts by one thread before it looks at the waiting connections. */
enum { ACCEPTS_IN_A_ROW = 16 };
/* While stopping, of each listener. */
enum { LAST_ACCEPTS = 4096 };

/* A slot's tag has its index in the lower half, far below these. */
#define TAG_LISTENER (UINT64_C(1) << 31)
#define TAG_END (UINT64_C(1) << 30)
#define TAG_NOTHING (UINT64_C(1) << 29)

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

void door_close(struct door **doorp)
{
	struct door *door = *doorp;
	if (door == NULL)
		return;
	for (size_t i = 0; i < door->slots.count; i++) {
		if (door->slots.at[i].wait != SLOT_FREE)
			door_close_connection(door, door->slots.at[i].fd);
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
	    (starved && door_evict(door)))
		return;
	seat->hot &= ~(1U << i);
	if (error == EAGAIN || door->stopping)
		return;
	log_error("cannot accept", LOG_ERRNO(error));
	door->stalled[i] = true;
}

/* One line a second, since anybody can make us write it. */
static void refuse_peer(struct door *door, int fd)
{
	int64_t now_ms = clock_mono_ms();
	if (now_ms - atomic_exchange(&door->refused_peer_ms, now_ms) >= 1000)
		log_warn("peer refused: not among listen_peers");
	metrics_count(&door->options.counters->refused_streams, 1);
	door_close_connection(door, fd);
}

/* Lets the peers write before the next one is accepted, with nobody's request
 * in hand: a yield may cost a slice. Measured: 1.1 to 1.3 times the requests. */
static void give_way(struct door_seat *seat)
{
	if (seat->too_soon)
		sched_yield();
	seat->too_soon = false;
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
	give_way(seat);
	int fd = accept4(from->fd, from->local ? NULL : &peer.any, from->local ? NULL : &len,
			 SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0) {
		accept_failed(door, seat, i, errno);
		return false;
	}
	metrics_count(&door->options.counters->accepted, 1);
	seat->arrivals++;
	bool over = ++door->connections > door->options.connections_max && !door_evict(door);
	*visit = (struct door_visit){ .fd = fd, .local = from->local, .over_limit = over };
	if (over)
		metrics_count(&door->options.counters->over_limit, 1);
	if (from->local || may_connect(door, &peer.any))
		return true;
	refuse_peer(door, fd);
	return false;
}

/* A peer that has connected is about to write, and if we find nothing we have
 * come too soon: amid many arrivals, by preempting it. */
static ssize_t receive(struct door_seat *seat, const struct door_visit *visit, int turn)
{
	ssize_t got = recv(visit->fd, seat->room, DOOR_ROOM, 0);
	if (got < 0 && errno == EAGAIN && visit->slot == NULL && turn == 0)
		seat->too_soon = seat->arrivals > 1;
	return got;
}

/* INCOMPLETE: wait for more. REFUSE: close. */
static enum frames_verdict read_request(struct door *door, struct door_seat *seat,
					struct intake *in, struct door_visit *visit)
{
	enum frames_verdict verdict = FRAMES_INCOMPLETE;
	for (int turn = 0; verdict == FRAMES_INCOMPLETE && turn < DOOR_READS_PER_TURN; turn++) {
		ssize_t got = receive(seat, visit, turn);
		if (got < 0)
			return errno == EAGAIN || errno == EINTR ? verdict : FRAMES_REFUSE;
		if (got == 0)
			return FRAMES_REFUSE;
		struct span bytes = span_make(seat->room, (size_t)got), rest;
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
		secret_wipe(seat->room, bytes.len);
		if (bytes.len < DOOR_ROOM)
			break;
	}
	if (verdict != FRAMES_REFUSE)
		return verdict;
	metrics_count(&door->options.counters->refused_streams, 1);
	log_debug("stream refused", LOG_TEXT("reason", in->frames.reason));
	return verdict;
}

/* Reads on behalf of a new connection, or of a slot that is busy with us.
 * True: a whole request. */
static bool read_visit(struct door *door, struct door_seat *seat, struct intake *in,
		       struct door_visit *visit)
{
	enum frames_verdict verdict = read_request(door, seat, in, visit);
	visit->too_large = verdict == FRAMES_TOO_LARGE;
	switch (verdict) {
	case FRAMES_WHOLE:
	case FRAMES_TOO_LARGE:
		metrics_count(&door->options.counters->requests, 1);
		return true;
	case FRAMES_INCOMPLETE:
		door_park(door, visit, in,
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
	return accept_one(door, seat, listener, visit) && read_visit(door, seat, in, visit);
}

static bool visit_known(struct door *door, struct door_seat *seat, uint64_t tag, struct intake *in,
			struct door_visit *visit)
{
	struct slot *slot = door_claim(door, tag);
	if (slot == NULL)
		return false;
	if (slot->wait == SLOT_WRITING) {
		door_write_on(door, slot);
		return false;
	}
	if (slot->wait == SLOT_DRAINING) {
		door_drain_on(door, slot, seat->room);
		return false;
	}
	*visit = (struct door_visit){
		.fd = slot->fd, .local = slot->local, .over_limit = slot->over_limit, .slot = slot
	};
	intake_move(in, &slot->intake);
	if (!read_visit(door, seat, in, visit))
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
	if (seat->hot == 0)
		seat->arrivals = 0;
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
			found = visit_known(door, seat, tag, in, out);
	}
	return true;
}

void door_tick(struct door *door, int64_t now_ms)
{
	pthread_mutex_lock(&door->lock);
	for (enum slot_wait wait = SLOT_READING; wait < SLOT_WAITS; wait++)
		door_close_overdue(door, wait, now_ms);
	pthread_mutex_unlock(&door->lock);
	for (size_t i = 0; i < door->options.listeners->count; i++) {
		if (door->stopping || !atomic_exchange(&door->stalled[i], false))
			continue;
		forget_listener(door, i);
		if (!watch_listener(door, i))
			door->stalled[i] = true;
	}
}

/* Who has come before we leave is ours: the kernel may have told us alone. */
static void take_the_last(struct door *door, size_t i)
{
	struct door_seat seat = { .hot = 1U << i };
	struct door_visit visit;
	for (size_t n = 0; seat.hot != 0 && n < LAST_ACCEPTS; n++) {
		if (accept_one(door, &seat, i, &visit))
			door_park(door, &visit, NULL, SLOT_READING);
	}
}

void door_stop(struct door *door)
{
	door->stopping = true;
	for (size_t i = 0; i < door->options.listeners->count; i++) {
		forget_listener(door, i);
		take_the_last(door, i);
		leave_listener(door, i);
	}
	pthread_mutex_lock(&door->lock);
	struct slot *next, *slot = slots_oldest(&door->slots, SLOT_KEPT);
	for (; slot != NULL; slot = next) {
		next = slots_newer(slot);
		door_close_slot(door, slot);
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
