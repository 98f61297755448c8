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
#include <stdatomic.h>
#include <sys/mman.h>
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

/* Hashes until told to stop; never the only one who wants to. */
struct hasher {
	struct hash_lane *lane;
	_Atomic uint32_t *turns, *out, *most;
	_Atomic bool *stop;
};

static void *hash_in_turn(void *state)
{
	struct hasher *hasher = state;
	while (!*hasher->stop) {
		size_t slot;
		if (hash_lane_acquire(hasher->lane, 1000, &slot) != STATUS_OK)
			continue;
		uint32_t now_out = atomic_fetch_add(hasher->out, 1) + 1;
		if (now_out > *hasher->most)
			*hasher->most = now_out;
		usleep(1000);
		atomic_fetch_add(hasher->turns, 1);
		atomic_fetch_sub(hasher->out, 1);
		hash_lane_release(hasher->lane, slot);
	}
	return NULL;
}

static void hash_by_four(struct hasher *hasher)
{
	pthread_t threads[4];
	for (size_t i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, hash_in_turn, hasher);
	for (size_t i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
}

static void slots_that_are_passed_on_starve_no_worker(void **state)
{
	(void)state;
	struct {
		_Atomic uint32_t turns[2], out, most;
		_Atomic bool stop;
	} *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct hash_lane *lane = lane_of(2, 6);
	pid_t children[2];
	for (size_t i = 0; i < 2; i++) {
		struct hasher hasher = { lane, &shared->turns[i], &shared->out, &shared->most,
					 &shared->stop };
		children[i] = fork();
		if (children[i] == 0) {
			hash_by_four(&hasher);
			_exit(0);
		}
	}
	for (int i = 0; i < 1000 && (shared->turns[0] < 100 || shared->turns[1] < 100); i++)
		usleep(10000);
	shared->stop = true;
	for (size_t i = 0; i < 2; i++)
		waitpid(children[i], NULL, 0);
	assert_true(shared->turns[0] >= 100);
	assert_true(shared->turns[1] >= 100);
	assert_int_equal(shared->most, 2);
	munmap(shared, 4096);
	hash_lane_destroy(&lane);
}

struct teller {
	struct hash_lane *lane;
	int fd;
};

static void *take_and_tell(void *state)
{
	struct teller *teller = state;
	size_t slot;
	if (hash_lane_acquire(teller->lane, 5000, &slot) == STATUS_OK) {
		bool told = write(teller->fd, "h", 1) == 1;
		hash_lane_release(teller->lane, slot);
		return told ? teller : NULL;
	}
	return NULL;
}

static void a_slot_is_passed_on_within_the_worker(void **state)
{
	(void)state;
	struct hash_lane *lane = lane_of(1, 2);
	size_t slot;
	pthread_t thread;
	int ready[2];
	char byte = 'r';
	assert_int_equal(pipe(ready), 0);
	assert_int_equal(hash_lane_acquire(lane, 0, &slot), STATUS_OK);
	pid_t child = fork();
	if (child == 0) {
		/* Comes first, and gets it only once nobody there wants it. */
		bool told = write(ready[1], &byte, 1) == 1;
		enum status status = hash_lane_acquire(lane, 5000, &slot);
		told = told && write(ready[1], "c", 1) == 1;
		_exit(told && status == STATUS_OK ? 0 : 1);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	usleep(20000);
	struct teller passed = { lane, ready[1] };
	assert_int_equal(pthread_create(&thread, NULL, take_and_tell, &passed), 0);
	usleep(20000);
	hash_lane_release(lane, slot);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(byte, 'h');
	pthread_join(thread, NULL);
	int result;
	waitpid(child, &result, 0);
	assert_int_equal(result, 0);
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
		cmocka_unit_test(slots_that_are_passed_on_starve_no_worker),
		cmocka_unit_test(a_slot_is_passed_on_within_the_worker),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
