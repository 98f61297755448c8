/* SPDX-License-Identifier: MIT */
#include "http/form.h"

#include "base/jdoc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#define S(literal)                           \
	{                                    \
		literal, sizeof(literal) - 1 \
	}

static struct arena *mem;

static int set_up(void **state)
{
	(void)state;
	jdoc_start();
	mem = arena_new(0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(&mem);
	return 0;
}

static void form_pairs_are_decoded_as_browsers_do(void **state)
{
	(void)state;
	static const struct {
		struct span text;
		struct span pairs[4]; /* name, value, name, value; absent ends */
	} rows[] = {
		{ S("a=b"), { S("a"), S("b") } },
		{ S("a=b&c=d"), { S("a"), S("b"), S("c"), S("d") } },
		{ S("&&a=b&&c=d&"), { S("a"), S("b"), S("c"), S("d") } },
		{ S("a"), { S("a"), S("") } },
		{ S("a="), { S("a"), S("") } },
		{ S("=b"), { S(""), S("b") } },
		{ S("="), { S(""), S("") } },
		{ S("a=b=c"), { S("a"), S("b=c") } },
		{ S("a+b=c+d"), { S("a b"), S("c d") } },
		{ S("%61=%62%2B%26%3d"), { S("a"), S("b+&=") } },
		{ S("a=%zz"), { S("a"), S("%zz") } },
		{ S("a=%2"), { S("a"), S("%2") } },
		{ S("a=%4z%z4"), { S("a"), S("%4z%z4") } },
		{ S("a=%"), { S("a"), S("%") } },
		{ S("a=%%41"), { S("a"), S("%A") } },
		{ S("a=%2541"), { S("a"), S("%41") } },
		{ S("a=x%00y"), { S("a"), S("x\0y") } },
		{ S("a=\xc3\xa4%C3%A4"), { S("a"), S("\xc3\xa4\xc3\xa4") } },
		{ S("a;b=c"), { S("a;b"), S("c") } },
		{ S(""), { { NULL, 0 } } },
		{ S("&"), { { NULL, 0 } } },
		{ { NULL, 0 }, { { NULL, 0 } } },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct span rest = rows[i].text, name, value;
		size_t at = 0;
		while (form_next(mem, &rest, &name, &value)) {
			if (at == 4 || !span_equal(name, rows[i].pairs[at]) ||
			    !span_equal(value, rows[i].pairs[at + 1]))
				fail_msg("row %zu: %.*s=%.*s", i, SPAN_FMT(name), SPAN_FMT(value));
			at += 2;
		}
		if (at < 4 && !span_is_absent(rows[i].pairs[at]))
			fail_msg("row %zu: too few", i);
	}
}

static void A_FR_001_form_becomes_an_object_of_strings(void **state)
{
	(void)state;
	static const struct {
		struct span text;
		const char *json;
	} rows[] = {
		{ S(""), "{}" },
		{ S("email=a%40b.de&password=p+w&rememberMe=false"),
		  "{\"email\":\"a@b.de\",\"password\":\"p w\",\"rememberMe\":\"false\"}" },
		{ S("a=%22%5C%0A&b=1"), "{\"a\":\"\\\"\\\\\\n\",\"b\":\"1\"}" },
		/* names are input too */
		{ S("%22%3A1%2C%22role=x"), "{\"\\\":1,\\\"role\":\"x\"}" },
		{ S("email%00x=y"), "{\"email\\u0000x\":\"y\"}" },
		{ S("a=%ff"), "{\"a\":\"\xef\xbf\xbd\"}" },
		{ S("%ff=a"), "{\"\xef\xbf\xbd\":\"a\"}" },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct span json;
		assert_int_equal(form_to_json(mem, rows[i].text, &json), STATUS_OK);
		if (!span_is(json, rows[i].json))
			fail_msg("row %zu: %.*s", i, SPAN_FMT(json));
	}
}

static void form_last_of_repeated_names_wins(void **state)
{
	(void)state;
	CLEANUP(jdoc_free) struct jdoc *doc = NULL;
	struct span json, email;
	assert_int_equal(form_to_json(mem, SPAN("email=a&email=b&emai%6c=c"), &json), STATUS_OK);
	assert_int_equal(jdoc_parse(json, &doc), STATUS_OK);
	assert_true(jdoc_text(doc, "email", &email));
	assert_true(span_is(email, "c"));
}

/* Whatever 64 KiB a client sends fits, and is a document. */
static void form_of_full_size_is_taken(void **state)
{
	(void)state;
	static const char *const units[] = { "a&", "=&", "\x01&", "%00&", "\xff&", "\"=\"&", "x" };
	for (size_t i = 0; i < COUNT_OF(units); i++) {
		size_t unit = strlen(units[i]), len = 65536 / unit * unit;
		char *text = malloc(len);
		assert_non_null(text);
		for (size_t at = 0; at < len; at += unit)
			memcpy(text + at, units[i], unit);
		CLEANUP(jdoc_free) struct jdoc *doc = NULL;
		struct span json;
		if (form_to_json(mem, span_make(text, len), &json) != STATUS_OK ||
		    jdoc_parse(json, &doc) != STATUS_OK || jdoc_type(doc) != JDOC_OBJECT)
			fail_msg("row %zu", i);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(form_pairs_are_decoded_as_browsers_do),
		cmocka_unit_test(A_FR_001_form_becomes_an_object_of_strings),
		cmocka_unit_test(form_last_of_repeated_names_wins),
		cmocka_unit_test(form_of_full_size_is_taken),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("form", tests, set_up, tear_down);
}
