/* SPDX-License-Identifier: MIT */
/*
 * serve: one request from its parameters to its answer. Every request that the
 * door gives ends in one whole answer, whatever goes wrong here: an answer
 * without a status line would be taken for "allowed" by some web servers.
 */
#ifndef SERVER_SERVE_H
#define SERVER_SERVE_H

#include "server/app.h"
#include "server/door.h"
#include "server/fcgi.h"
#include "server/lane.h"

/* A request in a thread's hands or in a lane. */
struct pending {
	struct lane_job job; /* first: lanes queue it */
	struct arena *mem;
	struct fcgi *fcgi;
	struct intake intake;
	struct door_visit visit;
	struct request request;
	enum server_lane lane;
};

struct pending *pending_new(void) __attribute__((returns_nonnull));
void pending_free(struct pending **x); /* answered, or never used */

/* What serving needs. `lanes` of SERVER_LANE_GATE is NULL. */
struct serve {
	struct door *door;
	const struct server_app *app;
	struct lane *lanes[SERVER_LANES];
	int64_t queue_ms;
	struct server_counters *counters; /* borrowed */
};

/* True: answered, and the request is ready for the next one. False: a lane
 * has it now. */
MUST_CHECK bool serve_whole(struct serve *serve, struct pending *x, struct fcgi_pipe *pipe,
			    void *local);

/* Answers what came out of a lane: by the application, or with 503 when it
 * waited too long; not at all when nobody waits for it any more. */
void serve_queued(struct serve *serve, struct pending *x, void *local);

/* Answers 503 to what a lane gave up. */
void serve_expired(struct serve *serve, struct pending *x);

#endif
