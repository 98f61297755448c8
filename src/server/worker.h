/* SPDX-License-Identifier: MIT */
/*
 * worker: one process's front door (door.h), request threads and lanes.
 * Returns when asked to stop and the requests in flight are answered.
 */
#ifndef SERVER_WORKER_H
#define SERVER_WORKER_H

#include "base/status.h"
#include "server/app.h"
#include "server/listener.h"

#include <stdint.h>

struct worker_options {
	const struct listeners *listeners;
	const struct server_app *app;
	size_t gate_threads;               /* -t */
	size_t lane_threads[SERVER_LANES]; /* of the queued lanes */
	size_t lane_queue[SERVER_LANES];   /* at most waiting, each */
	size_t connections_max;            /* beyond: oldest silent one goes, else 503 */
	int64_t read_ms, kept_ms, write_ms, queue_ms, stop_ms; /* deadlines */
	/* Peers allowed on TCP that is not loopback; NULL: loopback only. */
	bool (*peer_allowed)(void *state, const struct sockaddr *peer);
	void *peer_state;
	struct server_counters *counters; /* borrowed; NULL: of its own */
	int ready_fd;                     /* one byte is written once accepting; -1: none */
	int stop_fd;                      /* readable (or closed at the other end) means: stop */
};

struct worker_stats {
	uint64_t accepted, requests, replies, refused_streams, timeouts, over_limit, busy;
	uint64_t connections, queued[SERVER_LANES], running[SERVER_LANES];
};

/* STATUS_UNAVAILABLE: threads or descriptors could not be had. */
MUST_CHECK enum status worker_run(const struct worker_options *options);

/* Of the running worker of this process; zeros before. Thread-safe. */
void worker_read_stats(struct worker_stats *out);

#endif
