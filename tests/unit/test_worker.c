/* SPDX-License-Identifier: MIT */
#include "unit/worker_fixture.h"

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

/* --- answers --- */

static void answers_both_roles_on_both_sockets(void **state)
{
	struct fixture *f = *state;
	fixture_start(f);
	for (unsigned role = WIRE_RESPONDER; role <= WIRE_AUTHORIZER; role++) {
		for (int tcp = 0; tcp < 2; tcp++) {
			struct wire block = { 0 };
			int fd = tcp ? client_tcp(f) : client_unix(f);
			client_begin(fd, role, "/api/alice/tasks");
			assert_true(client_receive(fd, &block));
			wire_bytes(&block, "", 1);
			assert_true(span_starts(wire_span(&block), SPAN("Status: 200")));
			assert_non_null(strstr(block.at, "\r\nVariable-User-Id: alice\r\n"));
			assert_non_null(strstr(block.at, tcp ? "X-Local: no" : "X-Local: yes"));
			assert_true(client_is_closed(fd));
			wire_free(&block);
			close(fd);
		}
	}
	WAIT_UNTIL(connections_now() == 0);
}

/* security.md 1.1: headers and body in one record, application status 0. */
static void answers_in_one_record(void **state)
{
	struct fixture *f = *state;
	fixture_start(f);
	char bytes[4096];
	size_t len = 0;
	int fd = client_unix(f);
	client_begin(fd, WIRE_AUTHORIZER, "/x");
	for (ssize_t got; (got = recv(fd, bytes + len, sizeof(bytes) - len, 0)) > 0;)
		len += (size_t)got;
	const unsigned char *h = (const unsigned char *)bytes;
	size_t content = (size_t)h[4] << 8 | h[5];
	assert_int_equal(h[1], WIRE_STDOUT);
	assert_int_equal(len, 8 + content + h[6] + 8 + 16);
	static const char end[] = "\1\6\0\1\0\0\0\0\1\3\0\1\0\10\0\0\0\0\0\0\0\0\0\0";
	assert_memory_equal(bytes + len - 24, end, 24);
	close(fd);
}

static void answers_an_empty_handler_with_500(void **state)
{
	struct fixture *f = *state;
	fixture_start(f);
	assert_int_equal(client_once(f, "/empty"), 500);
	assert_int_equal(client_once(f, "/ok"), 200);
}

static void answers_requests_without_a_target(void **state)
{
	struct fixture *f = *state;
	fixture_start(f);
	static const int expect[] = { [WIRE_RESPONDER] = 400, [WIRE_AUTHORIZER] = 403 };
	for (unsigned role = WIRE_RESPONDER; role <= WIRE_AUTHORIZER; role++) {
		struct wire w = { 0 };
		int fd = client_unix(f);
		wire_begin(&w, 1, role, false);
		wire_stream(&w, WIRE_PARAMS, 1, SPAN("\1\1ab"), 100, 0);
		wire_stream(&w, WIRE_STDIN, 1, SPAN(""), 100, 0);
		client_send(fd, wire_span(&w));
		assert_int_equal(client_status(fd), expect[role]);
		wire_free(&w);
		close(fd);
	}
}

static void passes_the_body(void **state)
{
	static char body[60000];
	struct fixture *f = *state;
	fixture_start(f);
	memset(body, 'x', sizeof(body));
	body[0] = '{';
	body[77] = '\0';
	static const size_t sizes[] = { 1, 5000, 60000 };
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		struct wire w = { 0 }, block = { 0 };
		int fd = client_unix(f);
		wire_request(&w, WIRE_RESPONDER, false, "/echo", span_make(body, sizes[i]));
		assert_true(client_send(fd, wire_span(&w)));
		assert_true(client_receive(fd, &block));
		assert_true(block.len > sizes[i]);
		assert_memory_equal(block.at + block.len - sizes[i], body, sizes[i]);
		wire_free(&w);
		wire_free(&block);
		close(fd);
	}
}

/* --- peers that split, stop and vanish --- */

static void judges_a_splitter(void **state)
{
	struct fixture *f = *state;
	struct wire params = { 0 }, w = { 0 };
	fixture_start(f);
	wire_params(&params, "/api/alice/tasks", 0);
	char filler[6000];
	memset(filler, 'f', sizeof(filler));
	wire_pair(&params, SPAN("HTTP_X"), span_make(filler, sizeof(filler)));
	wire_begin(&w, 1, WIRE_AUTHORIZER, false);
	wire_stream(&w, WIRE_PARAMS, 1, wire_span(&params), 1, 200);
	for (int tcp = 0; tcp < 2; tcp++) {
		int fd = tcp ? client_tcp(f) : client_unix(f);
		assert_true(client_send(fd, wire_span(&w)));
		assert_int_equal(client_status(fd), 200);
		close(fd);
	}
	wire_free(&params);
	wire_free(&w);
}

static void survives_every_cut(void **state)
{
	struct fixture *f = *state;
	struct wire w = { 0 };
	fixture_start(f);
	size_t before = descriptors_now();
	wire_request(&w, WIRE_RESPONDER, true, "/ok", SPAN("body"));
	for (size_t cut = 0; cut < w.len; cut++) {
		int fd = client_unix(f);
		client_send(fd, span_first(wire_span(&w), cut));
		if (cut % 2 == 0)
			client_send(fd, SPAN("\1\2\0\1\0\0\0\0"));
		close(fd);
	}
	assert_int_equal(client_once(f, "/ok"), 200);
	WAIT_UNTIL(connections_now() == 0);
	assert_int_equal(descriptors_now(), before);
	wire_free(&w);
}

/* Bytes that come one by one, each in a packet. */
static void waits_for_slow_bytes(void **state)
{
	struct fixture *f = *state;
	struct wire w = { 0 };
	fixture_start(f);
	int fd = client_tcp(f);
	wire_request(&w, WIRE_AUTHORIZER, false, "/ok", SPAN(""));
	for (size_t at = 0; at < w.len; at++) {
		assert_true(client_send(fd, span_make(w.at + at, 1)));
		if (at % 16 == 0)
			assert_int_equal(client_once(f, "/ok"), 200);
	}
	assert_int_equal(client_status(fd), 200);
	wire_free(&w);
	close(fd);
}

static void closes_refused_streams(void **state)
{
	struct fixture *f = *state;
	fixture_start(f);
	static const char *const names[] = { "FCGI_MAX_CONNS", "FCGI_MAX_REQS", "FCGI_MPXS_CONNS",
					     "FCGI_MAX_CONNS", "FCGI_MAX_REQS" };
	struct wire values = { 0 }, w = { 0 };
	for (size_t i = 0; i < COUNT_OF(names); i++)
		wire_pair(&values, span_of(names[i]), SPAN(""));
	wire_record(&w, WIRE_GET_VALUES, 0, wire_span(&values), 0);
	int fd = client_unix(f);
	client_send(fd, wire_span(&w));
	assert_true(client_is_closed(fd));
	close(fd);
	fd = client_unix(f);
	client_send(fd, SPAN("GET / HTTP/1.0\r\n\r\n"));
	assert_true(client_is_closed(fd));
	close(fd);
	assert_int_equal(client_once(f, "/ok"), 200);
	wire_free(&values);
	wire_free(&w);
}

static void is_not_held_by_the_silent(void **state)
{
	enum { EACH = 300 };
	struct fixture *f = *state;
	int fds[3 * EACH];
	struct wire w = { 0 };
	fixture_start(f);
	wire_request(&w, WIRE_AUTHORIZER, false, "/ok", SPAN(""));
	for (size_t i = 0; i < EACH; i++) {
		fds[i] = client_unix(f);
		fds[EACH + i] = client_unix(f);
		client_send(fds[EACH + i], span_first(wire_span(&w), i % w.len));
		fds[2 * EACH + i] = i % 2 ? client_unix(f) : client_tcp(f);
		assert_int_equal(client_ask(fds[2 * EACH + i], WIRE_AUTHORIZER, true, "/ok"), 200);
	}
	for (size_t i = 0; i < 100; i++)
		assert_int_equal(client_once(f, "/ok"), 200);
	/* The kept ones still serve, and the half-sent ones may finish. */
	assert_int_equal(client_ask(fds[2 * EACH], WIRE_AUTHORIZER, true, "/ok"), 200);
	client_send(fds[EACH + 9], span_from(wire_span(&w), 9));
	assert_int_equal(client_status(fds[EACH + 9]), 200);
	assert_true(connections_now() >= 3 * EACH - 1);
	for (size_t i = 0; i < COUNT_OF(fds); i++)
		close(fds[i]);
	WAIT_UNTIL(connections_now() == 0);
	wire_free(&w);
}

static void closes_the_late(void **state)
{
	struct fixture *f = *state;
	f->options.read_ms = 50;
	f->options.kept_ms = 80;
	fixture_start(f);
	int silent = client_unix(f), half = client_unix(f), kept = client_unix(f);
	client_send(half, SPAN("\1\1\0\1"));
	assert_int_equal(client_ask(kept, WIRE_AUTHORIZER, true, "/ok"), 200);
	assert_true(client_is_closed(silent));
	assert_true(client_is_closed(half));
	assert_true(client_is_closed(kept));
	struct worker_stats stats;
	worker_read_stats(&stats);
	assert_int_equal(stats.timeouts, 3);
	close(silent);
	close(half);
	close(kept);
}

/* A byte now and then does not buy time. */
static void closes_the_trickling(void **state)
{
	struct fixture *f = *state;
	struct wire w = { 0 };
	f->options.read_ms = 100;
	fixture_start(f);
	wire_request(&w, WIRE_AUTHORIZER, false, "/ok", SPAN(""));
	int fd = client_unix(f);
	int64_t since = clock_mono_ms();
	for (size_t at = 0; at < w.len && client_send(fd, span_make(w.at + at, 1)); at++)
		poll(NULL, 0, 10);
	assert_true(client_is_closed(fd));
	assert_true(clock_mono_ms() - since < 1000);
	wire_free(&w);
	close(fd);
}

/* --- kept connections --- */

static void serves_a_kept_connection(void **state)
{
	struct fixture *f = *state;
	fixture_start(f);
	for (unsigned role = WIRE_RESPONDER; role <= WIRE_AUTHORIZER; role++) {
		int fd = client_unix(f);
		for (size_t i = 0; i < 50; i++) {
			assert_int_equal(client_ask(fd, role, true, "/ok"), 200);
			/* What an authorizer's client may still send of the last one. */
			if (role == WIRE_AUTHORIZER && i % 2 == 0)
				client_send(fd, SPAN("\1\5\0\1\0\0\0\0"));
		}
		assert_int_equal(client_ask(fd, role, false, "/ok"), 200);
		assert_true(client_is_closed(fd));
		close(fd);
	}
	struct worker_stats stats;
	worker_read_stats(&stats);
	assert_int_equal(stats.requests, 102);
	assert_int_equal(stats.replies, 102);
	assert_int_equal(stats.accepted, 2);
	assert_int_equal(stats.refused_streams, 0);
}

/* Two at once: the first is answered, then the connection ends. */
static void ends_a_pipelining_connection(void **state)
{
	struct fixture *f = *state;
	struct wire w = { 0 };
	fixture_start(f);
	wire_request(&w, WIRE_RESPONDER, true, "/ok", SPAN(""));
	wire_request(&w, WIRE_RESPONDER, true, "/ok", SPAN(""));
	int fd = client_unix(f);
	assert_true(client_send(fd, wire_span(&w)));
	assert_int_equal(client_status(fd), 200);
	assert_true(client_is_closed(fd));
	wire_free(&w);
	close(fd);
}

/* --- bodies over the limit --- */

/* Sends without end, reading meanwhile, as web servers do. */
static int push_body(int fd, unsigned role, size_t size, const char *mode)
{
	static char zeros[65535];
	struct wire params = { 0 }, w = { 0 }, answer = { 0 };
	wire_params(&params, "/ok", size);
	if (mode != NULL)
		wire_pair(&params, SPAN("AUTHBRIDGE_MODE"), span_of(mode));
	wire_begin(&w, 1, role, false);
	wire_stream(&w, WIRE_PARAMS, 1, wire_span(&params), 65535, 0);
	wire_stream(&w, WIRE_STDIN, 1, span_make(zeros, sizeof(zeros)), 65535, 0);
	w.len -= 8;
	for (size_t sent = sizeof(zeros); sent < size; sent += sizeof(zeros))
		wire_record(&w, WIRE_STDIN, 1, span_make(zeros, sizeof(zeros)), 0);
	size_t at = 0;
	while (wire_answer(wire_span(&answer), NULL) == 0) {
		char some[4096];
		struct pollfd poll_at = { .fd = fd, .events = POLLIN };
		if (at < w.len)
			poll_at.events |= POLLOUT;
		assert_true(poll(&poll_at, 1, PATIENCE_MS) > 0);
		if ((poll_at.revents & POLLOUT) != 0) {
			ssize_t sent = send(fd, w.at + at, w.len - at, MSG_NOSIGNAL | MSG_DONTWAIT);
			assert_true(sent > 0 || errno == EAGAIN);
			at += sent > 0 ? (size_t)sent : 0;
		}
		if ((poll_at.revents & POLLIN) != 0) {
			ssize_t got = recv(fd, some, sizeof(some), 0);
			assert_true(got > 0);
			wire_bytes(&answer, some, (size_t)got);
		}
	}
	/* The rest is taken too, so that the peer is not reset. */
	assert_true(client_send(fd, span_from(wire_span(&w), at)));
	assert_true(shutdown(fd, SHUT_WR) == 0);
	assert_true(client_is_closed(fd));
	struct wire block = { 0 };
	wire_answer(wire_span(&answer), &block);
	int status = (block.at[8] - '0') * 100 + (block.at[9] - '0') * 10 + block.at[10] - '0';
	wire_free(&block);
	wire_free(&params);
	wire_free(&w);
	wire_free(&answer);
	return status;
}

static void answers_413_to_a_large_body(void **state)
{
	struct fixture *f = *state;
	fixture_start(f);
	static const size_t sizes[] = { 65536, 200000, 10000000 };
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		int fd = i % 2 ? client_tcp(f) : client_unix(f);
		assert_int_equal(push_body(fd, WIRE_RESPONDER, sizes[i], NULL), 413);
		close(fd);
	}
	WAIT_UNTIL(connections_now() == 0);
}

/* nginx, told to authorize, may pass the body by mistake. */
static void the_gate_does_not_care_for_bodies(void **state)
{
	struct fixture *f = *state;
	fixture_start(f);
	int fd = client_unix(f);
	assert_int_equal(push_body(fd, WIRE_RESPONDER, 1000000, "authorize"), 200);
	close(fd);
}

/* --- answers nobody reads --- */

/* One request after the other, without reading, until its answers are stuck:
 * how many were taken. */
static int ask_until_stuck(struct fixture *f, int fd)
{
	enum { ANSWERS_MAX = 200 };
	struct wire w = { 0 };
	int taken = 0, small = 4096;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	wire_request(&w, WIRE_AUTHORIZER, true, "/big", SPAN(""));
	for (bool stuck = false; !stuck && taken < ANSWERS_MAX;) {
		int before = f->handled;
		int64_t until = clock_mono_ms() + 50;
		assert_true(client_send(fd, wire_span(&w)));
		while ((stuck = f->handled == before) && clock_mono_ms() < until)
			poll(NULL, 0, 1);
		taken += !stuck;
	}
	wire_free(&w);
	assert_in_range(taken, 1, ANSWERS_MAX - 1);
	return taken;
}

static void is_not_held_by_unread_answers(void **state)
{
	enum { DEAF = 12 };
	struct fixture *f = *state;
	int fds[DEAF];
	struct worker_stats stats;
	f->options.write_ms = 300;
	fixture_start(f);
	for (size_t i = 0; i < DEAF; i++) {
		fds[i] = i % 2 ? client_tcp(f) : client_unix(f);
		ask_until_stuck(f, fds[i]);
		assert_int_equal(client_once(f, "/ok"), 200);
	}
	WAIT_UNTIL(connections_now() == 0);
	worker_read_stats(&stats);
	assert_int_equal(stats.timeouts, DEAF);
	for (size_t i = 0; i < DEAF; i++)
		close(fds[i]);
}

/* Takes the first whole answer out of the bytes; false: it is not whole yet. */
static bool take_big_answer(struct wire *bytes)
{
	struct wire block = { 0 };
	size_t used = wire_answer(wire_span(bytes), NULL);
	if (used == 0)
		return false;
	assert_int_equal(wire_answer(wire_span(bytes), &block), used);
	assert_true(block.len > 200000);
	for (size_t i = block.len - 199999; i < block.len; i++)
		assert_int_equal(block.at[i], 'b');
	memmove(bytes->at, bytes->at + used, bytes->len - used);
	bytes->len -= used;
	wire_free(&block);
	return true;
}

/* Also those that were asked for while the earlier ones were stuck. */
static void gives_a_slow_reader_the_whole(void **state)
{
	struct fixture *f = *state;
	struct wire bytes = { 0 }, last = { 0 };
	fixture_start(f);
	int fd = client_unix(f), missing = ask_until_stuck(f, fd) + 2;
	bool last_is_due = true;
	wire_request(&last, WIRE_RESPONDER, false, "/big", SPAN(""));
	while (missing > 0) {
		char some[3000];
		ssize_t got = recv(fd, some, sizeof(some), 0);
		assert_true(got > 0);
		wire_bytes(&bytes, some, (size_t)got);
		missing -= take_big_answer(&bytes);
		/* Two requests at once would be one too many. */
		if (missing == 1 && last_is_due) {
			assert_true(client_send(fd, wire_span(&last)));
			last_is_due = false;
		}
	}
	assert_int_equal(bytes.len, 0);
	assert_true(client_is_closed(fd));
	wire_free(&bytes);
	wire_free(&last);
	close(fd);
}

int main(void)
{
#define WORKER_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		WORKER_TEST(answers_both_roles_on_both_sockets),
		WORKER_TEST(answers_in_one_record),
		WORKER_TEST(answers_an_empty_handler_with_500),
		WORKER_TEST(answers_requests_without_a_target),
		WORKER_TEST(passes_the_body),
		WORKER_TEST(judges_a_splitter),
		WORKER_TEST(survives_every_cut),
		WORKER_TEST(waits_for_slow_bytes),
		WORKER_TEST(closes_refused_streams),
		WORKER_TEST(is_not_held_by_the_silent),
		WORKER_TEST(closes_the_late),
		WORKER_TEST(closes_the_trickling),
		WORKER_TEST(serves_a_kept_connection),
		WORKER_TEST(ends_a_pipelining_connection),
		WORKER_TEST(answers_413_to_a_large_body),
		WORKER_TEST(the_gate_does_not_care_for_bodies),
		WORKER_TEST(is_not_held_by_unread_answers),
		WORKER_TEST(gives_a_slow_reader_the_whole),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("worker", tests, NULL, NULL);
}
