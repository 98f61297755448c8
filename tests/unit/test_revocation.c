/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

/* The module itself, with an allocator that can be told to refuse. */
static size_t refuse_over = (size_t)-1;

static void *test_calloc(size_t count, size_t size)
{
	return count * size > refuse_over ? NULL : calloc(count, size);
}

#define calloc test_calloc
#include "model/revocation.c"
#undef calloc

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <stdio.h>

#define NOW 1767225600

static void fill_sevens(void *state, void *out, size_t len)
{
	(void)state;
	memset(out, 7, len);
}

static const struct rng constant = { fill_sevens, NULL };
static struct revocation_set *set;

static int setup(void **state)
{
	(void)state;
	refuse_over = (size_t)-1;
	set = revocation_new(&constant);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	revocation_free(&set);
	assert_null(set);
	revocation_free(&set);
	return 0;
}

static bool covers(const char *session, const char *user, int64_t issued)
{
	return revocation_covers(set, span_of(session), span_of(user), issued);
}

static void add(const char *session, int64_t until)
{
	assert_int_equal(revocation_add_session(set, span_of(session), until), STATUS_OK);
}

static void cut_off(const char *user, int64_t not_before, int64_t until)
{
	assert_int_equal(revocation_cut_off(set, span_of(user), not_before, until), STATUS_OK);
}

static void an_ended_session_is_covered(void **state)
{
	(void)state;
	assert_false(covers("s1", "u1", NOW));
	add("s1", NOW + 900);
	assert_true(covers("s1", "u1", NOW));
	assert_true(covers("s1", "u2", NOW));
	assert_false(covers("s2", "u1", NOW));
	assert_false(covers("s", "u1", NOW));
	assert_false(covers("", "u1", NOW));
	assert_false(covers(NULL, "u1", NOW));
	assert_int_equal(revocation_count(set), 1);
}

static void adding_again_keeps_the_later_end(void **state)
{
	(void)state;
	add("s1", NOW + 10);
	add("s1", NOW + 5);
	assert_int_equal(revocation_count(set), 1);
	revocation_expire(set, NOW + 10);
	assert_true(covers("s1", "u1", NOW));
	revocation_expire(set, NOW + 11);
	assert_false(covers("s1", "u1", NOW));
	add("s1", NOW + 5);
	add("s1", NOW + 10);
	revocation_expire(set, NOW + 6);
	assert_true(covers("s1", "u1", NOW));
}

/* CVE-2026-18218: cut-offs in all orders, the latest wins. */
static void the_latest_cut_off_wins(void **state)
{
	static const int orders[6][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
					  { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(orders); i++)
		for (int whose = 0; whose < 2; whose++) {
			const char *user = whose == 0 ? "u1" : "";

			revocation_free(&set);
			set = revocation_new(&constant);
			for (int j = 0; j < 3; j++)
				cut_off(user, NOW + orders[i][j], NOW + 900);
			assert_true(covers("s1", "u1", NOW + 1));
			assert_false(covers("s1", "u1", NOW + 2));
			assert_int_equal(covers("s1", "u2", NOW), whose == 1);
			assert_int_equal(revocation_count(set), 1);
		}
}

static void every_kind_of_cut_off_counts_beside_the_others(void **state)
{
	(void)state;
	cut_off("", NOW, NOW + 900);
	cut_off("u1", NOW + 10, NOW + 900);
	add("s1", NOW + 900);
	assert_true(covers("s9", "u9", NOW - 1));
	assert_false(covers("s9", "u9", NOW));
	assert_true(covers("s9", "u1", NOW + 9));
	assert_false(covers("s9", "u1", NOW + 10));
	assert_true(covers("s1", "u1", NOW + 100));
	assert_int_equal(revocation_count(set), 3);
}

static void an_absent_iat_is_the_oldest(void **state)
{
	(void)state;
	assert_false(covers("s1", "u1", -1));
	cut_off("u1", 1, NOW + 900);
	assert_true(covers("s1", "u1", -1));
	assert_true(covers("s1", "u1", 0));
	assert_false(covers("s1", "u1", 1));
	assert_false(covers("s1", "u2", -1));
}

static void a_disabled_user_has_no_good_token(void **state)
{
	(void)state;
	cut_off("u1", INT64_MAX, INT64_MAX);
	assert_true(covers("s1", "u1", NOW));
	assert_true(covers("s1", "u1", INT64_MAX));
	assert_false(covers("s1", "u2", NOW));
	revocation_expire(set, INT64_MAX);
	assert_true(covers("s1", "u1", NOW));
	revocation_lift_user(set, SPAN("u1"));
	assert_false(covers("s1", "u1", NOW));
	revocation_expire(set, NOW);
	assert_int_equal(revocation_count(set), 0);
}

/* Enabling a user again must not bring back what was cut off before. */
static void lifting_keeps_other_cut_offs(void **state)
{
	(void)state;
	cut_off("u1", NOW, NOW + 900);
	cut_off("u1", INT64_MAX, INT64_MAX);
	cut_off("u1", NOW - 5, NOW + 100);
	assert_true(covers("s1", "u1", NOW + 5));
	revocation_lift_user(set, SPAN("u1"));
	revocation_lift_user(set, SPAN("unknown"));
	assert_true(covers("s1", "u1", NOW - 1));
	assert_false(covers("s1", "u1", NOW));
	revocation_expire(set, NOW + 900);
	assert_true(covers("s1", "u1", NOW - 1));
	revocation_expire(set, NOW + 901);
	assert_false(covers("s1", "u1", NOW - 1));
	assert_int_equal(revocation_count(set), 0);
}

static void everybody_can_be_disabled_and_lifted(void **state)
{
	(void)state;
	cut_off("", INT64_MAX, INT64_MAX);
	assert_true(covers("s1", "u1", NOW));
	assert_int_equal(revocation_count(set), 1);
	revocation_expire(set, NOW);
	assert_true(covers("s1", "u1", NOW));
	revocation_lift_user(set, SPAN(""));
	assert_false(covers("s1", "u1", NOW));
}

static void a_global_cut_off_expires(void **state)
{
	(void)state;
	cut_off("", NOW, NOW + 10);
	cut_off("", NOW - 100, NOW + 20);
	revocation_expire(set, NOW + 20);
	assert_true(covers("s1", "u1", NOW - 1));
	revocation_expire(set, NOW + 21);
	assert_false(covers("s1", "u1", NOW - 1));
}

static void cut_offs_are_told_anew_beside_the_sessions(void **state)
{
	struct revocation_set *fresh;

	(void)state;
	cut_off("", NOW, NOW + 900);
	cut_off("u1", INT64_MAX, INT64_MAX);
	add("s1", NOW + 900);
	fresh = revocation_new_like(set);
	assert_int_equal(revocation_count(fresh), 0);
	assert_int_equal(revocation_cut_off(fresh, SPAN("u2"), NOW + 5, NOW + 900), STATUS_OK);
	revocation_swap_cut_offs(set, fresh);
	revocation_free(&fresh);
	assert_true(covers("s1", "u9", NOW));
	assert_false(covers("s9", "u1", NOW));
	assert_false(covers("s9", "u9", 0));
	assert_true(covers("s9", "u2", NOW + 4));
	assert_false(covers("s9", "u2", NOW + 5));
	assert_int_equal(revocation_count(set), 2);
}

/* Against a plain array: thousands of entries come, expire out of order and
 * come again, in tables that wrap around, grow and shrink. */
static void tables_agree_with_an_array(void **state)
{
	enum { IDS = 6000, STEPS = 60000 };
	static int64_t until[IDS];
	uint32_t random = 12345;
	int64_t now = NOW;
	char id[16];

	(void)state;
	for (int i = 0; i < IDS; i++)
		until[i] = -1;
	for (int step = 0; step < STEPS; step++) {
		random = random * 1664525 + 1013904223;
		size_t at = (random >> 8) % IDS;
		snprintf(id, sizeof(id), "id%zu", at);
		if (covers(id, "u", now) != (until[at] >= 0))
			fail_msg("step %d: id %zu", step, at);
		int64_t end = now + (random >> 4) % 200;
		add(id, end);
		until[at] = later(until[at], end);
		if (step % 37 != 0)
			continue;
		now += step % 9000 < 6000 ? 1 : 25;
		revocation_expire(set, now);
		for (int i = 0; i < IDS; i++)
			if (until[i] < now)
				until[i] = -1;
	}
	size_t left = 0;
	for (int i = 0; i < IDS; i++) {
		snprintf(id, sizeof(id), "id%d", i);
		assert_int_equal(covers(id, "u", now), until[i] >= 0);
		left += until[i] >= 0;
	}
	assert_int_equal(revocation_count(set), left);
}

/* Marks of what has gone would only cost time, more and more of it. */
static void marks_go_with_their_entries(void **state)
{
	size_t marks = 0;
	char id[16];

	(void)state;
	for (int i = 0; i < 500; i++) {
		snprintf(id, sizeof(id), "s%d", i);
		add(id, NOW + (i < 490 ? 0 : 900));
	}
	revocation_expire(set, NOW + 1);
	for (size_t i = 0; i < set->sessions.capacity; i++)
		marks += (size_t)__builtin_popcount(set->sessions.marks[i]);
	assert_in_range(marks, 1, 10);
}

static void user_tables_grow_and_shrink_as_well(void **state)
{
	char id[16];

	(void)state;
	for (int i = 0; i < 1000; i++) {
		snprintf(id, sizeof(id), "u%d", i);
		cut_off(id, NOW + i, NOW + 1000 + i);
	}
	revocation_expire(set, NOW + 1990);
	assert_int_equal(revocation_count(set), 10);
	for (int i = 0; i < 1000; i++) {
		snprintf(id, sizeof(id), "u%d", i);
		assert_int_equal(covers("s", id, NOW + i - 1), i >= 990);
		assert_false(covers("s", id, NOW + i));
	}
}

static void a_million_cost_34_mib(void **state)
{
	char id[40];

	(void)state;
	for (int i = 0; i < 1000000; i++) {
		snprintf(id, sizeof(id), "session-id-of-thirty-two-%07d", i);
		add(id, NOW + 900);
	}
	assert_int_equal(revocation_count(set), 1000000);
	assert_in_range(revocation_bytes(set), 16 << 20, (34 << 20) + 65536);
	assert_true(covers("session-id-of-thirty-two-0999999", "u", NOW));
	assert_false(covers("session-id-of-thirty-two-1000000", "u", NOW));
	revocation_expire(set, NOW + 901);
	assert_int_equal(revocation_count(set), 0);
	assert_in_range(revocation_bytes(set), 1, 64 << 10);
}

/* A set that could not take an entry says so; what it held stays. */
static void refused_growth_is_told(void **state)
{
	enum status status = STATUS_OK;
	char id[16];
	int added = 0;

	(void)state;
	refuse_over = 4096 * 17;
	while (status == STATUS_OK) {
		snprintf(id, sizeof(id), "s%d", added);
		status = revocation_add_session(set, span_of(id), NOW + 900);
		added += status == STATUS_OK;
	}
	assert_int_equal(status, STATUS_NO_MEMORY);
	assert_int_equal(added, 3072);
	assert_int_equal(revocation_count(set), 3072);
	assert_true(covers("s3071", "u", NOW));
	assert_false(covers("s3072", "u", NOW));
	assert_int_equal(revocation_add_session(set, SPAN("s5"), NOW + 950), STATUS_OK);
	for (status = STATUS_OK, added = 0; status == STATUS_OK; added++) {
		snprintf(id, sizeof(id), "u%d", added);
		status = revocation_cut_off(set, span_of(id), NOW, NOW + 900);
	}
	assert_int_equal(status, STATUS_NO_MEMORY);
}

static void the_number_of_slots_is_bounded(void **state)
{
	struct table table = { .slot_size = sizeof(struct slot) };

	(void)state;
	assert_int_equal(table_resize(&table, (size_t)SLOTS_MAX * 2), STATUS_NO_MEMORY);
}

/* When a smaller table is refused the larger one goes on. */
static void refused_shrinking_is_harmless(void **state)
{
	char id[16];

	(void)state;
	for (int i = 0; i < 10000; i++) {
		snprintf(id, sizeof(id), "s%d", i);
		add(id, NOW + (i == 77 ? 900 : 0));
	}
	refuse_over = 0;
	revocation_expire(set, NOW + 1);
	assert_int_equal(revocation_count(set), 1);
	assert_true(covers("s77", "u", NOW));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_ended_session_is_covered, setup, teardown),
		cmocka_unit_test_setup_teardown(adding_again_keeps_the_later_end, setup, teardown),
		cmocka_unit_test_setup_teardown(the_latest_cut_off_wins, setup, teardown),
		cmocka_unit_test_setup_teardown(every_kind_of_cut_off_counts_beside_the_others,
						setup, teardown),
		cmocka_unit_test_setup_teardown(an_absent_iat_is_the_oldest, setup, teardown),
		cmocka_unit_test_setup_teardown(a_disabled_user_has_no_good_token, setup, teardown),
		cmocka_unit_test_setup_teardown(lifting_keeps_other_cut_offs, setup, teardown),
		cmocka_unit_test_setup_teardown(everybody_can_be_disabled_and_lifted, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_global_cut_off_expires, setup, teardown),
		cmocka_unit_test_setup_teardown(cut_offs_are_told_anew_beside_the_sessions, setup,
						teardown),
		cmocka_unit_test_setup_teardown(tables_agree_with_an_array, setup, teardown),
		cmocka_unit_test_setup_teardown(marks_go_with_their_entries, setup, teardown),
		cmocka_unit_test_setup_teardown(user_tables_grow_and_shrink_as_well, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_million_cost_34_mib, setup, teardown),
		cmocka_unit_test_setup_teardown(refused_growth_is_told, setup, teardown),
		cmocka_unit_test_setup_teardown(the_number_of_slots_is_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(refused_shrinking_is_harmless, setup, teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
