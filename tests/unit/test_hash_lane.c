/* SPDX-License-Identifier: MIT */
#include "service/hash_lane.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static struct hash_lane *lane_of(size_t concurrency, size_t queue)
{
	struct hash_lane *lane = NULL;
	assert_int_equal(hash_lane_create(concurrency, queue, &lane), STATUS_OK);
	return lane;
}

static void tickets_are_bounded_over_all_workers(void **state)
{
	(void)state;
	struct hash_lane *lane = lane_of(2, 3);
	for (size_t i = 0; i < 5; i++)
		assert_true(hash_lane_enter(lane, i));
	assert_false(hash_lane_enter(lane, 0));
	hash_lane_leave(lane, 4);
	assert_true(hash_lane_enter(lane, 7));
	assert_false(hash_lane_enter(lane, 7));
	hash_lane_destroy(&lane);
	assert_null(lane);
}

static void a_reaped_worker_gives_its_tickets_back(void **state)
{
	(void)state;
	struct hash_lane *lane = lane_of(1, 1);
	assert_true(hash_lane_enter(lane, 3));
	assert_true(hash_lane_enter(lane, 3));
	assert_false(hash_lane_enter(lane, 4));
	hash_lane_reap(lane, 3);
	assert_true(hash_lane_enter(lane, 4));
	/* A late leave of the reaped one makes no ticket out of nothing. */
	hash_lane_leave(lane, 3);
	assert_true(hash_lane_enter(lane, 4));
	assert_false(hash_lane_enter(lane, 4));
	hash_lane_destroy(&lane);
}

static void a_full_lane_is_busy_after_the_wait(void **state)
{
	(void)state;
	struct hash_lane *lane = lane_of(1, 1);
	size_t slot;
	size_t other;
	assert_int_equal(hash_lane_acquire(lane, 0, &slot), STATUS_OK);
	int64_t begun = clock_mono_ms();
	assert_int_equal(hash_lane_acquire(lane, 120, &other), STATUS_BUSY);
	assert_true(clock_mono_ms() - begun >= 120);
	hash_lane_release(lane, slot);
	assert_int_equal(hash_lane_acquire(lane, 0, &slot), STATUS_OK);
	hash_lane_release(lane, slot);
	hash_lane_destroy(&lane);
}

struct waiter {
	struct hash_lane *lane;
	enum status status;
};

static void *wait_for_slot(void *state)
{
	struct waiter *waiter = state;
	size_t slot;
	waiter->status = hash_lane_acquire(waiter->lane, 5000, &slot);
	if (waiter->status == STATUS_OK)
		hash_lane_release(waiter->lane, slot);
	return NULL;
}

static void a_release_wakes_who_waits(void **state)
{
	(void)state;
	struct waiter waiter = { lane_of(1, 1), STATUS_INTERNAL };
	size_t slot;
	pthread_t thread;
	assert_int_equal(hash_lane_acquire(waiter.lane, 0, &slot), STATUS_OK);
	assert_int_equal(pthread_create(&thread, NULL, wait_for_slot, &waiter), 0);
	usleep(20000);
	hash_lane_release(waiter.lane, slot);
	pthread_join(thread, NULL);
	assert_int_equal(waiter.status, STATUS_OK);
	hash_lane_destroy(&waiter.lane);
}

static void a_killed_holder_frees_its_slot(void **state)
{
	(void)state;
	struct hash_lane *lane = lane_of(1, 1);
	int ready[2];
	char byte = 'r';
	size_t slot;
	assert_int_equal(pipe(ready), 0);
	pid_t child = fork();
	if (child == 0) {
		if (hash_lane_acquire(lane, 0, &slot) == STATUS_OK &&
		    write(ready[1], &byte, 1) == 1)
			pause();
		_exit(1);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(hash_lane_acquire(lane, 0, &slot), STATUS_BUSY);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	assert_int_equal(hash_lane_acquire(lane, 1000, &slot), STATUS_OK);
	hash_lane_release(lane, slot);
	close(ready[0]);
	close(ready[1]);
	hash_lane_destroy(&lane);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tickets_are_bounded_over_all_workers),
		cmocka_unit_test(a_reaped_worker_gives_its_tickets_back),
		cmocka_unit_test(a_full_lane_is_busy_after_the_wait),
		cmocka_unit_test(a_release_wakes_who_waits),
		cmocka_unit_test(a_killed_holder_frees_its_slot),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
