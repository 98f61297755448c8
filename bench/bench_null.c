/* SPDX-License-Identifier: MIT */
/*
 * bench_null: what a plain libfcgi worker costs. Threads that accept through
 * libfcgi and allow everything; the gate is measured against it.
 *
 *     bench_null unix:/path|127.0.0.1:PORT [THREADS]
 */
#include "server/listener.h"

#include <fcgiapp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <fcntl.h>

static int listening;

static void *answer_all(void *unused)
{
	static const char text[] = "Status: 200\r\nVariable-User-Id: alice\r\n\r\n";
	FCGX_Request request;
	if (FCGX_InitRequest(&request, listening, 0) != 0)
		abort();
	while (FCGX_Accept_r(&request) == 0) {
		FCGX_PutStr(text, sizeof(text) - 1, request.out);
		FCGX_Finish_r(&request);
	}
	return unused;
}

int main(int argc, char **argv)
{
	struct arena *mem = arena_new(0);
	struct listeners all = { 0 };
	struct buf why;
	buf_init(&why, mem, 1024);
	if (argc < 2 || FCGX_Init() != 0 ||
	    listener_open(&all, argv[1], 0600, false, &why) != STATUS_OK) {
		fprintf(stderr, "bench_null ADDRESS [THREADS]\n%.*s\n", SPAN_FMT(buf_span(&why)));
		return 64;
	}
	listening = all.at[0].fd;
	fcntl(listening, F_SETFL, fcntl(listening, F_GETFL) & ~O_NONBLOCK);
	long threads = argc > 2 ? strtol(argv[2], NULL, 10) : 4;
	for (pthread_t id; threads > 1; threads--) {
		if (pthread_create(&id, NULL, answer_all, NULL) != 0)
			abort();
	}
	answer_all(NULL);
	listener_close(&all);
	arena_free(&mem);
	return 0;
}
