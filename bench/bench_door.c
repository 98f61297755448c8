/* SPDX-License-Identifier: MIT */
/*
 * bench_door: what our worker costs without a decision: the front door, the
 * request and the reply, and an application that allows everything.
 *
 *     bench_door unix:/path|127.0.0.1:PORT [THREADS]
 */
#include "server/sandbox.h"
#include "server/worker.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>

static enum server_lane lane_of(void *state, const struct request *request)
{
	(void)state, (void)request;
	return SERVER_LANE_GATE;
}

static void allow(void *state, void *local, struct request *request, struct reply *reply)
{
	(void)state, (void)local, (void)request;
	reply_status(reply, 200);
	reply_header(reply, "Variable-User-Id", SPAN("alice"));
}

int main(int argc, char **argv)
{
	struct arena *mem = arena_new(0);
	struct listeners all = { 0 };
	struct buf why;
	struct server_app app = { .lane_of = lane_of, .handle = allow };
	sigset_t stop;
	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	sigprocmask(SIG_BLOCK, &stop, NULL);
	buf_init(&why, mem, 1024);
	if (argc < 2 || listener_open(&all, argv[1], 0600, false, &why) != STATUS_OK) {
		fprintf(stderr, "bench_door ADDRESS [THREADS]\n%.*s\n", SPAN_FMT(buf_span(&why)));
		return 64;
	}
	struct worker_options options = {
		.listeners = &all,
		.app = &app,
		.gate_threads = argc > 2 ? strtoul(argv[2], NULL, 10) : 4,
		.connections_max = 2048,
		.read_ms = 5000,
		.kept_ms = 60000,
		.write_ms = 5000,
		.queue_ms = 5000,
		.stop_ms = 5000,
		.ready_fd = -1,
		.stop_fd = signalfd(-1, &stop, SFD_CLOEXEC),
	};
	enum status status = sandbox_enter();
	if (status == STATUS_OK)
		status = worker_run(&options);
	listener_close(&all);
	arena_free(&mem);
	return status == STATUS_OK ? 0 : 70;
}
