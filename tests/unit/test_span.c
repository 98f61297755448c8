/* SPDX-License-Identifier: MIT */
#include "base/span.h"
#include "base/status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static void compares_bytes(void **state)
{
	(void)state;
	assert_true(span_equal(SPAN("abc"), SPAN("abc")));
	assert_false(span_equal(SPAN("abc"), SPAN("abd")));
	assert_false(span_equal(SPAN("abc"), SPAN("ab")));
	assert_true(span_equal(SPAN(""), SPAN_ABSENT));
	assert_true(span_equal(SPAN("a\0b"), SPAN("a\0b")));
	assert_false(span_equal(SPAN("a\0b"), SPAN("a\0c")));
	assert_true(span_is(SPAN("x"), "x"));
	assert_true(span_starts(SPAN("/api/x"), SPAN("/api")));
	assert_true(span_starts(SPAN("/api"), SPAN("")));
	assert_false(span_starts(SPAN("/ap"), SPAN("/api")));
	assert_true(span_is_absent(span_of(NULL)));
	assert_false(span_is_absent(span_of("")));
}

static void compares_without_case(void **state)
{
	static const struct {
		const char *a, *b;
		bool equal;
	} cases[] = {
		{ "Bearer", "bEARER", true }, { "", "", true },          { "a", "", false },
		{ "@", "`", false },          { "[", "{", false },       { "Z", "z", true },
		{ "az09-", "AZ09-", true },   { "\xc4", "\xe4", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		if (span_equal_nocase(span_of(cases[i].a), span_of(cases[i].b)) != cases[i].equal)
			fail_msg("case %zu", i);
}

static void cuts(void **state)
{
	(void)state;
	struct span s = SPAN("a,b,c");
	assert_int_equal(span_find(s, ','), 1);
	assert_int_equal(span_find_last(s, ','), 3);
	assert_int_equal(span_find(s, 'x'), 5);
	assert_int_equal(span_find_last(s, 'x'), 5);
	assert_int_equal(span_find(SPAN_ABSENT, 'x'), 0);
	assert_true(span_is(span_from(s, 2), "b,c"));
	assert_true(span_is(span_from(s, 9), ""));
	assert_true(span_is(span_first(s, 1), "a"));
	assert_true(span_is(span_first(s, 9), "a,b,c"));
}

static void trims(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "a", "a" },   { "  a\t", "a" }, { "", "" },
		{ " \t ", "" }, { "a b", "a b" }, { "\na\r", "\na\r" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		if (!span_is(span_trim(span_of(cases[i].in)), cases[i].out))
			fail_msg("case %zu", i);
	assert_int_equal(span_trim(SPAN_ABSENT).len, 0);
}

static void yields_each_part_once(void **state)
{
	static const struct {
		const char *in, *joined;
		unsigned count;
	} cases[] = {
		{ "a,b", "[a][b]", 2 }, { "a", "[a]", 1 },  { "", "[]", 1 },
		{ "a,", "[a][]", 2 },   { ",", "[][]", 2 }, { ",,a", "[][][a]", 3 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct span rest = span_of(cases[i].in), part;
		char joined[64] = "";
		unsigned count = 0;

		while (span_next(&rest, ',', &part)) {
			strncat(joined, "[", 2);
			strncat(joined, part.at, part.len);
			strncat(joined, "]", 2);
			count++;
		}
		assert_string_equal(joined, cases[i].joined);
		assert_int_equal(count, cases[i].count);
	}
	struct span none = SPAN_ABSENT, part;
	assert_false(span_next(&none, ',', &part));
}

static void reads_numbers(void **state)
{
	static const struct {
		const char *in;
		bool ok;
		unsigned long long value;
	} cases[] = {
		{ "0", true, 0 },
		{ "42", true, 42 },
		{ "007", true, 7 },
		{ "999999999999999999", true, 999999999999999999 },
		{ "1000000000000000000", false, 0 },
		{ "", false, 0 },
		{ "-1", false, 0 },
		{ "+1", false, 0 },
		{ " 1", false, 0 },
		{ "1 ", false, 0 },
		{ "0x1", false, 0 },
		{ "1.0", false, 0 },
		{ "\xb2", false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		unsigned long long value = 0;

		if (span_to_uint(span_of(cases[i].in), &value) != cases[i].ok ||
		    value != cases[i].value)
			fail_msg("case %zu", i);
	}
	unsigned long long value = 0;
	assert_false(span_to_uint(SPAN("1\0"), &value));
}

static void statuses_have_words(void **state)
{
	(void)state;
	assert_string_equal(status_word(STATUS_OK), "ok");
	assert_string_equal(status_word(STATUS_INTERNAL), "internal");
	assert_string_equal(status_word((enum status)99), "unknown");
	assert_string_equal(status_word((enum status) - 1), "unknown");
	for (int i = STATUS_OK; i <= STATUS_INTERNAL; i++)
		assert_string_not_equal(status_word((enum status)i), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(compares_bytes),
		cmocka_unit_test(compares_without_case),
		cmocka_unit_test(cuts),
		cmocka_unit_test(trims),
		cmocka_unit_test(yields_each_part_once),
		cmocka_unit_test(reads_numbers),
		cmocka_unit_test(statuses_have_words),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("span", tests, NULL, NULL);
}
