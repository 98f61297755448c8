/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "crypto/password.h"
#include "crypto/workarea.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef AUTHBRIDGE_WORK_AREA
enum { KEPT = 1 };
#else
enum { KEPT = 0 };
#endif

enum { MIB = 1 << 20, THREADS = 8, HASHES = 3 };

static const struct password_params usual = { PASSWORD_ARGON2ID, 19456, 2 };
static const struct password_params small = { PASSWORD_ARGON2ID, 1024, 1 };
static const struct password_params legacy = { PASSWORD_SCRYPT, 0, 0 };

static void zero(void *state, void *out, size_t len)
{
	(void)state;
	memset(out, 0, len);
}

static const struct rng zeros = { zero, NULL };

static int setup(void **state)
{
	(void)state;
	workarea_trim(0);
	return password_start() == STATUS_OK ? 0 : -1;
}

/* Of a fixed salt, so that equal passwords give equal texts. */
static char *hash_of(const struct password_params *params, const char *password)
{
	CLEANUP(arena_free) struct arena *mem = arena_new(0);
	struct span stored;
	if (password_hash(params, span_of(password), &zeros, mem, &stored) != STATUS_OK)
		return NULL;
	return strndup(stored.at, stored.len);
}

static bool is_hashed_alike(const struct password_params *params, const char *want)
{
	char *got = hash_of(params, "correct horse");
	bool same = got != NULL && strcmp(got, want) == 0;
	free(got);
	return same;
}

static char *stock_hash_of(const struct password_params *params, const char *password)
{
	workarea_switch(false);
	char *hash = hash_of(params, password);
	workarea_switch(true);
	assert_non_null(hash);
	return hash;
}

static void a_hash_is_the_same_both_ways(void **state)
{
	const struct password_params *all[] = { &usual, &small, &legacy, &usual };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(all); i++) {
		char *want = stock_hash_of(all[i], "correct horse");
		assert_true(is_hashed_alike(all[i], want));
		assert_true(is_hashed_alike(all[i], want));
		free(want);
	}
	assert_int_equal(workarea_trim(0), KEPT);
}

static void the_start_leaves_it_on_and_nothing_behind(void **state)
{
	(void)state;
	assert_int_equal(password_start(), STATUS_OK);
	assert_int_equal(workarea_trim(0), 0);
	free(hash_of(&small, "a"));
	assert_int_equal(workarea_trim(0), KEPT);
	workarea_switch(false);
	free(hash_of(&small, "a"));
	assert_int_equal(workarea_trim(0), 0);
}

struct task {
	const char *want;
	size_t alike;
};

static void *hash_some(void *state)
{
	struct task *task = state;
	for (size_t i = 0; i < HASHES; i++)
		task->alike += is_hashed_alike(&usual, task->want);
	return NULL;
}

static void threads_do_not_share_an_area(void **state)
{
	pthread_t threads[THREADS];
	struct task tasks[THREADS];
	(void)state;
	char *want = stock_hash_of(&usual, "correct horse");
	for (size_t i = 0; i < THREADS; i++) {
		tasks[i] = (struct task){ .want = want };
		assert_int_equal(pthread_create(&threads[i], NULL, hash_some, &tasks[i]), 0);
	}
	for (size_t i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(tasks[i].alike, HASHES);
	}
	assert_true(workarea_trim(0) <= THREADS);
	free(want);
}

static void a_child_goes_on_with_what_it_inherits(void **state)
{
	(void)state;
	char *want = stock_hash_of(&small, "correct horse");
	assert_true(is_hashed_alike(&small, want));
	pid_t child = fork();
	if (child == 0) {
		bool good = is_hashed_alike(&small, want) && workarea_trim(0) == KEPT;
		free(want);
		_exit(good ? 0 : 1);
	}
	assert_true(is_hashed_alike(&small, want));
	int result;
	assert_int_equal(waitpid(child, &result, 0), child);
	assert_int_equal(result, 0);
	assert_int_equal(workarea_trim(0), KEPT);
	free(want);
}

static void *map(size_t len)
{
	return mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static size_t count_bytes(const unsigned char *at, size_t len)
{
	size_t count = 0;
	for (size_t i = 0; i < len; i++)
		count += at[i] != 0;
	return count;
}

/* Of what a hash wrote the next one finds what it overwrites and no more. */
static void a_smaller_hash_wipes_what_it_leaves(void **state)
{
	(void)state;
	workarea_enter();
	unsigned char *first = map(19 * MIB);
	memset(first, 0xa5, 19 * MIB);
	munmap(first, 19 * MIB);
	unsigned char *less = map(MIB);
	if (KEPT) {
		assert_ptr_equal(less, first);
		assert_int_equal(count_bytes(less + MIB, 18 * MIB), 0);
	}
	memset(less, 0xa5, MIB);
	munmap(less, MIB);
	unsigned char *again = map(19 * MIB);
	assert_int_equal(count_bytes(again + MIB, 18 * MIB), 0);
	munmap(again, 19 * MIB);
	workarea_leave();
}

static void trimming_leaves_nothing(void **state)
{
	(void)state;
	free(hash_of(&usual, "correct horse"));
	assert_int_equal(workarea_trim(0), KEPT);
	workarea_enter();
	unsigned char *fresh = map(19 * MIB);
	assert_int_equal(count_bytes(fresh, 19 * MIB), 0);
	munmap(fresh, 19 * MIB);
	workarea_leave();
}

static void an_area_grows_and_stays_grown(void **state)
{
	(void)state;
	workarea_enter();
	for (size_t mib = 1; mib <= 64; mib *= 4) {
		unsigned char *at = map(mib * MIB);
		assert_true(at != MAP_FAILED);
		at[mib * MIB - 1] = 1;
		munmap(at, mib * MIB);
	}
	unsigned char *large = map(64 * MIB);
	munmap(large, 64 * MIB);
	unsigned char *less = map(MIB);
	if (KEPT)
		assert_ptr_equal(less, large);
	munmap(less, MIB);
	workarea_leave();
	assert_int_equal(workarea_trim(0), KEPT);
}

static void only_a_hash_is_lent_areas(void **state)
{
	(void)state;
	void *outside = map(MIB);
	assert_int_equal(munmap(outside, MIB), 0);
	assert_int_equal(workarea_trim(0), 0);
	errno = 0;
	assert_ptr_equal(map(0), MAP_FAILED);
	assert_int_equal(errno, EINVAL);
	errno = 0;
	assert_int_equal(munmap((void *)1, 1), -1);
	assert_int_equal(errno, EINVAL);
	workarea_enter();
	void *shared = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	void *first = map(MIB), *second = map(MIB);
	assert_true(first != second && second != MAP_FAILED);
	munmap(shared, MIB);
	munmap(second, MIB);
	munmap(first, MIB);
	workarea_leave();
	assert_int_equal(workarea_trim(1), 0);
	assert_int_equal(workarea_trim(0), KEPT);
}

/* Sanitizers and valgrind need their own. */
static bool may_limit_memory(void)
{
	const char *preloaded = getenv("LD_PRELOAD");
	return KEPT && (preloaded == NULL || strstr(preloaded, "vgpreload") == NULL);
}

/* In a child, whose limit is its own. */
static void a_refused_area_is_that_hash_alone(void **state)
{
	(void)state;
	if (!may_limit_memory())
		return;
	pid_t child = fork();
	if (child == 0) {
		CLEANUP(arena_free) struct arena *mem = arena_new(0);
		struct rlimit before, low = { 0 };
		struct span stored;
		getrlimit(RLIMIT_AS, &before);
		low = (struct rlimit){ 4 * MIB, before.rlim_max };
		setrlimit(RLIMIT_AS, &low);
		enum status refused = password_hash(&usual, SPAN("a"), &zeros, mem, &stored);
		setrlimit(RLIMIT_AS, &before);
		enum status served = password_hash(&usual, SPAN("a"), &zeros, mem, &stored);
		_exit((refused != STATUS_NO_MEMORY) + 2 * (served != STATUS_OK));
	}
	int result;
	assert_int_equal(waitpid(child, &result, 0), child);
	assert_int_equal(result, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_hash_is_the_same_both_ways, setup),
		cmocka_unit_test_setup(the_start_leaves_it_on_and_nothing_behind, setup),
		cmocka_unit_test_setup(threads_do_not_share_an_area, setup),
		cmocka_unit_test_setup(a_child_goes_on_with_what_it_inherits, setup),
		cmocka_unit_test_setup(a_smaller_hash_wipes_what_it_leaves, setup),
		cmocka_unit_test_setup(trimming_leaves_nothing, setup),
		cmocka_unit_test_setup(an_area_grows_and_stays_grown, setup),
		cmocka_unit_test_setup(only_a_hash_is_lent_areas, setup),
		cmocka_unit_test_setup(a_refused_area_is_that_hash_alone, setup),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
