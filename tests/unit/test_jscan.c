/* SPDX-License-Identifier: MIT */
#include "base/jscan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

/* The text in memory of exactly its size, so that a read beyond it is seen. */
static char *exact(struct span text)
{
	char *copy = malloc(text.len > 0 ? text.len : 1);

	assert_non_null(copy);
	if (text.len > 0)
		memcpy(copy, text.at, text.len);
	return copy;
}

static enum status skip_all(struct span text)
{
	char *copy = exact(text);
	struct jscan s;
	struct span name;

	jscan_open(&s, span_make(copy, text.len));
	while (jscan_member(&s, &name))
		jscan_skip(&s);
	enum status status = jscan_finish(&s);
	free(copy);
	return status;
}

#define DEEP15 "[[[[[[[[[[[[[[["
#define SHUT15 "]]]]]]]]]]]]]]]"

static const struct {
	struct span text;
	enum status want;
} grammar[] = {
	{ SPAN("{}"), STATUS_OK },
	{ SPAN("{ }"), STATUS_OK },
	{ SPAN("{\"a\":1}"), STATUS_OK },
	{ SPAN("{\r\n\t \"a\" : 1 , \"b\" : [ 1 , { } ] }"), STATUS_OK },
	{ SPAN("{\"a\":true,\"b\":false,\"c\":null}"), STATUS_OK },
	{ SPAN("{\"a\":[],\"b\":{\"c\":\"d\"},\"e\":[{},[]]}"), STATUS_OK },
	{ SPAN("{\"a\":-0,\"b\":0.5,\"c\":-1e9,\"d\":1E+2,\"e\":10.25e-3}"), STATUS_OK },
	{ SPAN("{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e4\\uD83D\\ude00\"}"), STATUS_OK },
	{ SPAN("{\"a\":\"\\u0000 and \x7f\"}"), STATUS_OK },
	{ SPAN("{\"a\":\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf\xee\x80\x80\"}"),
	  STATUS_OK },
	{ SPAN("{\"a\":" DEEP15 SHUT15 "}"), STATUS_OK },
	{ SPAN("{\"a\":" DEEP15 "[]" SHUT15 "}"), STATUS_INVALID },
	{ SPAN("{\"a\":[[[[[[[[[[[[[[{\"a\":{\"a\":1}}]]]]]]]]]]]]]]}"), STATUS_INVALID },
	{ SPAN(""), STATUS_INVALID },
	{ SPAN(" {}"), STATUS_INVALID },
	{ SPAN("{} "), STATUS_INVALID },
	{ SPAN("{}{}"), STATUS_INVALID },
	{ SPAN("{}\0"), STATUS_INVALID },
	{ SPAN("\xef\xbb\xbf{}"), STATUS_INVALID },
	{ SPAN("[]"), STATUS_INVALID },
	{ SPAN("[}"), STATUS_INVALID },
	{ SPAN("x}"), STATUS_INVALID },
	{ SPAN("\"a\""), STATUS_INVALID },
	{ SPAN("{"), STATUS_INVALID },
	{ SPAN("{\"a\":1"), STATUS_INVALID },
	{ SPAN("{\"a\":1,}"), STATUS_INVALID },
	{ SPAN("{,\"a\":1}"), STATUS_INVALID },
	{ SPAN("{\"a\":1 \"b\":2}"), STATUS_INVALID },
	{ SPAN("{\"a\":1,,\"b\":2}"), STATUS_INVALID },
	{ SPAN("{\"a\"}"), STATUS_INVALID },
	{ SPAN("{\"a\":}"), STATUS_INVALID },
	{ SPAN("{\"a\" 1}"), STATUS_INVALID },
	{ SPAN("{a:1}"), STATUS_INVALID },
	{ SPAN("{'a':1}"), STATUS_INVALID },
	{ SPAN("{1:1}"), STATUS_INVALID },
	{ SPAN("{\"\\u0061\":1}"), STATUS_INVALID },
	{ SPAN("{\"a\\/\":1}"), STATUS_INVALID },
	{ SPAN("{\"a\x7f\":1}"), STATUS_INVALID },
	{ SPAN("{\"a\":[1,]}"), STATUS_INVALID },
	{ SPAN("{\"a\":[,1]}"), STATUS_INVALID },
	{ SPAN("{\"a\":[1}"), STATUS_INVALID },
	{ SPAN("{\"a\":[1 2]}"), STATUS_INVALID },
	{ SPAN("{\"a\":{\"b\"}}"), STATUS_INVALID },
	{ SPAN("{\"a\":{\"b\":1]}"), STATUS_INVALID },
	{ SPAN("{\"a\":{1:1}}"), STATUS_INVALID },
	{ SPAN("{\"a\":tru}"), STATUS_INVALID },
	{ SPAN("{\"a\":True}"), STATUS_INVALID },
	{ SPAN("{\"a\":nul"), STATUS_INVALID },
	{ SPAN("{\"a\":NaN}"), STATUS_INVALID },
	{ SPAN("{\"a\":01}"), STATUS_INVALID },
	{ SPAN("{\"a\":+1}"), STATUS_INVALID },
	{ SPAN("{\"a\":-}"), STATUS_INVALID },
	{ SPAN("{\"a\":.5}"), STATUS_INVALID },
	{ SPAN("{\"a\":1.}"), STATUS_INVALID },
	{ SPAN("{\"a\":1e}"), STATUS_INVALID },
	{ SPAN("{\"a\":1e+}"), STATUS_INVALID },
	{ SPAN("{\"a\":1e+-2}"), STATUS_INVALID },
	{ SPAN("{\"a\":0x1}"), STATUS_INVALID },
	{ SPAN("{\"a\":\"b}"), STATUS_INVALID },
	{ SPAN("{\"a\":\"line\nbreak\"}"), STATUS_INVALID },
	{ SPAN("{\"a\":\"nul\0byte\"}"), STATUS_INVALID },
	{ SPAN("{\"a\":\"\\"), STATUS_INVALID },
	{ SPAN("{\"a\":\"\\x41\"}"), STATUS_INVALID },
	{ SPAN("{\"a\":\"\\\0\"}"), STATUS_INVALID },
	{ SPAN("{\"a\":\"\\u00g0\"}"), STATUS_INVALID },
	{ SPAN("{\"a\":\"\\u00"), STATUS_INVALID },
	{ SPAN("{\"a\":\"\\ud800\"}"), STATUS_INVALID },
	{ SPAN("{\"a\":\"\\udc00\"}"), STATUS_INVALID },
	{ SPAN("{\"a\":\"\\udfff\"}"), STATUS_INVALID },
	{ SPAN("{\"a\":\"\\ud800\\n00000\"}"), STATUS_INVALID },
	{ SPAN("{\"a\":\"\\ud800\\u0041\"}"), STATUS_INVALID },
	{ SPAN("{\"a\":\"\\ud800xu0041..\"}"), STATUS_INVALID },
	{ SPAN("{\"a\":\"\\udc00\\ud800\"}"), STATUS_INVALID },
	{ SPAN("{\"a\":\"\x80\"}"), STATUS_INVALID },
	{ SPAN("{\"a\":\"\xc0\x80\"}"), STATUS_INVALID },
	{ SPAN("{\"a\":\"\xc3(\"}"), STATUS_INVALID },
	{ SPAN("{\"a\":\"\xe0\x9f\xbf\"}"), STATUS_INVALID },
	{ SPAN("{\"a\":\"\xed\xa0\x80\"}"), STATUS_INVALID },
	{ SPAN("{\"a\":\"\xe2\x82\"}"), STATUS_INVALID },
	{ SPAN("{\"a\":\"\xe2(\x82\"}"), STATUS_INVALID },
	{ SPAN("{\"a\":\"\xf0\x8f\xbf\xbf\"}"), STATUS_INVALID },
	{ SPAN("{\"a\":\"\xf4\x90\x80\x80\"}"), STATUS_INVALID },
	{ SPAN("{\"a\":\"\xf5\x80\x80\x80\"}"), STATUS_INVALID },
	{ SPAN("{\"a\":\"\xf0\x9f"), STATUS_INVALID },
};

static void grammar_is_kept(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(grammar); i++)
		if (skip_all(grammar[i].text) != grammar[i].want)
			fail_msg("case %zu: %.*s", i, SPAN_FMT(grammar[i].text));
}

/* Each byte at each place of the eight-byte stride is judged as alone. */
static void strings_are_judged_at_every_offset(void **state)
{
	char text[64];

	(void)state;
	for (int byte = 0; byte < 256; byte++)
		for (int place = 0; place < 20; place++) {
			bool good = byte >= 0x20 && byte < 0x80 && byte != '\\' && byte != '"';
			int len = snprintf(text, sizeof(text), "{\"a\":\"%020d\"}", 0);

			text[6 + place] = (char)byte;
			enum status want = good ? STATUS_OK : STATUS_INVALID;
			if (skip_all(span_make(text, (size_t)len)) != want)
				fail_msg("byte %d at %d", byte, place);
		}
}

static void every_cut_is_refused(void **state)
{
	struct span whole = SPAN("{\"a\":[1,-2.5e3,\"\\u00e4\\ud83d\\ude00\xc3\xa4\"],"
				 "\"b\":{\"c\":null,\"d\":true},\"e\":\"plain\"}");

	(void)state;
	assert_int_equal(skip_all(whole), STATUS_OK);
	for (size_t len = 0; len < whole.len; len++)
		if (skip_all(span_first(whole, len)) != STATUS_INVALID)
			fail_msg("cut at %zu", len);
}

static enum status read_text(struct span text, struct span *out)
{
	struct span name;
	struct jscan s;

	jscan_open(&s, text);
	while (jscan_member(&s, &name))
		*out = jscan_text(&s);
	return jscan_finish(&s);
}

static void texts_are_plain(void **state)
{
	static const struct span refused[] = {
		SPAN("{\"a\":\"b\\u0063\"}"), SPAN("{\"a\":\"b\\\\\"}"),
		SPAN("{\"a\":\"\x7f\"}"),     SPAN("{\"a\":7}"),
		SPAN("{\"a\":null}"),         SPAN("{\"a\":[\"b\"]}"),
	};
	struct span value = SPAN_ABSENT;

	(void)state;
	assert_int_equal(read_text(SPAN("{\"a\": \"b c\xc3\xa4\" }"), &value), STATUS_OK);
	assert_true(span_is(value, "b c\xc3\xa4"));
	assert_int_equal(read_text(SPAN("{\"a\":\"\"}"), &value), STATUS_OK);
	assert_true(value.len == 0 && !span_is_absent(value));
	for (size_t i = 0; i < COUNT_OF(refused); i++) {
		if (read_text(refused[i], &value) != STATUS_INVALID)
			fail_msg("case %zu", i);
		assert_true(span_is_absent(value));
	}
}

static const struct {
	struct span text;
	int64_t want; /* -1: refused */
} seconds[] = {
	{ SPAN("{\"a\":0}"), 0 },
	{ SPAN("{\"a\": 1767225600 }"), 1767225600 },
	{ SPAN("{\"a\":999999999999999}"), 999999999999999 },
	{ SPAN("{\"a\":1000000000000000}"), -1 },
	{ SPAN("{\"a\":9223372036854775808}"), -1 },
	{ SPAN("{\"a\":-1}"), -1 },
	{ SPAN("{\"a\":+1}"), -1 },
	{ SPAN("{\"a\":01}"), -1 },
	{ SPAN("{\"a\":00}"), -1 },
	{ SPAN("{\"a\":1.0}"), -1 },
	{ SPAN("{\"a\":1e9}"), -1 },
	{ SPAN("{\"a\":1e400}"), -1 },
	{ SPAN("{\"a\":\"1\"}"), -1 },
	{ SPAN("{\"a\":null}"), -1 },
	{ SPAN("{\"a\":}"), -1 },
	{ SPAN("{\"a\":1"), -1 },
};

static void seconds_are_whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(seconds); i++) {
		struct span name;
		struct jscan s;
		int64_t value = -2;

		jscan_open(&s, seconds[i].text);
		while (jscan_member(&s, &name))
			value = jscan_seconds(&s);
		if (jscan_finish(&s) != STATUS_OK)
			value = -1;
		if (value != seconds[i].want)
			fail_msg("case %zu: %lld", i, (long long)value);
	}
}

static const struct {
	struct span text;
	int want; /* elements, -1: refused */
} arrays[] = {
	{ SPAN("{\"a\":[],\"b\":[]}"), 0 },
	{ SPAN("{\"a\":[ ]}"), 0 },
	{ SPAN("{\"a\":[\"x\"],\"b\":[\"y\",\"z\"]}"), 3 },
	{ SPAN("{\"a\": [ \"x\" , \"y\" ] }"), 2 },
	{ SPAN("{\"a\":[\"x\",]}"), -1 },
	{ SPAN("{\"a\":[,]}"), -1 },
	{ SPAN("{\"a\":[\"x\" \"y\"]}"), -1 },
	{ SPAN("{\"a\":[\"x\"}"), -1 },
	{ SPAN("{\"a\":[7]}"), -1 },
	{ SPAN("{\"a\":[\"x\"]\"b\":[]}"), -1 },
	{ SPAN("{\"a\":[\"x\"]"), -1 },
	{ SPAN("{\"a\":["), -1 },
};

static void arrays_are_walked(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(arrays); i++) {
		struct span name;
		struct jscan s;
		int count = 0;

		jscan_open(&s, arrays[i].text);
		while (jscan_member(&s, &name)) {
			assert_true(jscan_open_array(&s));
			for (; jscan_element(&s); count++)
				(void)jscan_text(&s);
		}
		if (jscan_finish(&s) != STATUS_OK)
			count = -1;
		if (count != arrays[i].want)
			fail_msg("case %zu: %d", i, count);
	}
}

static void what_is_no_array_is_left_alone(void **state)
{
	struct span name;
	struct jscan s;

	(void)state;
	jscan_open(&s, SPAN("{\"a\": \"b\"}"));
	assert_true(jscan_member(&s, &name));
	assert_false(jscan_open_array(&s));
	assert_true(span_is(jscan_text(&s), "b"));
	assert_false(jscan_member(&s, &name));
	assert_int_equal(jscan_finish(&s), STATUS_OK);
}

static void failure_is_remembered(void **state)
{
	struct span name;
	struct jscan s;

	(void)state;
	jscan_open(&s, SPAN("{\"a\":1,\"b\":2}"));
	assert_true(jscan_member(&s, &name));
	jscan_fail(&s);
	jscan_skip(&s);
	assert_true(span_is_absent(jscan_text(&s)));
	assert_false(jscan_open_array(&s));
	assert_false(jscan_element(&s));
	assert_false(jscan_member(&s, &name));
	assert_int_equal(jscan_finish(&s), STATUS_INVALID);
}

static void an_unfinished_walk_is_refused(void **state)
{
	struct span name;
	struct jscan s;

	(void)state;
	jscan_open(&s, SPAN("{\"a\":1}"));
	assert_true(jscan_member(&s, &name));
	jscan_skip(&s);
	assert_int_equal(jscan_finish(&s), STATUS_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grammar_is_kept),
		cmocka_unit_test(strings_are_judged_at_every_offset),
		cmocka_unit_test(every_cut_is_refused),
		cmocka_unit_test(texts_are_plain),
		cmocka_unit_test(seconds_are_whole),
		cmocka_unit_test(arrays_are_walked),
		cmocka_unit_test(what_is_no_array_is_left_alone),
		cmocka_unit_test(failure_is_remembered),
		cmocka_unit_test(an_unfinished_walk_is_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
