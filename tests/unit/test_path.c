/* SPDX-License-Identifier: MIT */
#include "model/path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define S(literal)                           \
	{                                    \
		literal, sizeof(literal) - 1 \
	}

static void path_is_the_target_before_its_first_question_mark(void **state)
{
	(void)state;
	static const struct {
		const char *target, *path;
	} rows[] = {
		{ "/api/me/tasks", "/api/me/tasks" },
		{ "/api/me/tasks?x=1", "/api/me/tasks" },
		{ "/a?b?c", "/a" },
		{ "?x", "" },
		{ "", "" },
		{ "/a%3Fb", "/a%3Fb" },
		{ "/a#b?c", "/a#b" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!span_is(path_of_target(span_of(rows[i].target)), rows[i].path))
			fail_msg("row %zu: %s", i, rows[i].target);
	}
}

/* Every spelling that some web server was seen to decode or resolve into
 * another path, and every byte outside the documented set. */
static void A_FR_009_only_canonical_paths_are_judged(void **state)
{
	(void)state;
	static const struct {
		struct span path;
		bool canonical;
	} rows[] = {
		{ S("/"), true },
		{ S("/api/me/tasks"), true },
		{ S("/api/me/"), true },
		{ S("/api/me"), true },
		{ S("/-_.~!$&'()*+,=:@"), true },
		{ S("/api/..."), true },
		{ S("/api/.../x"), true },
		{ S("/api/.a/..b/a./b.."), true },
		{ S("/api/me/a..b"), true },

		{ S(""), false },
		{ S("api/me"), false },
		{ S("*"), false },
		{ S("http://evil/api/me/tasks"), false },
		{ S("//"), false },
		{ S("//api/me/tasks"), false },
		{ S("/api//me/tasks"), false },
		{ S("/api/me//"), false },
		{ S("/api/me/../victim/tasks"), false },
		{ S("/x/../api/victim/tasks"), false },
		{ S("/api/me/./tasks"), false },
		{ S("/./api/victim/tasks"), false },
		{ S("/."), false },
		{ S("/.."), false },
		{ S("/api/me/."), false },
		{ S("/api/me/.."), false },
		{ S("/../"), false },
		{ S("/api/me/%2e%2e/victim/tasks"), false },
		{ S("/api/me/..%2fvictim/tasks"), false },
		{ S("/api/me/..%2Fvictim/tasks"), false },
		{ S("/api/bob%2F..%2Falice/tasks"), false },
		{ S("/api/alice%2Ftasks"), false },
		{ S("/%61pi/victim/tasks"), false },
		{ S("/ap%69/alice/tasks"), false },
		{ S("/api/%76ictim/tasks"), false },
		{ S("/api/%2561lice/tasks"), false },
		{ S("/api/alice%3Fx/tasks"), false },
		{ S("/api/alice%5Ctasks"), false },
		{ S("/api/alice%00/tasks"), false },
		{ S("/api/alice%0d%0a/tasks"), false },
		{ S("/api/%ZZ/tasks"), false },
		{ S("/api/%"), false },
		{ S("/api/me;x/tasks"), false },
		{ S("/api/me;x=1/tasks"), false },
		{ S("/api/me/..;/victim/tasks"), false },
		{ S("/api\\me\\tasks"), false },
		{ S("/api/me\\..\\victim/tasks"), false },
		{ S("/api/me/tasks#frag"), false },
		{ S("/api/me tasks"), false },
		{ S("/api/me\ttasks"), false },
		{ S("/api/me\r\ntasks"), false },
		{ S("/api/me\0/tasks"), false },
		{ S("/api/me\x7f/tasks"), false },
		{ S("/api/m\xc3\xa9/tasks"), false },
		{ S("/api/me\xff"), false },
		{ S("/api/me?x"), false },
		{ S("/api/{me}/tasks"), false },
		{ S("/api/<me>"), false },
		{ S("/api/\"me\""), false },
		{ S("/api/me|x"), false },
		{ S("/api/^"), false },
		{ S("/api/`"), false },
		{ S("/api/[me]"), false },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (path_is_canonical(rows[i].path) != rows[i].canonical)
			fail_msg("row %zu: %s", i, rows[i].path.at);
	}
	assert_false(path_is_canonical(SPAN_ABSENT));
}

static void path_bytes_are_exactly_the_documented_ones(void **state)
{
	(void)state;
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789-_.~!$&'()*+,=:@/";
	static const char id_allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
					 "0123456789-_";
	for (int c = 0; c < 256; c++) {
		char path[4] = { '/', 'x', (char)c, 'y' };
		char id[2] = { 'x', (char)c };
		if (path_is_canonical(span_make(path, 4)) !=
		    (memchr(allowed, c, sizeof(allowed) - 1) != NULL))
			fail_msg("path byte %d", c);
		if (path_is_user_id(span_make(id, 2)) !=
		    (memchr(id_allowed, c, sizeof(id_allowed) - 1) != NULL))
			fail_msg("id byte %d", c);
	}
}

static void path_user_id_is_1_to_64_long(void **state)
{
	(void)state;
	char text[66];
	memset(text, 'a', sizeof(text));
	assert_false(path_is_user_id(SPAN_ABSENT));
	assert_false(path_is_user_id(span_make(text, 0)));
	assert_true(path_is_user_id(span_make(text, 1)));
	assert_true(path_is_user_id(span_make(text, 64)));
	assert_false(path_is_user_id(span_make(text, 65)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(path_is_the_target_before_its_first_question_mark),
		cmocka_unit_test(A_FR_009_only_canonical_paths_are_judged),
		cmocka_unit_test(path_bytes_are_exactly_the_documented_ones),
		cmocka_unit_test(path_user_id_is_1_to_64_long),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("path", tests, NULL, NULL);
}
