/* SPDX-License-Identifier: MIT */
#include "http/cookie.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#define NAME "better-auth.session_token"

static struct arena *mem;

static int set_up(void **state)
{
	(void)state;
	mem = arena_new(0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(&mem);
	return 0;
}

static void cookie_is_read_as_the_contract_says(void **state)
{
	(void)state;
	static const struct {
		const char *header, *value; /* value NULL: not found */
	} rows[] = {
		{ NAME "=v", "v" },
		{ "a=1; " NAME "=v; b=2", "v" },
		{ "a=1;" NAME "=v;b=2", "v" },
		{ " \t" NAME " = v \t;", "v" },
		{ NAME "=first; " NAME "=second", "first" },
		{ NAME "=; " NAME "=second", "" },
		{ NAME "=a=b=c", "a=b=c" },
		{ NAME "=\"quoted\"", "quoted" },
		{ NAME "=\"\"", "" },
		{ NAME "=\"", "\"" },
		{ NAME "=\"half", "\"half" },
		{ NAME "=\"%41\"", "A" },
		{ NAME "=t.abc%2Bd%2Fe%3D", "t.abc+d/e=" },
		{ NAME "=t.abc+d/e=", "t.abc+d/e=" },
		{ NAME "=t.%2b%2f%3d", "t.+/=" },
		/* one bad escape: the whole value stays as it is */
		{ NAME "=%2B%zz", "%2B%zz" },
		{ NAME "=%2B%2", "%2B%2" },
		{ NAME "=%", "%" },
		/* decoded once */
		{ NAME "=%252B", "%2B" },
		/* garbage around it */
		{ ";;; ; =x; garbage; " NAME "=v", "v" },
		{ NAME "; " NAME "=v", "v" },
		{ "x" NAME "=bad; " NAME "=v", "v" },

		{ "", NULL },
		{ ";", NULL },
		{ NAME, NULL },
		{ NAME "x=v", NULL },
		{ "x" NAME "=v", NULL },
		{ "x; " NAME, NULL },
		{ "BETTER-AUTH.session_token=v", NULL },
		{ "__Secure-" NAME "=v", NULL },
		{ "a=" NAME "=v", NULL },
		{ "a=\"; " NAME "=v", "v" },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct span value = SPAN_ABSENT;
		bool found = cookie_find(mem, span_of(rows[i].header), NAME, &value);
		if (found != (rows[i].value != NULL) || !span_equal(value, span_of(rows[i].value)))
			fail_msg("row %zu: %s: %.*s", i, rows[i].header, SPAN_FMT(value));
	}
	struct span value;
	assert_false(cookie_find(mem, SPAN_ABSENT, NAME, &value));
}

static void cookie_decodes_nul_and_keeps_it(void **state)
{
	(void)state;
	struct span value;
	assert_true(cookie_find(mem, SPAN(NAME "=a%00b"), NAME, &value));
	assert_int_equal(value.len, 3);
	assert_memory_equal(value.at, "a\0b", 3);
}

/* A header of 64 KiB made of separators or escapes is read in one pass. */
static void cookie_crafted_header_is_linear(void **state)
{
	(void)state;
	static const char *const units[] = { ";", "a;", "=;", " ", "%41", "\"", NAME "x=1;" };
	for (size_t i = 0; i < COUNT_OF(units); i++) {
		size_t unit = strlen(units[i]), len = 65536 / unit * unit;
		char *text = malloc(len + sizeof("; " NAME "=v"));
		assert_non_null(text);
		for (size_t at = 0; at < len; at += unit)
			memcpy(text + at, units[i], unit);
		memcpy(text + len, "; " NAME "=v", sizeof("; " NAME "=v"));
		struct span value = SPAN_ABSENT;
		if (!cookie_find(mem, span_of(text), NAME, &value) || !span_is(value, "v"))
			fail_msg("row %zu", i);
		free(text);
	}
}

static void B_FR_013_B_FR_024_cookie_attributes(void **state)
{
	(void)state;
	static const struct {
		struct cookie cookie;
		const char *head;
	} rows[] = {
		{ { NAME, { "v%3D", 4 }, 604800, false },
		  "set-cookie: " NAME "=v%3D; Max-Age=604800; Path=/; HttpOnly; SameSite=Lax\r\n" },
		{ { "__Secure-" NAME, { "v", 1 }, 604800, true },
		  "set-cookie: __Secure-" NAME
		  "=v; Max-Age=604800; Path=/; HttpOnly; Secure; SameSite=Lax\r\n" },
		{ { NAME, { "", 0 }, 0, false },
		  "set-cookie: " NAME "=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax\r\n" },
		{ { NAME, { "v", 1 }, -1, false },
		  "set-cookie: " NAME "=v; Path=/; HttpOnly; SameSite=Lax\r\n" },
		{ { NAME, { "v", 1 }, -1, true },
		  "set-cookie: " NAME "=v; Path=/; HttpOnly; Secure; SameSite=Lax\r\n" },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct reply r;
		reply_init(&r, mem);
		cookie_set(&r, &rows[i].cookie);
		if (!span_is(buf_span(&r.head), rows[i].head))
			fail_msg("row %zu: %.*s", i, SPAN_FMT(buf_span(&r.head)));
	}
}

static void cookie_value_cannot_add_attributes(void **state)
{
	(void)state;
	static const struct span rows[] = {
		{ "v; Domain=evil", 14 },
		{ "v\r\nx: y", 7 },
		{ "v w", 3 },
		{ "v,w", 3 },
		{ "v;w", 3 },
		{ "v\0w", 3 },
		{ "\"v\"", 3 },
		{ "v\\", 2 },
		{ "\xc3\xa4", 2 },
		{ "v\x7f", 2 },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct reply r;
		reply_init(&r, mem);
		reply_status(&r, 200);
		cookie_set(&r, &(struct cookie){ NAME, rows[i], 1, false });
		if (!r.failed || r.head.len != 0)
			fail_msg("row %zu", i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cookie_is_read_as_the_contract_says),
		cmocka_unit_test(cookie_decodes_nul_and_keeps_it),
		cmocka_unit_test(cookie_crafted_header_is_linear),
		cmocka_unit_test(B_FR_013_B_FR_024_cookie_attributes),
		cmocka_unit_test(cookie_value_cannot_add_attributes),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("cookie", tests, set_up, tear_down);
}
