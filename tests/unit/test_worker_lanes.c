/* SPDX-License-Identifier: MIT */
#include "unit/worker_fixture.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

static int setup(void **state)
{
	static struct fixture fixture;
	fixture_init(&fixture);
	*state = &fixture;
	return 0;
}

static int teardown(void **state)
{
	fixture_end(*state);
	return 0;
}

/* --- lanes --- */

static struct worker_stats stats_now(void)
{
	struct worker_stats stats;
	worker_read_stats(&stats);
	return stats;
}

/* One request runs in the lane of a single thread, the next one waits. */
static void fill_lane(int running, int waiting)
{
	client_begin(running, WIRE_RESPONDER, "/pw");
	WAIT_UNTIL(stats_now().running[SERVER_LANE_PASSWORD] == 1);
	client_begin(waiting, WIRE_RESPONDER, "/pw");
	WAIT_UNTIL(stats_now().queued[SERVER_LANE_PASSWORD] == 1);
}

static void refuses_at_once_when_a_lane_is_full(void **state)
{
	struct fixture *f = *state;
	fixture_start(f);
	int running = client_unix(f), waiting = client_unix(f), third = client_unix(f);
	struct wire block = { 0 };
	fill_lane(running, waiting);
	client_begin(third, WIRE_RESPONDER, "/pw");
	assert_true(client_receive(third, &block));
	wire_bytes(&block, "", 1);
	assert_true(span_starts(wire_span(&block), SPAN("Status: 503")));
	assert_non_null(strcasestr(block.at, "\r\nRetry-After:"));
	/* The gate does not notice. */
	assert_int_equal(client_once(f, "/ok"), 200);
	sem_post(&f->gate);
	assert_int_equal(client_status(running), 200);
	sem_post(&f->gate);
	assert_int_equal(client_status(waiting), 200);
	assert_int_equal(stats_now().busy, 1);
	wire_free(&block);
	close(running);
	close(waiting);
	close(third);
}

static void asks_for_admission(void **state)
{
	struct fixture *f = *state;
	fixture_start(f);
	f->shut = 1;
	assert_int_equal(client_once(f, "/pw"), 503);
	assert_int_equal(f->entered, 0);
	assert_int_equal(client_once(f, "/ok"), 200);
}

static void gives_up_what_waited_too_long(void **state)
{
	struct fixture *f = *state;
	f->options.queue_ms = 50;
	fixture_start(f);
	int running = client_unix(f), waiting = client_unix(f);
	client_begin(running, WIRE_RESPONDER, "/pw");
	WAIT_UNTIL(stats_now().running[SERVER_LANE_PASSWORD] == 1);
	client_begin(waiting, WIRE_RESPONDER, "/pw");
	/* Answered though the lane's only thread is held. */
	assert_int_equal(client_status(waiting), 503);
	assert_int_equal(f->handled, 0);
	sem_post(&f->gate);
	assert_int_equal(client_status(running), 200);
	close(running);
	close(waiting);
}

static void does_not_compute_for_the_gone(void **state)
{
	struct fixture *f = *state;
	fixture_start(f);
	for (int tcp = 0; tcp < 2; tcp++) {
		int handled = f->handled, left = f->left;
		int running = client_unix(f), gone = tcp ? client_tcp(f) : client_unix(f);
		fill_lane(running, gone);
		close(gone);
		sem_post(&f->gate);
		assert_int_equal(client_status(running), 200);
		WAIT_UNTIL(f->left == left + 2);
		assert_int_equal(f->handled, handled + 1);
		close(running);
	}
}

static void keeps_a_connection_through_a_lane(void **state)
{
	struct fixture *f = *state;
	fixture_start(f);
	int fd = client_unix(f);
	for (size_t i = 0; i < 20; i++) {
		sem_post(&f->gate);
		assert_int_equal(client_ask(fd, WIRE_RESPONDER, true, i % 2 ? "/db" : "/ok"), 200);
		if (i % 2 == 0)
			sem_wait(&f->gate);
	}
	close(fd);
}

/* --- limits --- */

static void gives_the_place_of_the_oldest_silent(void **state)
{
	enum { MAX = 8 };
	struct fixture *f = *state;
	int fds[MAX];
	f->options.connections_max = MAX;
	fixture_start(f);
	for (size_t i = 0; i < MAX; i++) {
		fds[i] = client_unix(f);
		WAIT_UNTIL(connections_now() == i + 1);
	}
	assert_int_equal(client_once(f, "/ok"), 200);
	assert_true(client_is_closed(fds[0]));
	WAIT_UNTIL(connections_now() == MAX - 1);
	for (size_t i = 1; i < MAX; i++)
		assert_int_equal(client_ask(fds[i], WIRE_AUTHORIZER, false, "/ok"), 200);
	for (size_t i = 0; i < MAX; i++)
		close(fds[i]);
}

static void says_503_when_all_are_busy(void **state)
{
	struct fixture *f = *state;
	f->options.connections_max = 2;
	fixture_start(f);
	int a = client_unix(f), b = client_unix(f);
	client_begin(a, WIRE_RESPONDER, "/db");
	client_begin(b, WIRE_RESPONDER, "/db");
	WAIT_UNTIL(f->entered == 2);
	assert_int_equal(client_once(f, "/ok"), 503);
	sem_post(&f->gate);
	sem_post(&f->gate);
	assert_int_equal(client_status(a), 200);
	assert_int_equal(client_status(b), 200);
	WAIT_UNTIL(connections_now() == 0);
	assert_int_equal(client_once(f, "/ok"), 200);
	close(a);
	close(b);
}

/* --- the kernel refuses: our calls are taken before libc's --- */

/* A sanitizer asks for limits before it can watch anybody. */
#define UNWATCHED __attribute__((no_sanitize("address", "thread", "undefined")))

static _Atomic int accept_error, accept_calls;
static rlim_t descriptors_max; /* 0: as they are */

int accept4(int fd, struct sockaddr *peer, socklen_t *len, int flags)
{
	accept_calls++;
	if (accept_error == 0)
		return (int)syscall(SYS_accept4, fd, peer, len, flags);
	errno = accept_error;
	return -1;
}

UNWATCHED int getrlimit(__rlimit_resource_t what, struct rlimit *out)
{
	if (descriptors_max == 0)
		return (int)syscall(SYS_prlimit64, 0, what, NULL, out);
	*out = (struct rlimit){ descriptors_max / 2, descriptors_max };
	return 0;
}

UNWATCHED int setrlimit(__rlimit_resource_t what, const struct rlimit *limit)
{
	if (descriptors_max == 0)
		return (int)syscall(SYS_prlimit64, 0, what, limit, NULL);
	assert_int_equal(what, RLIMIT_NOFILE);
	assert_true(limit->rlim_cur <= descriptors_max);
	return 0;
}

/* Without descriptors, or memory for a socket, it waits until there are, and
 * does not spin. */
static void survives_a_lack_of_descriptors(void **state)
{
	static const int errors[] = { EMFILE, ENFILE, ENOBUFS, ENOMEM, EPERM };
	struct fixture *f = *state;
	fixture_start(f);
	for (size_t i = 0; i < COUNT_OF(errors); i++) {
		assert_int_equal(client_once(f, "/ok"), 200);
		accept_error = errors[i];
		accept_calls = 0;
		int fd = client_unix(f);
		client_begin(fd, WIRE_AUTHORIZER, "/ok");
		struct pollfd answer = { .fd = fd, .events = POLLIN };
		assert_int_equal(poll(&answer, 1, 250), 0);
		/* Each of the threads may be told, and again ten times a second. */
		assert_in_range(accept_calls, 1, 30);
		accept_error = 0;
		assert_int_equal(client_status(fd), 200);
		close(fd);
	}
}

/* An idle connection gives its descriptor to the next one. */
static void gives_the_descriptor_of_the_oldest_silent(void **state)
{
	struct fixture *f = *state;
	fixture_start(f);
	int silent = client_unix(f);
	WAIT_UNTIL(connections_now() == 1);
	accept_error = EMFILE;
	int fd = client_unix(f);
	assert_true(client_is_closed(silent));
	accept_error = 0;
	assert_int_equal(client_ask(fd, WIRE_AUTHORIZER, false, "/ok"), 200);
	close(fd);
	close(silent);
}

static void takes_as_many_as_there_are_descriptors(void **state)
{
	enum { MAX = 600, BESIDE = 256, MORE = 20 };
	struct fixture *f = *state;
	int fds[MAX - BESIDE + MORE];
	descriptors_max = MAX;
	fixture_start(f);
	descriptors_max = 0;
	for (size_t i = 0; i < COUNT_OF(fds); i++)
		fds[i] = client_unix(f);
	for (size_t i = 0; i < MORE; i++)
		assert_true(client_is_closed(fds[i]));
	WAIT_UNTIL(connections_now() == MAX - BESIDE);
	assert_int_equal(client_ask(fds[MORE], WIRE_AUTHORIZER, false, "/ok"), 200);
	for (size_t i = 0; i < COUNT_OF(fds); i++)
		close(fds[i]);
}

/* --- the end --- */

static void finishes_what_it_began(void **state)
{
	struct fixture *f = *state;
	fixture_start(f);
	int running = client_unix(f), waiting = client_unix(f), kept = client_unix(f);
	int silent = client_unix(f), half = client_unix(f);
	struct wire w = { 0 };
	wire_request(&w, WIRE_AUTHORIZER, true, "/ok", SPAN(""));
	assert_int_equal(client_ask(kept, WIRE_AUTHORIZER, true, "/ok"), 200);
	fill_lane(running, waiting);
	client_send(half, span_first(wire_span(&w), 20));
	WAIT_UNTIL(connections_now() == 5);
	fixture_ask_to_stop(f);
	assert_true(client_is_closed(kept));
	assert_true(client_is_closed(silent));
	assert_int_equal(f->handled, 1);
	sem_post(&f->gate);
	sem_post(&f->gate);
	assert_int_equal(client_status(running), 200);
	assert_int_equal(client_status(waiting), 200);
	client_send(half, span_from(wire_span(&w), 20));
	assert_int_equal(client_status(half), 200);
	assert_true(client_is_closed(half));
	fixture_join(f);
	wire_free(&w);
	close(running);
	close(waiting);
	close(kept);
	close(silent);
	close(half);
}

static void ends_in_time(void **state)
{
	struct fixture *f = *state;
	f->options.stop_ms = 200;
	fixture_start(f);
	int half = client_unix(f), running = client_unix(f), waiting = client_unix(f);
	client_send(half, SPAN("\1\1"));
	fill_lane(running, waiting);
	int64_t since = clock_mono_ms();
	fixture_ask_to_stop(f);
	assert_int_equal(client_status(waiting), 503);
	sem_post(&f->gate);
	fixture_join(f);
	assert_true(clock_mono_ms() - since < 3000);
	assert_int_equal(client_status(running), 200);
	assert_true(client_is_closed(half));
	close(half);
	close(running);
	close(waiting);
}

int main(void)
{
#define WORKER_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		WORKER_TEST(refuses_at_once_when_a_lane_is_full),
		WORKER_TEST(asks_for_admission),
		WORKER_TEST(gives_up_what_waited_too_long),
		WORKER_TEST(does_not_compute_for_the_gone),
		WORKER_TEST(keeps_a_connection_through_a_lane),
		WORKER_TEST(gives_the_place_of_the_oldest_silent),
		WORKER_TEST(says_503_when_all_are_busy),
		WORKER_TEST(survives_a_lack_of_descriptors),
		WORKER_TEST(gives_the_descriptor_of_the_oldest_silent),
		WORKER_TEST(takes_as_many_as_there_are_descriptors),
		WORKER_TEST(finishes_what_it_began),
		WORKER_TEST(ends_in_time),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("worker lanes", tests, NULL, NULL);
}
