/* SPDX-License-Identifier: MIT */
#include "server/lane.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>

static void keeps_order_and_bound(void **state)
{
	(void)state;
	struct lane *lane = lane_new(2);
	struct lane_job jobs[3];
	assert_true(lane_push(lane, &jobs[0], 10));
	assert_true(lane_push(lane, &jobs[1], 20));
	assert_false(lane_push(lane, &jobs[2], 30));
	assert_int_equal(lane_waiting(lane), 2);
	assert_ptr_equal(lane_take(lane), &jobs[0]);
	assert_int_equal(jobs[0].since_ms, 10);
	assert_int_equal(lane_running(lane), 1);
	assert_true(lane_push(lane, &jobs[2], 30));
	assert_ptr_equal(lane_take(lane), &jobs[1]);
	assert_ptr_equal(lane_take(lane), &jobs[2]);
	assert_int_equal(lane_running(lane), 3);
	lane_done(lane);
	lane_done(lane);
	lane_done(lane);
	assert_int_equal(lane_running(lane), 0);
	assert_int_equal(lane_waiting(lane), 0);
	lane_free(&lane);
	assert_null(lane);
}

static void takes_nothing_without_room(void **state)
{
	(void)state;
	struct lane *lane = lane_new(0);
	struct lane_job job;
	assert_false(lane_push(lane, &job, 0));
	lane_free(&lane);
}

static void gives_up_the_oldest(void **state)
{
	(void)state;
	struct lane *lane = lane_new(4);
	struct lane_job jobs[2];
	assert_null(lane_expire(lane, 1000));
	assert_true(lane_push(lane, &jobs[0], 10));
	assert_true(lane_push(lane, &jobs[1], 20));
	assert_null(lane_expire(lane, 10));
	assert_ptr_equal(lane_expire(lane, 11), &jobs[0]);
	assert_null(lane_expire(lane, 20));
	assert_ptr_equal(lane_expire(lane, INT64_MAX), &jobs[1]);
	assert_null(lane_expire(lane, INT64_MAX));
	assert_int_equal(lane_running(lane), 0);
	assert_true(lane_push(lane, &jobs[0], 30));
	assert_ptr_equal(lane_take(lane), &jobs[0]);
	lane_free(&lane);
}

static void empties_before_it_stops(void **state)
{
	(void)state;
	struct lane *lane = lane_new(4);
	struct lane_job jobs[2];
	assert_true(lane_push(lane, &jobs[0], 0));
	lane_stop(lane);
	assert_false(lane_push(lane, &jobs[1], 0));
	assert_ptr_equal(lane_take(lane), &jobs[0]);
	assert_null(lane_take(lane));
	assert_null(lane_take(lane));
	lane_free(&lane);
}

enum { THREADS = 4, JOBS = 20000 };

static _Atomic int taken;

static void *take_all(void *lane)
{
	while (lane_take(lane) != NULL) {
		taken++;
		lane_done(lane);
	}
	return NULL;
}

static void gives_each_job_once(void **state)
{
	(void)state;
	static struct lane_job jobs[JOBS];
	struct lane *lane = lane_new(64);
	pthread_t ids[THREADS];
	int expired = 0;
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&ids[i], NULL, take_all, lane), 0);
	for (size_t i = 0; i < JOBS; i++) {
		while (!lane_push(lane, &jobs[i], (int64_t)i))
			;
		if (i % 100 == 0 && lane_expire(lane, INT64_MAX) != NULL)
			expired++;
	}
	lane_stop(lane);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(ids[i], NULL);
	assert_int_equal(taken + expired, JOBS);
	lane_free(&lane);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_order_and_bound),
		cmocka_unit_test(takes_nothing_without_room),
		cmocka_unit_test(gives_up_the_oldest),
		cmocka_unit_test(empties_before_it_stops),
		cmocka_unit_test(gives_each_job_once),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("lane", tests, NULL, NULL);
}
