/* SPDX-License-Identifier: MIT */
/*
 * server: bytes to `struct request`, `struct reply` to bytes; processes,
 * threads and sockets. Knows FastCGI and nothing of what is asked. main.c
 * hands it a `struct server_app`.
 *
 * app: the callbacks. The lane of a request says whose threads run it, so that
 * what waits (a database, a password hash) can never hold the gate's threads.
 */
#ifndef SERVER_APP_H
#define SERVER_APP_H

#include "http/reply.h"
#include "http/request.h"

#include <stdatomic.h>

enum server_lane {
	SERVER_LANE_GATE = 0, /* at once, in the thread that read it */
	SERVER_LANE_DATABASE, /* queued: may wait for the database */
	SERVER_LANE_PASSWORD, /* queued: hashes a password */
	SERVER_LANES
};

/* Of one worker, in memory shared by all (main.c); the last ones are as of the
 * worker's last tick. */
struct server_counters {
	_Atomic uint64_t accepted, requests, refused_streams, timeouts, over_limit;
	_Atomic uint64_t replies, busy[SERVER_LANES]; /* of those 503: over_limit, lane full */
	_Atomic uint64_t connections, queued[SERVER_LANES], running[SERVER_LANES];
};

struct server_app {
	void *state;
	/* Pure and quick. */
	enum server_lane (*lane_of)(void *state, const struct request *request);
	/* Admission to a lane; false: the answer is 503 at once. Each true is
	 * followed by one leave, whatever happens. */
	bool (*enter)(void *state, enum server_lane lane);
	void (*leave)(void *state, enum server_lane lane);
	/* Fills the reply. `local` is what thread_new gave this thread. */
	void (*handle)(void *state, void *local, struct request *request, struct reply *reply);
	/* State of one thread; may return NULL. */
	void *(*thread_new)(void *state);
	void (*thread_free)(void *state, void *local);
	/* About ten times a second, from the worker's main thread; may be NULL. */
	void (*tick)(void *state);
};

#endif
