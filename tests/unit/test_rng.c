/* SPDX-License-Identifier: MIT */
#include "base/rng.h"

#include "base/status.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

/* Counts up from *state, so a test knows every byte. */
static void count_up(void *state, void *out, size_t len)
{
	unsigned char *next = state, *at = out;

	for (size_t i = 0; i < len; i++)
		at[i] = (*next)++;
}

static void ids_take_six_bits_and_reject_two_values(void **state)
{
	unsigned char next = 60;
	struct rng rng = { count_up, &next };
	char id[RNG_ID_LEN + 1];

	(void)state;
	rng_id(&rng, id);
	/* 60, 61 are the last letters; 62 and 63 are rejected; 64 is 'a' again */
	assert_string_equal(id, "89abcdefghijklmnopqrstuvwxyzABCD");
}

static void ids_are_uniform(void **state)
{
	unsigned counts[256] = { 0 };
	char id[RNG_ID_LEN + 1];
	const unsigned rounds = 20000;

	(void)state;
	for (unsigned i = 0; i < rounds; i++) {
		rng_id(&rng_system, id);
		assert_int_equal(strlen(id), RNG_ID_LEN);
		for (size_t j = 0; j < RNG_ID_LEN; j++)
			counts[(unsigned char)id[j]]++;
	}
	/* expected 10,322 each, standard deviation 101: 8 of those is never seen */
	for (unsigned c = 0; c < 256; c++) {
		if (!isalnum((int)c))
			assert_int_equal(counts[c], 0);
		else if (counts[c] < 9500 || counts[c] > 11150)
			fail_msg("'%c' came %u times", (int)c, counts[c]);
	}
}

static void the_kernel_fills_everything(void **state)
{
	unsigned char bytes[1000], seen[1000] = { 0 };

	(void)state;
	for (int round = 0; round < 8; round++) {
		memset(bytes, 0, sizeof(bytes));
		rng_fill(&rng_system, bytes, sizeof(bytes));
		for (size_t i = 0; i < sizeof(bytes); i++)
			seen[i] |= bytes[i];
	}
	for (size_t i = 0; i < sizeof(seen); i++)
		assert_int_not_equal(seen[i], 0);
	rng_fill(&rng_system, bytes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_take_six_bits_and_reject_two_values),
		cmocka_unit_test(ids_are_uniform),
		cmocka_unit_test(the_kernel_fills_everything),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("rng", tests, NULL, NULL);
}
