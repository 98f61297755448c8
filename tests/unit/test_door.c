/* SPDX-License-Identifier: MIT */
/* The door without threads: what it gives, what it keeps, what it closes when.
 * Time is what door_tick is told. */
#include "base/clock.h"
#include "server/door.h"
#include "unit/fcgi_wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <sys/un.h>
#include <unistd.h>

enum { MAX = 4, READ_MS = 1000, KEPT_MS = 5000, WRITE_MS = 3000 };

struct room {
	char directory[64], path[96];
	struct listeners listeners;
	struct server_counters counters;
	struct door *door;
	struct door_seat seat;
	struct intake in;
	struct door_visit visit;
};

static int setup(void **state)
{
	static struct room room;
	char address[128];
	struct arena *mem = arena_new(0);
	struct buf why;
	room = (struct room){ .directory = "/tmp/ab-door-XXXXXX" };
	buf_init(&why, mem, 1024);
	assert_non_null(mkdtemp(room.directory));
	snprintf(room.path, sizeof(room.path), "%s/s", room.directory);
	snprintf(address, sizeof(address), "unix:%s", room.path);
	assert_int_equal(listener_open(&room.listeners, address, 0600, false, &why), STATUS_OK);
	const struct door_options options = { .listeners = &room.listeners,
					      .connections_max = MAX,
					      .read_ms = READ_MS,
					      .kept_ms = KEPT_MS,
					      .write_ms = WRITE_MS,
					      .counters = &room.counters };
	assert_int_equal(door_open(&options, &room.door), STATUS_OK);
	arena_free(&mem);
	*state = &room;
	return 0;
}

static int teardown(void **state)
{
	struct room *room = *state;
	door_close(&room->door);
	intake_free(&room->in);
	listener_close(&room->listeners);
	return rmdir(room->directory);
}

static int try_to_enter(const struct room *room)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	snprintf(at.sun_path, sizeof(at.sun_path), "%s", room->path);
	if (connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0)
		return fd;
	close(fd);
	return -1;
}

static int enter(const struct room *room)
{
	int fd = try_to_enter(room);
	assert_true(fd >= 0);
	return fd;
}

static void say(int fd, struct span bytes)
{
	assert_int_equal(send(fd, bytes.at, bytes.len, MSG_NOSIGNAL), bytes.len);
}

static void ask(int fd, unsigned role, bool keep)
{
	struct wire w = { 0 };
	wire_request(&w, role, keep, "/x", SPAN(""));
	say(fd, wire_span(&w));
	wire_free(&w);
}

static bool is_closed(int fd)
{
	char byte;
	return recv(fd, &byte, 1, MSG_DONTWAIT) == 0;
}

static bool is_answered(int fd)
{
	char bytes[4096];
	ssize_t got = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	return got > 0 && wire_answer(span_make(bytes, (size_t)got), NULL) == (size_t)got;
}

static void next(struct room *room)
{
	intake_clear(&room->in);
	assert_true(door_next(room->door, &room->seat, &room->in, &room->visit));
}

static void answer(struct room *room)
{
	door_answer(room->door, &room->visit, room->in.frames.id, SPAN("Status: 200\r\n\r\n"));
}

/* Lets the door take what has come before: a request of our own, answered. */
static void settle(struct room *room)
{
	int fd = enter(room);
	ask(fd, WIRE_AUTHORIZER, false);
	next(room);
	answer(room);
	assert_true(is_answered(fd));
	close(fd);
}

static void gives_whole_requests(void **state)
{
	struct room *room = *state;
	int fd = enter(room);
	ask(fd, WIRE_RESPONDER, true);
	next(room);
	assert_true(room->visit.local);
	assert_true(room->visit.keep);
	assert_false(room->visit.too_large);
	assert_false(room->visit.over_limit);
	assert_false(room->in.frames.authorizer);
	assert_true(intake_params(&room->in).len > 0);
	assert_int_equal(intake_body(&room->in).len, 0);
	assert_false(is_answered(fd));
	answer(room);
	assert_true(is_answered(fd));
	assert_int_equal(door_connections(room->door), 1);
	close(fd);
}

static void knows_when_the_peer_has_left(void **state)
{
	struct room *room = *state;
	int fd = enter(room);
	ask(fd, WIRE_RESPONDER, false);
	next(room);
	assert_false(door_peer_left(&room->visit));
	shutdown(fd, SHUT_WR);
	assert_false(door_peer_left(&room->visit));
	close(fd);
	assert_true(door_peer_left(&room->visit));
	door_drop(room->door, &room->visit);
	assert_int_equal(door_connections(room->door), 0);
}

static void closes_each_wait_at_its_time(void **state)
{
	struct room *room = *state;
	int silent = enter(room), half = enter(room), kept = enter(room);
	say(half, SPAN("\1\1"));
	ask(kept, WIRE_AUTHORIZER, true);
	next(room);
	answer(room);
	assert_true(is_answered(kept));
	settle(room);
	assert_int_equal(door_connections(room->door), 3);
	int64_t now_ms = clock_mono_ms();
	door_tick(room->door, now_ms + READ_MS / 2);
	assert_int_equal(door_connections(room->door), 3);
	door_tick(room->door, now_ms + READ_MS);
	assert_true(is_closed(silent));
	assert_true(is_closed(half));
	assert_int_equal(door_connections(room->door), 1);
	door_tick(room->door, now_ms + KEPT_MS - READ_MS);
	assert_int_equal(door_connections(room->door), 1);
	door_tick(room->door, now_ms + KEPT_MS);
	assert_true(is_closed(kept));
	close(silent);
	close(half);
	close(kept);
}

/* The first byte of the next request starts the clock of reading. */
static void a_kept_connection_that_speaks_must_finish(void **state)
{
	struct room *room = *state;
	int kept = enter(room);
	ask(kept, WIRE_RESPONDER, true);
	next(room);
	answer(room);
	assert_true(is_answered(kept));
	say(kept, SPAN("\1"));
	/* Arrivals go before it for a while, but not for ever. */
	for (size_t i = 0; i < 20; i++)
		settle(room);
	door_tick(room->door, clock_mono_ms() + READ_MS);
	assert_true(is_closed(kept));
	close(kept);
}

static void evicts_the_oldest_first(void **state)
{
	struct room *room = *state;
	int fds[MAX];
	for (size_t i = 0; i < MAX; i++) {
		fds[i] = enter(room);
		say(fds[i], SPAN("\1"));
	}
	for (size_t i = 0; i < MAX; i++) {
		settle(room);
		for (size_t n = 0; n < MAX; n++)
			assert_int_equal(is_closed(fds[n]), n == 0);
		assert_int_equal(door_connections(room->door), MAX - 1);
		/* One place is free now: nobody else has to go. */
	}
	assert_int_equal(room->counters.over_limit, 0);
	for (size_t i = 0; i < MAX; i++)
		close(fds[i]);
}

static void tells_who_is_one_too_many(void **state)
{
	struct room *room = *state;
	struct door_visit held[MAX];
	int fds[MAX];
	for (size_t i = 0; i < MAX; i++) {
		fds[i] = enter(room);
		ask(fds[i], WIRE_RESPONDER, false);
		next(room);
		assert_false(room->visit.over_limit);
		held[i] = room->visit;
	}
	int fd = enter(room);
	ask(fd, WIRE_RESPONDER, true);
	next(room);
	assert_true(room->visit.over_limit);
	door_drop(room->door, &room->visit);
	/* A request that comes in two parts is told too. */
	int slow = enter(room);
	say(slow, SPAN("\1\1"));
	int other = enter(room);
	ask(other, WIRE_RESPONDER, false);
	next(room);
	door_drop(room->door, &room->visit);
	for (size_t i = 0; i < MAX; i++) {
		door_drop(room->door, &held[i]);
		close(fds[i]);
	}
	close(fd);
	close(slow);
	close(other);
}

/* Whoever has connected before is served, though nobody has accepted yet. */
static void takes_the_last_arrivals(void **state)
{
	struct room *room = *state;
	int early = enter(room), late = enter(room);
	ask(early, WIRE_RESPONDER, true);
	door_stop(room->door);
	ask(late, WIRE_AUTHORIZER, false);
	for (size_t i = 0; i < 2; i++) {
		next(room);
		answer(room);
	}
	assert_true(is_answered(early));
	assert_true(is_answered(late));
	assert_int_equal(door_connections(room->door), 0);
	close(early);
	close(late);
}

static void stops_without_dropping_what_began(void **state)
{
	struct room *room = *state;
	int kept = enter(room), begun = enter(room);
	struct wire w = { 0 };
	ask(kept, WIRE_RESPONDER, true);
	next(room);
	answer(room);
	assert_true(is_answered(kept));
	wire_request(&w, WIRE_RESPONDER, true, "/x", SPAN(""));
	say(begun, span_first(wire_span(&w), 30));
	settle(room);
	door_stop(room->door);
	assert_true(is_closed(kept));
	say(begun, span_from(wire_span(&w), 30));
	next(room);
	answer(room);
	assert_true(is_answered(begun));
	assert_true(is_closed(begun));
	assert_int_equal(door_connections(room->door), 0);
	/* Nobody listens any more, as far as it is for us. */
	int late = try_to_enter(room);
	assert_int_equal(late, -1);
	assert_int_equal(errno, ECONNREFUSED);
	door_end(room->door);
	assert_false(door_next(room->door, &room->seat, &room->in, &room->visit));
	wire_free(&w);
	close(kept);
	close(begun);
}

int main(void)
{
#define DOOR_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		DOOR_TEST(gives_whole_requests),
		DOOR_TEST(knows_when_the_peer_has_left),
		DOOR_TEST(closes_each_wait_at_its_time),
		DOOR_TEST(a_kept_connection_that_speaks_must_finish),
		DOOR_TEST(evicts_the_oldest_first),
		DOOR_TEST(tells_who_is_one_too_many),
		DOOR_TEST(takes_the_last_arrivals),
		DOOR_TEST(stops_without_dropping_what_began),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("door", tests, NULL, NULL);
}
