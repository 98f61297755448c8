/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "base/clock.h"
#include "server/supervisor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORKERS = 3, PLACES = 2 * WORKERS, PATIENCE_MS = 10000 };

/* What workers do. */
enum { GOOD, EXIT_78, DIE_AT_ONCE, NEVER_READY, NEVER_STOP, HAVE_CHILD };

/* Seen by the test, the supervisor and its workers. */
struct shared {
	_Atomic int pid[PLACES]; /* of who runs there, 0 when nobody */
	_Atomic int starts, reloads, reaped[PLACES], clashes, ready;
	_Atomic int modes[2]; /* of each generation */
	_Atomic int reload_allowed, next_mode, stranger;
};

#ifdef AUTHBRIDGE_COVERAGE
void __gcov_dump(void);
#endif

static struct shared *shared;
static pid_t supervisor;

static void set_mode(int mode)
{
	shared->modes[0] = shared->modes[1] = mode;
}

static int run(void *state, size_t index, int ready_fd, int stop_fd)
{
	const _Atomic int *mode = &shared->modes[index / WORKERS];
	struct pollfd at = { .fd = stop_fd, .events = POLLIN };
	(void)state;
	shared->starts++;
	if (shared->pid[index] != 0)
		shared->clashes++;
	shared->pid[index] = getpid();
	if (*mode == EXIT_78)
		return 78;
	if (*mode == DIE_AT_ONCE)
		return 1;
	if (*mode == HAVE_CHILD && fork() == 0) {
		shared->stranger = getpid();
		while (*mode == HAVE_CHILD)
			poll(NULL, 0, 5);
		_exit(3);
	}
	/* Counted before the supervisor can know and end the old ones. */
	bool counted = *mode != NEVER_READY;
	shared->ready += counted;
	if (counted && write(ready_fd, "", 1) != 1)
		return 1;
	while (*mode == NEVER_STOP)
		poll(NULL, 0, 1000);
	poll(&at, 1, -1);
	shared->ready -= counted;
	return 0;
}

static bool reload(void *state, size_t generation)
{
	(void)state;
	shared->reloads++;
	if (shared->reload_allowed)
		shared->modes[generation] = shared->next_mode;
	return shared->reload_allowed;
}

static void reap(void *state, size_t index)
{
	(void)state;
	shared->reaped[index]++;
	shared->pid[index] = 0;
}

/* Evaluates the condition no more once it holds. */
#define WAIT_UNTIL(condition)                                              \
	do {                                                               \
		int64_t until_ = clock_mono_ms() + PATIENCE_MS;            \
		bool held_;                                                \
		while (!(held_ = (condition)) && clock_mono_ms() < until_) \
			poll(NULL, 0, 2);                                  \
		if (!held_)                                                \
			fail_msg("never held: %s", #condition);            \
	} while (0)

static void start(int mode)
{
	set_mode(mode);
	shared->reload_allowed = 1;
	supervisor = fork();
	if (supervisor != 0)
		return;
	struct supervisor_counters counters = { 0 };
	const struct supervisor_options options = {
		.workers = WORKERS,
		.counters = &counters,
		.stop_ms = 300,
		.ready_ms = 300,
		.run = run,
		.reload = reload,
		.reap = reap,
	};
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	int code = supervisor_run(&options);
#ifdef AUTHBRIDGE_COVERAGE
	__gcov_dump();
#endif
	_exit(code);
}

static int end_code(void)
{
	int status = 0;
	WAIT_UNTIL(waitpid(supervisor, &status, WNOHANG) == supervisor);
	supervisor = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static int alive(void)
{
	int count = 0;
	for (size_t i = 0; i < PLACES; i++)
		count += shared->pid[i] != 0 && kill(shared->pid[i], 0) == 0;
	return count;
}

static int setup(void **state)
{
	(void)state;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	return shared != MAP_FAILED ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	if (supervisor != 0) {
		kill(supervisor, SIGKILL);
		waitpid(supervisor, NULL, 0);
		supervisor = 0;
	}
	for (size_t i = 0; i < PLACES; i++) {
		if (shared->pid[i] != 0)
			kill(shared->pid[i], SIGKILL);
	}
	return munmap(shared, sizeof(*shared));
}

static void stops_all_on_a_signal(void **state)
{
	static const int signals[] = { SIGTERM, SIGINT };
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		start(GOOD);
		WAIT_UNTIL(shared->ready == WORKERS);
		kill(supervisor, signals[i]);
		assert_int_equal(end_code(), 0);
		assert_int_equal(shared->ready, 0);
		assert_int_equal(alive(), 0);
	}
	assert_int_equal(shared->starts, 2 * WORKERS);
}

static void replaces_a_killed_worker_at_once(void **state)
{
	(void)state;
	start(GOOD);
	WAIT_UNTIL(shared->ready == WORKERS);
	int before = shared->pid[1];
	int64_t since = clock_mono_ms();
	kill(before, SIGKILL);
	WAIT_UNTIL(shared->pid[1] != 0 && shared->pid[1] != before);
	assert_true(clock_mono_ms() - since < 1000);
	assert_int_equal(shared->reaped[1], 1);
	assert_int_equal(shared->reaped[0] + shared->reaped[2], 0);
}

static void replaces_a_worker_that_was_told_to_stop(void **state)
{
	(void)state;
	start(GOOD);
	WAIT_UNTIL(shared->ready == WORKERS);
	for (int round = 0; round < 5; round++) {
		int before = shared->pid[2];
		kill(before, SIGTERM);
		WAIT_UNTIL(shared->pid[2] != 0 && shared->pid[2] != before);
		WAIT_UNTIL(shared->ready == WORKERS);
	}
	kill(supervisor, SIGTERM);
	assert_int_equal(end_code(), 0);
}

static void slows_down_when_they_keep_dying(void **state)
{
	(void)state;
	start(GOOD);
	WAIT_UNTIL(shared->ready == WORKERS);
	set_mode(DIE_AT_ONCE);
	kill(shared->pid[0], SIGKILL);
	poll(NULL, 0, 1500);
	/* At once, then after 100, 200, 400 and 800 ms. */
	assert_in_range(shared->starts, WORKERS + 3, WORKERS + 6);
	set_mode(GOOD);
	WAIT_UNTIL(shared->ready == WORKERS);
	kill(supervisor, SIGTERM);
	assert_int_equal(end_code(), 0);
}

static void ends_with_the_code_of_a_first_worker(void **state)
{
	(void)state;
	start(EXIT_78);
	assert_int_equal(end_code(), 78);
	assert_int_equal(alive(), 0);
}

static void stays_when_a_later_worker_has_a_code(void **state)
{
	(void)state;
	start(GOOD);
	WAIT_UNTIL(shared->ready == WORKERS);
	set_mode(EXIT_78);
	kill(shared->pid[0], SIGKILL);
	WAIT_UNTIL(shared->reaped[0] >= 2);
	assert_int_equal(kill(supervisor, 0), 0);
	/* The next one comes and goes, after longer and longer pauses. */
	WAIT_UNTIL(alive() == WORKERS - 1);
}

/* The old ones end only when all the new ones answer. */
static void reloads_side_by_side(void **state)
{
	(void)state;
	start(GOOD);
	WAIT_UNTIL(shared->ready == WORKERS);
	for (int round = 1; round <= 6; round++) {
		int starts = shared->starts;
		kill(supervisor, SIGHUP);
		int least = WORKERS;
		int64_t until = clock_mono_ms() + PATIENCE_MS;
		while ((shared->starts < starts + WORKERS || shared->ready != WORKERS ||
			alive() != WORKERS) &&
		       clock_mono_ms() < until)
			least = shared->ready < least ? shared->ready : least;
		assert_int_equal(least, WORKERS);
		assert_int_equal(shared->reloads, round);
	}
	assert_int_equal(shared->clashes, 0);
	kill(supervisor, SIGTERM);
	assert_int_equal(end_code(), 0);
	assert_int_equal(alive(), 0);
}

static void keeps_the_old_when_reload_says_no(void **state)
{
	(void)state;
	start(GOOD);
	WAIT_UNTIL(shared->ready == WORKERS);
	shared->reload_allowed = 0;
	kill(supervisor, SIGHUP);
	WAIT_UNTIL(shared->reloads == 1);
	poll(NULL, 0, 100);
	assert_int_equal(shared->starts, WORKERS);
	assert_int_equal(shared->ready, WORKERS);
}

static void keeps_the_old_when_the_new_fail(void **state)
{
	static const int modes[] = { NEVER_READY, DIE_AT_ONCE, EXIT_78 };
	(void)state;
	start(GOOD);
	WAIT_UNTIL(shared->ready == WORKERS);
	int first = shared->pid[0];
	for (size_t i = 0; i < 3; i++) {
		shared->next_mode = modes[i];
		kill(supervisor, SIGHUP);
		WAIT_UNTIL(shared->reloads == (int)i + 1);
		WAIT_UNTIL(shared->starts > WORKERS);
		WAIT_UNTIL(alive() == WORKERS);
		poll(NULL, 0, 400);
		assert_int_equal(shared->pid[0], first);
		assert_int_equal(alive(), WORKERS);
		/* Who dies now is followed by one of the old generation. */
		kill(first, SIGTERM);
		WAIT_UNTIL(shared->pid[0] != 0 && shared->pid[0] != first);
		poll(NULL, 0, 50);
		assert_int_equal(alive(), WORKERS);
		first = shared->pid[0];
	}
	/* And the next good one is taken. */
	shared->next_mode = GOOD;
	kill(supervisor, SIGHUP);
	WAIT_UNTIL(shared->pid[0] == 0);
	WAIT_UNTIL(alive() == WORKERS);
	kill(supervisor, SIGTERM);
	assert_int_equal(end_code(), 0);
}

static void kills_those_that_do_not_stop(void **state)
{
	(void)state;
	start(NEVER_STOP);
	WAIT_UNTIL(shared->ready == WORKERS);
	int64_t since = clock_mono_ms();
	kill(supervisor, SIGTERM);
	assert_int_equal(end_code(), 0);
	assert_in_range(clock_mono_ms() - since, 250, 2000);
	assert_int_equal(alive(), 0);
}

static void workers_end_with_the_parent(void **state)
{
	(void)state;
	/* Their orphans come to us. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	start(GOOD);
	WAIT_UNTIL(shared->ready == WORKERS);
	kill(supervisor, SIGKILL);
	assert_int_equal(end_code(), -SIGKILL);
	WAIT_UNTIL(shared->ready == 0);
	for (size_t i = 0; i < WORKERS; i++) {
		assert_int_equal(waitpid(shared->pid[i], NULL, 0), shared->pid[i]);
		shared->pid[i] = 0;
	}
	prctl(PR_SET_CHILD_SUBREAPER, 0);
}

/* As process 1 in a container: whoever loses its parent is ours to bury. */
static void buries_strangers(void **state)
{
	(void)state;
	start(GOOD);
	WAIT_UNTIL(shared->ready == WORKERS);
	set_mode(HAVE_CHILD);
	kill(shared->pid[0], SIGKILL);
	WAIT_UNTIL(shared->stranger != 0);
	kill(shared->pid[0], SIGKILL);
	set_mode(GOOD);
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d", shared->stranger);
	WAIT_UNTIL(access(path, F_OK) != 0);
	kill(supervisor, SIGTERM);
	assert_int_equal(end_code(), 0);
}

static void survives_a_storm_of_signals(void **state)
{
	static const int signals[] = { SIGHUP, SIGCHLD, SIGHUP, SIGCHLD };
	(void)state;
	start(GOOD);
	WAIT_UNTIL(shared->ready == WORKERS);
	for (int i = 0; i < 3000; i++) {
		kill(supervisor, signals[i % 4]);
		if (i % 500 == 0)
			poll(NULL, 0, 5);
	}
	WAIT_UNTIL(alive() == WORKERS && shared->ready == WORKERS);
	assert_int_equal(shared->clashes, 0);
	kill(supervisor, SIGTERM);
	assert_int_equal(end_code(), 0);
	assert_int_equal(alive(), 0);
}

int main(void)
{
#define SUPERVISOR_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		SUPERVISOR_TEST(stops_all_on_a_signal),
		SUPERVISOR_TEST(replaces_a_killed_worker_at_once),
		SUPERVISOR_TEST(replaces_a_worker_that_was_told_to_stop),
		SUPERVISOR_TEST(slows_down_when_they_keep_dying),
		SUPERVISOR_TEST(ends_with_the_code_of_a_first_worker),
		SUPERVISOR_TEST(stays_when_a_later_worker_has_a_code),
		SUPERVISOR_TEST(reloads_side_by_side),
		SUPERVISOR_TEST(keeps_the_old_when_reload_says_no),
		SUPERVISOR_TEST(keeps_the_old_when_the_new_fail),
		SUPERVISOR_TEST(kills_those_that_do_not_stop),
		SUPERVISOR_TEST(workers_end_with_the_parent),
		SUPERVISOR_TEST(buries_strangers),
		SUPERVISOR_TEST(survives_a_storm_of_signals),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("supervisor", tests, NULL, NULL);
}
