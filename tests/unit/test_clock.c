/* SPDX-License-Identifier: MIT */
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <time.h>

static const struct {
	int64_t ms;
	const char *text;
} known[] = {
	{ 0, "1970-01-01T00:00:00.000Z" },
	{ -1, "1969-12-31T23:59:59.999Z" },
	{ 1795219779746, "2026-11-21T00:09:39.746Z" },
	{ 951782400000, "2000-02-29T00:00:00.000Z" },
	{ 4107542399999, "2100-02-28T23:59:59.999Z" },
	{ 4107542400000, "2100-03-01T00:00:00.000Z" },
	{ -62167219200000, "0000-01-01T00:00:00.000Z" },
	{ 253402300799999, "9999-12-31T23:59:59.999Z" },
};

static void formats(void **state)
{
	char text[CLOCK_ISO_ROOM];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(known); i++) {
		assert_int_equal(clock_iso_format(known[i].ms, text), 24);
		assert_string_equal(text, known[i].text);
	}
	clock_iso_format(INT64_MIN, text);
	assert_string_equal(text, "0000-01-01T00:00:00.000Z");
	clock_iso_format(INT64_MAX, text);
	assert_string_equal(text, "9999-12-31T23:59:59.999Z");
}

static void parses_what_it_formats(void **state)
{
	char text[CLOCK_ISO_ROOM];
	int64_t ms = 0;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(known); i++) {
		assert_int_equal(clock_iso_parse(span_of(known[i].text), &ms), STATUS_OK);
		assert_int_equal(ms, known[i].ms);
	}
	/* a prime step visits every month, weekday and time of day */
	for (int64_t at = -62167219200000; at < 253402300799999; at += 1300000000039) {
		clock_iso_format(at, text);
		assert_int_equal(clock_iso_parse(span_of(text), &ms), STATUS_OK);
		assert_int_equal(ms, at);
	}
}

static void agrees_with_the_c_library(void **state)
{
	char ours[CLOCK_ISO_ROOM], theirs[32];

	(void)state;
	for (int64_t at = -2208988800; at < 7258118400; at += 8640007) {
		time_t seconds = at;
		struct tm parts;

		gmtime_r(&seconds, &parts);
		strftime(theirs, sizeof(theirs), "%Y-%m-%dT%H:%M:%S.000Z", &parts);
		clock_iso_format(at * 1000, ours);
		assert_string_equal(ours, theirs);
	}
}

static void refuses_every_other_form(void **state)
{
	static const char *const bad[] = {
		"",
		"2026-11-20T23:54:39Z",
		"2026-11-20T23:54:39.746",
		"2026-11-20T23:54:39.746+",
		"2026-11-20 23:54:39.746Z",
		"2026-11-20T23:54:39.746Zx",
		"2026-13-20T23:54:39.746Z",
		"2026-00-20T23:54:39.746Z",
		"2026-02-29T23:54:39.746Z",
		"2026-04-31T23:54:39.746Z",
		"2026-04-00T23:54:39.746Z",
		"2026-11-20T24:00:00.000Z",
		"2026-11-20T23:60:39.746Z",
		"2026-11-20T23:54:60.746Z",
		"2026-11-20T23:54:3x.746Z",
		"+026-11-20T23:54:39.746Z",
		"9999-12-99T23:59:59.999Z",
	};
	int64_t ms = 7;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		if (clock_iso_parse(span_of(bad[i]), &ms) != STATUS_INVALID)
			fail_msg("case %zu", i);
	assert_int_equal(ms, 7);
}

static void clocks_run(void **state)
{
	int64_t before = clock_mono_us();

	(void)state;
	assert_true(clock_wall_ms() > 1700000000000);
	while (clock_mono_us() == before)
		;
	assert_true(clock_mono_us() > before);
	assert_true(clock_mono_ms() >= before / 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats),
		cmocka_unit_test(parses_what_it_formats),
		cmocka_unit_test(agrees_with_the_c_library),
		cmocka_unit_test(refuses_every_other_form),
		cmocka_unit_test(clocks_run),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
