/* SPDX-License-Identifier: MIT */
/* What store.h promises. The same cases run on PostgreSQL and on the fake. */
#include "fixture.h"
#include "person.h"
#include "store/key_store.h"
#include "store/throttle_store.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <setjmp.h>
#include <cmocka.h>

static enum status look(struct span token, struct session *session, struct user *user)
{
	struct session s;
	struct user u;
	return store_session_by_token(store, mem, token, session != NULL ? session : &s,
				      user != NULL ? user : &u);
}

static struct span hash_of(const struct person *p)
{
	struct credential credential;
	assert_int_equal(store_credential(store, mem, p->user.id, &credential), STATUS_OK);
	return credential.hash;
}

/* --- sign-up --- */

static void sign_up_keeps_every_value(void **state)
{
	(void)state;
	struct person p = stranger();
	p.user.image = SPAN("https://example.com/a.png");
	p.user.email_verified = true;
	assert_int_equal(sign_up(&p), STATUS_OK);
	struct user user;
	struct credential credential;
	assert_int_equal(store_user_by_email(store, mem, p.user.email, &user, &credential),
			 STATUS_OK);
	assert_user(&user, &p.user);
	assert_span(credential.account_id, p.account_id);
	assert_span(credential.hash, p.hash);
	assert_false(credential.disabled);
	struct session session;
	assert_int_equal(look(p.session.token, &session, &user), STATUS_OK);
	assert_session(&session, &p.session);
	assert_user(&user, &p.user);
}

static void unknown_is_told_from_unset(void **state)
{
	(void)state;
	struct person p = stranger();
	p.user.name = SPAN("");
	p.session.ip_address = p.session.user_agent = SPAN("");
	assert_int_equal(sign_up(&p), STATUS_OK);
	struct user user;
	struct session session;
	assert_int_equal(look(p.session.token, &session, &user), STATUS_OK);
	assert_user(&user, &p.user);
	assert_session(&session, &p.session);
	assert_true(span_is_absent(user.image));
	assert_false(span_is_absent(session.ip_address));
}

static void B_FR_004_a_taken_address_is_a_conflict_and_leaves_nothing(void **state)
{
	(void)state;
	struct person first = member(), second = stranger();
	second.user.email = first.user.email;
	assert_int_equal(sign_up(&second), STATUS_CONFLICT);
	struct credential credential;
	assert_int_equal(store_credential(store, mem, second.user.id, &credential),
			 STATUS_NOT_FOUND);
	assert_int_equal(look(second.session.token, NULL, NULL), STATUS_NOT_FOUND);
	assert_int_equal(look(first.session.token, NULL, NULL), STATUS_OK);
}

static void what_cannot_be_stored_is_invalid_and_leaves_nothing(void **state)
{
	(void)state;
	const struct span bad[] = { SPAN("a\0b"), SPAN("\0"), SPAN("\xff\xfe"),
				    SPAN("\xed\xa0\x80") };
	for (size_t i = 0; i < COUNT_OF(bad) * 4; i++) {
		struct person p = stranger();
		struct span *field[] = { &p.user.name, &p.user.image, &p.session.user_agent,
					 &p.session.ip_address };
		*field[i % 4] = bad[i / 4];
		if (sign_up(&p) != STATUS_INVALID)
			fail_msg("case %zu is not refused", i);
		struct credential credential;
		assert_int_equal(store_credential(store, mem, p.user.id, &credential),
				 STATUS_NOT_FOUND);
		p = stranger();
		assert_int_equal(sign_up(&p), STATUS_OK);
	}
}

static void looking_up_nobody(void **state)
{
	(void)state;
	struct user user;
	struct credential credential;
	assert_int_equal(store_user_by_email(store, mem, SPAN("nobody@example.com"), &user,
					     &credential),
			 STATUS_NOT_FOUND);
	assert_int_equal(store_credential(store, mem, SPAN("nobody"), &credential),
			 STATUS_NOT_FOUND);
	assert_int_equal(look(SPAN("no token"), NULL, NULL), STATUS_NOT_FOUND);
	assert_int_equal(look(SPAN(""), NULL, NULL), STATUS_NOT_FOUND);
	assert_int_equal(look(SPAN("' OR true --"), NULL, NULL), STATUS_NOT_FOUND);
	assert_int_equal(look(SPAN("a\0b"), NULL, NULL), STATUS_INVALID);
}

static void a_user_without_credential_account(void **state)
{
	(void)state;
	struct person p = member();
	fixture_drop_credential(p.user.id);
	struct user user;
	struct credential credential;
	assert_int_equal(store_user_by_email(store, mem, p.user.email, &user, &credential),
			 STATUS_OK);
	assert_true(span_is_absent(credential.account_id));
	assert_true(span_is_absent(credential.hash));
	assert_int_equal(store_credential(store, mem, p.user.id, &credential), STATUS_NOT_FOUND);
	struct session session = session_of(&p.user);
	assert_int_equal(store_sign_in(store, &session, p.account_id, p.hash, SPAN_ABSENT),
			 STATUS_CONFLICT);
}

/* --- sign-in and passwords --- */

static void sign_in_needs_the_verified_hash(void **state)
{
	(void)state;
	struct person p = member(), other = member();
	struct session session = session_of(&p.user), made;
	assert_int_equal(store_sign_in(store, &session, p.account_id, SPAN("hash-0"), SPAN("x")),
			 STATUS_CONFLICT);
	assert_int_equal(store_sign_in(store, &session, other.account_id, p.hash, SPAN("x")),
			 STATUS_CONFLICT);
	assert_int_equal(look(session.token, NULL, NULL), STATUS_NOT_FOUND);
	assert_span(hash_of(&p), p.hash);
	assert_int_equal(store_sign_in(store, &session, p.account_id, p.hash, SPAN_ABSENT),
			 STATUS_OK);
	assert_int_equal(look(session.token, &made, NULL), STATUS_OK);
	assert_session(&made, &session);
	assert_span(hash_of(&p), p.hash);
}

static void sign_in_renews_the_hash_once(void **state)
{
	(void)state;
	struct person p = member();
	struct session one = session_of(&p.user), two = session_of(&p.user);
	assert_int_equal(store_sign_in(store, &one, p.account_id, p.hash, SPAN("hash-2")),
			 STATUS_OK);
	assert_span(hash_of(&p), SPAN("hash-2"));
	assert_int_equal(store_sign_in(store, &two, p.account_id, p.hash, SPAN("hash-3")),
			 STATUS_CONFLICT);
	assert_span(hash_of(&p), SPAN("hash-2"));
}

static void a_disabled_user_has_no_session_and_gets_none(void **state)
{
	(void)state;
	struct person p = member();
	struct session session = session_of(&p.user);
	struct credential credential;
	fixture_disable(p.user.id, true);
	assert_int_equal(look(p.session.token, NULL, NULL), STATUS_NOT_FOUND);
	assert_int_equal(store_credential(store, mem, p.user.id, &credential), STATUS_OK);
	assert_true(credential.disabled);
	assert_int_equal(store_sign_in(store, &session, p.account_id, p.hash, SPAN("x")),
			 STATUS_CONFLICT);
	assert_int_equal(store_token_is_live(store, SPAN_ABSENT, p.user.id, NOW / 1000, NOW / 1000),
			 STATUS_NOT_FOUND);
	fixture_disable(p.user.id, false);
	assert_int_equal(store_sign_in(store, &session, p.account_id, p.hash, SPAN_ABSENT),
			 STATUS_OK);
	assert_int_equal(store_token_is_live(store, session.id, p.user.id, NOW / 1000, NOW / 1000),
			 STATUS_OK);
}

static void a_password_change_keeps_sessions_unless_asked(void **state)
{
	(void)state;
	struct person p = member();
	assert_int_equal(store_change_password(store, p.user.id, p.account_id, p.hash,
					       SPAN("hash-2"), NULL, NOW),
			 STATUS_OK);
	assert_span(hash_of(&p), SPAN("hash-2"));
	assert_int_equal(look(p.session.token, NULL, NULL), STATUS_OK);
	assert_int_equal(store_change_password(store, p.user.id, p.account_id, p.hash,
					       SPAN("hash-3"), NULL, NOW),
			 STATUS_CONFLICT);
	assert_span(hash_of(&p), SPAN("hash-2"));
}

static void a_password_change_may_end_every_session(void **state)
{
	(void)state;
	struct person p = member(), other = member();
	struct session second = session_of(&p.user), third = session_of(&p.user);
	assert_int_equal(store_sign_in(store, &second, p.account_id, p.hash, SPAN_ABSENT),
			 STATUS_OK);
	assert_int_equal(store_change_password(store, p.user.id, p.account_id, SPAN("wrong"),
					       SPAN("hash-2"), &third, NOW),
			 STATUS_CONFLICT);
	assert_int_equal(look(p.session.token, NULL, NULL), STATUS_OK);
	assert_int_equal(look(third.token, NULL, NULL), STATUS_NOT_FOUND);
	assert_int_equal(store_change_password(store, p.user.id, p.account_id, p.hash,
					       SPAN("hash-2"), &third, NOW),
			 STATUS_OK);
	assert_int_equal(look(p.session.token, NULL, NULL), STATUS_NOT_FOUND);
	assert_int_equal(look(second.token, NULL, NULL), STATUS_NOT_FOUND);
	assert_int_equal(look(third.token, NULL, NULL), STATUS_OK);
	assert_int_equal(look(other.session.token, NULL, NULL), STATUS_OK);
	assert_int_equal(store_token_is_live(store, second.id, p.user.id, NOW / 1000, NOW / 1000),
			 STATUS_NOT_FOUND);
}

/* --- users --- */

static void update_user_changes_what_is_flagged(void **state)
{
	(void)state;
	struct person p = member();
	struct user got, want = p.user;
	const struct user_change steps[] = {
		{ .name_set = true, .name = SPAN("New") },
		{ .image_set = true, .image = SPAN("pic") },
		{ .name_set = true, .name = SPAN("") },
		{ .image_set = true, .image = SPAN_ABSENT },
		{ .name = SPAN("ignored"), .image = SPAN("ignored") },
	};
	for (size_t i = 0; i < COUNT_OF(steps); i++) {
		want.updated_ms = NOW + 1000 + (int64_t)i;
		if (steps[i].name_set)
			want.name = steps[i].name;
		if (steps[i].image_set)
			want.image = steps[i].image;
		assert_int_equal(store_update_user(store, mem, p.user.id, &steps[i],
						   want.updated_ms, &got),
				 STATUS_OK);
		assert_user(&got, &want);
	}
	struct user_change nul = { .name_set = true, .name = SPAN("a\0") };
	assert_int_equal(store_update_user(store, mem, p.user.id, &nul, NOW, &got), STATUS_INVALID);
	assert_int_equal(store_update_user(store, mem, SPAN("nobody"), &steps[0], NOW, &got),
			 STATUS_NOT_FOUND);
	assert_int_equal(look(p.session.token, NULL, &got), STATUS_OK);
	assert_user(&got, &want);
}

static void a_deleted_user_takes_everything_along(void **state)
{
	(void)state;
	struct person p = member(), again = stranger(), other = member();
	struct account_row *rows;
	size_t count;
	assert_int_equal(store_delete_user(store, p.user.id), STATUS_OK);
	assert_int_equal(store_delete_user(store, p.user.id), STATUS_NOT_FOUND);
	assert_int_equal(look(p.session.token, NULL, NULL), STATUS_NOT_FOUND);
	assert_int_equal(store_accounts(store, mem, p.user.id, &rows, &count), STATUS_OK);
	assert_int_equal(count, 0);
	assert_int_equal(store_token_is_live(store, SPAN_ABSENT, p.user.id, NOW / 1000, NOW / 1000),
			 STATUS_NOT_FOUND);
	assert_int_equal(look(other.session.token, NULL, NULL), STATUS_OK);
	again.user.email = p.user.email;
	assert_int_equal(sign_up(&again), STATUS_OK);
}

static void accounts_are_listed(void **state)
{
	(void)state;
	struct person p = member();
	struct account_row *rows;
	size_t count;
	assert_int_equal(store_accounts(store, mem, p.user.id, &rows, &count), STATUS_OK);
	assert_int_equal(count, 1);
	assert_span(rows[0].id, p.account_id);
	assert_span(rows[0].account_id, p.user.id);
	assert_span(rows[0].provider_id, SPAN("credential"));
	assert_true(span_is_absent(rows[0].scope));
	assert_int_equal(rows[0].created_ms, p.user.created_ms);
	assert_int_equal(rows[0].updated_ms, p.user.updated_ms);
}

/* --- sessions --- */

static void a_slide_moves_live_sessions_alone(void **state)
{
	(void)state;
	struct person p = member();
	struct session got;
	int64_t expires = p.session.expires_ms;
	assert_int_equal(store_slide_session(store, p.session.token, expires + DAY, NOW + 5),
			 STATUS_OK);
	assert_int_equal(look(p.session.token, &got, NULL), STATUS_OK);
	assert_int_equal(got.expires_ms, expires + DAY);
	assert_int_equal(got.updated_ms, NOW + 5);
	/* never shorter */
	assert_int_equal(store_slide_session(store, p.session.token, expires, NOW + 6), STATUS_OK);
	assert_int_equal(look(p.session.token, &got, NULL), STATUS_OK);
	assert_int_equal(got.expires_ms, expires + DAY);
	/* expired, unknown */
	assert_int_equal(store_slide_session(store, p.session.token, expires + 9 * DAY,
					     expires + DAY + 1),
			 STATUS_NOT_FOUND);
	assert_int_equal(store_slide_session(store, p.session.token, expires + 9 * DAY,
					     expires + DAY),
			 STATUS_OK);
	assert_int_equal(store_slide_session(store, SPAN("none"), expires, NOW), STATUS_NOT_FOUND);
}

static void B_US4_an_ended_session_stays_ended(void **state)
{
	(void)state;
	struct person p = member(), other = member();
	assert_int_equal(store_end_session(store, p.session.token, other.user.id), STATUS_OK);
	assert_int_equal(look(p.session.token, NULL, NULL), STATUS_OK);
	assert_int_equal(store_end_session(store, p.session.token, p.user.id), STATUS_OK);
	assert_int_equal(look(p.session.token, NULL, NULL), STATUS_NOT_FOUND);
	assert_int_equal(store_end_session(store, p.session.token, SPAN_ABSENT), STATUS_OK);
	assert_int_equal(store_slide_session(store, p.session.token, NOW + 9 * DAY, NOW),
			 STATUS_NOT_FOUND);
	assert_int_equal(look(p.session.token, NULL, NULL), STATUS_NOT_FOUND);
	assert_int_equal(store_end_session(store, other.session.token, SPAN_ABSENT), STATUS_OK);
	assert_int_equal(look(other.session.token, NULL, NULL), STATUS_NOT_FOUND);
}

static void ending_all_may_spare_one(void **state)
{
	(void)state;
	struct person p = member(), other = member();
	struct session more[3];
	for (size_t i = 0; i < 3; i++) {
		more[i] = session_of(&p.user);
		assert_int_equal(store_sign_in(store, &more[i], p.account_id, p.hash, SPAN_ABSENT),
				 STATUS_OK);
	}
	assert_int_equal(store_end_sessions(store, p.user.id, more[1].token), STATUS_OK);
	assert_int_equal(look(more[0].token, NULL, NULL), STATUS_NOT_FOUND);
	assert_int_equal(look(more[1].token, NULL, NULL), STATUS_OK);
	assert_int_equal(look(more[2].token, NULL, NULL), STATUS_NOT_FOUND);
	assert_int_equal(look(p.session.token, NULL, NULL), STATUS_NOT_FOUND);
	assert_int_equal(store_end_sessions(store, p.user.id, SPAN_ABSENT), STATUS_OK);
	assert_int_equal(look(more[1].token, NULL, NULL), STATUS_NOT_FOUND);
	assert_int_equal(look(other.session.token, NULL, NULL), STATUS_OK);
}

static void live_sessions_are_listed_up_to_a_hundred(void **state)
{
	(void)state;
	struct person p = member();
	struct session *rows;
	size_t count;
	for (size_t i = 0; i < 101; i++) {
		struct session s = session_of(&p.user);
		s.expires_ms = i < 2 ? NOW - 1 : NOW + DAY;
		assert_int_equal(store_sign_in(store, &s, p.account_id, p.hash, SPAN_ABSENT),
				 STATUS_OK);
		if (i == 1) {
			assert_int_equal(store_sessions(store, mem, p.user.id, NOW, &rows, &count),
					 STATUS_OK);
			assert_int_equal(count, 1);
			assert_session(&rows[0], &p.session);
		}
	}
	assert_int_equal(store_sessions(store, mem, p.user.id, NOW, &rows, &count), STATUS_OK);
	assert_int_equal(count, 100);
	assert_int_equal(store_sessions(store, mem, SPAN("nobody"), NOW, &rows, &count), STATUS_OK);
	assert_int_equal(count, 0);
}

static void a_token_lives_as_long_as_its_session(void **state)
{
	(void)state;
	struct person p = member(), other = member();
	int64_t now = NOW / 1000, end = p.session.expires_ms / 1000;
	const struct {
		struct span session, user;
		int64_t issued, now;
		enum status want;
	} cases[] = {
		{ p.session.id, p.user.id, now, now, STATUS_OK },
		{ p.session.id, p.user.id, -1, now, STATUS_OK },
		{ p.session.id, p.user.id, now, end, STATUS_OK },
		{ p.session.id, p.user.id, now, end + 1, STATUS_NOT_FOUND },
		{ p.session.id, other.user.id, now, now, STATUS_NOT_FOUND },
		{ p.session.token, p.user.id, now, now, STATUS_NOT_FOUND },
		{ SPAN("none"), p.user.id, now, now, STATUS_NOT_FOUND },
		{ SPAN(""), p.user.id, now, now, STATUS_NOT_FOUND },
		{ SPAN_ABSENT, p.user.id, now, now, STATUS_OK },
		{ SPAN_ABSENT, SPAN("PARTNER:someone"), now, now, STATUS_OK },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		if (store_token_is_live(store, cases[i].session, cases[i].user, cases[i].issued,
					cases[i].now) != cases[i].want)
			fail_msg("case %zu", i);
}

static void a_cut_off_refuses_what_was_issued_before(void **state)
{
	(void)state;
	struct person p = member(), other = member();
	int64_t now = NOW / 1000;
	fixture_cut_off(p.user.id, now);
	assert_int_equal(store_token_is_live(store, p.session.id, p.user.id, now - 1, now),
			 STATUS_NOT_FOUND);
	assert_int_equal(store_token_is_live(store, p.session.id, p.user.id, -1, now),
			 STATUS_NOT_FOUND);
	assert_int_equal(store_token_is_live(store, SPAN_ABSENT, p.user.id, now - 1, now),
			 STATUS_NOT_FOUND);
	assert_int_equal(store_token_is_live(store, p.session.id, p.user.id, now, now), STATUS_OK);
	assert_int_equal(store_token_is_live(store, SPAN_ABSENT, other.user.id, now - 1, now),
			 STATUS_OK);
	/* Everybody: the later of the two counts. */
	fixture_cut_off(SPAN(""), now + 10);
	assert_int_equal(store_token_is_live(store, p.session.id, p.user.id, now + 9, now),
			 STATUS_NOT_FOUND);
	assert_int_equal(store_token_is_live(store, SPAN_ABSENT, other.user.id, now + 9, now),
			 STATUS_NOT_FOUND);
	assert_int_equal(store_token_is_live(store, SPAN_ABSENT, other.user.id, now + 10, now),
			 STATUS_OK);
}

/* --- keys --- */

static struct key_row key(const char *alg, int64_t created_ms, int64_t expires_ms)
{
	return (struct key_row){
		.id = fresh("kkid"),
		.public_key = SPAN("{\"kty\":\"OKP\"}"),
		.private_key = SPAN("\"00\""),
		.alg = span_of(alg),
		.crv = SPAN_ABSENT,
		.created_ms = created_ms,
		.expires_ms = expires_ms,
	};
}

static void the_first_live_key_of_an_algorithm_wins(void **state)
{
	(void)state;
	struct key_row *rows;
	size_t count;
	const struct {
		struct key_row row;
		enum status want;
		int64_t max_age_ms;
	} cases[] = {
		{ key(NULL, NOW, NOW + DAY), STATUS_OK, 0 },
		{ key("EdDSA", NOW + 1, -1), STATUS_CONFLICT, 0 },
		{ key("ES256", NOW + 2, NOW + 2), STATUS_OK, 0 },
		{ key("ES256", NOW + 3, -1), STATUS_OK, 0 },
		{ key("ES256", NOW + 4, -1), STATUS_CONFLICT, 0 },
		{ key("RS256", NOW - 2 * DAY, -1), STATUS_OK, DAY },
		{ key("RS256", NOW - DAY - 1, -1), STATUS_CONFLICT, DAY },
		{ key("RS256", NOW - DAY, NOW), STATUS_OK, DAY },
		{ key("RS256", NOW - DAY, NOW), STATUS_CONFLICT, DAY },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		if (store_insert_signer(store, &cases[i].row, cases[i].max_age_ms) != cases[i].want)
			fail_msg("case %zu", i);
	assert_int_equal(store_keys(store, mem, &rows, &count), STATUS_OK);
	assert_int_equal(count, 5);
	assert_span(rows[3].id, cases[7].row.id);
	assert_int_equal(rows[3].expires_ms, NOW);
	/* The one before expires when the next one's time begins. */
	assert_span(rows[4].id, cases[5].row.id);
	assert_int_equal(rows[4].expires_ms, NOW - DAY);
	assert_int_equal(store_key_is_there(store, cases[0].row.id), STATUS_OK);
	assert_int_equal(store_key_is_there(store, cases[1].row.id), STATUS_NOT_FOUND);
	assert_span(rows[0].id, cases[3].row.id);
	assert_span(rows[1].id, cases[2].row.id);
	assert_span(rows[2].id, cases[0].row.id);
	assert_span(rows[0].alg, SPAN("ES256"));
	assert_true(span_is_absent(rows[2].alg));
	assert_true(span_is_absent(rows[2].crv));
	assert_span(rows[0].public_key, cases[3].row.public_key);
	assert_span(rows[0].private_key, cases[3].row.private_key);
	assert_int_equal(rows[0].created_ms, NOW + 3);
	assert_int_equal(rows[0].expires_ms, -1);
	assert_int_equal(rows[2].expires_ms, NOW + DAY);
}

/* --- throttle --- */

static void B_FR_023_guesses_are_counted_until_forgiven(void **state)
{
	(void)state;
	struct span name = fresh("guess");
	struct throttle_state counted;
	int64_t wait_ms = -1;
	assert_int_equal(store_throttle_read(store, name, &counted), STATUS_OK);
	assert_int_equal(counted.failures, 0);
	assert_int_equal(counted.last_ms, 0);
	for (unsigned i = 1; i <= THROTTLE_FREE_FAILURES; i++) {
		assert_int_equal(store_throttle_take(store, name, NOW, &wait_ms), STATUS_OK);
		assert_int_equal(wait_ms, 0);
		assert_int_equal(store_throttle_read(store, name, &counted), STATUS_OK);
		assert_int_equal(counted.failures, i);
		assert_int_equal(counted.last_ms, NOW);
	}
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(store_throttle_take(store, name, NOW, &wait_ms), STATUS_OK);
		assert_int_equal(wait_ms, throttle_wait_ms(&counted, NOW));
		assert_true(wait_ms > 0);
	}
	assert_int_equal(store_throttle_read(store, name, &counted), STATUS_OK);
	assert_int_equal(counted.failures, THROTTLE_FREE_FAILURES);
	assert_int_equal(store_throttle_take(store, name, NOW + wait_ms, &wait_ms), STATUS_OK);
	assert_int_equal(wait_ms, 0);
	assert_int_equal(store_throttle_forgive(store, name), STATUS_OK);
	assert_int_equal(store_throttle_forgive(store, name), STATUS_OK);
	assert_int_equal(store_throttle_read(store, name, &counted), STATUS_OK);
	assert_int_equal(counted.failures, 0);
}

/* --- the rest --- */

static void upkeep_spares_what_lives(void **state)
{
	(void)state;
	struct person p = member();
	struct store_stats stats;
	char *why = NULL;
	assert_int_equal(store_tidy(store, NOW), STATUS_OK);
	assert_int_equal(look(p.session.token, NULL, NULL), STATUS_OK);
	assert_int_equal(store_ping(store), STATUS_OK);
	assert_int_equal(store_check_schema(store, mem, &why), STATUS_OK);
	store_read_stats(store, &stats);
	assert_true(stats.open >= 1);
	assert_int_equal(stats.leased, 0);
	assert_int_equal(stats.timeouts, 0);
}

static int begin(void **state)
{
	(void)state;
	mem = arena_new(0);
	return 0;
}

static int end(void **state)
{
	(void)state;
	arena_free(&mem);
	return 0;
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(sign_up_keeps_every_value),
		CASE(unknown_is_told_from_unset),
		CASE(B_FR_004_a_taken_address_is_a_conflict_and_leaves_nothing),
		CASE(what_cannot_be_stored_is_invalid_and_leaves_nothing),
		CASE(looking_up_nobody),
		CASE(a_user_without_credential_account),
		CASE(sign_in_needs_the_verified_hash),
		CASE(sign_in_renews_the_hash_once),
		CASE(a_disabled_user_has_no_session_and_gets_none),
		CASE(a_password_change_keeps_sessions_unless_asked),
		CASE(a_password_change_may_end_every_session),
		CASE(update_user_changes_what_is_flagged),
		CASE(a_deleted_user_takes_everything_along),
		CASE(accounts_are_listed),
		CASE(a_slide_moves_live_sessions_alone),
		CASE(B_US4_an_ended_session_stays_ended),
		CASE(ending_all_may_spare_one),
		CASE(live_sessions_are_listed_up_to_a_hundred),
		CASE(a_token_lives_as_long_as_its_session),
		CASE(the_first_live_key_of_an_algorithm_wins),
		CASE(B_FR_023_guesses_are_counted_until_forgiven),
		CASE(upkeep_spares_what_lives),
		CASE(a_cut_off_refuses_what_was_issued_before),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	store = fixture_open();
	if (store == NULL)
		return EXIT_SUCCESS;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	fixture_close(&store);
	return failed;
}
