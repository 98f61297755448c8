/* SPDX-License-Identifier: MIT */
#include "store/witness.h"

#include "store/run.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct witness {
	struct store *store;
	int64_t every_ms;
	witness_told *told;
	void *state;
	int stop_fd;
	pthread_t thread;
};

static void ask(struct witness *witness)
{
	static const struct pg_statement where = { "witness", "SELECT " WITNESS_PLACE };
	CLEANUP(pg_rows_free) struct pg_result *rows = NULL;
	if (run_read(witness->store, &where, NULL, &rows) == STATUS_OK)
		witness->told(witness->state, pg_text(rows, 0, 0));
}

static void *keep_asking(void *state)
{
	struct witness *witness = state;
	struct pollfd stop = { .fd = witness->stop_fd, .events = POLLIN };
	int ready = 0;
	while (ready == 0 || (ready < 0 && errno == EINTR)) {
		ask(witness);
		ready = poll(&stop, 1, (int)witness->every_ms);
	}
	return NULL;
}

static bool start_thread(struct witness *witness)
{
	pthread_attr_t attr;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, (size_t)512 * 1024);
	int failed = pthread_create(&witness->thread, &attr, keep_asking, witness);
	pthread_attr_destroy(&attr);
	return failed == 0;
}

static void witness_free(struct witness *witness)
{
	if (witness->stop_fd >= 0)
		close(witness->stop_fd);
	free(witness);
}

enum status witness_start(struct store *store, int64_t every_ms, witness_told *told, void *state,
			  struct witness **out)
{
	struct witness *witness = calloc(1, sizeof(*witness));
	if (witness == NULL)
		return STATUS_NO_MEMORY;
	*witness = (struct witness){ store, every_ms, told, state, -1, 0 };
	witness->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (witness->stop_fd < 0 || !start_thread(witness)) {
		witness_free(witness);
		return STATUS_INTERNAL;
	}
	*out = witness;
	return STATUS_OK;
}

void witness_stop(struct witness **witness)
{
	if (*witness == NULL)
		return;
	uint64_t one = 1;
	while (write((*witness)->stop_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
	pthread_join((*witness)->thread, NULL);
	witness_free(*witness);
	*witness = NULL;
}
