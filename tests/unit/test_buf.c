/* SPDX-License-Identifier: MIT */
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static void collects(void **state)
{
	CLEANUP(arena_free) struct arena *mem = arena_new(0);
	struct buf b;
	struct span out = SPAN_ABSENT;

	(void)state;
	buf_init(&b, mem, 1000);
	assert_int_equal(buf_finish(&b, &out), STATUS_OK);
	assert_true(span_is(out, ""));
	assert_false(span_is_absent(out));
	buf_text(&b, "a");
	buf_byte(&b, '\0');
	buf_add(&b, SPAN("b"));
	buf_add(&b, SPAN_ABSENT);
	buf_format(&b, "%s=%d", "x", 7);
	buf_format(&b, "%s", "");
	assert_int_equal(buf_finish(&b, &out), STATUS_OK);
	assert_true(span_equal(out, SPAN("a\0bx=7")));
	assert_int_equal(b.at[b.len], '\0');
}

static void writes_numbers(void **state)
{
	static const struct {
		int64_t value;
		const char *text;
	} cases[] = {
		{ 0, "0" },
		{ 7, "7" },
		{ -7, "-7" },
		{ 1234567890, "1234567890" },
		{ INT64_MAX, "9223372036854775807" },
		{ INT64_MIN, "-9223372036854775808" },
	};
	CLEANUP(arena_free) struct arena *mem = arena_new(0);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf b;

		buf_init(&b, mem, 100);
		buf_int(&b, cases[i].value);
		assert_string_equal(b.at, cases[i].text);
	}
}

static void grows(void **state)
{
	CLEANUP(arena_free) struct arena *mem = arena_new(64);
	struct buf b;

	(void)state;
	buf_init(&b, mem, 100000);
	for (int i = 0; i < 100000; i++)
		buf_byte(&b, (char)('a' + i % 26));
	assert_false(b.failed);
	for (int i = 0; i < 100000; i++)
		assert_int_equal(b.at[i], 'a' + i % 26);
	buf_byte(&b, 'x');
	assert_true(b.failed);
	assert_int_equal(b.len, 100000);
}

/* Every way of adding stops at the cap, whole or not at all. */
static void remembers_the_first_refusal(void **state)
{
	CLEANUP(arena_free) struct arena *mem = arena_new(64);

	(void)state;
	for (size_t max = 0; max < 300; max++) {
		struct buf b;
		struct span out = SPAN_ABSENT;

		buf_init(&b, mem, max);
		while (!b.failed) {
			size_t before = b.len;

			buf_format(&b, "%s", "xyz");
			if (b.failed)
				assert_int_equal(b.len, before);
		}
		assert_int_equal(b.len, max / 3 * 3);
		size_t stopped = b.len;
		buf_byte(&b, 'x');
		buf_add(&b, SPAN(""));
		assert_int_equal(b.len, stopped);
		assert_int_equal(buf_finish(&b, &out), STATUS_TOO_LARGE);
		assert_true(span_is_absent(out));
	}
}

static void huge_appends_do_not_wrap(void **state)
{
	CLEANUP(arena_free) struct arena *mem = arena_new(64);
	struct buf b;

	(void)state;
	buf_init(&b, mem, 10);
	buf_text(&b, "abc");
	buf_add(&b, span_make("x", SIZE_MAX));
	assert_true(b.failed);
	assert_int_equal(b.len, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(collects),
		cmocka_unit_test(writes_numbers),
		cmocka_unit_test(grows),
		cmocka_unit_test(remembers_the_first_refusal),
		cmocka_unit_test(huge_appends_do_not_wrap),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
