/* SPDX-License-Identifier: MIT */
#include "model/throttle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#define ROWS(array) (sizeof(array) / sizeof((array)[0]))
#define NOW INT64_C(1767225600000)
#define SECOND INT64_C(1000)
#define HOUR INT64_C(3600000)

static void B_FR_023_rate_rules_are_the_contracts(void **state)
{
	(void)state;
	static const struct {
		const char *path;
		int64_t window_ms;
		unsigned max;
	} rows[] = {
		{ "/sign-in/email", 10000, 3 },
		{ "/sign-in/social", 10000, 3 },
		{ "/sign-up/email", 10000, 3 },
		{ "/change-password", 10000, 3 },
		{ "/change-email", 10000, 3 },
		{ "/request-password-reset", 60000, 3 },
		{ "/send-verification-email", 60000, 3 },
		{ "/get-session", 10000, 100 },
		{ "/token", 10000, 100 },
		{ "/sign-out", 10000, 100 },
		{ "/no/such/path", 10000, 100 },
		{ "/SIGN-IN/email", 10000, 100 },
		{ "", 10000, 100 },
	};
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct rate_rule rule = rate_rule_for(span_of(rows[i].path));
		if (rule.window_ms != rows[i].window_ms || rule.max != rows[i].max)
			fail_msg("row %zu: %s", i, rows[i].path);
	}
}

static void B_FR_023_rate_window_moves_with_each_allowed_request(void **state)
{
	(void)state;
	static const struct {
		int64_t at_ms, wait_ms;
	} rows[] = {
		{ 0, 0 },
		{ 9000, 0 },
		{ 18000, 0 },
		/* a trickle under 10 s apart keeps counting up */
		{ 27000, 1000 },
		/* denied ones do not move the window */
		{ 27999, 1 },
		{ 28000, 0 },
		{ 28000, 0 },
		{ 28000, 0 },
		{ 28000, 10000 },
		{ 28001, 9999 },
		{ 37999, 1 },
		{ 38000, 0 },
	};
	struct rate_rule rule = rate_rule_for(SPAN("/sign-in/email"));
	struct rate_state have = { 0 };
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct rate_state before = have;
		int64_t wait = rate_check(&rule, &have, NOW + rows[i].at_ms);
		if (wait != rows[i].wait_ms)
			fail_msg("row %zu: %lld", i, (long long)wait);
		if (wait > 0 && (have.last_ms != before.last_ms || have.count != before.count))
			fail_msg("row %zu: a denied request changed the state", i);
	}
}

static void rate_general_limit_is_a_hundred(void **state)
{
	(void)state;
	struct rate_rule rule = rate_rule_for(SPAN("/get-session"));
	struct rate_state have = { 0 };
	for (int i = 0; i < 100; i++)
		assert_int_equal(rate_check(&rule, &have, NOW), 0);
	assert_int_equal(rate_check(&rule, &have, NOW), 10000);
}

static void rate_clock_set_back_makes_nobody_wait(void **state)
{
	(void)state;
	struct rate_rule rule = { 10000, 1 };
	struct rate_state have = { 0 };
	assert_int_equal(rate_check(&rule, &have, NOW), 0);
	assert_int_equal(rate_check(&rule, &have, NOW - HOUR), 0);
	assert_int_equal(rate_check(&rule, &have, NOW - HOUR), 10000);
}

static void B_FR_023_ten_failures_are_free_then_delays_grow(void **state)
{
	(void)state;
	static const int64_t delays[] = {
		0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900,
	};
	struct throttle_state have = { 0 };
	int64_t now = NOW;
	assert_int_equal(throttle_wait_ms(&have, now), 0);
	for (size_t i = 0; i < ROWS(delays); i++) {
		throttle_fail(&have, now);
		int64_t wait = throttle_wait_ms(&have, now);
		if (wait != delays[i] * SECOND)
			fail_msg("after failure %zu: %lld", i + 1, (long long)wait);
		if (wait > 0) {
			assert_int_equal(throttle_wait_ms(&have, now + 1), wait - 1);
			assert_int_equal(throttle_wait_ms(&have, now + wait - 1), 1);
		}
		assert_int_equal(throttle_wait_ms(&have, now + wait), 0);
		now += wait;
	}
}

static void throttle_forgets_one_failure_an_hour(void **state)
{
	(void)state;
	static const struct {
		unsigned failures;
		int64_t idle_ms;
		unsigned left; /* counted by the next failure, which adds one */
	} rows[] = {
		{ 15, 0, 15 },
		{ 15, HOUR - 1, 15 },
		{ 15, HOUR, 14 },
		{ 15, 6 * HOUR, 9 },
		{ 15, 15 * HOUR, 0 },
		{ 15, 1000 * HOUR, 0 },
		{ 20, 19 * HOUR, 1 },
		{ 20, 20 * HOUR, 0 },
		{ 4000000000U, 0, 20 },
		{ 4000000000U, HOUR, 19 },
		/* a clock set back forgets nothing and delays at most as long */
		{ 15, -5 * HOUR, 15 },
	};
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct throttle_state have = { NOW, rows[i].failures };
		throttle_fail(&have, NOW + rows[i].idle_ms);
		unsigned want = rows[i].left < 20 ? rows[i].left + 1 : 20;
		if (have.failures != want || have.last_ms != NOW + rows[i].idle_ms)
			fail_msg("row %zu: %u", i, have.failures);
	}
	struct throttle_state back = { NOW, 15 };
	assert_int_equal(throttle_wait_ms(&back, NOW - HOUR), 32 * SECOND);
	struct throttle_state worst = { NOW, UINT32_MAX };
	assert_int_equal(throttle_wait_ms(&worst, NOW), 900 * SECOND);
}

/* 10,000 addresses ask for one account in turn, ten times a second, for two
 * days, with a pause now and then to let failures be forgotten. */
static void B_FR_023_ten_thousand_addresses_get_few_guesses(void **state)
{
	(void)state;
	static const int64_t pauses[] = { 0, HOUR, 3 * HOUR, 11 * HOUR };
	for (size_t p = 0; p < ROWS(pauses); p++) {
		static int64_t guesses[1000];
		struct throttle_state have = { 0 };
		size_t count = 0, hour_start = 0, day_start = 0;
		for (int64_t at = NOW; at < NOW + 48 * HOUR; at += 100) {
			if (throttle_wait_ms(&have, at) > 0)
				continue;
			throttle_fail(&have, at);
			guesses[count++] = at;
			while (at - guesses[hour_start] >= HOUR)
				hour_start++;
			while (at - guesses[day_start] >= 24 * HOUR)
				day_start++;
			if (count - hour_start > 22 || count - day_start > 114)
				fail_msg("pause %zu: %zu in an hour, %zu in a day", p,
					 count - hour_start, count - day_start);
			if (count % 20 == 0)
				at += pauses[p];
		}
		assert_true(count > 40);
	}
}

static void address_key_has_one_spelling(void **state)
{
	(void)state;
	static const struct {
		const char *address, *key; /* key NULL: no address */
	} rows[] = {
		{ "192.0.2.1", "192.0.2.1" },
		{ "::ffff:192.0.2.1", "192.0.2.1" },
		{ "::FFFF:192.0.2.1", "192.0.2.1" },
		{ "::ffff:c000:201", "192.0.2.1" },
		{ "0:0:0:0:0:ffff:192.0.2.1", "192.0.2.1" },
		{ "2001:db8:1:2:3:4:5:6", "2001:0db8:0001:0002:0000:0000:0000:0000" },
		{ "2001:DB8:1:2::9", "2001:0db8:0001:0002:0000:0000:0000:0000" },
		{ "2001:0db8:0001:0002:ffff:ffff:ffff:ffff",
		  "2001:0db8:0001:0002:0000:0000:0000:0000" },
		{ "::1", "0000:0000:0000:0000:0000:0000:0000:0000" },
		{ "fe80::1", "fe80:0000:0000:0000:0000:0000:0000:0000" },
		{ "255.255.255.255", "255.255.255.255" },

		{ "", NULL },
		{ "unix:", NULL },
		{ "localhost", NULL },
		{ "192.0.2", NULL },
		{ "192.0.2.256", NULL },
		{ "192.0.2.01", NULL },
		{ "0x7f.0.0.1", NULL },
		{ "2130706433", NULL },
		{ "192.0.2.1 ", NULL },
		{ " 192.0.2.1", NULL },
		{ "192.0.2.1:80", NULL },
		{ "[::1]", NULL },
		{ "[::1]:80", NULL },
		{ "::1%lo", NULL },
		{ "1.1.1.1, 2.2.2.2", NULL },
		{ "1::2::3", NULL },
		{ "12345::", NULL },
		{ "::ffff:192.0.2.1::ffff:192.0.2.1::ffff:192.0.2.1::ffff", NULL },
	};
	for (size_t i = 0; i < ROWS(rows); i++) {
		char key[ADDRESS_KEY_ROOM] = "";
		bool is = address_key(span_of(rows[i].address), key);
		if (is != (rows[i].key != NULL) || (is && strcmp(key, rows[i].key) != 0))
			fail_msg("row %zu: %s: %s", i, rows[i].address, key);
	}
	char key[ADDRESS_KEY_ROOM];
	assert_false(address_key(SPAN("1.1.1.1\0"), key));
	assert_false(address_key(SPAN("::1\0"
				      "2"),
				 key));
	assert_false(address_key(SPAN_ABSENT, key));
}

static void B_FR_023_one_network_of_addresses_is_one_key(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 100000; i++) {
		char text[48], key[ADDRESS_KEY_ROOM];
		snprintf(text, sizeof(text), "2001:db8:a:b:%x:%x:%x:%x", i & 0xffff,
			 i >> 3 & 0xffff, i * 7 & 0xffff, i * 31 & 0xffff);
		if (!address_key(span_of(text), key) ||
		    strcmp(key, "2001:0db8:000a:000b:0000:0000:0000:0000") != 0)
			fail_msg("%s: %s", text, key);
	}
}

static void network_holds_its_addresses(void **state)
{
	(void)state;
	static const struct {
		const char *network, *address;
		bool held;
	} rows[] = {
		{ "10.0.0.0/8", "10.255.1.2", true },
		{ "10.0.0.0/8", "11.0.0.1", false },
		{ "10.0.0.0/8", "::ffff:10.1.2.3", true },
		{ "10.0.0.0/8", "a00::1", false },
		{ "10.9.9.9/8", "10.1.1.1", true },
		{ "192.0.2.128/25", "192.0.2.127", false },
		{ "192.0.2.128/25", "192.0.2.128", true },
		{ "192.0.2.1", "192.0.2.1", true },
		{ "192.0.2.1", "192.0.2.2", false },
		{ "192.0.2.1/32", "192.0.2.1", true },
		{ "192.0.2.1/31", "192.0.2.0", true },
		{ "192.0.2.1/31", "192.0.2.2", false },
		{ "0.0.0.0/0", "203.0.113.9", true },
		{ "0.0.0.0/0", "2001:db8::1", false },
		{ "::/0", "2001:db8::1", true },
		{ "::1", "::1", true },
		{ "::1", "::2", false },
		{ "2001:db8::/33", "2001:db8:7fff::1", true },
		{ "2001:db8::/33", "2001:db8:8000::1", false },
		{ "::ffff:10.0.0.0/104", "10.7.7.7", true },
		{ "::1", "", false },
		{ "::/0", "unix:", false },
		{ "::/0", "nonsense", false },
	};
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct network network;
		if (!network_parse(span_of(rows[i].network), &network))
			fail_msg("row %zu: %s", i, rows[i].network);
		if (network_holds(&network, 1, span_of(rows[i].address)) != rows[i].held)
			fail_msg("row %zu: %s %s", i, rows[i].network, rows[i].address);
	}
	struct network two[2];
	assert_true(network_parse(SPAN("10.0.0.0/8"), &two[0]));
	assert_true(network_parse(SPAN("::1"), &two[1]));
	assert_true(network_holds(two, 2, SPAN("::1")));
	assert_false(network_holds(two, 1, SPAN("::1")));
	assert_false(network_holds(NULL, 0, SPAN("::1")));
}

static void network_parse_refuses_what_is_none(void **state)
{
	(void)state;
	static const char *const rows[] = {
		"",
		"/8",
		"10.0.0.0/",
		"10.0.0.0/33",
		"10.0.0.0/-1",
		"10.0.0.0/+8",
		"10.0.0.0/08",
		"10.0.0.0/8/8",
		"10.0.0.0/ 8",
		"::/129",
		"::/0x8",
		"10.0.0/8",
		"10.*",
		"localhost",
		"10.0.0.0/8,::1",
		"10.0.0.0-10.0.0.9",
		"::/99999999999999999999",
		"fe80::1%eth0",
		" ::1",
	};
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct network network;
		if (network_parse(span_of(rows[i]), &network))
			fail_msg("row %zu: %s", i, rows[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(B_FR_023_rate_rules_are_the_contracts),
		cmocka_unit_test(B_FR_023_rate_window_moves_with_each_allowed_request),
		cmocka_unit_test(rate_general_limit_is_a_hundred),
		cmocka_unit_test(rate_clock_set_back_makes_nobody_wait),
		cmocka_unit_test(B_FR_023_ten_failures_are_free_then_delays_grow),
		cmocka_unit_test(throttle_forgets_one_failure_an_hour),
		cmocka_unit_test(B_FR_023_ten_thousand_addresses_get_few_guesses),
		cmocka_unit_test(address_key_has_one_spelling),
		cmocka_unit_test(B_FR_023_one_network_of_addresses_is_one_key),
		cmocka_unit_test(network_holds_its_addresses),
		cmocka_unit_test(network_parse_refuses_what_is_none),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("throttle", tests, NULL, NULL);
}
