/* SPDX-License-Identifier: MIT */
/* The audit trail's way to the store: bounded, in time, and never in the way. */
#include "service/audit.h"

#include "base/arena.h"
#include "base/clock.h"
#include "../fake/fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct store *store;
static struct audit *audit;
static const struct audit_line *lines;

static int set_up(void **state)
{
	(void)state;
	const struct store_options options = { .url = "x" };
	return store_open(&options, &store) == STATUS_OK &&
			       audit_start(store, &rng_system, &audit) == STATUS_OK
		       ? 0
		       : -1;
}

static int tear_down(void **state)
{
	(void)state;
	audit_stop(&audit);
	store_close(&store);
	return 0;
}

static void refuse(const char *address, const char *reason)
{
	audit_note(audit, AUDIT_SIGN_IN_REFUSED, SPAN_ABSENT, span_of(address), reason);
}

/* Stops, so that all is written; how many lines there are. */
static size_t written(void)
{
	audit_stop(&audit);
	return fake_store_audited(&lines);
}

static int64_t sum(size_t count, const char *reason)
{
	int64_t total = 0;
	for (size_t i = 0; i < count; i++)
		if (reason == NULL ||
		    (lines[i].reason != NULL && strcmp(lines[i].reason, reason) == 0))
			total += lines[i].times;
	return total;
}

static void B_FR_026_events_are_written(void **state)
{
	(void)state;
	int64_t before_ms = clock_wall_ms();
	audit_note(audit, AUDIT_SIGN_UP, SPAN("user1"), SPAN("192.0.2.1"), NULL);
	audit_note(audit, AUDIT_SIGN_IN_REFUSED, SPAN("user1"), SPAN("192.0.2.2"),
		   "wrong_password");
	audit_note(audit, AUDIT_SIGN_OUT, SPAN_ABSENT, SPAN(""), NULL);
	assert_int_equal(written(), 3);
	assert_string_equal(lines[0].event, "sign-up");
	assert_true(span_equal(lines[0].user_id, SPAN("user1")));
	assert_true(span_equal(lines[0].address, SPAN("192.0.2.1")));
	assert_null(lines[0].reason);
	assert_int_equal(lines[0].times, 1);
	assert_true(lines[0].at_ms >= before_ms && lines[0].at_ms <= clock_wall_ms());
	assert_string_equal(lines[1].event, "sign-in refused");
	assert_string_equal(lines[1].reason, "wrong_password");
	assert_true(span_is_absent(lines[2].user_id));
	assert_true(span_is_absent(lines[2].address));
}

static void every_event_has_its_word(void **state)
{
	(void)state;
	for (int i = 0; i < AUDIT_EVENTS; i++) {
		const char *word = audit_event_word((enum audit_event)i);
		assert_non_null(word);
		for (int k = 0; k < i; k++)
			assert_string_not_equal(word, audit_event_word((enum audit_event)k));
	}
}

static void it_is_written_without_being_stopped(void **state)
{
	(void)state;
	audit_note(audit, AUDIT_SIGN_IN, SPAN("user1"), SPAN("192.0.2.1"), NULL);
	int64_t until_ms = clock_mono_ms() + 20000;
	while (fake_store_audited(&lines) == 0 && clock_mono_ms() < until_ms)
		usleep(1000);
	assert_int_equal(fake_store_audited(&lines), 1);
}

/* What is the same but for its moment is one line; anything else is not. */
static void only_the_same_refusals_are_joined(void **state)
{
	(void)state;
	fake_store_audit_away(true);
	for (int i = 0; i < 1000; i++)
		refuse("192.0.2.1", "wrong_password");
	refuse("192.0.2.1", "unknown_user");
	refuse("192.0.2.2", "wrong_password");
	audit_note(audit, AUDIT_SIGN_IN_REFUSED, SPAN("192.0.2.1"), SPAN_ABSENT, "wrong_password");
	audit_note(audit, AUDIT_PASSWORD_REFUSED, SPAN_ABSENT, SPAN("192.0.2.1"), "wrong_password");
	for (int i = 0; i < 3; i++)
		audit_note(audit, AUDIT_SIGN_IN, SPAN("user1"), SPAN("192.0.2.1"), NULL);
	fake_store_audit_away(false);
	size_t count = written();
	/* A page may have been turned once meanwhile. */
	assert_in_range(count, 8, 9);
	assert_int_equal(sum(count, NULL), 1007);
	assert_int_equal(sum(count, "wrong_password"), 1003);
}

static void a_flood_is_bounded_and_counted(void **state)
{
	(void)state;
	enum { FLOOD = 200000 };
	int64_t begun_ms = clock_mono_ms();
	char address[32];
	for (int i = 0; i < FLOOD; i++) {
		snprintf(address, sizeof(address), "10.%d.%d.%d", i >> 16, i >> 8 & 255, i & 255);
		refuse(address, "wrong_password");
	}
	int64_t took_s = (clock_mono_ms() - begun_ms) / 1000 + 1;
	audit_note(audit, AUDIT_SIGN_IN, SPAN("user1"), SPAN("192.0.2.1"), NULL);
	size_t count = written();
	/* Beside the admitted ones: a line for each second, and the sign-in. */
	assert_in_range(count, AUDIT_BURST + 2, AUDIT_BURST + (AUDIT_RATE + 1) * took_s + 3);
	assert_int_equal(sum(count, NULL), FLOOD + 1);
	assert_true(sum(count, "suppressed") > FLOOD / 2);
}

static void nothing_is_lost_and_nobody_waits_while_the_store_is_away(void **state)
{
	(void)state;
	fake_store_audit_away(true);
	for (int i = 0; i < 1500; i++)
		audit_note(audit, AUDIT_SIGN_IN, SPAN("user1"), SPAN("192.0.2.1"), NULL);
	usleep(1200000); /* longer than a page stays */
	for (int i = 0; i < 1500; i++)
		audit_note(audit, AUDIT_SIGN_OUT, SPAN("user1"), SPAN("192.0.2.1"), NULL);
	struct audit_stats stats;
	audit_read_stats(audit, &stats);
	assert_in_range(stats.waiting, 1024, 2048);
	assert_true(stats.suppressed > 0);
	assert_int_equal(fake_store_audited(&lines), 0);
	fake_store_audit_away(false);
	assert_int_equal(sum(written(), NULL), 3000);
}

static void a_store_that_stays_away_does_not_hold_up_the_end(void **state)
{
	(void)state;
	fake_store_audit_away(true);
	refuse("192.0.2.1", "unavailable");
	assert_int_equal(written(), 0);
}

static void off_is_nothing(void **state)
{
	(void)state;
	struct audit_stats stats;
	struct audit *none = NULL;
	audit_note(none, AUDIT_SIGN_IN, SPAN("user1"), SPAN(""), NULL);
	audit_read_stats(none, &stats);
	assert_int_equal(stats.waiting + stats.suppressed, 0);
	audit_stop(&none);
}

int main(void)
{
	cmocka_set_message_output(CM_OUTPUT_TAP);
#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(B_FR_026_events_are_written),
		CASE(every_event_has_its_word),
		CASE(it_is_written_without_being_stopped),
		CASE(only_the_same_refusals_are_joined),
		CASE(a_flood_is_bounded_and_counted),
		CASE(nothing_is_lost_and_nobody_waits_while_the_store_is_away),
		CASE(a_store_that_stays_away_does_not_hold_up_the_end),
		CASE(off_is_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
