/* SPDX-License-Identifier: MIT */
/*
 * worker_fixture: a worker in a thread of the test, with an application that
 * does what the path says, and clients with deadlines.
 */
#ifndef TESTS_UNIT_WORKER_FIXTURE_H
#define TESTS_UNIT_WORKER_FIXTURE_H

#include "base/clock.h"
#include "base/status.h"
#include "server/worker.h"
#include "unit/fcgi_wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/un.h>
#include <unistd.h>

enum { PATIENCE_MS = 10000 };

struct fixture {
	char directory[64], path[80];
	uint16_t port;
	struct listeners listeners;
	struct server_app app;
	struct worker_options options;
	pthread_t thread;
	int ready[2], stop[2];
	enum status status;
	bool running;
	sem_t gate; /* each /db and /pw request takes one */
	_Atomic int entered, left, handled, shut;
};

void fixture_init(struct fixture *f);

/* A port nobody has just now. */
uint16_t free_port(void);

void fixture_start(struct fixture *f);

void fixture_ask_to_stop(struct fixture *f);

void fixture_join(struct fixture *f);

void fixture_end(struct fixture *f);

int client_unix(const struct fixture *f);

int client_tcp(const struct fixture *f);

/* False: the peer has closed. */
bool client_send(int fd, struct span bytes);

/* Until END_REQUEST or the end. Returns false when it ended before. */
bool client_receive(int fd, struct wire *block);

/* The status of the answer, 0 when the connection just ends. */
int client_status(int fd);

int client_ask(int fd, unsigned role, bool keep, const char *target);

/* A request of its own, as every web server sends it. */
int client_once(const struct fixture *f, const char *target);

void client_begin(int fd, unsigned role, const char *target);

/* True when the peer closes, without a byte, in time. */
bool client_is_closed(int fd);

uint64_t connections_now(void);

size_t descriptors_now(void);

#define WAIT_UNTIL(condition)                                    \
	do {                                                     \
		int64_t until_ = clock_mono_ms() + PATIENCE_MS;  \
		while (!(condition) && clock_mono_ms() < until_) \
			poll(NULL, 0, 2);                        \
		assert_true(condition);                          \
	} while (0)

#endif
