/* SPDX-License-Identifier: MIT */
#include "base/jdoc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#define FFFD "\xef\xbf\xbd"

static int start(void **state)
{
	(void)state;
	jdoc_start();
	return 0;
}

/* What JSON.parse makes of the string in {"a": ...}. */
static void reads_strings_as_javascript(void **state)
{
	static const struct {
		struct span in, out;
	} cases[] = {
#define CASE(in, out)                        \
	{                                    \
		{ in, sizeof(in) - 1 },      \
		{                            \
			out, sizeof(out) - 1 \
		}                            \
	}
		CASE("{\"a\":\"x\"}", "x"),
		CASE("\xef\xbb\xbf{\"a\":\"bom\"}", "bom"),
		CASE(" \t\r\n{ \"a\" : \"x\" } \n", "x"),
		CASE("{\"a\":\"1\",\"a\":\"2\"}", "2"),
		CASE("{\"a\":\"1\",\"b\":0,\"\\u0061\":\"3\"}", "3"),
		CASE("{\"a\":\"\"}", ""),
		CASE("{\"a\":\"\\u0000x\"}", "\0x"),
		CASE("{\"a\":\"\\\\u0000\"}", "\\u0000"),
		CASE("{\"a\":\"\\ud83d\\ude00\"}", "\xf0\x9f\x98\x80"),
		CASE("{\"a\":\"\\uD83D\\uDE00\"}", "\xf0\x9f\x98\x80"),
		CASE("{\"a\":\"\\ud83d\"}", FFFD),
		CASE("{\"a\":\"\\ud83dx\"}", FFFD "x"),
		CASE("{\"a\":\"\\ude00\"}", FFFD),
		CASE("{\"a\":\"\\ude00\\ud83d\"}", FFFD FFFD),
		CASE("{\"a\":\"\\ud83d\\ud83d\\ude00\"}", FFFD "\xf0\x9f\x98\x80"),
		CASE("{\"a\":\"\\ud83d\\u0041\"}", FFFD "A"),
		CASE("{\"a\":\"\\ud83d\\\\ude00\"}", FFFD "\\ude00"),
		CASE("{\"a\":\"\xff\xc3\xa9\xe2\x82\"}", FFFD "\xc3\xa9" FFFD),
		CASE("{\"a\":\"\xed\xa0\x80\"}", FFFD FFFD FFFD),
		CASE("{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\x7f\"}", "\"\\/\b\f\n\r\t\x7f"),
		CASE("{\"\\u0000\":1,\"a\":\"x\"}", "x"),
		CASE("{\"n\":{\"\\u0000\\\\u0000\":1},\"a\":\"\\u0000\"}", "\0"),
		CASE("{\"b\":[\"\\u0000\",\"\\u0000\"],\"a\":\"y\"}", "y"),
		CASE("{ \"\\u0000\" : 1 ,\t\r\n\"\\u0000\":2,\"a\":\"x\"}", "x"),
		CASE("{\"a\":\"\\ud800\\udc00\\udbff\\udfff\"}",
		     "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"),
		CASE("{\"a\":\"\\ud800|\\udbff|\\udc00|\\udfff|\\ud7ff|\\ue000\"}",
		     FFFD "|" FFFD "|" FFFD "|" FFFD "|\xed\x9f\xbf|\xee\x80\x80"),
		CASE("{\"b\":1e999,\"a\":\"x\"}", "x"),
		CASE("{\"b\":99999999999999999999999,\"a\":\"x\"}", "x"),
#undef CASE
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		CLEANUP(jdoc_free) struct jdoc *doc = NULL;
		struct span out = SPAN_ABSENT;

		if (jdoc_parse(cases[i].in, &doc) != STATUS_OK)
			fail_msg("case %zu: refused", i);
		if (!jdoc_text(doc, "a", &out) || !span_equal(out, cases[i].out))
			fail_msg("case %zu: '%.*s'", i, SPAN_FMT(out));
	}
}

static void any_value_may_stand_on_top(void **state)
{
	static const struct {
		const char *in;
		enum jdoc_type type;
	} cases[] = {
		{ "null", JDOC_NULL },     { " true ", JDOC_BOOL },
		{ "false", JDOC_BOOL },    { "0", JDOC_NUMBER },
		{ "-0", JDOC_NUMBER },     { "-1.5e+3", JDOC_NUMBER },
		{ "1e999", JDOC_NUMBER },  { "-1E999", JDOC_NUMBER },
		{ "1e-999", JDOC_NUMBER }, { "9223372036854775808", JDOC_NUMBER },
		{ "\"x\"", JDOC_STRING },  { "[]", JDOC_ARRAY },
		{ "{}", JDOC_OBJECT },     { "\xef\xbb\xbf[1]", JDOC_ARRAY },
		{ "0.1e1", JDOC_NUMBER },  { "123456789012345678901234.5", JDOC_NUMBER },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		CLEANUP(jdoc_free) struct jdoc *doc = NULL;

		if (jdoc_parse(span_of(cases[i].in), &doc) != STATUS_OK)
			fail_msg("case %zu: refused", i);
		if (jdoc_type(doc) != cases[i].type)
			fail_msg("case %zu: is %s", i, jdoc_type_word(jdoc_type(doc)));
	}
}

static const char *const no_json[] = {
	"",
	" ",
	"\xef\xbb\xbf",
	"{",
	"}",
	"{}x",
	"{} {}",
	"{\"a\"}",
	"{a:1}",
	"{'a':1}",
	"[1,]",
	"[,1]",
	"{\"a\":1,}",
	"01",
	"+1",
	".5",
	"1.",
	"1e",
	"-",
	"1e+",
	"0x10",
	"NaN",
	"Infinity",
	"-Infinity",
	"undefined",
	"nul",
	"TRUE",
	"\"",
	"\"\n\"",
	"\"\t\"",
	"\"\\x41\"",
	"\"\\u12\"",
	"\"\\u12g4\"",
	"\"\\",
	"\"\\'\"",
	"[1 2]",
	"[1]]",
	"1e999e9",
	"01e999",
	"1.e999",
	"-.5e999",
	"1 1e999 2",
	"\xff",
	"\xef\xbb\xbf\xef\xbb\xbf{}",
	"/**/1",
	"[1//x\n]",
	"\"a\"\"b\"",
	"1-2",
	"123456789012345678901-2",
	"\xc2\xa0{}",
	"\"\\u\x10\x10\x10\x10\"",
};

static void refuses_what_javascript_refuses(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(no_json); i++) {
		CLEANUP(jdoc_free) struct jdoc *doc = NULL;

		if (jdoc_parse(span_of(no_json[i]), &doc) != STATUS_INVALID || doc != NULL)
			fail_msg("case %zu: %s", i, no_json[i]);
		if (jdoc_parse_strict(span_of(no_json[i]), &doc) != STATUS_INVALID || doc != NULL)
			fail_msg("case %zu, strict: %s", i, no_json[i]);
	}
	CLEANUP(jdoc_free) struct jdoc *doc = NULL;
	assert_int_equal(jdoc_parse(SPAN("\"\0\""), &doc), STATUS_INVALID);
	assert_int_equal(jdoc_parse(SPAN("{}\0"), &doc), STATUS_INVALID);
	assert_int_equal(jdoc_parse(SPAN_ABSENT, &doc), STATUS_INVALID);
}

static void strict_refuses_more(void **state)
{
	static const char *const bad[] = {
		"{\"a\":1,\"a\":2}",
		"{\"a\":1,\"\\u0061\":2}",
		"{\"b\":{\"a\":1,\"a\":1}}",
		"\xef\xbb\xbf{}",
		"\"\\ud83d\"",
		"\"\\ude00\"",
		"\"\xff\"",
		"\"\xed\xa0\x80\"",
		"\"\\u0000\"",
		"1e999",
		"9223372036854775808",
	};
	CLEANUP(jdoc_free) struct jdoc *good = NULL;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		CLEANUP(jdoc_free) struct jdoc *doc = NULL;

		if (jdoc_parse_strict(span_of(bad[i]), &doc) != STATUS_INVALID)
			fail_msg("case %zu", i);
	}
	assert_int_equal(jdoc_parse_strict(SPAN("{\"keys\":[{\"kid\":\"1\"}]}"), &good), STATUS_OK);
	const struct jdoc *key = jdoc_at(jdoc_child(good, "keys"), 0);
	struct span kid = SPAN_ABSENT;
	assert_true(jdoc_text(key, "kid", &kid) && span_is(kid, "1"));
}

static void depth_is_capped(void **state)
{
	char text[4096];

	(void)state;
	for (unsigned depth = 1; depth < 200; depth++) {
		CLEANUP(jdoc_free) struct jdoc *doc = NULL;
		CLEANUP(jdoc_free) struct jdoc *strict = NULL;
		enum status expected = depth <= 64 ? STATUS_OK : STATUS_INVALID;
		size_t len = 0;

		for (unsigned i = 0; i < depth; i++)
			len += (size_t)snprintf(text + len, 8, i % 2 ? "[" : "{\"\":");
		text[len++] = '1';
		for (unsigned i = depth; i-- > 0;)
			text[len++] = i % 2 ? ']' : '}';
		assert_int_equal(jdoc_parse(span_make(text, len), &doc), expected);
		assert_int_equal(jdoc_parse_strict(span_make(text, len), &strict), expected);
	}
	/* neighbours are no depth, and neither are brackets in strings */
	CLEANUP(jdoc_free) struct jdoc *wide = NULL;
	text[0] = '[';
	for (size_t i = 0; i < 100; i++)
		memcpy(text + 1 + i * 8, "[],{},1,", 8);
	memcpy(text + 801, "[]]", 3);
	assert_int_equal(jdoc_parse_strict(span_make(text, 804), &wide), STATUS_OK);
	memset(text, '[', 1000);
	text[0] = text[999] = '"';
	CLEANUP(jdoc_free) struct jdoc *doc = NULL;
	assert_int_equal(jdoc_parse_strict(span_make(text, 1000), &doc), STATUS_OK);
}

static void members_have_types(void **state)
{
	CLEANUP(jdoc_free) struct jdoc *doc = NULL;
	struct span text = SPAN("old");
	bool flag = false;

	(void)state;
	assert_int_equal(jdoc_parse(SPAN("{\"s\":\"x\",\"t\":true,\"f\":false,\"n\":null,"
					 "\"i\":1,\"a\":[1,\"two\"],\"o\":{\"k\":\"v\"}}"),
				    &doc),
			 STATUS_OK);
	assert_int_equal(jdoc_member(doc, "s"), JDOC_STRING);
	assert_int_equal(jdoc_member(doc, "t"), JDOC_BOOL);
	assert_int_equal(jdoc_member(doc, "n"), JDOC_NULL);
	assert_int_equal(jdoc_member(doc, "i"), JDOC_NUMBER);
	assert_int_equal(jdoc_member(doc, "a"), JDOC_ARRAY);
	assert_int_equal(jdoc_member(doc, "o"), JDOC_OBJECT);
	assert_int_equal(jdoc_member(doc, "x"), JDOC_ABSENT);
	assert_int_equal(jdoc_member(NULL, "x"), JDOC_ABSENT);
	assert_int_equal(jdoc_type(NULL), JDOC_ABSENT);
	assert_false(jdoc_text(doc, "i", &text));
	assert_false(jdoc_text(doc, "x", &text));
	assert_false(jdoc_text(NULL, "s", &text));
	assert_true(span_is(text, "old"));
	assert_true(jdoc_bool(doc, "t", &flag) && flag);
	assert_true(jdoc_bool(doc, "f", &flag) && !flag);
	assert_false(jdoc_bool(doc, "s", &flag));
	const struct jdoc *list = jdoc_child(doc, "a");
	assert_int_equal(jdoc_count(list), 2);
	assert_true(jdoc_own_text(jdoc_at(list, 1), &text) && span_is(text, "two"));
	assert_false(jdoc_own_text(jdoc_at(list, 0), &text));
	assert_null(jdoc_at(list, 2));
	assert_int_equal(jdoc_count(doc), 0);
	assert_true(jdoc_text(jdoc_child(doc, "o"), "k", &text) && span_is(text, "v"));
	assert_null(jdoc_child(doc, "x"));
}

static void whole_numbers_alone_are_integers(void **state)
{
	static const struct {
		const char *in;
		bool ok;
		int64_t value;
	} cases[] = {
		{ "{\"n\":0}", true, 0 },
		{ "{\"n\":-5}", true, -5 },
		{ "{\"n\":1.0}", true, 1 },
		{ "{\"n\":1e3}", true, 1000 },
		{ "{\"n\":999999999999999999}", true, 999999999999999999 },
		{ "{\"n\":1.5}", false, 0 },
		{ "{\"n\":1e999}", false, 0 },
		{ "{\"n\":-1e999}", false, 0 },
		{ "{\"n\":1e17}", false, 0 },
		{ "{\"n\":9223372036854775808}", false, 0 },
		{ "{\"n\":\"1\"}", false, 0 },
		{ "{\"n\":true}", false, 0 },
		{ "{\"n\":null}", false, 0 },
		{ "{}", false, 0 },
		{ "[]", false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		CLEANUP(jdoc_free) struct jdoc *doc = NULL;
		int64_t value = 0;

		assert_int_equal(jdoc_parse(span_of(cases[i].in), &doc), STATUS_OK);
		if (jdoc_int(doc, "n", &value) != cases[i].ok || value != cases[i].value)
			fail_msg("case %zu", i);
	}
}

static void types_have_the_words_of_the_contract(void **state)
{
	static const char *const words[] = { "undefined", "null",  "boolean", "number",
					     "string",    "array", "object" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(words); i++)
		assert_string_equal(jdoc_type_word((enum jdoc_type)i), words[i]);
}

static void writes_with_commas(void **state)
{
	CLEANUP(arena_free) struct arena *mem = arena_new(0);
	struct jdoc_writer w;
	struct buf out;

	(void)state;
	buf_init(&out, mem, 1000);
	jdoc_write(&w, &out);
	jdoc_put_object(&w, NULL);
	jdoc_put_text(&w, "s", SPAN("x"));
	jdoc_put_text(&w, "absent", SPAN_ABSENT);
	jdoc_put_int(&w, "i", -3);
	jdoc_put_bool(&w, "t", true);
	jdoc_put_null(&w, "n");
	jdoc_put_array(&w, "a");
	jdoc_end_array(&w);
	jdoc_put_array(&w, "b");
	jdoc_put_int(&w, NULL, 1);
	jdoc_put_object(&w, NULL);
	jdoc_end_object(&w);
	jdoc_put_raw(&w, NULL, SPAN("[2]"));
	jdoc_end_array(&w);
	jdoc_put_bool(&w, "f", false);
	jdoc_end_object(&w);
	assert_string_equal(out.at, "{\"s\":\"x\",\"absent\":null,\"i\":-3,\"t\":true,\"n\":null,"
				    "\"a\":[],\"b\":[1,{},[2]],\"f\":false}");
}

static void writes_strings_as_json_stringify(void **state)
{
	static const struct {
		struct span in;
		const char *out;
	} cases[] = {
		{ { "", 0 }, "\"\"" },
		{ { "</script>&'", 11 }, "\"</script>&'\"" },
		{ { "\"\\/", 3 }, "\"\\\"\\\\/\"" },
		{ { "\b\f\n\r\t", 5 }, "\"\\b\\f\\n\\r\\t\"" },
		{ { "\0\x01\x1f\x7f", 4 }, "\"\\u0000\\u0001\\u001f\x7f\"" },
		{ { "\xc3\xa9\xe2\x80\xa8", 5 }, "\"\xc3\xa9\xe2\x80\xa8\"" },
		{ { "a\xff\xe2\x82", 4 }, "\"a" FFFD FFFD "\"" },
	};
	CLEANUP(arena_free) struct arena *mem = arena_new(0);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct jdoc_writer w;
		struct buf out;

		buf_init(&out, mem, 1000);
		jdoc_write(&w, &out);
		jdoc_put_text(&w, NULL, cases[i].in);
		assert_string_equal(out.at, cases[i].out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_strings_as_javascript),
		cmocka_unit_test(any_value_may_stand_on_top),
		cmocka_unit_test(refuses_what_javascript_refuses),
		cmocka_unit_test(strict_refuses_more),
		cmocka_unit_test(depth_is_capped),
		cmocka_unit_test(members_have_types),
		cmocka_unit_test(whole_numbers_alone_are_integers),
		cmocka_unit_test(types_have_the_words_of_the_contract),
		cmocka_unit_test(writes_with_commas),
		cmocka_unit_test(writes_strings_as_json_stringify),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("jdoc", tests, start, NULL);
}
