/* SPDX-License-Identifier: MIT */
#include "service/limiter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOW INT64_C(1767225600000)

static struct limiter *limiter;

static int set_up(void **state)
{
	(void)state;
	return limiter_create(&rng_system, &limiter) == STATUS_OK ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	limiter_destroy(&limiter);
	return 0;
}

static bool passes(const char *address, const char *path, int64_t now_ms)
{
	return limiter_check(limiter, span_of(address), span_of(path), now_ms) == 0;
}

static void B_FR_023_three_sign_ins_in_ten_seconds(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		assert_true(passes("192.0.2.1", "/sign-in/email", NOW + i));
	assert_false(passes("192.0.2.1", "/sign-in/email", NOW + 10));
	assert_false(passes("192.0.2.1", "/sign-in/email/", NOW + 11));
	assert_true(passes("192.0.2.2", "/sign-in/email", NOW + 10));
	assert_true(passes("192.0.2.1", "/sign-up/email", NOW + 10));
	assert_true(passes("192.0.2.1", "/get-session", NOW + 10));
	assert_true(passes("192.0.2.1", "/sign-in/email", NOW + 10003));
}

static void all_processes_count_in_one_place(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		pid_t child = fork();
		int status;
		if (child == 0)
			_exit(passes("192.0.2.9", "/sign-in/email", NOW) ? 0 : 1);
		waitpid(child, &status, 0);
		assert_int_equal(status, 0);
	}
	assert_false(passes("192.0.2.9", "/sign-in/email", NOW));
}

static void strangers_do_not_share_a_window(void **state)
{
	(void)state;
	char address[32];
	for (int i = 0; i < 5000; i++) {
		snprintf(address, sizeof(address), "10.%d.%d.%d", i >> 16, (i >> 8) & 255, i & 255);
		assert_true(passes(address, "/sign-in/email", NOW + i));
	}
}

static void long_texts_are_cut_not_overrun(void **state)
{
	(void)state;
	char path[4096];
	memset(path, 'p', sizeof(path));
	path[0] = '/';
	assert_int_equal(limiter_check(limiter, span_make(path, 400), span_make(path, sizeof(path)),
				       NOW),
			 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(B_FR_023_three_sign_ins_in_ten_seconds, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(all_processes_count_in_one_place, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(strangers_do_not_share_a_window, set_up, tear_down),
		cmocka_unit_test_setup_teardown(long_texts_are_cut_not_overrun, set_up, tear_down),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
