/* SPDX-License-Identifier: MIT */
/* Sign-up, sign-in and password change, on the store in memory. */
#include "service/accounts.h"

#include "base/buf.h"
#include "base/config.h"
#include "base/jdoc.h"
#include "../fake/fake.h"
#include "service/cookies.h"
#include "service/hash_lane.h"
#include "service/service.h"
#include "store/throttle_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include <unistd.h>

#define NOW_MS INT64_C(1767225600000)
#define EMAIL "ann@example.com"
#define RIGHT "correct horse"

static struct {
	struct arena *mem;
	struct config *config;
	struct service service;
} t;

static void open_service(const char *more)
{
	static char *const no_environment[] = { NULL };
	const struct store_options options = { .url = "postgresql:///x", .connections = 1 };
	struct buf mistakes;
	t.mem = arena_new(0);
	buf_init(&mistakes, t.mem, 65536);
	const char *text = arena_format(t.mem,
					"database_url = postgresql:///x\n"
					"secret = a-secret-of-more-than-thirty-two-bytes\n"
					"base_url = http://x.test\n%s",
					more);
	if (config_parse(span_of(text), "test.conf", no_environment, NULL, &mistakes, &t.config) !=
		    STATUS_OK ||
	    service_plan_make(t.config, &mistakes, &t.service.plan) != STATUS_OK)
		fail_msg("%.*s", SPAN_FMT(buf_span(&mistakes)));
	t.service.config = t.config;
	t.service.rng = &rng_system;
	t.service.session_rules = (struct session_rules){ 604800, 86400, 86400 };
	t.service.password_params = (struct password_params){ PASSWORD_ARGON2ID, 64, 1 };
	assert_int_equal(password_decoy_make(&t.service.password_params, &rng_system, t.mem,
					     &t.service.decoy),
			 STATUS_OK);
	assert_int_equal(hash_lane_create(2, 8, &t.service.shared.hashes), STATUS_OK);
	assert_int_equal(store_open(&options, &t.service.store), STATUS_OK);
}

static int set_up(void **state)
{
	open_service(*state != NULL ? *state : "");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fake_store_fail(STATUS_OK, 0, 0);
	store_close(&t.service.store);
	hash_lane_destroy(&t.service.shared.hashes);
	service_plan_free(&t.service.plan);
	config_free(&t.config);
	arena_free(&t.mem);
	t.service = (struct service){ 0 };
	return 0;
}

static enum status sign_up_as(const char *password, struct account_result *out)
{
	const struct sign_up in = {
		.name = SPAN("Ann"),
		.email = SPAN("Ann@Example.com"),
		.password = span_of(password),
		.remember = true,
		.client = { SPAN("192.0.2.1"), SPAN("") },
	};
	return accounts_sign_up(&t.service, t.mem, &in, NOW_MS, out);
}

static enum status sign_in_from(const char *email, const char *password, struct span device,
				int64_t now_ms, struct account_result *out)
{
	const struct sign_in in = {
		.email = span_of(email),
		.password = span_of(password),
		.remember = true,
		.client = { SPAN("192.0.2.1"), SPAN("") },
		.device = device,
	};
	return accounts_sign_in(&t.service, t.mem, &in, now_ms, out);
}

static struct account_result must_sign_up(void)
{
	struct account_result result;
	assert_int_equal(sign_up_as(RIGHT, &result), STATUS_OK);
	assert_int_equal(result.outcome, ACCOUNT_DONE);
	return result;
}

static void expect_sign_in(const char *email, const char *password, enum account_outcome outcome)
{
	struct account_result result;
	enum status status = sign_in_from(email, password, SPAN_ABSENT, NOW_MS, &result);
	if (status != STATUS_OK || result.outcome != outcome)
		fail_msg("%s / %s: %s, %s", email, password, status_word(status), result.reason);
}

static void A_US1_sign_up_signs_in_at_once(void **state)
{
	(void)state;
	struct account_result result = must_sign_up();
	assert_true(span_is(result.view.user.email, EMAIL));
	assert_int_equal(result.view.session.token.len, 32);
	assert_int_equal(fake_store_live_sessions(), 1);
	expect_sign_in(EMAIL, RIGHT, ACCOUNT_DONE);
	expect_sign_in("ANN@example.com", RIGHT, ACCOUNT_DONE);
	assert_int_equal(fake_store_live_sessions(), 3);
}

static void B_FR_003_004_refused_sign_ups_leave_nothing(void **state)
{
	(void)state;
	struct account_result result;
	char longest[130];
	memset(longest, 'p', 129);
	longest[129] = '\0';
	const struct {
		const char *password;
		enum account_outcome outcome;
	} rows[] = {
		{ "1234567", ACCOUNT_PASSWORD_SHORT },
		{ longest, ACCOUNT_PASSWORD_LONG },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_int_equal(sign_up_as(rows[i].password, &result), STATUS_OK);
		assert_int_equal(result.outcome, rows[i].outcome);
		assert_int_equal(fake_store_users(), 0);
	}
	must_sign_up();
	assert_int_equal(sign_up_as(RIGHT, &result), STATUS_OK);
	assert_int_equal(result.outcome, ACCOUNT_EXISTS);
	assert_int_equal(fake_store_users(), 1);
	assert_int_equal(fake_store_live_sessions(), 1);
}

static enum account_outcome change(const struct session_view *view, const char *current,
				   const char *renewed, bool revoke)
{
	struct account_result result;
	const struct password_change in = {
		.view = view,
		.current = span_of(current),
		.renewed = span_of(renewed),
		.revoke_others = revoke,
		.client = { SPAN(""), SPAN("") },
	};
	assert_int_equal(accounts_change_password(&t.service, t.mem, &in, NOW_MS, &result),
			 STATUS_OK);
	return result.outcome;
}

/* One a line, in any order, with either end of line. */
static void refuses_what_is_on_the_blocklist(void **state)
{
	static const char *const refused[] = { "12345678", "password", "qwertyuiop" };
	static const char *const allowed[] = { "123456789", "passwor\r", "PASSWORD" };
	static const char lines[] = "qwertyuiop\n\n12345678\r\npassword";
	char path[] = "/tmp/ab-blocklist-XXXXXX", more[128];
	struct account_result result;
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, lines, sizeof(lines) - 1), sizeof(lines) - 1);
	close(fd);
	tear_down(state);
	snprintf(more, sizeof(more), "rate_limit = off\npassword_blocklist = %s\n", path);
	open_service(more);
	unlink(path);
	for (size_t i = 0; i < COUNT_OF(refused); i++) {
		assert_int_equal(sign_up_as(refused[i], &result), STATUS_OK);
		assert_int_equal(result.outcome, ACCOUNT_PASSWORD_BLOCKED);
	}
	assert_int_equal(fake_store_users(), 0);
	struct account_result ann = must_sign_up();
	assert_int_equal(change(&ann.view, RIGHT, "password", false), ACCOUNT_PASSWORD_BLOCKED);
	for (size_t i = 0; i < COUNT_OF(allowed); i++)
		assert_int_equal(accounts_judge_password(&t.service, span_of(allowed[i])),
				 ACCOUNT_DONE);
}

static void B_FR_007_refusals_are_alike(void **state)
{
	(void)state;
	struct account_result ann = must_sign_up();
	expect_sign_in(EMAIL, "wrong horse", ACCOUNT_REFUSED);
	expect_sign_in(EMAIL, "", ACCOUNT_REFUSED);
	expect_sign_in("nobody@example.com", RIGHT, ACCOUNT_REFUSED);
	fake_store_disable(ann.view.user.id, true);
	expect_sign_in(EMAIL, RIGHT, ACCOUNT_REFUSED);
	fake_store_disable(ann.view.user.id, false);
	expect_sign_in(EMAIL, RIGHT, ACCOUNT_DONE);
	fake_store_drop_credential(ann.view.user.id);
	expect_sign_in(EMAIL, RIGHT, ACCOUNT_REFUSED);
}

/* Another sign-in renewed the hash in between: the second try finds it so. */
static void a_lost_swap_is_tried_once_more(void **state)
{
	(void)state;
	must_sign_up();
	fake_store_fail(STATUS_CONFLICT, 1, 1);
	expect_sign_in(EMAIL, RIGHT, ACCOUNT_DONE);
	/* The password itself was changed in between. */
	fake_store_fail(STATUS_CONFLICT, 1, 1);
	expect_sign_in(EMAIL, "wrong horse", ACCOUNT_REFUSED);
}

static void a_hash_is_renewed_when_the_costs_rose(void **state)
{
	(void)state;
	struct account_result result = must_sign_up();
	struct credential before, after;
	assert_int_equal(store_credential(t.service.store, t.mem, result.view.user.id, &before),
			 STATUS_OK);
	t.service.password_params.memory_kib = 128;
	expect_sign_in(EMAIL, "wrong horse", ACCOUNT_REFUSED);
	expect_sign_in(EMAIL, RIGHT, ACCOUNT_DONE);
	assert_int_equal(store_credential(t.service.store, t.mem, result.view.user.id, &after),
			 STATUS_OK);
	assert_false(span_equal(before.hash, after.hash));
	assert_false(password_needs_rehash(&t.service.password_params, after.hash));
	expect_sign_in(EMAIL, RIGHT, ACCOUNT_DONE);
}

/* Whatever fails, and wherever: no session without a good password. */
static void every_database_failure_is_a_failure(void **state)
{
	(void)state;
	must_sign_up();
	for (unsigned after = 0; after < 8; after++) {
		struct account_result result;
		size_t sessions = fake_store_live_sessions();
		fake_store_fail(STATUS_UNAVAILABLE, after, 1);
		enum status status =
			sign_in_from(EMAIL, "wrong horse", SPAN_ABSENT, NOW_MS, &result);
		assert_true(status == STATUS_UNAVAILABLE || result.outcome == ACCOUNT_REFUSED);
		assert_int_equal(fake_store_live_sessions(), sessions);
		fake_store_fail(STATUS_UNAVAILABLE, after, 1);
		status = sign_in_from(EMAIL, RIGHT, SPAN_ABSENT, NOW_MS, &result);
		assert_true(status == STATUS_UNAVAILABLE || result.outcome == ACCOUNT_DONE);
	}
	fake_store_fail(STATUS_OK, 0, 0);
}

static void B_FR_023_strangers_wait_the_owners_browser_does_not(void **state)
{
	(void)state;
	struct account_result ann = must_sign_up();
	struct account_result result;
	struct span device =
		cookies_name_device(&t.service, t.mem, ann.view.user.id, NOW_MS / 1000);
	for (int i = 0; i < THROTTLE_FREE_FAILURES; i++)
		expect_sign_in(EMAIL, "wrong horse", ACCOUNT_REFUSED);
	expect_sign_in(EMAIL, "wrong horse", ACCOUNT_WAIT);
	expect_sign_in(EMAIL, RIGHT, ACCOUNT_WAIT);
	assert_int_equal(sign_in_from(EMAIL, RIGHT, device, NOW_MS, &result), STATUS_OK);
	assert_int_equal(result.outcome, ACCOUNT_DONE);
	/* Another user's device is a stranger's. */
	struct span other = cookies_name_device(&t.service, t.mem, SPAN("somebody"), NOW_MS / 1000);
	assert_int_equal(sign_in_from(EMAIL, RIGHT, other, NOW_MS, &result), STATUS_OK);
	assert_int_equal(result.outcome, ACCOUNT_WAIT);
	/* So is one of long ago, and one of the future. */
	struct span old = cookies_name_device(&t.service, t.mem, ann.view.user.id,
					      NOW_MS / 1000 - 401 * INT64_C(86400));
	assert_int_equal(sign_in_from(EMAIL, RIGHT, old, NOW_MS, &result), STATUS_OK);
	assert_int_equal(result.outcome, ACCOUNT_WAIT);
	/* A stolen one does not guess for ever either. */
	for (int i = 0; i < THROTTLE_FREE_FAILURES; i++)
		assert_int_equal(sign_in_from(EMAIL, "wrong horse", device, NOW_MS, &result),
				 STATUS_OK);
	assert_int_equal(sign_in_from(EMAIL, "wrong horse", device, NOW_MS, &result), STATUS_OK);
	assert_int_equal(result.outcome, ACCOUNT_WAIT);
}

static void unknown_addresses_are_throttled_alike(void **state)
{
	(void)state;
	for (int i = 0; i < THROTTLE_FREE_FAILURES; i++)
		expect_sign_in("nobody@example.com", RIGHT, ACCOUNT_REFUSED);
	expect_sign_in("nobody@example.com", RIGHT, ACCOUNT_WAIT);
}

static void a_changed_password_ends_the_old_one(void **state)
{
	(void)state;
	struct account_result ann = must_sign_up();
	expect_sign_in(EMAIL, RIGHT, ACCOUNT_DONE);
	assert_int_equal(change(&ann.view, "wrong horse", "another horse", false), ACCOUNT_REFUSED);
	assert_int_equal(change(&ann.view, RIGHT, "short", false), ACCOUNT_PASSWORD_SHORT);
	assert_int_equal(change(&ann.view, RIGHT, "another horse", false), ACCOUNT_DONE);
	assert_int_equal(fake_store_live_sessions(), 2);
	expect_sign_in(EMAIL, RIGHT, ACCOUNT_REFUSED);
	expect_sign_in(EMAIL, "another horse", ACCOUNT_DONE);
	assert_int_equal(change(&ann.view, "another horse", RIGHT, true), ACCOUNT_DONE);
	assert_int_equal(fake_store_live_sessions(), 1);
	fake_store_drop_credential(ann.view.user.id);
	assert_int_equal(change(&ann.view, RIGHT, "another horse", false), ACCOUNT_NO_CREDENTIAL);
}

#define CASE(name, more)                             \
	{                                            \
#name, name, set_up, tear_down, more \
	}

int main(void)
{
	static char no_limits[] = "rate_limit = off\n";
	const struct CMUnitTest tests[] = {
		CASE(A_US1_sign_up_signs_in_at_once, no_limits),
		CASE(B_FR_003_004_refused_sign_ups_leave_nothing, no_limits),
		CASE(refuses_what_is_on_the_blocklist, no_limits),
		CASE(B_FR_007_refusals_are_alike, no_limits),
		CASE(a_lost_swap_is_tried_once_more, no_limits),
		CASE(a_hash_is_renewed_when_the_costs_rose, no_limits),
		CASE(every_database_failure_is_a_failure, NULL),
		CASE(B_FR_023_strangers_wait_the_owners_browser_does_not, NULL),
		CASE(unknown_addresses_are_throttled_alike, NULL),
		CASE(a_changed_password_ends_the_old_one, no_limits),
	};
	jdoc_start();
	if (password_start() != STATUS_OK)
		return 1;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
