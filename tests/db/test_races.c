/* SPDX-License-Identifier: MIT */
/* Two hands on one row, many times: AUTHBRIDGE_RACES rounds of each race
 * (10000 for the full proof; a sample without it). */
#include "pg_fixture.h"

#include "base/arena.h"
#include "base/rng.h"
#include "store/key_store.h"
#include "store/throttle_store.h"
#include "store/store.h"

#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <setjmp.h>
#include <cmocka.h>

/* 2100-01-01: ahead of any database's clock, so that sessions live. */
#define NOW INT64_C(4102444800000)
#define DAY INT64_C(86400000)
#define SAMPLE 150
#define HANDS 2

static struct store *store;
static struct arena *mem;
static unsigned rounds = SAMPLE;

/* --- what they fight about --- */

static char user_id[RNG_ID_LEN + 1], email[64], account_id[HANDS][RNG_ID_LEN + 1];
static char rival_id[RNG_ID_LEN + 1];
static char session_id[HANDS + 1][RNG_ID_LEN + 1], token[HANDS + 1][RNG_ID_LEN + 1];
static enum status outcome[HANDS];

static struct user user_named(const char *id)
{
	return (struct user){
		.id = span_of(id),
		.name = SPAN("n"),
		.email = span_of(email),
		.created_ms = NOW,
		.updated_ms = NOW,
	};
}

static struct session session_at(int hand, const char *user)
{
	return (struct session){
		.id = span_of(session_id[hand]),
		.token = span_of(token[hand]),
		.user_id = span_of(user),
		.ip_address = SPAN(""),
		.user_agent = SPAN(""),
		.expires_ms = NOW + DAY,
		.created_ms = NOW,
		.updated_ms = NOW,
	};
}

static void name_anew(void)
{
	rng_id(&rng_system, user_id);
	rng_id(&rng_system, rival_id);
	snprintf(email, sizeof(email), "%s@example.com", user_id);
	for (int i = 0; i < HANDS; i++)
		rng_id(&rng_system, account_id[i]);
	for (int i = 0; i <= HANDS; i++) {
		rng_id(&rng_system, session_id[i]);
		rng_id(&rng_system, token[i]);
	}
}

/* A member with the hash "old" and the session HANDS. */
static void make_member(void)
{
	name_anew();
	struct user user = user_named(user_id);
	struct session session = session_at(HANDS, user_id);
	assert_int_equal(store_sign_up(store, &user, span_of(account_id[0]), SPAN("old"), &session),
			 STATUS_OK);
}

static bool has_session(int hand)
{
	struct session session;
	struct user user;
	enum status status =
		store_session_by_token(store, mem, span_of(token[hand]), &session, &user);
	assert_true(status == STATUS_OK || status == STATUS_NOT_FOUND);
	return status == STATUS_OK;
}

static bool hash_is(const char *hash)
{
	struct credential credential;
	assert_int_equal(store_credential(store, mem, span_of(user_id), &credential), STATUS_OK);
	return span_is(credential.hash, hash);
}

/* --- the ring --- */

typedef enum status deed(int hand);

static pthread_barrier_t ready, done;
static deed *deeds[HANDS];

static void *fight(void *state)
{
	int hand = (int)(intptr_t)state;
	for (;;) {
		pthread_barrier_wait(&ready);
		if (deeds[hand] == NULL)
			return NULL;
		outcome[hand] = deeds[hand](hand);
		pthread_barrier_wait(&done);
	}
}

static void race(deed *one, deed *other)
{
	deeds[0] = one;
	deeds[1] = other;
	pthread_barrier_wait(&ready);
	pthread_barrier_wait(&done);
	arena_reset(mem);
}

/* --- the races --- */

static enum status sign_in_rehashing(int hand)
{
	struct session session = session_at(hand, user_id);
	return store_sign_in(store, &session, span_of(account_id[0]), SPAN("old"),
			     SPAN("old-again"));
}

static enum status sign_in_plainly(int hand)
{
	struct session session = session_at(hand, user_id);
	return store_sign_in(store, &session, span_of(account_id[0]), SPAN("old"), SPAN_ABSENT);
}

static enum status change_password(int hand)
{
	struct session session = session_at(hand, user_id);
	return store_change_password(store, span_of(user_id), span_of(account_id[0]), SPAN("old"),
				     SPAN("new"), &session, NOW);
}

static void a_rehash_never_undoes_a_password_change(void **state)
{
	(void)state;
	unsigned changed = 0;
	for (unsigned i = 0; i < rounds; i++) {
		make_member();
		race(sign_in_rehashing, change_password);
		/* The one that came second finds another hash than it verified. */
		assert_int_equal(outcome[0] + outcome[1], STATUS_OK + STATUS_CONFLICT);
		bool change_won = outcome[1] == STATUS_OK;
		assert_true(hash_is(change_won ? "new" : "old-again"));
		assert_int_equal(has_session(0), !change_won);
		assert_int_equal(has_session(1), change_won);
		assert_int_equal(has_session(HANDS), !change_won);
		changed += change_won;
	}
	print_message("# the change won %u of %u\n", changed, rounds);
}

static void an_old_password_opens_no_session_past_its_change(void **state)
{
	(void)state;
	unsigned both = 0;
	for (unsigned i = 0; i < rounds; i++) {
		make_member();
		race(sign_in_plainly, change_password);
		assert_int_equal(outcome[1], STATUS_OK);
		assert_true(outcome[0] == STATUS_OK || outcome[0] == STATUS_CONFLICT);
		assert_true(hash_is("new"));
		assert_false(has_session(0));
		assert_true(has_session(1));
		assert_false(has_session(HANDS));
		both += outcome[0] == STATUS_OK;
	}
	print_message("# the sign-in came first %u of %u\n", both, rounds);
}

static enum status sign_up(int hand)
{
	const char *id = hand == 0 ? user_id : rival_id;
	struct user user = user_named(id);
	struct session session = session_at(hand, id);
	return store_sign_up(store, &user, span_of(account_id[hand]), SPAN("old"), &session);
}

static void B_FR_004_one_address_makes_one_user(void **state)
{
	(void)state;
	for (unsigned i = 0; i < rounds; i++) {
		name_anew();
		race(sign_up, sign_up);
		assert_int_equal(outcome[0] + outcome[1], STATUS_OK + STATUS_CONFLICT);
		int winner = outcome[0] == STATUS_OK ? 0 : 1;
		struct credential credential;
		assert_true(has_session(winner));
		assert_false(has_session(1 - winner));
		assert_int_equal(store_credential(store, mem,
						  span_of(winner == 0 ? rival_id : user_id),
						  &credential),
				 STATUS_NOT_FOUND);
	}
}

static enum status sign_out(int hand)
{
	(void)hand;
	return store_end_session(store, span_of(token[HANDS]), SPAN_ABSENT);
}

static enum status slide(int hand)
{
	(void)hand;
	return store_slide_session(store, span_of(token[HANDS]), NOW + 7 * DAY, NOW);
}

static void a_slide_never_brings_a_session_back(void **state)
{
	(void)state;
	for (unsigned i = 0; i < rounds; i++) {
		make_member();
		race(sign_out, slide);
		assert_int_equal(outcome[0], STATUS_OK);
		assert_true(outcome[1] == STATUS_OK || outcome[1] == STATUS_NOT_FOUND);
		assert_false(has_session(HANDS));
		assert_int_equal(store_token_is_live(store, span_of(session_id[HANDS]),
						     span_of(user_id), NOW / 1000, NOW / 1000),
				 STATUS_NOT_FOUND);
		char sql[256];
		snprintf(sql, sizeof(sql),
			 "SELECT count(*) FROM authbridge.revocation WHERE session_id = '%s'"
			 " AND until > to_timestamp(%lld)",
			 session_id[HANDS],
			 (long long)(NOW + (outcome[1] == STATUS_OK ? 7 : 1) * DAY) / 1000);
		if (i < SAMPLE)
			assert_int_equal(pg_fixture_int(sql), 1);
	}
}

static enum status disable(int hand)
{
	(void)hand;
	char sql[256];
	snprintf(sql, sizeof(sql), "INSERT INTO authbridge.disabled_user (user_id) VALUES ('%s')",
		 user_id);
	return pg_fixture_try(sql) ? STATUS_OK : STATUS_INTERNAL;
}

static void a_disabled_user_is_left_without_session(void **state)
{
	(void)state;
	unsigned count = rounds < 2000 ? rounds : 2000; /* a new connection each */
	for (unsigned i = 0; i < count; i++) {
		make_member();
		race(sign_in_plainly, disable);
		assert_int_equal(outcome[1], STATUS_OK);
		assert_true(outcome[0] == STATUS_OK || outcome[0] == STATUS_CONFLICT ||
			    outcome[0] == STATUS_DENIED);
		assert_false(has_session(0));
		assert_false(has_session(HANDS));
	}
}

static _Atomic unsigned let_through;

static enum status guess(int hand)
{
	(void)hand;
	for (int i = 0; i < 10; i++) {
		int64_t wait_ms = -1;
		enum status status = store_throttle_take(store, span_of(user_id), NOW, &wait_ms);
		if (status != STATUS_OK)
			return status;
		let_through += wait_ms == 0;
	}
	return STATUS_OK;
}

static void B_FR_023_no_guess_slips_past_the_count(void **state)
{
	(void)state;
	for (unsigned i = 0; i < rounds / 10 + 1; i++) {
		name_anew();
		let_through = 0;
		race(guess, guess);
		assert_int_equal(outcome[0], STATUS_OK);
		assert_int_equal(outcome[1], STATUS_OK);
		assert_int_equal(let_through, THROTTLE_FREE_FAILURES);
	}
}

static enum status make_key(int hand)
{
	struct key_row row = {
		.id = span_of(session_id[hand]),
		.public_key = SPAN("{}"),
		.private_key = SPAN("{}"),
		.alg = span_of(user_id), /* an algorithm nobody else has */
		.created_ms = NOW,
		.expires_ms = -1,
	};
	return store_insert_signer(store, &row, 0);
}

static enum status make_next_key(int hand)
{
	struct key_row row = {
		.id = span_of(token[hand]),
		.public_key = SPAN("{}"),
		.private_key = SPAN("{}"),
		.alg = span_of(user_id),
		.created_ms = NOW + DAY,
		.expires_ms = NOW + 2 * DAY,
	};
	return store_insert_signer(store, &row, DAY);
}

static void two_hosts_make_one_first_and_one_next_key(void **state)
{
	(void)state;
	for (unsigned i = 0; i < rounds / 5 + 1; i++) {
		name_anew();
		race(make_key, make_key);
		assert_int_equal(outcome[0] + outcome[1], STATUS_OK + STATUS_CONFLICT);
		race(make_next_key, make_next_key);
		assert_int_equal(outcome[0] + outcome[1], STATUS_OK + STATUS_CONFLICT);
	}
}

/* --- */

static pthread_t threads[HANDS];

static int set_up(void **state)
{
	(void)state;
	pg_fixture_migrate(NULL);
	struct store_options options = {
		.url = pg_fixture_url(),
		.prepared = true,
		.connections = 4,
		.connect_ms = 5000,
		.lease_ms = 5000,
		.call_ms = 5000,
	};
	mem = arena_new(0);
	pthread_barrier_init(&ready, NULL, HANDS + 1);
	pthread_barrier_init(&done, NULL, HANDS + 1);
	for (intptr_t i = 0; i < HANDS; i++)
		pthread_create(&threads[i], NULL, fight, (void *)i);
	return store_open(&options, &store) == STATUS_OK ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	deeds[0] = deeds[1] = NULL;
	pthread_barrier_wait(&ready);
	for (int i = 0; i < HANDS; i++)
		pthread_join(threads[i], NULL);
	store_close(&store);
	arena_free(&mem);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rehash_never_undoes_a_password_change),
		cmocka_unit_test(an_old_password_opens_no_session_past_its_change),
		cmocka_unit_test(B_FR_004_one_address_makes_one_user),
		cmocka_unit_test(a_slide_never_brings_a_session_back),
		cmocka_unit_test(a_disabled_user_is_left_without_session),
		cmocka_unit_test(B_FR_023_no_guess_slips_past_the_count),
		cmocka_unit_test(two_hosts_make_one_first_and_one_next_key),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (pg_fixture_url() == NULL)
		return EXIT_SUCCESS;
	const char *wanted = getenv("AUTHBRIDGE_RACES");
	if (wanted != NULL)
		rounds = (unsigned)strtoul(wanted, NULL, 10);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
