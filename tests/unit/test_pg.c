/* SPDX-License-Identifier: MIT */
/* pg.c against a scripted libpq: what it sends, and what it makes of every
 * answer, silence and loss. */
#include "store/pg.h"

#include "libpq_script.h"

#include "base/clock.h"

#include <endian.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <setjmp.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#define CALL_MS 150

/* --- helpers --- */

static const struct pg_statement one = { "one", "SELECT 1" };
static const struct pg_statement two = { "two", "SELECT 2" };

#define SCRIPT(...)                                      \
	libpq_play((const struct step[]){ __VA_ARGS__ }, \
		   COUNT_OF(((const struct step[]){ __VA_ARGS__ })))

static void assert_played(void)
{
	assert_int_equal(libpq.at, libpq.count);
	assert_int_equal(libpq.live_results, 0);
}

static struct pg_options options_of(bool prepared)
{
	return (struct pg_options){
		.url = "url",
		.name = "test",
		.prepared = prepared,
		.connect_ms = CALL_MS,
		.call_ms = CALL_MS,
		.stop_fd = -1,
	};
}

static struct pg *connected(bool prepared)
{
	struct pg_options o = options_of(prepared);
	struct pg *pg = NULL;
	char reason[PG_REASON_ROOM] = "";
	static const struct step settings = { .sent = PARAMS };
	libpq_play(&settings, prepared ? 1 : 0);
	libpq.polls = 0;
	libpq.transaction = PQTRANS_IDLE;
	assert_int_equal(pg_connect(&o, reason, &pg), STATUS_OK);
	assert_played();
	assert_true(libpq.silenced);
	return pg;
}

/* --- sending --- */

static void a_statement_is_prepared_once(void **state)
{
	(void)state;
	struct pg *pg = connected(true);
	SCRIPT({ .sent = PREPARE }, { .sent = PREPARED }, { .sent = PREPARED }, { .sent = PREPARE },
	       { .sent = PREPARED }, { .sent = PREPARED });
	assert_int_equal(pg_run(pg, &one, NULL, NULL), STATUS_OK);
	assert_int_equal(pg_run(pg, &one, NULL, NULL), STATUS_OK);
	assert_int_equal(pg_run(pg, &two, NULL, NULL), STATUS_OK);
	assert_int_equal(pg_run(pg, &one, NULL, NULL), STATUS_OK);
	assert_played();
	pg_close(&pg);
	assert_null(pg);
}

static void behind_a_pooler_nothing_is_prepared_or_set(void **state)
{
	(void)state;
	struct pg *pg = connected(false);
	SCRIPT({ .sent = PARAMS }, { .sent = PARAMS });
	assert_int_equal(pg_run(pg, &one, NULL, NULL), STATUS_OK);
	assert_int_equal(pg_run(pg, &one, NULL, NULL), STATUS_OK);
	assert_played();
	pg_close(&pg);
}

static void lost_prepared_statements_are_given_up(void **state)
{
	(void)state;
	static const struct {
		struct step steps[5];
		size_t count;
	} cases[] = {
		{ { { .sent = PREPARE },
		    { .sent = PREPARED, .state = "26000" },
		    { .sent = PARAMS },
		    { .sent = PARAMS } },
		  4 },
		{ { { .sent = PREPARE, .state = "42P05" }, { .sent = PARAMS }, { .sent = PARAMS } },
		  3 },
		{ { { .sent = PREPARE },
		    { .sent = PREPARED, .state = "0A000" },
		    { .sent = PARAMS },
		    { .sent = PARAMS } },
		  4 },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct pg *pg = connected(true);
		libpq_play(cases[i].steps, cases[i].count);
		assert_int_equal(pg_run(pg, &one, NULL, NULL), STATUS_OK);
		assert_int_equal(pg_run(pg, &two, NULL, NULL), STATUS_OK);
		assert_played();
		assert_false(pg_is_broken(pg));
		pg_close(&pg);
	}
}

static void a_lost_statement_in_a_transaction_is_the_callers(void **state)
{
	(void)state;
	struct pg *pg = connected(true);
	libpq.transaction = PQTRANS_INERROR;
	SCRIPT({ .sent = PREPARE }, { .sent = PREPARED, .state = "26000" });
	assert_int_equal(pg_run(pg, &one, NULL, NULL), STATUS_UNAVAILABLE);
	assert_played();
	assert_true(pg_may_repeat(pg));
	SCRIPT({ .sent = QUERY });
	pg_roll_back(pg, CALL_MS);
	assert_true(pg_may_repeat(pg));
	pg_close(&pg);
}

static void what_cannot_be_stored_is_not_sent(void **state)
{
	(void)state;
	struct pg *pg = connected(true);
	for (int i = 0; i < 4; i++) {
		struct pg_args args = { 0 };
		pg_put_text(&args, i == 0 ? SPAN("a\0b") : SPAN("ab"));
		if (i == 1)
			pg_put_ms(&args, INT64_MAX);
		if (i == 2)
			pg_put_ms(&args, PG_FIRST_MS - 1);
		for (int n = 0; i == 3 && n < PG_ARGS_MAX; n++)
			pg_put_bool(&args, true);
		SCRIPT({ .sent = NOTHING });
		assert_int_equal(pg_run(pg, &one, &args, NULL), STATUS_INVALID);
		assert_int_equal(libpq.at, 0);
		assert_false(pg_is_broken(pg));
	}
	struct pg_args args = { 0 };
	pg_put_text(&args, SPAN("abc"));
	pg_put_text(&args, SPAN_ABSENT);
	pg_put_no_ms(&args);
	SCRIPT({ .sent = PREPARE }, { .sent = PREPARED });
	assert_int_equal(pg_run(pg, &one, &args, NULL), STATUS_OK);
	assert_int_equal(libpq.parameters, 3);
	assert_int_equal(libpq.first_length, 3);
	assert_non_null(args.values[0]);
	assert_null(args.values[1]);
	assert_null(args.values[2]);
	pg_close(&pg);
}

/* --- answers --- */

static void every_sqlstate_has_its_meaning(void **state)
{
	(void)state;
	static const struct {
		const char *state, *constraint;
		enum status want;
		bool broken, repeat, repeat_read;
	} cases[] = {
		{ "23505", "user_email_key", STATUS_CONFLICT, false, false, false },
		{ "23505", NULL, STATUS_CONFLICT, false, false, false },
		{ "23503", "session_userId_fkey", STATUS_NOT_FOUND, false, false, false },
		{ "23514", "authbridge_user_disabled", STATUS_DENIED, false, false, false },
		{ "23514", "another_check", STATUS_INTERNAL, false, false, false },
		{ "23514", NULL, STATUS_INTERNAL, false, false, false },
		{ "23502", NULL, STATUS_INTERNAL, false, false, false },
		{ "22021", NULL, STATUS_INVALID, false, false, false },
		{ "22001", NULL, STATUS_INVALID, false, false, false },
		{ "22P05", NULL, STATUS_INVALID, false, false, false },
		{ "40001", NULL, STATUS_UNAVAILABLE, false, true, true },
		{ "40P01", NULL, STATUS_UNAVAILABLE, false, true, true },
		{ "55P03", NULL, STATUS_UNAVAILABLE, false, false, false },
		{ "57014", NULL, STATUS_UNAVAILABLE, false, false, false },
		{ "57P01", NULL, STATUS_UNAVAILABLE, true, false, true },
		{ "57P03", NULL, STATUS_UNAVAILABLE, true, false, true },
		{ "25006", NULL, STATUS_UNAVAILABLE, true, false, true },
		{ "08006", NULL, STATUS_UNAVAILABLE, true, false, true },
		{ "53300", NULL, STATUS_UNAVAILABLE, false, false, false },
		{ "53100", NULL, STATUS_UNAVAILABLE, false, false, false },
		{ "58030", NULL, STATUS_UNAVAILABLE, false, false, false },
		{ "42P01", NULL, STATUS_INTERNAL, false, false, false },
		{ "42501", NULL, STATUS_INTERNAL, false, false, false },
		{ "XX000", NULL, STATUS_INTERNAL, false, false, false },
		{ "", NULL, STATUS_UNAVAILABLE, true, false, true },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct pg *pg = connected(false);
		SCRIPT({ .sent = PARAMS,
			 .state = cases[i].state,
			 .constraint = cases[i].constraint });
		struct pg_result *rows = NULL;
		enum status got = pg_run(pg, &one, NULL, &rows);
		assert_null(rows);
		if (got != cases[i].want || pg_is_broken(pg) != cases[i].broken ||
		    pg_may_repeat(pg) != cases[i].repeat ||
		    pg_may_repeat_read(pg) != cases[i].repeat_read ||
		    strcmp(pg_state(pg), cases[i].state) != 0)
			fail_msg("case %zu (%s): %s broken %d repeat %d read %d", i, cases[i].state,
				 status_word(got), pg_is_broken(pg), pg_may_repeat(pg),
				 pg_may_repeat_read(pg));
		assert_played();
		pg_close(&pg);
	}
}

static void the_first_failure_counts(void **state)
{
	(void)state;
	struct pg *pg = connected(false);
	SCRIPT({ .sent = QUERY, .how = TWO_RESULTS, .state = "23505" });
	char reason[PG_REASON_ROOM] = "";
	assert_int_equal(pg_script(pg, "x; y", CALL_MS, reason), STATUS_CONFLICT);
	assert_string_equal(reason, "the server said no");
	assert_played();
	pg_close(&pg);
}

static void silence_and_loss_break_the_connection(void **state)
{
	(void)state;
	for (int how = SILENT; how <= CLOGGED; how++) {
		struct pg *pg = connected(true);
		struct step step = { .sent = PREPARE };
		step.how = how;
		libpq_play(&step, 1);
		int64_t begin = clock_mono_ms();
		assert_int_equal(pg_run(pg, &one, NULL, NULL), STATUS_UNAVAILABLE);
		int64_t took = clock_mono_ms() - begin;
		assert_true(took < CALL_MS + 500);
		if (how == SILENT)
			assert_true(took >= CALL_MS - 1);
		assert_true(pg_is_broken(pg));
		assert_false(pg_is_sound(pg));
		assert_true(pg_may_repeat_read(pg));
		assert_false(pg_may_repeat(pg));
		assert_int_equal(libpq.live_results, 0);
		/* Nothing more goes out on it. */
		SCRIPT({ .sent = NOTHING });
		assert_int_equal(pg_run(pg, &one, NULL, NULL), STATUS_UNAVAILABLE);
		assert_int_equal(pg_script(pg, "x", CALL_MS, NULL), STATUS_UNAVAILABLE);
		assert_int_equal(libpq.at, 0);
		pg_close(&pg);
	}
}

static void a_stop_ends_the_wait(void **state)
{
	(void)state;
	int stop[2];
	assert_int_equal(pipe(stop), 0);
	struct pg_options o = options_of(false);
	o.call_ms = 60000;
	o.stop_fd = stop[0];
	libpq.polls = 0;
	libpq.transaction = PQTRANS_IDLE;
	struct pg *pg = NULL;
	assert_int_equal(pg_connect(&o, NULL, &pg), STATUS_OK);
	assert_int_equal(write(stop[1], "x", 1), 1);
	SCRIPT({ .sent = PARAMS, .how = SILENT });
	int64_t begin = clock_mono_ms();
	assert_int_equal(pg_run(pg, &one, NULL, NULL), STATUS_UNAVAILABLE);
	assert_true(clock_mono_ms() - begin < 1000);
	pg_close(&pg);
	close(stop[0]);
	close(stop[1]);
}

static void an_idle_connection_with_news_is_not_sound(void **state)
{
	(void)state;
	struct pg *pg = connected(false);
	assert_true(pg_is_sound(pg));
	libpq.transaction = PQTRANS_INTRANS;
	assert_false(pg_is_sound(pg));
	libpq.transaction = PQTRANS_IDLE;
	libpq.status = CONNECTION_BAD;
	assert_false(pg_is_sound(pg));
	libpq.status = CONNECTION_OK;
	assert_true(pg_is_sound(pg));
	/* A server that leaves says so first. */
	assert_int_equal(send(libpq.pair[1], "E", 1, 0), 1);
	assert_false(pg_is_sound(pg));
	unsigned count = 9;
	libpq.notifies = 3;
	assert_int_equal(pg_hear(pg, &count), STATUS_OK);
	assert_int_equal(count, 3);
	assert_true(pg_is_sound(pg));
	pg_close(&pg);
}

/* --- connecting --- */

static void a_connection_that_fails_says_why(void **state)
{
	(void)state;
	static const struct {
		int how;
		const char *reason;
	} cases[] = {
		{ FAILS, "the server said no" },
		{ HANGS, "no answer in time" },
		{ NEVER_STARTS, "the server said no" },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct pg_options o = options_of(false);
		struct pg *pg = NULL;
		char reason[PG_REASON_ROOM] = "";
		libpq.connecting = cases[i].how;
		int64_t begin = clock_mono_ms();
		assert_int_equal(pg_connect(&o, reason, &pg), STATUS_UNAVAILABLE);
		assert_true(clock_mono_ms() - begin < CALL_MS + 500);
		assert_null(pg);
		assert_string_equal(reason, cases[i].reason);
	}
	libpq.connecting = CONNECTS;
}

static void session_settings_that_fail_are_a_failure(void **state)
{
	(void)state;
	static const struct step cases[] = {
		{ .sent = PARAMS, .state = "42501" },
		{ .sent = PARAMS, .how = SILENT },
		{ .sent = PARAMS, .how = DEAD },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct pg_options o = options_of(true);
		struct pg *pg = NULL;
		libpq.polls = 0;
		libpq_play(&cases[i], 1);
		assert_int_equal(pg_connect(&o, NULL, &pg), STATUS_UNAVAILABLE);
		assert_null(pg);
		assert_played();
	}
}

static void the_urls_own_settings_win(void **state)
{
	(void)state;
	static const struct {
		const char *url;
		const char *has[5];
	} cases[] = {
		{ "plain",
		  { "client_encoding=UTF8", "connect_timeout=1", "tcp_user_timeout=150",
		    "keepalives_idle=", "fallback_application_name=test" } },
		{ "timeout", { "tcp_user_timeout=7 " } },
		{ "hosts", { "host=a,b,c", "tcp_user_timeout=50 " } },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct pg_options o = options_of(false);
		struct pg *pg = NULL;
		o.url = cases[i].url;
		libpq.polls = 0;
		assert_int_equal(pg_connect(&o, NULL, &pg), STATUS_OK);
		for (size_t n = 0; n < 5 && cases[i].has[n] != NULL; n++)
			if (strstr(libpq.keywords, cases[i].has[n]) == NULL)
				fail_msg("%s: no %s in %s", cases[i].url, cases[i].has[n],
					 libpq.keywords);
		pg_close(&pg);
	}
}

/* B-FR-025: libpq quotes what it does not understand, the password too. */
static void B_FR_025_a_bad_url_is_reported_without_its_password(void **state)
{
	(void)state;
	int ends[2], saved = dup(STDERR_FILENO);
	assert_int_equal(pipe(ends), 0);
	fflush(stderr);
	dup2(ends[1], STDERR_FILENO);
	libpq.url_error = "missing \"=\" after \"hunter2\" in connection string\nhunter2";
	enum status status = pg_check_url("x");
	libpq.url_error = "invalid port: \"hunter2";
	enum status unclosed = pg_check_url("x");
	libpq.url_error = NULL;
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(ends[1]);
	char text[1024];
	ssize_t len = read(ends[0], text, sizeof(text) - 1);
	close(ends[0]);
	assert_true(len > 0);
	text[len] = '\0';
	assert_int_equal(status, STATUS_INVALID);
	assert_int_equal(unclosed, STATUS_INVALID);
	assert_null(strstr(text, "hunter2"));
	assert_non_null(strstr(text, "in connection string"));
	assert_int_equal(pg_check_url("x"), STATUS_OK);
}

/* --- values --- */

static void put_cell(int64_t value, int len)
{
	static unsigned char bytes[8];
	uint64_t wire = htobe64((uint64_t)value);
	memcpy(bytes, (unsigned char *)&wire + 8 - len, (size_t)len);
	cell_at = bytes;
	cell_len = len;
}

static void numbers_and_times_are_read_exactly(void **state)
{
	(void)state;
	static const struct {
		int64_t wire;
		int len;
		int64_t number;
	} numbers[] = {
		{ 0, 8, 0 },
		{ -1, 8, -1 },
		{ INT64_MAX, 8, INT64_MAX },
		{ INT64_MIN, 8, INT64_MIN },
		{ 7, 4, 7 },
		{ -7, 4, -7 },
		{ INT32_MIN, 4, INT32_MIN },
		{ 1, 1, 1 },
	};
	struct pg_result row = { 0 };
	for (size_t i = 0; i < COUNT_OF(numbers); i++) {
		put_cell(numbers[i].wire, numbers[i].len);
		assert_int_equal(pg_int(&row, 0, 0), numbers[i].number);
	}
	static const struct {
		int64_t us, ms;
	} times[] = {
		{ 0, PG_EPOCH_MS },       { 999, PG_EPOCH_MS },       { 1000, PG_EPOCH_MS + 1 },
		{ -1, PG_EPOCH_MS - 1 },  { -1000, PG_EPOCH_MS - 1 }, { -1001, PG_EPOCH_MS - 2 },
		{ INT64_MAX, PG_FAR_MS }, { INT64_MIN, PG_FIRST_MS },
	};
	for (size_t i = 0; i < COUNT_OF(times); i++) {
		put_cell(times[i].us, 8);
		if (pg_ms(&row, 0, 0) != times[i].ms)
			fail_msg("time %zu", i);
	}
	put_cell(1, 1);
	assert_true(pg_bool(&row, 0, 0));
	put_cell(0, 1);
	assert_false(pg_bool(&row, 0, 0));
	assert_int_equal(pg_changed(&row), 42);
	cell_at = NULL;
	assert_int_equal(pg_ms(&row, 0, 0), -1);
	assert_true(span_is_absent(pg_text(&row, 0, 0)));
	assert_false(pg_bool(&row, 0, 0));
	cell_at = (const unsigned char *)"";
	cell_len = 0;
	assert_false(span_is_absent(pg_text(&row, 0, 0)));
}

static void times_are_written_exactly(void **state)
{
	(void)state;
	static const struct {
		int64_t ms, us;
	} cases[] = {
		{ PG_EPOCH_MS, 0 },
		{ PG_EPOCH_MS + 1, 1000 },
		{ PG_EPOCH_MS - 1, -1000 },
		{ 0, -INT64_C(946684800000000) },
		{ PG_FAR_MS, (PG_FAR_MS - PG_EPOCH_MS) * 1000 },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct pg_args args = { 0 };
		pg_put_ms(&args, cases[i].ms);
		uint64_t wire;
		memcpy(&wire, args.values[0], sizeof(wire));
		assert_false(args.refused);
		assert_int_equal((int64_t)be64toh(wire), cases[i].us);
	}
}

static int set_up(void **state)
{
	(void)state;
	memset(&libpq, 0, sizeof(libpq));
	return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, libpq.pair);
}

static int tear_down(void **state)
{
	(void)state;
	close(libpq.pair[0]);
	close(libpq.pair[1]);
	return 0;
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_statement_is_prepared_once),
		CASE(behind_a_pooler_nothing_is_prepared_or_set),
		CASE(lost_prepared_statements_are_given_up),
		CASE(a_lost_statement_in_a_transaction_is_the_callers),
		CASE(what_cannot_be_stored_is_not_sent),
		CASE(every_sqlstate_has_its_meaning),
		CASE(the_first_failure_counts),
		CASE(silence_and_loss_break_the_connection),
		CASE(a_stop_ends_the_wait),
		CASE(an_idle_connection_with_news_is_not_sound),
		CASE(a_connection_that_fails_says_why),
		CASE(session_settings_that_fail_are_a_failure),
		CASE(the_urls_own_settings_win),
		CASE(B_FR_025_a_bad_url_is_reported_without_its_password),
		CASE(numbers_and_times_are_read_exactly),
		CASE(times_are_written_exactly),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
