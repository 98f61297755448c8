/* SPDX-License-Identifier: MIT */
#include "base/secret.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

static void copies_and_clears(void **state)
{
	struct secret secret;

	(void)state;
	secret_set(&secret, SPAN("0123456789abcdef0123456789abcdef"));
	assert_int_equal(secret.len, 32);
	assert_int_equal((uintptr_t)secret.at % 4096, 0);
	assert_true(span_is(secret_span(&secret), "0123456789abcdef0123456789abcdef"));
	secret_free(&secret);
	assert_null(secret.at);
	assert_int_equal(secret.len, 0);
	secret_free(&secret);
	secret_set(&secret, SPAN(""));
	assert_int_equal(secret.len, 0);
	secret_free(&secret);
}

/* The mapping that holds `at` carries "dd" (MADV_DONTDUMP) in VmFlags. */
static bool is_out_of_dumps(const void *at)
{
	FILE *maps = fopen("/proc/self/smaps", "r");
	unsigned long from, to;
	bool inside = false, found = false;
	char line[512];

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps) != NULL) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			inside = (uintptr_t)at >= from && (uintptr_t)at < to;
		if (inside && strncmp(line, "VmFlags:", 8) == 0)
			found = strstr(line, " dd") != NULL;
	}
	fclose(maps);
	return found;
}

static void stays_out_of_dumps(void **state)
{
	struct secret secret;

	(void)state;
	secret_set(&secret, SPAN("0123456789abcdef0123456789abcdef"));
	assert_true(is_out_of_dumps(secret.at));
	secret_free(&secret);
}

static void compares_every_byte(void **state)
{
	char a[64], b[64];

	(void)state;
	memset(a, 'x', sizeof(a));
	memset(b, 'x', sizeof(b));
	assert_true(secret_equal(span_make(a, 64), span_make(b, 64)));
	assert_false(secret_equal(span_make(a, 64), span_make(b, 63)));
	assert_true(secret_equal(SPAN(""), SPAN_ABSENT));
	for (size_t i = 0; i < sizeof(a); i++)
		for (unsigned bit = 0; bit < 8; bit++) {
			b[i] = (char)(b[i] ^ 1 << bit);
			if (secret_equal(span_make(a, 64), span_make(b, 64)))
				fail_msg("byte %zu bit %u", i, bit);
			b[i] = (char)(b[i] ^ 1 << bit);
		}
}

static void wipes(void **state)
{
	char bytes[8] = "secret!";

	(void)state;
	secret_wipe(bytes, 6);
	assert_memory_equal(bytes, "\0\0\0\0\0\0!", 8);
	secret_wipe(NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copies_and_clears),
		cmocka_unit_test(stays_out_of_dumps),
		cmocka_unit_test(compares_every_byte),
		cmocka_unit_test(wipes),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("secret", tests, NULL, NULL);
}
