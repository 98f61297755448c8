/* SPDX-License-Identifier: MIT */
/*
 * An office of 500 behind one address, through one working day: who comes, is
 * mistaken in the password as people are, looks, renews and goes, is never told
 * to wait, if the address is one of rate_limit_trusted.
 */
#include "model/throttle.h"
#include "service/limiter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#define MIDNIGHT INT64_C(1767225600000)
#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)

enum { PEOPLE = 500, EVENTS_MAX = 1 << 19 };
enum deed { MISTYPE, SIGN_IN, LOOK, RENEW, MISTYPE_CURRENT, CHANGE, SIGN_OUT };

struct event {
	int64_t at;
	unsigned who;
	enum deed deed;
};

static const struct span paths[] = {
	[MISTYPE] = { "/sign-in/email", 14 },
	[SIGN_IN] = { "/sign-in/email", 14 },
	[LOOK] = { "/get-session", 12 },
	[RENEW] = { "/token", 6 },
	[MISTYPE_CURRENT] = { "/change-password", 16 },
	[CHANGE] = { "/change-password", 16 },
	[SIGN_OUT] = { "/sign-out", 9 },
};

static struct event *events;
static size_t event_count;
static uint64_t seed;

/* The same day in each run. */
static int64_t between(int64_t low, int64_t high)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return low + (int64_t)(seed % (uint64_t)(high - low));
}

static int64_t add(int64_t at, unsigned who, enum deed deed)
{
	assert_true(event_count < EVENTS_MAX);
	events[event_count++] = (struct event){ at, who, deed };
	return at;
}

/* How many times somebody is mistaken, of a hundred people. */
static int mistakes(int worst)
{
	int64_t who = between(0, 100);
	return who < 60 ? 0 : who < 80 ? 1 : who < 90 ? 2 : who < 96 ? 4 : worst;
}

static int64_t try_until_right(int64_t at, unsigned who, enum deed wrong, enum deed right,
			       int worst)
{
	for (int i = mistakes(worst); i > 0; i--)
		at = add(at, who, wrong) + between(2 * SECOND, 15 * SECOND);
	return add(at, who, right);
}

/* A page looks when it comes to the front, and renews its token in time. */
static void stay(int64_t from, int64_t to, unsigned who)
{
	for (int64_t at = from; at < to; at += between(20 * SECOND, 4 * MINUTE))
		add(at, who, LOOK);
	for (int64_t at = from; at < to; at += between(13 * MINUTE, 15 * MINUTE))
		add(at, who, RENEW);
}

static void live(unsigned who, int worst)
{
	int64_t noon = MIDNIGHT + 12 * HOUR;
	int64_t lunch = noon + between(0, HOUR), back = lunch + between(15 * MINUTE, HOUR);
	int64_t evening = MIDNIGHT + 16 * HOUR + between(0, 3 * HOUR);
	/* nine o'clock, when most come within minutes */
	int64_t morning = MIDNIGHT + 9 * HOUR +
			  (who % 4 > 0 ? between(-5 * MINUTE, 5 * MINUTE) : between(-HOUR, HOUR));
	morning = try_until_right(morning, who, MISTYPE, SIGN_IN, worst);
	stay(morning, lunch, who);
	if (who % 3 == 0) {
		add(lunch, who, SIGN_OUT);
		back = try_until_right(back, who, MISTYPE, SIGN_IN, worst);
	}
	if (who % 50 == 0)
		try_until_right(back + HOUR, who, MISTYPE_CURRENT, CHANGE, worst);
	stay(back, evening, who);
	/* the network returns, and every page looks at once */
	add(MIDNIGHT + 15 * HOUR + between(0, SECOND), who, LOOK);
	add(evening, who, SIGN_OUT);
}

static int compare(const void *left, const void *right)
{
	const struct event *a = left, *b = right;
	return (a->at > b->at) - (a->at < b->at);
}

static void make_day(int worst)
{
	seed = 88172645463325252;
	event_count = 0;
	for (unsigned who = 0; who < PEOPLE; who++)
		live(who, worst);
	qsort(events, event_count, sizeof(*events), compare);
}

/* Whether the account lets it through, which also counts it. */
static bool passes_account(struct throttle_state *state, const struct event *e)
{
	bool right = e->deed == SIGN_IN || e->deed == CHANGE;
	if (!right && e->deed != MISTYPE && e->deed != MISTYPE_CURRENT)
		return true;
	if (throttle_wait_ms(state, e->at) > 0)
		return false;
	throttle_fail(state, e->at);
	if (right)
		*state = (struct throttle_state){ 0 };
	return true;
}

/* How many requests of the day are refused, of which kind of limit. */
static void play(bool trusted, size_t *by_address, size_t *by_account)
{
	static struct throttle_state accounts[PEOPLE], sessions[PEOPLE];
	const struct span office = { "203.0.113.7", 11 };
	struct network network;
	struct limiter *limiter;
	memset(accounts, 0, sizeof(accounts));
	memset(sessions, 0, sizeof(sessions));
	assert_true(network_parse(office, &network));
	assert_int_equal(limiter_create(&rng_system, &limiter), STATUS_OK);
	*by_address = *by_account = 0;
	for (size_t i = 0; i < event_count; i++) {
		const struct event *e = &events[i];
		bool inside = e->deed == MISTYPE_CURRENT || e->deed == CHANGE;
		if (!network_holds(&network, trusted, office) &&
		    limiter_check(limiter, office, paths[e->deed], e->at) > 0)
			++*by_address;
		else if (!passes_account(&(inside ? sessions : accounts)[e->who], e))
			++*by_account;
	}
	limiter_destroy(&limiter);
}

static void B_FR_023_an_office_of_500_never_waits(void **state)
{
	(void)state;
	size_t by_address, by_account;
	make_day(9);
	assert_true(event_count > 100000);
	play(true, &by_address, &by_account);
	assert_int_equal(by_address, 0);
	assert_int_equal(by_account, 0);
}

/* What the setting is for; and the day is one that can fail. */
static void an_office_that_is_not_trusted_waits(void **state)
{
	(void)state;
	size_t by_address, by_account;
	make_day(9);
	play(false, &by_address, &by_account);
	assert_true(by_address > 100);
}

static void who_is_mistaken_too_often_waits(void **state)
{
	(void)state;
	size_t by_address, by_account;
	make_day(14);
	play(true, &by_address, &by_account);
	assert_int_equal(by_address, 0);
	assert_true(by_account > 0);
}

static int set_up(void **state)
{
	(void)state;
	events = malloc(EVENTS_MAX * sizeof(*events));
	return events != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	free(events);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(B_FR_023_an_office_of_500_never_waits),
		cmocka_unit_test(an_office_that_is_not_trusted_waits),
		cmocka_unit_test(who_is_mistaken_too_often_waits),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
