/* SPDX-License-Identifier: MIT */
#include "model/session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define DAY_MS INT64_C(86400000)
#define NOW INT64_C(1767225600000)

static const struct session_rules RULES = { 604800, 86400, 86400 };

static void session_lives_up_to_its_expiry(void **state)
{
	(void)state;
	static const struct {
		int64_t left_ms;
		bool live;
	} rows[] = {
		{ 7 * DAY_MS, true }, { 1, true }, { 0, true }, { -1, false }, { -DAY_MS, false },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct session s = { .expires_ms = NOW + rows[i].left_ms };
		if (session_is_live(&s, NOW) != rows[i].live)
			fail_msg("row %zu", i);
	}
}

static void B_US5_session_slides_when_six_days_are_left(void **state)
{
	(void)state;
	static const struct {
		int64_t left_ms;
		bool due;
	} rows[] = {
		{ 7 * DAY_MS, false }, { 6 * DAY_MS + 60000, false },  { 6 * DAY_MS + 1, false },
		{ 6 * DAY_MS, true },  { 6 * DAY_MS - 3600000, true }, { 0, true },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct session s = { .expires_ms = NOW + rows[i].left_ms };
		if (session_is_due(&s, &RULES, NOW) != rows[i].due)
			fail_msg("row %zu", i);
	}
}

static void session_is_fresh_for_a_day_after_its_making(void **state)
{
	(void)state;
	static const struct {
		int64_t age_ms, fresh_age_s;
		bool fresh;
	} rows[] = {
		{ 0, 86400, true },      { DAY_MS - 1, 86400, true }, { DAY_MS, 86400, false },
		{ 9 * DAY_MS, 0, true }, { 1000, 1, false },          { 999, 1, true },
		{ -5000, 86400, true },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct session_rules rules = RULES;
		rules.fresh_age_s = rows[i].fresh_age_s;
		/* a slide moves updatedAt, which must not make it fresh again */
		struct session s = { .created_ms = NOW - rows[i].age_ms, .updated_ms = NOW };
		if (session_is_fresh(&s, &rules, NOW) != rows[i].fresh)
			fail_msg("row %zu", i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(session_lives_up_to_its_expiry),
		cmocka_unit_test(B_US5_session_slides_when_six_days_are_left),
		cmocka_unit_test(session_is_fresh_for_a_day_after_its_making),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
