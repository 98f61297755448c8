/* SPDX-License-Identifier: MIT */
#include "http/metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

/* Two workers' counters, with something between them. */
struct counted {
	_Atomic uint64_t before, number;
	struct metrics_histogram took;
};

static struct counted counted[2];

static int setup(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++)
		counted[i] = (struct counted){ 0 };
	return 0;
}

static const char *written(struct arena *mem)
{
	struct buf out;
	buf_init(&out, mem, 1 << 16);
	metrics_put_histogram(&out, "h_seconds", "class=\"x\"", &counted->took, 2,
			      sizeof(*counted));
	return out.at;
}

static void adds_up_what_lies_apart(void **state)
{
	(void)state;
	metrics_count(&counted[0].number, 3);
	metrics_count(&counted[1].number, 4);
	counted[1].before = 100;
	assert_int_equal(metrics_sum(&counted->number, 2, sizeof(*counted)), 7);
	assert_int_equal(metrics_sum(&counted->number, 1, sizeof(*counted)), 3);
}

static void puts_each_duration_under_its_bound(void **state)
{
	(void)state;
	static const struct {
		int64_t us;
		size_t bucket;
	} rows[] = {
		{ -1, 0 },
		{ 0, 0 },
		{ 5, 0 },
		{ 6, 1 },
		{ 1000, 7 },
		{ 1001, 8 },
		{ 10000000, METRICS_BOUNDS - 1 },
		{ 10000001, METRICS_BOUNDS },
		{ INT64_MAX, METRICS_BOUNDS },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct metrics_histogram h = { 0 };
		metrics_observe(&h, rows[i].us);
		if (h.buckets[rows[i].bucket] != 1)
			fail_msg("row %zu: not in bucket %zu", i, rows[i].bucket);
		assert_int_equal(h.sum_us, rows[i].us < 0 ? 0 : rows[i].us);
	}
}

static void writes_buckets_that_add_up(void **state)
{
	(void)state;
	CLEANUP(arena_free) struct arena *mem = arena_new(0);
	metrics_observe(&counted[0].took, 4);
	metrics_observe(&counted[0].took, 20000000);
	metrics_observe(&counted[1].took, 40);
	const char *text = written(mem);
	assert_non_null(strstr(text, "h_seconds_bucket{class=\"x\",le=\"5e-06\"} 1\n"));
	assert_non_null(strstr(text, "h_seconds_bucket{class=\"x\",le=\"2.5e-05\"} 1\n"));
	assert_non_null(strstr(text, "h_seconds_bucket{class=\"x\",le=\"5e-05\"} 2\n"));
	assert_non_null(strstr(text, "h_seconds_bucket{class=\"x\",le=\"10.0\"} 2\n"));
	assert_non_null(strstr(text, "h_seconds_bucket{class=\"x\",le=\"+Inf\"} 3\n"));
	assert_non_null(strstr(text, "h_seconds_sum{class=\"x\"} 20.000044\n"));
	assert_non_null(strstr(text, "h_seconds_count{class=\"x\"} 3\n"));
}

static void writes_seconds(void **state)
{
	(void)state;
	CLEANUP(arena_free) struct arena *mem = arena_new(0);
	struct buf out;
	buf_init(&out, mem, 4096);
	metrics_head(&out, "age_seconds", "gauge", "How old.");
	metrics_put_ms(&out, "age_seconds", "", 1234);
	metrics_put_ms(&out, "age_seconds", "{x=\"1\"}", METRICS_FOREVER);
	assert_string_equal(out.at, "# HELP authbridge_age_seconds How old.\n"
				    "# TYPE authbridge_age_seconds gauge\n"
				    "authbridge_age_seconds 1.234\n"
				    "authbridge_age_seconds{x=\"1\"} +Inf\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(adds_up_what_lies_apart, setup),
		cmocka_unit_test_setup(puts_each_duration_under_its_bound, setup),
		cmocka_unit_test_setup(writes_buckets_that_add_up, setup),
		cmocka_unit_test_setup(writes_seconds, setup),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
