/* SPDX-License-Identifier: MIT */
#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#define FFFD "\xef\xbf\xbd"

/* The replacements are what TextDecoder gives in Node 20. */
static const struct {
	const char *in, *out;
} cases[] = {
	{ "", "" },
	{ "abc", "abc" },
	{ "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80" },
	{ "\xef\xbf\xbf\xf4\x8f\xbf\xbf", "\xef\xbf\xbf\xf4\x8f\xbf\xbf" },
	{ "\xed\x9f\xbf\xee\x80\x80", "\xed\x9f\xbf\xee\x80\x80" },
	{ "a\x80z", "a" FFFD "z" },
	{ "\xc0\x80", FFFD FFFD },
	{ "\xc1\xbf", FFFD FFFD },
	{ "\xe0\x9f\xbf", FFFD FFFD FFFD },
	{ "\xed\xa0\x80", FFFD FFFD FFFD },
	{ "\xf0\x8f\xbf\xbf", FFFD FFFD FFFD FFFD },
	{ "\xf4\x90\x80\x80", FFFD FFFD FFFD FFFD },
	{ "\xf5\x80", FFFD FFFD },
	{ "\xff\xfe", FFFD FFFD },
	{ "\xe2\x82", FFFD },
	{ "\xe2\x82z", FFFD "z" },
	{ "\xf0\x9f\x98", FFFD },
	{ "\xf0\x9f\x98\xc3\xa9", FFFD "\xc3\xa9" },
	{ "\xc3", FFFD },
	{ "\xc3\xc3\xa9", FFFD "\xc3\xa9" },
};

static void repairs_as_a_javascript_server(void **state)
{
	CLEANUP(arena_free) struct arena *mem = arena_new(0);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct span in = span_of(cases[i].in);

		if (!span_is(utf8_repair(mem, in), cases[i].out))
			fail_msg("case %zu", i);
		if (utf8_is_valid(in) != (strcmp(cases[i].in, cases[i].out) == 0))
			fail_msg("case %zu: validity", i);
	}
}

static void valid_text_is_not_copied(void **state)
{
	CLEANUP(arena_free) struct arena *mem = arena_new(0);
	struct span text = SPAN("caf\xc3\xa9\0x");

	(void)state;
	assert_ptr_equal(utf8_repair(mem, text).at, text.at);
	assert_int_equal(utf8_repair(mem, text).len, text.len);
	assert_true(span_is_absent(utf8_repair(mem, SPAN_ABSENT)));
	assert_int_equal(arena_used(mem), 0);
}

/* Every code point has exactly one spelling, and surrogates have none. */
static void every_character_is_taken_once(void **state)
{
	unsigned taken[5] = { 0 };

	(void)state;
	for (unsigned c = 0; c < 0x110000; c++) {
		unsigned char four[4] = { (unsigned char)(0xf0 | c >> 18),
					  (unsigned char)(0x80 | (c >> 12 & 63)),
					  (unsigned char)(0x80 | (c >> 6 & 63)),
					  (unsigned char)(0x80 | (c & 63)) };
		unsigned char three[3] = { (unsigned char)(0xe0 | c >> 12), four[2], four[3] };
		unsigned char two[2] = { (unsigned char)(0xc0 | c >> 6), four[3] };
		bool valid;

		taken[4] += utf8_next(span_make((char *)four, 4), &valid) == 4 && valid;
		if (c < 0x10000)
			taken[3] += utf8_next(span_make((char *)three, 3), &valid) == 3 && valid;
		if (c < 0x800)
			taken[2] += utf8_next(span_make((char *)two, 2), &valid) == 2 && valid;
	}
	assert_int_equal(taken[4], 0x100000);
	assert_int_equal(taken[3], 0x10000 - 0x800 - 2048);
	assert_int_equal(taken[2], 0x800 - 0x80);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(repairs_as_a_javascript_server),
		cmocka_unit_test(valid_text_is_not_copied),
		cmocka_unit_test(every_character_is_taken_once),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("utf8", tests, NULL, NULL);
}
