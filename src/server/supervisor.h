/* SPDX-License-Identifier: MIT */
/*
 * supervisor: the small parent. Forks workers, restarts a dead one at once
 * (with a growing pause while it keeps dying young), passes TERM on, and on
 * HUP starts a new generation beside the old one before ending that. As
 * process 1 it buries strangers' children too. There are no signal handlers:
 * signals are blocked and read from a descriptor.
 *
 * A worker ends when the parent says so, when it gets TERM itself (and is then
 * replaced), and when the parent is gone.
 */
#ifndef SERVER_SUPERVISOR_H
#define SERVER_SUPERVISOR_H

#include "base/status.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* For metrics, in memory that the workers see too. */
struct supervisor_counters {
	_Atomic uint64_t restarts; /* of workers that died */
	_Atomic uint64_t reloads_done, reloads_refused, reloads_failed;
	int64_t started_ms; /* wall time */
};

struct supervisor_options {
	size_t workers;
	int64_t stop_ms;                      /* after TERM: then KILL */
	struct supervisor_counters *counters; /* borrowed */
	int64_t ready_ms;                     /* for a new generation to say it is ready */
	void *state;
	/* In the child. Returns its exit code. `index` is a number no live worker
	 * of any generation has; index / workers is its generation, 0 or 1, the
	 * first one's 0. `ready_fd` gets a byte when it answers; `stop_fd` becomes
	 * readable when it shall stop. */
	int (*run)(void *state, size_t index, int ready_fd, int stop_fd);
	/* In the parent, on HUP: read everything anew for the workers of that
	 * generation; there are none then. The other one is in use, and stays so
	 * if the new workers fail. False: keep the old one (the reason is logged
	 * by the callback). */
	bool (*reload)(void *state, size_t generation);
	/* In the parent, when worker `index` has died: give back what it held. */
	void (*reap)(void *state, size_t index);
};

/* Until TERM or INT: 0. A first generation whose worker exits with a
 * sysexits code (64..78) before it is ready ends all with that code. On one
 * thread alone, which may not have others. */
int supervisor_run(const struct supervisor_options *options);

#endif
