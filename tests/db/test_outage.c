/* SPDX-License-Identifier: MIT */
/* The store and the feed while the database stops, falls silent, cuts
 * connections and comes back. */
#include "pg_fixture.h"
#include "proxy.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/rng.h"
#include "store/feed.h"
#include "store/throttle_store.h"
#include "store/store.h"

#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <setjmp.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define NOW INT64_C(4102444800000)
#define CONNECT_MS 400
#define LEASE_MS 300
#define CALL_MS 500
#define PATIENCE_MS 6000

static struct store *store;
static struct arena *mem;

static struct store *open_store(size_t connections)
{
	struct store_options options = {
		.url = proxy_url(),
		.prepared = true,
		.connections = connections,
		.connect_ms = CONNECT_MS,
		.lease_ms = LEASE_MS,
		.call_ms = CALL_MS,
	};
	struct store *opened = NULL;
	assert_int_equal(store_open(&options, &opened), STATUS_OK);
	return opened;
}

static enum status read_something(void)
{
	struct credential credential;
	enum status status = store_credential(store, mem, SPAN("nobody"), &credential);
	return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* Milliseconds until a call succeeds again. */
static int64_t wait_until_back(void)
{
	int64_t begin = clock_mono_ms();
	while (store_ping(store) != STATUS_OK) {
		assert_true(clock_mono_ms() - begin < PATIENCE_MS);
		poll(NULL, 0, 2);
	}
	return clock_mono_ms() - begin;
}

static int64_t time_calls(unsigned count, enum status want)
{
	int64_t begin = clock_mono_ms();
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(read_something(), want);
	return clock_mono_ms() - begin;
}

/* --- stopped --- */

static void a_stopped_database_fails_at_once_and_is_found_again(void **state)
{
	(void)state;
	assert_int_equal(read_something(), STATUS_OK);
	for (int round = 0; round < 3; round++) {
		proxy_set(PROXY_REFUSE);
		assert_true(time_calls(1, STATUS_UNAVAILABLE) < LEASE_MS + 200);
		assert_true(time_calls(1000, STATUS_UNAVAILABLE) < 500);
		poll(NULL, 0, 300);
		proxy_set(PROXY_PASS);
		assert_true(wait_until_back() < 2000);
		assert_true(time_calls(20, STATUS_OK) < 2000);
	}
}

static void a_store_may_start_before_its_database(void **state)
{
	(void)state;
	proxy_set(PROXY_REFUSE);
	struct store *first = store;
	store = open_store(2);
	char *why = NULL;
	assert_int_equal(store_check_schema(store, mem, &why), STATUS_UNAVAILABLE);
	proxy_set(PROXY_PASS);
	assert_true(wait_until_back() < 2000);
	assert_int_equal(store_check_schema(store, mem, &why), STATUS_OK);
	store_close(&store);
	store = first;
	wait_until_back();
}

static void cut_idle_connections_are_not_noticed(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++) {
		assert_int_equal(read_something(), STATUS_OK);
		proxy_cut();
		assert_int_equal(read_something(), STATUS_OK);
		proxy_cut();
		assert_int_equal(store_throttle_forgive(store, SPAN("k")), STATUS_OK);
	}
}

/* --- silent --- */

static void a_silent_database_costs_one_deadline_then_nothing(void **state)
{
	(void)state;
	assert_int_equal(read_something(), STATUS_OK);
	proxy_set(PROXY_MUTE);
	/* One call on the connection it had, one try for another. */
	assert_true(time_calls(1, STATUS_UNAVAILABLE) < CALL_MS + CONNECT_MS + LEASE_MS + 300);
	assert_true(time_calls(1000, STATUS_UNAVAILABLE) < 500);
	proxy_set(PROXY_PASS);
	assert_true(wait_until_back() < 2000);
}

static void closing_does_not_wait_for_a_silent_database(void **state)
{
	(void)state;
	proxy_set(PROXY_MUTE);
	struct store *first = store;
	store = open_store(2);
	assert_int_equal(read_something(), STATUS_UNAVAILABLE);
	int64_t begin = clock_mono_ms();
	store_close(&store);
	assert_true(clock_mono_ms() - begin < 200);
	store = first;
	proxy_set(PROXY_PASS);
	wait_until_back();
}

/* --- in the middle of a statement --- */

static _Atomic bool finished;
static _Atomic enum status outcome;

static void *read_in_thread(void *state)
{
	struct arena *own = arena_new(0);
	struct credential credential;
	outcome = store_credential(store, own, SPAN("nobody"), &credential);
	arena_free(&own);
	finished = true;
	return state;
}

static void *write_in_thread(void *state)
{
	struct user user = {
		.id = SPAN("cut-user"),
		.name = SPAN("n"),
		.email = SPAN("cut@example.com"),
		.created_ms = NOW,
		.updated_ms = NOW,
	};
	struct session session = {
		.id = SPAN("cut-session"),
		.token = SPAN("cut-token"),
		.user_id = user.id,
		.ip_address = SPAN(""),
		.user_agent = SPAN(""),
		.expires_ms = NOW,
		.created_ms = NOW,
		.updated_ms = NOW,
	};
	outcome = store_sign_up(store, &user, SPAN("cut-account"), SPAN("h"), &session);
	finished = true;
	return state;
}

static pid_t hold(const char *sql)
{
	pid_t child = fork();
	if (child == 0)
		_exit(pg_fixture_try(sql) ? 0 : 1);
	return child;
}

static void wait_for_waiters(int64_t count)
{
	int64_t begin = clock_mono_ms();
	while (pg_fixture_int("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
			      " AND datname = current_database()") < count)
		assert_true(clock_mono_ms() - begin < PATIENCE_MS);
}

static void wait_for_holder(void)
{
	int64_t begin = clock_mono_ms();
	while (pg_fixture_int("SELECT count(*) FROM pg_locks WHERE granted AND mode ="
			      " 'AccessExclusiveLock' AND relation = 'public.user'::regclass") == 0)
		assert_true(clock_mono_ms() - begin < PATIENCE_MS);
}

static void a_read_cut_short_is_asked_again(void **state)
{
	(void)state;
	pthread_t thread;
	pid_t child = hold("BEGIN; LOCK TABLE public.\"user\"; SELECT pg_sleep(0.35); COMMIT");
	wait_for_holder();
	finished = false;
	assert_int_equal(pthread_create(&thread, NULL, read_in_thread, NULL), 0);
	wait_for_waiters(1);
	assert_false(finished);
	proxy_cut();
	pthread_join(thread, NULL);
	assert_int_equal(outcome, STATUS_NOT_FOUND);
	waitpid(child, NULL, 0);
}

static void a_write_cut_short_is_not_repeated(void **state)
{
	(void)state;
	pthread_t thread;
	pid_t child = hold("BEGIN; LOCK TABLE public.\"user\"; SELECT pg_sleep(0.35); COMMIT");
	wait_for_holder();
	finished = false;
	assert_int_equal(pthread_create(&thread, NULL, write_in_thread, NULL), 0);
	wait_for_waiters(1);
	proxy_cut();
	pthread_join(thread, NULL);
	assert_int_equal(outcome, STATUS_UNAVAILABLE);
	waitpid(child, NULL, 0);
	/* Nobody knows whether it happened, but all of it or nothing did. */
	wait_until_back();
	int64_t users =
		pg_fixture_int("SELECT count(*) FROM public.\"user\" WHERE id = 'cut-user'");
	assert_int_equal(pg_fixture_int("SELECT count(*) FROM public.session"
					" WHERE id = 'cut-session'"),
			 users);
	assert_int_equal(pg_fixture_int("SELECT count(*) FROM public.account"
					" WHERE id = 'cut-account'"),
			 users);
}

static void a_busy_pool_refuses_after_its_wait(void **state)
{
	(void)state;
	struct store *first = store;
	struct store_stats stats;
	pthread_t threads[2];
	store = open_store(2);
	assert_int_equal(store_ping(store), STATUS_OK);
	pid_t child = hold("BEGIN; LOCK TABLE public.\"user\"; SELECT pg_sleep(0.45); COMMIT");
	wait_for_holder();
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, read_in_thread, NULL), 0);
	wait_for_waiters(2);
	store_read_stats(store, &stats);
	assert_int_equal(stats.leased, 2);
	int64_t begin = clock_mono_ms();
	enum status status = store_ping(store);
	int64_t took = clock_mono_ms() - begin;
	store_read_stats(store, &stats);
	if (status == STATUS_UNAVAILABLE) {
		assert_true(took >= LEASE_MS - 1 && took < LEASE_MS + 200);
		assert_int_equal(stats.timeouts, 1);
	} else { /* the lock went before the wait was over */
		assert_int_equal(status, STATUS_OK);
		assert_int_equal(stats.timeouts, 0);
	}
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		pthread_join(threads[i], NULL);
	waitpid(child, NULL, 0);
	store_read_stats(store, &stats);
	assert_int_equal(stats.leased, 0);
	store_close(&store);
	store = first;
}

/* --- everything at once --- */

static _Atomic bool stop_all;

static void *hammer(void *state)
{
	struct arena *own = arena_new(0);
	struct credential credential;
	while (!stop_all) {
		enum status status = store_credential(store, own, SPAN("nobody"), &credential);
		if (status != STATUS_NOT_FOUND && status != STATUS_UNAVAILABLE)
			abort();
		arena_reset(own);
	}
	arena_free(&own);
	return state;
}

static void nothing_is_lost_in_a_storm(void **state)
{
	(void)state;
	static const enum proxy_mode modes[] = { PROXY_PASS, PROXY_REFUSE, PROXY_PASS, PROXY_MUTE };
	pthread_t threads[8];
	struct store_stats stats;
	stop_all = false;
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, hammer, NULL), 0);
	for (int i = 0; i < 24; i++) {
		poll(NULL, 0, 60);
		if (i % 3 == 0)
			proxy_cut();
		proxy_set(modes[i % COUNT_OF(modes)]);
	}
	proxy_set(PROXY_PASS);
	stop_all = true;
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		pthread_join(threads[i], NULL);
	assert_true(wait_until_back() < 2000);
	store_read_stats(store, &stats);
	assert_int_equal(stats.leased, 0);
	assert_true(stats.open >= 1 && stats.open <= 4);
}

/* --- the feed --- */

static void the_feed_is_trusted_no_longer_than_promised(void **state)
{
	(void)state;
	enum { MAX_AGE = 600 };
	struct feed_options options = {
		.url = proxy_url(),
		.max_age_ms = MAX_AGE,
		.connect_ms = CONNECT_MS,
		.rng = &rng_system,
	};
	struct feed *feed = NULL;
	static const enum proxy_mode modes[] = { PROXY_MUTE, PROXY_REFUSE };
	assert_int_equal(feed_start(&options, &feed), STATUS_OK);
	for (size_t i = 0; i < COUNT_OF(modes); i++) {
		struct span session = i == 0 ? SPAN("s0") : SPAN("s1");
		int64_t begin = clock_mono_ms();
		while (feed_ask(feed, session, session, 0, clock_mono_ms()).state != FEED_CURRENT)
			assert_true(clock_mono_ms() - begin < PATIENCE_MS);
		proxy_set(modes[i]);
		begin = clock_mono_ms();
		/* Ended while the feed hears nothing. */
		char sql[256];
		snprintf(sql, sizeof(sql),
			 "INSERT INTO public.\"user\" (id, name, email, \"emailVerified\") VALUES"
			 " ('u%1$zu', 'n', 'e%1$zu', false); INSERT INTO public.session (id, token,"
			 " \"userId\", \"expiresAt\", \"updatedAt\") VALUES ('s%1$zu', 's%1$zu',"
			 " 'u%1$zu', now() + interval '1 day', now())",
			 i);
		pg_fixture_sql(sql);
		snprintf(sql, sizeof(sql), "DELETE FROM public.session WHERE id = 's%zu'", i);
		pg_fixture_sql(sql);
		while (feed_ask(feed, session, session, 0, clock_mono_ms()).state != FEED_BLIND)
			assert_true(clock_mono_ms() - begin < MAX_AGE + 200);
		proxy_set(PROXY_PASS);
		begin = clock_mono_ms();
		struct feed_answer answer = { 0 };
		while (answer.state != FEED_CURRENT) {
			answer = feed_ask(feed, session, session, 0, clock_mono_ms());
			assert_true(clock_mono_ms() - begin < 2500);
		}
		assert_true(answer.revoked);
	}
	feed_stop(&feed);
}

static int set_up(void **state)
{
	(void)state;
	mem = arena_new(0);
	pg_fixture_migrate(NULL);
	proxy_start();
	store = open_store(4);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	store_close(&store);
	proxy_stop();
	arena_free(&mem);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stopped_database_fails_at_once_and_is_found_again),
		cmocka_unit_test(a_store_may_start_before_its_database),
		cmocka_unit_test(cut_idle_connections_are_not_noticed),
		cmocka_unit_test(a_silent_database_costs_one_deadline_then_nothing),
		cmocka_unit_test(closing_does_not_wait_for_a_silent_database),
		cmocka_unit_test(a_read_cut_short_is_asked_again),
		cmocka_unit_test(a_write_cut_short_is_not_repeated),
		cmocka_unit_test(a_busy_pool_refuses_after_its_wait),
		cmocka_unit_test(nothing_is_lost_in_a_storm),
		cmocka_unit_test(the_feed_is_trusted_no_longer_than_promised),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (pg_fixture_url() == NULL)
		return EXIT_SUCCESS;
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
