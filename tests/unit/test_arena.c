/* SPDX-License-Identifier: MIT */
#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static bool is_zero(const char *at, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (at[i] != 0)
			return false;
	return true;
}

static void gives_zeroed_aligned_memory(void **state)
{
	CLEANUP(arena_free) struct arena *mem = arena_new(100);

	(void)state;
	for (size_t len = 0; len < 400; len += 7) {
		char *at = arena_alloc(mem, len);

		assert_non_null(at);
		assert_int_equal((uintptr_t)at % 16, 0);
		assert_true(is_zero(at, len));
		if (len > 0)
			memset(at, 0x5a, len);
	}
}

static void pieces_do_not_overlap(void **state)
{
	CLEANUP(arena_free) struct arena *mem = arena_new(64);
	char *at[100];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(at); i++) {
		at[i] = arena_alloc(mem, i + 1);
		memset(at[i], (int)i, i + 1);
	}
	for (size_t i = 0; i < COUNT_OF(at); i++)
		for (size_t j = 0; j <= i; j++)
			assert_int_equal(at[i][j], (char)i);
}

static void reset_wipes_and_keeps_the_first_block(void **state)
{
	CLEANUP(arena_free) struct arena *mem = arena_new(256);

	(void)state;
	char *first = arena_text(mem, SPAN("correct horse"));
	arena_text(mem, SPAN("battery staple"));
	assert_true(arena_used(mem) >= 29);
	arena_reset(mem);
	assert_int_equal(arena_used(mem), 0);
	/* The first block is still ours, so reading it is allowed. */
	assert_true(is_zero(first, 256));
	assert_ptr_equal(arena_alloc(mem, 1), first);
	for (int i = 0; i < 100; i++)
		arena_alloc(mem, 1000);
	arena_reset(mem);
	assert_ptr_equal(arena_alloc(mem, 1), first);
}

static void refuses_what_cannot_be(void **state)
{
	CLEANUP(arena_free) struct arena *mem = arena_new(0);
	void *at = (void *)1;

	(void)state;
	assert_int_equal(arena_try(mem, SIZE_MAX, &at), STATUS_NO_MEMORY);
	assert_int_equal(arena_try(mem, SIZE_MAX - 8, &at), STATUS_NO_MEMORY);
	assert_int_equal(arena_try(mem, SIZE_MAX / 2 + 1, &at), STATUS_NO_MEMORY);
	assert_ptr_equal(at, (void *)1);
	assert_int_equal(arena_try(mem, 1 << 20, &at), STATUS_OK);
	assert_true(is_zero(at, 1 << 20));
}

static void copies_text(void **state)
{
	CLEANUP(arena_free) struct arena *mem = arena_new(0);
	static const char raw[] = { 'a', 0, 'b' };

	(void)state;
	char *text = arena_text(mem, span_make(raw, 3));
	assert_memory_equal(text, "a\0b", 4);
	assert_string_equal(arena_text(mem, SPAN_ABSENT), "");
	assert_true(span_is_absent(arena_copy(mem, SPAN_ABSENT)));
	assert_false(span_is_absent(arena_copy(mem, SPAN(""))));
	assert_true(span_equal(arena_copy(mem, span_make(raw, 3)), span_make(raw, 3)));
	assert_string_equal(arena_format(mem, "%s-%d", "x", 7), "x-7");
	assert_string_equal(arena_format(mem, "%s", ""), "");
	char *wide = arena_format(mem, "%5000d", 1);
	assert_int_equal(strlen(wide), 5000);
}

static void free_clears(void **state)
{
	struct arena *mem = arena_new(0);

	(void)state;
	arena_free(&mem);
	assert_null(mem);
	arena_free(&mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_zeroed_aligned_memory),
		cmocka_unit_test(pieces_do_not_overlap),
		cmocka_unit_test(reset_wipes_and_keeps_the_first_block),
		cmocka_unit_test(refuses_what_cannot_be),
		cmocka_unit_test(copies_text),
		cmocka_unit_test(free_clears),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
