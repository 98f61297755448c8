/* SPDX-License-Identifier: MIT */
/* The feed on a real database: whoever ends a session, the feed hears of it. */
#include "pg_fixture.h"

#include "base/clock.h"
#include "store/feed.h"

#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <setjmp.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <unistd.h>
#include <cmocka.h>

#define MAX_AGE_MS 1000
#define PATIENCE_MS 5000
#define ISSUED INT64_C(1767225600)

static const char *url;
static struct feed *feed;
static _Atomic uint64_t keys_seen, keys_calls;

static bool keys_changed(void *state, uint64_t generation)
{
	(void)state;
	keys_seen = generation;
	keys_calls++;
	return true;
}

static struct store *open_store(const char *at)
{
	struct store_options options = {
		.url = at,
		.connections = 1,
		.connect_ms = 2000,
		.lease_ms = 1000,
		.call_ms = 2000,
	};
	struct store *opened = NULL;
	assert_int_equal(store_open(&options, &opened), STATUS_OK);
	return opened;
}

static struct feed *start_beside(struct store *requests, const char *at, int64_t max_age_ms)
{
	struct feed_options options = {
		.url = at,
		.max_age_ms = max_age_ms,
		.connect_ms = 2000,
		.rng = &rng_system,
		.requests = requests,
		.keys_changed = keys_changed,
	};
	struct feed *started = NULL;
	assert_int_equal(feed_start(&options, &started), STATUS_OK);
	return started;
}

static struct feed *start(const char *at, int64_t max_age_ms)
{
	return start_beside(NULL, at, max_age_ms);
}

static struct feed_answer ask(const char *session, const char *user)
{
	return feed_ask(feed, span_of(session), span_of(user), ISSUED, clock_mono_ms());
}

static void pause_ms(int ms)
{
	poll(NULL, 0, ms);
}

/* Milliseconds it took. */
static int64_t wait_for(enum feed_state want, const char *session, const char *user, bool revoked)
{
	int64_t begin = clock_mono_ms();
	struct feed_answer answer = ask(session, user);
	while (answer.state != want || answer.revoked != revoked) {
		if (clock_mono_ms() - begin > PATIENCE_MS)
			fail_msg("session %s user %s: state %d revoked %d", session, user,
				 answer.state, answer.revoked);
		pause_ms(1);
		answer = ask(session, user);
	}
	return clock_mono_ms() - begin;
}

static void add_session(const char *user, const char *session)
{
	char sql[1024];
	snprintf(sql, sizeof(sql),
		 "INSERT INTO public.\"user\" (id, name, email, \"emailVerified\")"
		 " VALUES ('%s', 'n', '%s@example.com', false) ON CONFLICT DO NOTHING;"
		 " INSERT INTO public.session (id, token, \"userId\", \"expiresAt\","
		 " \"updatedAt\") VALUES ('%s', 't-%s', '%s', now() + interval '7 days', now())",
		 user, user, session, session, user);
	pg_fixture_sql(sql);
}

/* --- who ends a session --- */

static void B_US4_a_session_ended_by_any_hand_is_heard(void **state)
{
	(void)state;
	static const struct {
		const char *session, *sql;
	} cases[] = {
		{ "s-delete", "DELETE FROM public.session WHERE id = 's-delete'" },
		{ "s-past", "UPDATE public.session SET \"expiresAt\" = now() - interval '1 s'"
			    " WHERE id = 's-past'" },
		{ "s-now", "UPDATE public.session SET \"expiresAt\" = now() WHERE id = 's-now'" },
		{ "s-soon", "UPDATE public.session SET \"expiresAt\" = now() + interval '300 ms'"
			    " WHERE id = 's-soon'" },
		{ "s-renamed", "UPDATE public.session SET id = 'other' WHERE id = 's-renamed'" },
		{ "s-replica", "SET session_replication_role = replica;"
			       " DELETE FROM public.session WHERE id = 's-replica'" },
		{ "s-cascade", "DELETE FROM public.\"user\" WHERE id = 'u-s-cascade'" },
		{ "s-truncate", "TRUNCATE public.session" },
		{ "s-truncate-user", "TRUNCATE public.\"user\" CASCADE" },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char user[64];
		snprintf(user, sizeof(user), "u-%s", cases[i].session);
		add_session(user, cases[i].session);
		wait_for(FEED_CURRENT, cases[i].session, "", false);
		pg_fixture_sql(cases[i].sql);
		int64_t took = wait_for(FEED_CURRENT, cases[i].session, "", true);
		if (took > 900)
			fail_msg("%s: heard after %lld ms", cases[i].session, (long long)took);
	}
}

static void what_ends_no_session_is_not_heard(void **state)
{
	(void)state;
	uint64_t before, after;
	struct feed_stats stats;
	add_session("u-quiet", "s-quiet");
	pg_fixture_sql("INSERT INTO public.session (id, token, \"userId\", \"expiresAt\","
		       " \"updatedAt\") VALUES ('s-old', 't-s-old', 'u-quiet',"
		       " now() - interval '2 days', now())");
	before = (uint64_t)pg_fixture_int("SELECT count(*) FROM authbridge.revocation");
	pg_fixture_sql("UPDATE public.session SET \"expiresAt\" = now() + interval '8 days'"
		       " WHERE id = 's-quiet';"
		       " UPDATE public.session SET \"updatedAt\" = now() WHERE id = 's-quiet';"
		       " DELETE FROM public.session WHERE id = 's-old';"
		       " DELETE FROM public.session WHERE id = 'nothing'");
	after = (uint64_t)pg_fixture_int("SELECT count(*) FROM authbridge.revocation");
	assert_int_equal(before, after);
	/* Nor does a session that was shortened and made longer again. */
	pg_fixture_sql("UPDATE public.session SET \"expiresAt\" = now() + interval '400 ms'"
		       " WHERE id = 's-quiet'");
	pg_fixture_sql("UPDATE public.session SET \"expiresAt\" = now() + interval '8 days'"
		       " WHERE id = 's-quiet'");
	feed_read_stats(feed, clock_mono_ms(), &stats);
	uint64_t reads = stats.reads;
	int64_t begin = clock_mono_ms();
	while (clock_mono_ms() - begin < 700 || stats.reads < reads + 3) {
		pause_ms(5);
		feed_read_stats(feed, clock_mono_ms(), &stats);
	}
	assert_false(ask("s-quiet", "u-quiet").revoked);
}

/* --- cut-offs and disabled users --- */

static void the_latest_cut_off_wins_in_any_order(void **state)
{
	(void)state;
	char sql[256];
	static const int order[] = { 1000, -500, 2000, 50 };
	for (size_t i = 0; i < COUNT_OF(order); i++) {
		snprintf(sql, sizeof(sql),
			 "INSERT INTO authbridge.cutoff (user_id, not_before)"
			 " VALUES ('u-cut', to_timestamp(%lld)) ON CONFLICT (user_id)"
			 " DO UPDATE SET not_before = excluded.not_before",
			 (long long)ISSUED + order[i]);
		pg_fixture_sql(sql);
		wait_for(FEED_CURRENT, "any", "u-cut", true);
	}
	struct span any = SPAN("any"), user = SPAN("u-cut");
	int64_t begin = clock_mono_ms(), mono_ms = begin;
	while (!feed_ask(feed, any, user, ISSUED + 1999, mono_ms).revoked) {
		mono_ms = clock_mono_ms();
		assert_true(mono_ms - begin < PATIENCE_MS);
	}
	assert_false(feed_ask(feed, any, user, ISSUED + 2000, mono_ms).revoked);
	assert_false(ask("any", "u-other").revoked);
	pg_fixture_sql("DELETE FROM authbridge.cutoff WHERE user_id = 'u-cut'");
	wait_for(FEED_CURRENT, "any", "u-cut", false);
	pg_fixture_sql("INSERT INTO authbridge.cutoff (user_id) VALUES ('')");
	wait_for(FEED_CURRENT, "any", "u-other", true);
	assert_true(feed_ask(feed, SPAN_ABSENT, SPAN("x"), -1, mono_ms).revoked);
	pg_fixture_sql("DELETE FROM authbridge.cutoff WHERE user_id = ''");
	wait_for(FEED_CURRENT, "any", "u-other", false);
}

static void a_deleted_user_is_cut_off(void **state)
{
	(void)state;
	add_session("u-gone", "s-gone");
	wait_for(FEED_CURRENT, "", "u-gone", false);
	pg_fixture_sql("DELETE FROM public.\"user\" WHERE id = 'u-gone'");
	wait_for(FEED_CURRENT, "", "u-gone", true);
}

static void disabling_is_heard_and_enabling_too(void **state)
{
	(void)state;
	add_session("u-off", "s-off");
	pg_fixture_sql("INSERT INTO authbridge.disabled_user (user_id) VALUES ('u-off')");
	wait_for(FEED_CURRENT, "", "u-off", true);
	wait_for(FEED_CURRENT, "s-off", "", true);
	pg_fixture_sql("UPDATE authbridge.disabled_user SET disabled = false");
	wait_for(FEED_CURRENT, "", "u-off", false);
	assert_true(ask("s-off", "").revoked);
}

/* --- exactness --- */

static void commit_order_does_not_matter(void **state)
{
	(void)state;
	add_session("u-slow", "s-slow");
	add_session("u-slow", "s-fast");
	/* A transaction deletes first and commits last: its row has the lower
	 * id and the lower transaction id, and comes after the other is read. */
	pid_t child = fork();
	if (child == 0) {
		bool good = pg_fixture_try("BEGIN; DELETE FROM public.session"
					   " WHERE id = 's-slow'; SELECT pg_sleep(0.7); COMMIT");
		_exit(good ? 0 : 1);
	}
	int64_t begin = clock_mono_ms();
	while (pg_fixture_int("SELECT count(*) FROM pg_stat_activity WHERE query LIKE"
			      " '%pg_sleep(0.7)%' AND backend_xid IS NOT NULL"
			      " AND pid <> pg_backend_pid()") == 0)
		assert_true(clock_mono_ms() - begin < PATIENCE_MS);
	pg_fixture_sql("DELETE FROM public.session WHERE id = 's-fast'");
	wait_for(FEED_CURRENT, "s-fast", "", true);
	assert_false(ask("s-slow", "").revoked);
	wait_for(FEED_CURRENT, "s-slow", "", true);
}

static void many_at_once_come_in_pages(void **state)
{
	(void)state;
	add_session("u-many", "s-many");
	pg_fixture_sql("INSERT INTO public.session (id, token, \"userId\", \"expiresAt\","
		       " \"updatedAt\") SELECT 'm' || i, 'mt' || i, 'u-many',"
		       " now() + interval '1 day', now() FROM generate_series(1, 25000) i");
	pg_fixture_sql("DELETE FROM public.session WHERE \"userId\" = 'u-many'");
	wait_for(FEED_CURRENT, "m25000", "", true);
	static const char *const some[] = { "s-many", "m1", "m9999", "m10000", "m10001", "m20001" };
	for (size_t i = 0; i < COUNT_OF(some); i++)
		assert_true(ask(some[i], "").revoked);
	assert_false(ask("m25001", "").revoked);
	/* A second reader, from nothing. */
	struct feed *first = feed;
	feed = start(url, MAX_AGE_MS);
	wait_for(FEED_CURRENT, "m25000", "", true);
	for (size_t i = 0; i < COUNT_OF(some); i++)
		assert_true(ask(some[i], "").revoked);
	feed_stop(&feed);
	feed = first;
}

/* --- lies and losses --- */

static void forged_notifications_only_wake(void **state)
{
	(void)state;
	add_session("u-forge", "s-forge");
	wait_for(FEED_CURRENT, "s-forge", "u-forge", false);
	struct feed_stats before, after;
	feed_read_stats(feed, clock_mono_ms(), &before);
	int64_t begin = clock_mono_ms();
	while (clock_mono_ms() - begin < 500)
		pg_fixture_sql("NOTIFY authbridge_feed, 's-forge';"
			       " NOTIFY authbridge_feed, 'revoke u-forge'");
	int64_t took = clock_mono_ms() - begin;
	feed_read_stats(feed, clock_mono_ms(), &after);
	assert_false(ask("s-forge", "u-forge").revoked);
	assert_int_equal(after.state, FEED_CURRENT);
	assert_true(after.reads - before.reads <= (uint64_t)took / 20 + 2);
}

static void a_killed_connection_is_made_anew(void **state)
{
	(void)state;
	struct feed_stats before, after;
	for (int i = 0; i < 3; i++) {
		char id[32], sql[256];
		snprintf(id, sizeof(id), "s-kill%d", i);
		add_session("u-kill", id);
		feed_read_stats(feed, clock_mono_ms(), &before);
		snprintf(sql, sizeof(sql),
			 "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE"
			 " application_name = 'authbridge feed' AND datname ="
			 " current_database(); DELETE FROM public.session WHERE id = '%s'",
			 id);
		pg_fixture_sql(sql);
		assert_true(wait_for(FEED_CURRENT, id, "", true) < MAX_AGE_MS + 500);
		feed_read_stats(feed, clock_mono_ms(), &after);
		assert_true(after.reconnects > before.reconnects);
	}
}

static void pages_follow_numbers_not_digits(void **state)
{
	(void)state;
	/* As text, transaction 9 comes after 10000. */
	pg_fixture_sql("INSERT INTO authbridge.revocation (xid, session_id, until)"
		       " SELECT i::text::xid8, 'x' || i, now() + interval '1 day'"
		       " FROM generate_series(1, 25000) i");
	struct feed *first = feed;
	feed = start(url, MAX_AGE_MS);
	wait_for(FEED_CURRENT, "x25000", "", true);
	for (int i = 1; i <= 25000; i++) {
		char id[16];
		snprintf(id, sizeof(id), "x%d", i);
		if (!ask(id, "").revoked)
			fail_msg("%s was skipped", id);
	}
	feed_stop(&feed);
	feed = first;
	pg_fixture_sql("DELETE FROM authbridge.revocation WHERE session_id LIKE 'x%'");
}

static void another_server_behind_the_address_is_read_whole(void **state)
{
	(void)state;
	/* Its transactions may have any ids, lower ones than those seen. */
	pg_fixture_sql("INSERT INTO authbridge.revocation (xid, session_id, until)"
		       " VALUES ('3', 's-other', now() + interval '1 day')");
	pause_ms(500);
	assert_false(ask("s-other", "").revoked);
	pg_fixture_sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE"
		       " application_name = 'authbridge feed' AND datname = current_database()");
	wait_for(FEED_CURRENT, "s-other", "", true);
}

static void what_ended_while_triggers_were_missing_stays_ended(void **state)
{
	(void)state;
	int64_t before = clock_wall_ms() / 1000;
	add_session("u-unseen", "s-unseen");
	pg_fixture_sql("ALTER TABLE public.session DISABLE TRIGGER authbridge_session_deleted");
	wait_for(FEED_BLIND, "none", "", false);
	pg_fixture_sql("DELETE FROM public.session WHERE id = 's-unseen'");
	/* Enabled for most, not for replicas: still not armed. */
	pg_fixture_sql("ALTER TABLE public.session ENABLE TRIGGER authbridge_session_deleted");
	pause_ms(300);
	assert_int_equal(ask("none", "").state, FEED_BLIND);
	/* By hand: those who watched refuse what was issued before. */
	pg_fixture_sql("ALTER TABLE public.session ENABLE ALWAYS TRIGGER"
		       " authbridge_session_deleted");
	wait_for(FEED_CURRENT, "s-unseen", "u-unseen", true);
	int64_t now = clock_wall_ms() / 1000, mono_ms = clock_mono_ms();
	struct span session = SPAN("s-unseen"), user = SPAN("u-unseen");
	assert_true(feed_ask(feed, session, user, before, mono_ms).revoked);
	assert_false(feed_ask(feed, SPAN("new"), user, now + 2, mono_ms).revoked);
	/* By migrate: also those who did not. */
	pg_fixture_sql("ALTER TABLE public.session DISABLE TRIGGER authbridge_session_deleted");
	pg_fixture_migrate(NULL);
	struct feed *first = feed;
	feed = start(url, MAX_AGE_MS);
	wait_for(FEED_CURRENT, "s-unseen", "u-unseen", true);
	now = clock_wall_ms() / 1000;
	assert_true(feed_ask(feed, session, user, before, clock_mono_ms()).revoked);
	assert_false(feed_ask(feed, SPAN("new"), user, now + 2, clock_mono_ms()).revoked);
	feed_stop(&feed);
	feed = first;
	/* What was well before is left alone. */
	pg_fixture_sql("DELETE FROM authbridge.cutoff");
	pg_fixture_migrate(NULL);
	assert_int_equal(pg_fixture_int("SELECT count(*) FROM authbridge.cutoff"), 0);
	feed_stop(&feed);
	feed = start(url, MAX_AGE_MS);
	wait_for(FEED_CURRENT, "none", "", false);
}

static void silence_blinds_it_in_time(void **state)
{
	(void)state;
	pid_t child = fork();
	if (child == 0) {
		bool good = pg_fixture_try("BEGIN; LOCK TABLE authbridge.revocation;"
					   " SELECT pg_sleep(1.8); COMMIT");
		_exit(good ? 0 : 1);
	}
	int64_t begin = clock_mono_ms();
	wait_for(FEED_BLIND, "none", "", false);
	assert_true(clock_mono_ms() - begin < MAX_AGE_MS + 500);
	wait_for(FEED_CURRENT, "none", "", false);
}

static void new_keys_are_told(void **state)
{
	(void)state;
	uint64_t before = keys_calls;
	assert_int_equal(keys_seen, pg_fixture_int("SELECT keys FROM authbridge.generation"));
	pg_fixture_sql("INSERT INTO public.jwks (id, \"publicKey\", \"privateKey\", \"createdAt\")"
		       " VALUES ('k', '{}', '{}', now())");
	int64_t begin = clock_mono_ms();
	while (keys_calls == before && clock_mono_ms() - begin < PATIENCE_MS)
		pause_ms(1);
	assert_int_equal(keys_seen, pg_fixture_int("SELECT keys FROM authbridge.generation"));
	assert_int_equal(keys_calls, before + 1);
	pg_fixture_sql("TRUNCATE public.jwks");
}

/* --- no database at all --- */

static void without_a_database_it_is_blind_and_stops_at_once(void **state)
{
	(void)state;
	/* One that takes connections and never says a word. */
	int mute = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	assert_int_equal(bind(mute, (struct sockaddr *)&at, len), 0);
	assert_int_equal(getsockname(mute, (struct sockaddr *)&at, &len), 0);
	for (int listening = 0; listening < 2; listening++) {
		char there[128];
		snprintf(there, sizeof(there), "postgresql://x@127.0.0.1:%d/x?sslmode=disable",
			 ntohs(at.sin_port));
		struct feed *first = feed;
		struct store *requests = open_store(there);
		feed = start_beside(requests, there, MAX_AGE_MS);
		pause_ms(50);
		struct feed_stats stats;
		feed_read_stats(feed, clock_mono_ms(), &stats);
		assert_int_equal(stats.state, FEED_BLIND);
		assert_int_equal(stats.age_ms, -1);
		assert_int_equal(ask("s", "u").state, FEED_BLIND);
		int64_t begin = clock_mono_ms();
		store_stop(requests);
		feed_stop(&feed);
		assert_true(clock_mono_ms() - begin < 500);
		store_close(&requests);
		feed = first;
		assert_int_equal(listen(mute, 8), 0);
	}
	close(mute);
}

/* A feed of its own whose requests go to `database`; the state it reaches. */
static enum feed_state state_beside(const char *database, enum feed_state unlike)
{
	char elsewhere[512];
	snprintf(elsewhere, sizeof(elsewhere), "%s %s", url, database);
	struct feed_stats stats;
	struct store *requests = open_store(elsewhere);
	struct feed *started = start_beside(requests, url, MAX_AGE_MS);
	int64_t begin = clock_mono_ms();
	do {
		pause_ms(5);
		feed_read_stats(started, clock_mono_ms(), &stats);
	} while ((stats.reads < 10 || stats.state == unlike) &&
		 clock_mono_ms() - begin < PATIENCE_MS);
	store_stop(requests);
	feed_stop(&started);
	store_close(&requests);
	return stats.state;
}

static void it_is_blind_while_requests_go_elsewhere(void **state)
{
	(void)state;
	assert_int_equal(state_beside("", FEED_BLIND), FEED_CURRENT);
	assert_int_equal(state_beside("dbname=postgres", FEED_CURRENT), FEED_BLIND);
}

static int set_up(void **state)
{
	(void)state;
	pg_fixture_migrate(NULL);
	/* One that ended before the feed's first read. */
	add_session("u-early", "s-early");
	pg_fixture_sql("DELETE FROM public.session WHERE id = 's-early'");
	feed = start(url, MAX_AGE_MS);
	wait_for(FEED_CURRENT, "s-early", "", true);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	feed_stop(&feed);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(B_US4_a_session_ended_by_any_hand_is_heard),
		cmocka_unit_test(what_ends_no_session_is_not_heard),
		cmocka_unit_test(the_latest_cut_off_wins_in_any_order),
		cmocka_unit_test(a_deleted_user_is_cut_off),
		cmocka_unit_test(disabling_is_heard_and_enabling_too),
		cmocka_unit_test(commit_order_does_not_matter),
		cmocka_unit_test(many_at_once_come_in_pages),
		cmocka_unit_test(pages_follow_numbers_not_digits),
		cmocka_unit_test(forged_notifications_only_wake),
		cmocka_unit_test(a_killed_connection_is_made_anew),
		cmocka_unit_test(another_server_behind_the_address_is_read_whole),
		cmocka_unit_test(what_ended_while_triggers_were_missing_stays_ended),
		cmocka_unit_test(silence_blinds_it_in_time),
		cmocka_unit_test(new_keys_are_told),
		cmocka_unit_test(it_is_blind_while_requests_go_elsewhere),
		cmocka_unit_test(without_a_database_it_is_blind_and_stops_at_once),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	url = pg_fixture_url();
	if (url == NULL)
		return EXIT_SUCCESS;
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
