/* SPDX-License-Identifier: MIT */
/*
 * door: the front door of a process. It accepts, reads what comes with
 * deadlines, lets frames.h judge it, and gives whole requests to the threads
 * that call door_next; it takes the answers and sends them. No thread is ever
 * held by a peer that is silent, slow, or does not read: such a connection
 * waits in a table (slots.h) and costs one descriptor.
 *
 * The threads that answer also wait, all in one epoll, and each takes one event.
 * So a request that came at once is accepted, read, answered and closed by one
 * thread without a lock or a hand-over.
 *
 * All functions are thread-safe.
 */
#ifndef SERVER_DOOR_H
#define SERVER_DOOR_H

#include "base/status.h"
#include "server/intake.h"
#include "server/app.h"
#include "server/listener.h"

#include <stdint.h>

struct door;

struct door_options {
	const struct listeners *listeners;
	size_t connections_max;
	int64_t read_ms, kept_ms, write_ms;
	bool (*peer_allowed)(void *state, const struct sockaddr *peer); /* NULL: loopback */
	void *peer_state;
	struct server_counters *counters; /* borrowed */
};

/* A whole request's connection, until door_answer or door_drop. */
struct door_visit {
	int fd;
	bool local;         /* a unix socket */
	bool too_large;     /* a body over the limit, not read */
	bool over_limit;    /* a connection too many: the answer is 503 */
	bool keep;          /* the peer asked to keep the connection */
	bool unread;        /* an authorizer's empty STDIN has not been seen */
	struct slot *slot;  /* the door's */
	struct frames next; /* the walk for the next request */
};

/* What one thread waits and reads with; its own, all zeros at first. */
#define DOOR_ROOM 16384
struct door_seat {
	uint32_t hot; /* listeners where it has not yet seen the end of the arrivals */
	uint32_t turns;
	uint32_t arrivals; /* accepted since it last slept */
	bool too_soon;     /* the last one had not written yet */
	char room[DOOR_ROOM];
};

/* The listeners' descriptors stay the caller's, but the sockets are let go when
 * it stops; they get O_NONBLOCK. */
MUST_CHECK enum status door_open(const struct door_options *options, struct door **door_out);

/* Waits for a whole request. False: the door is ended. */
MUST_CHECK bool door_next(struct door *door, struct door_seat *seat, struct intake *in,
			  struct door_visit *out);

/* Sends the whole answer, at once or when the peer makes room; then keeps,
 * drains or closes. Never waits. */
void door_answer(struct door *door, struct door_visit *visit, uint16_t id, struct span block);

/* Closes without an answer. */
void door_drop(struct door *door, struct door_visit *visit);

/* Whether the peer of a waiting request has gone. */
bool door_peer_left(const struct door_visit *visit);

/* Closes what is past its deadline. To be called a few times a second. */
void door_tick(struct door *door, int64_t now_ms);

/* Takes those who have connected, then leaves the sockets to others. Kept
 * connections are closed, requests that have begun go on. */
void door_stop(struct door *door);

/* Connections that are open. */
size_t door_connections(const struct door *door);

/* door_next returns false in every thread. */
void door_end(struct door *door);

/* Nobody is inside. Closes every connection. */
void door_close(struct door **door);

#endif
