/* SPDX-License-Identifier: MIT */
#include "crypto/cookie_mac.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#define SECRET "conformance-secret-conformance-secret-0123456789"
#define TOKEN "abcdefghijklmnopqrstuvwxyzABCDEF"
#define SIGNATURE "quDq7DAZl4+9fIwXCf7ur0L2NggZG8NU/fgUHnBiTh0="
#define TRUE_SIGNATURE "wQHYxlXyEZx4YZ4qyPk0qtbnjmkcoEY73MJu1NpoU0c="

static struct arena *mem;

static int setup(void **state)
{
	(void)state;
	mem = arena_new(0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_free(&mem);
	return 0;
}

static void the_contracts_vectors_are_signed(void **state)
{
	(void)state;
	assert_true(span_is(cookie_sign(mem, SPAN(SECRET), SPAN(TOKEN)), TOKEN "." SIGNATURE));
	assert_true(span_is(cookie_sign(mem, SPAN(SECRET), SPAN("true")), "true." TRUE_SIGNATURE));
}

static const struct {
	const char *name;
	struct span text;
	const char *want; /* NULL: refused */
} values[] = {
	{ "contract's session token", SPAN(TOKEN "." SIGNATURE), TOKEN },
	{ "contract's dont_remember", SPAN("true." TRUE_SIGNATURE), "true" },
	{ "signature of another text", SPAN("false." TRUE_SIGNATURE), NULL },
	{ "empty", SPAN(""), NULL },
	{ "absent", { NULL, 0 }, NULL },
	{ "a dot alone", SPAN("."), NULL },
	{ "no dot", SPAN(TOKEN), NULL },
	{ "signature alone", SPAN(SIGNATURE), NULL },
	{ "empty text, foreign signature", SPAN("." SIGNATURE), NULL },
	{ "empty signature", SPAN(TOKEN "."), NULL },
	{ "signature without its padding",
	  SPAN(TOKEN ".quDq7DAZl4+9fIwXCf7ur0L2NggZG8NU/fgUHnBiTh0"), NULL },
	{ "set unused bits", SPAN(TOKEN ".quDq7DAZl4+9fIwXCf7ur0L2NggZG8NU/fgUHnBiTh1="), NULL },
	{ "URL alphabet", SPAN(TOKEN ".quDq7DAZl4-9fIwXCf7ur0L2NggZG8NU_fgUHnBiTh0="), NULL },
	{ "percent-encoded", SPAN(TOKEN ".quDq7DAZl4%2B9fIwXCf7ur0L2NggZG8NU%2FfgUHnBiTh0%3D"),
	  NULL },
	{ "space instead of plus", SPAN(TOKEN ".quDq7DAZl4 9fIwXCf7ur0L2NggZG8NU/fgUHnBiTh0="),
	  NULL },
	{ "padding more", SPAN(TOKEN "." SIGNATURE "="), NULL },
	{ "NUL behind", SPAN(TOKEN "." SIGNATURE "\0"), NULL },
	{ "44 equal signs", SPAN(TOKEN ".============================================"), NULL },
	{ "text changed", SPAN("bbcdefghijklmnopqrstuvwxyzABCDEF." SIGNATURE), NULL },
	{ "text with a dot more", SPAN(TOKEN ".." SIGNATURE), NULL },
};

static void values_are_judged(void **state)
{
	const struct span secret = SPAN(SECRET);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(values); i++) {
		struct span text = SPAN_ABSENT;
		enum status want = values[i].want == NULL ? STATUS_DENIED : STATUS_OK;

		if (cookie_verify(&secret, 1, values[i].text, &text) != want)
			fail_msg("case %zu: %s", i, values[i].name);
		if (values[i].want == NULL ? !span_is_absent(text) : !span_is(text, values[i].want))
			fail_msg("case %zu: %s: %.*s", i, values[i].name, SPAN_FMT(text));
	}
}

static void every_changed_character_is_refused(void **state)
{
	const struct span secret = SPAN(SECRET), good = SPAN(TOKEN "." SIGNATURE);
	struct span text;

	(void)state;
	for (size_t at = 0; at < good.len; at++)
		for (int byte = 0; byte < 256; byte++) {
			char *copy = arena_text(mem, good);

			if (copy[at] == (char)byte)
				continue;
			copy[at] = (char)byte;
			if (cookie_verify(&secret, 1, span_make(copy, good.len), &text) !=
			    STATUS_DENIED)
				fail_msg("byte %d at %zu", byte, at);
		}
}

static void any_text_comes_back(void **state)
{
	const struct span secret = SPAN(SECRET);
	static const struct span texts[] = { SPAN(""), SPAN("."), SPAN("a.b.c"), SPAN("a\0b"),
					     SPAN("\xff\xfe") };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		struct span text, value = cookie_sign(mem, secret, texts[i]);

		assert_int_equal(cookie_verify(&secret, 1, value, &text), STATUS_OK);
		assert_true(span_equal(text, texts[i]));
	}
}

/* Rotation: the first signs, all verify; one taken out verifies no more. */
static void each_secret_in_force_verifies(void **state)
{
	const struct span secrets[] = { SPAN("a new secret of more than 32 bytes"), SPAN(SECRET) };
	struct span value = SPAN(TOKEN "." SIGNATURE), text;

	(void)state;
	assert_int_equal(cookie_verify(secrets, 2, value, &text), STATUS_OK);
	assert_true(span_is(text, TOKEN));
	assert_int_equal(cookie_verify(secrets, 1, value, &text), STATUS_DENIED);
	assert_int_equal(cookie_verify(secrets, 0, value, &text), STATUS_DENIED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_contracts_vectors_are_signed),
		cmocka_unit_test(values_are_judged),
		cmocka_unit_test(every_changed_character_is_refused),
		cmocka_unit_test(any_text_comes_back),
		cmocka_unit_test(each_secret_in_force_verifies),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
