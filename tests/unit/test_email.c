/* SPDX-License-Identifier: MIT */
#include "model/email.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define S(literal)                           \
	{                                    \
		literal, sizeof(literal) - 1 \
	}

static void B_FR_002_email_syntax(void **state)
{
	(void)state;
	static const struct {
		struct span address;
		bool valid;
	} rows[] = {
		{ S("a@b.de"), true },
		{ S("Ann@Example.COM"), true },
		{ S("a'b@c.de"), true },
		{ S("a@c-.de"), true },
		{ S("first.last+tag@sub.example.org"), true },
		{ S("a_@b.de"), true },
		{ S("a-@b.de"), true },
		{ S("a+@b.de"), true },
		{ S("'a@b.de"), true },
		{ S("-@b.de"), true },
		{ S("a@1.2.de"), true },
		{ S("a@xn--p1ai.com"), true },
		{ S("a@b-c-.d--e.fg"), true },

		{ S(""), false },
		{ S("@"), false },
		{ S("a"), false },
		{ S("a@"), false },
		{ S("@b.de"), false },
		{ S("a@b"), false },
		{ S("a@b."), false },
		{ S("a@.de"), false },
		{ S("a@b.c"), false },
		{ S("a@1.2.3.4"), false },
		{ S("a@c.d1"), false },
		{ S("a@c.xn--p1ai"), false },
		{ S("\xc3\xa4@b.de"), false },
		{ S("a@\xc3\xa4.de"), false },
		{ S(".a@b.de"), false },
		{ S("a.@b.de"), false },
		{ S("a'@b.de"), false },
		{ S("a..b@c.de"), false },
		{ S("a@b..de"), false },
		{ S("a@-b.de"), false },
		{ S("a@b.de."), false },
		{ S("a@@b.de"), false },
		{ S("a@b@c.de"), false },
		{ S(" a@b.de"), false },
		{ S("a@b.de "), false },
		{ S("a b@c.de"), false },
		{ S("a@b c.de"), false },
		{ S("a@b_c.de"), false },
		{ S("\"a\"@b.de"), false },
		{ S("a@[1.2.3.4]"), false },
		{ S("a!b@c.de"), false },
		{ S("a@b.de\n"), false },
		{ S("a@b.de\0"), false },
		{ S("a\0@b.de"), false },
		{ S("a@b\0.de"), false },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (email_is_valid(rows[i].address) != rows[i].valid)
			fail_msg("row %zu: %s", i, rows[i].address.at);
	}
	assert_false(email_is_valid(SPAN_ABSENT));
}

static void email_has_no_length_limit(void **state)
{
	(void)state;
	static char text[60000];
	memset(text, 'a', sizeof(text));
	text[30000] = '@';
	text[sizeof(text) - 3] = '.';
	assert_true(email_is_valid(span_make(text, sizeof(text))));
}

static void B_FR_004_email_is_stored_in_lower_case(void **state)
{
	(void)state;
	struct arena *mem = arena_new(0);
	struct span lower = email_lower(mem, SPAN("ANN.Z-@[`{Example.Com"));
	assert_true(span_is(lower, "ann.z-@[`{example.com"));
	/* other alphabets stay, byte for byte */
	assert_true(span_is(email_lower(mem, SPAN("\xc3\x84@B.de")), "\xc3\x84@b.de"));
	assert_true(span_is(email_lower(mem, SPAN("")), ""));
	arena_free(&mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(B_FR_002_email_syntax),
		cmocka_unit_test(email_has_no_length_limit),
		cmocka_unit_test(B_FR_004_email_is_stored_in_lower_case),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("email", tests, NULL, NULL);
}
