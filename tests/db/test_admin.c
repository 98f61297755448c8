/* SPDX-License-Identifier: MIT */
/* What an administrator does, on a real database. */
#include "fixture.h"
#include "person.h"
#include "pg_fixture.h"

#include "store/admin.h"
#include "store/admin_accounts.h"

#include <stdio.h>
#include <stdlib.h>

static enum status look(struct span token)
{
	struct session session;
	struct user user;
	return store_session_by_token(store, mem, token, &session, &user);
}

static bool token_lives(const struct person *p, int64_t issued)
{
	enum status status = store_token_is_live(store, SPAN_ABSENT, p->user.id, issued, issued);
	assert_true(status == STATUS_OK || status == STATUS_NOT_FOUND);
	return status == STATUS_OK;
}

static struct user_row find(struct span pattern)
{
	struct user_row *rows;
	size_t count;
	assert_int_equal(admin_users(store, mem, pattern, 10, &rows, &count), STATUS_OK);
	assert_int_equal(count, 1);
	return rows[0];
}

static int64_t audited(const char *event, struct span user_id)
{
	char sql[256];
	snprintf(sql, sizeof(sql),
		 "SELECT count(*) FROM authbridge.audit WHERE event = '%s' AND user_id = '%.*s'",
		 event, SPAN_FMT(user_id));
	return pg_fixture_int(sql);
}

static void users_are_listed(void **state)
{
	(void)state;
	struct person p = member(), other = member();
	struct user_row row = find(p.user.id);
	assert_user(&row.user, &p.user);
	assert_int_equal(row.sessions, 1);
	assert_false(row.disabled);
	row = find(p.user.email);
	assert_user(&row.user, &p.user);
	struct user_row *rows;
	size_t count;
	assert_int_equal(admin_users(store, mem, SPAN("@EXAMPLE."), 1, &rows, &count), STATUS_OK);
	assert_int_equal(count, 1);
	assert_int_equal(admin_users(store, mem, SPAN_ABSENT, 1000, &rows, &count), STATUS_OK);
	assert_true(count >= 2);
	/* A pattern is text, not a pattern of SQL. */
	assert_int_equal(admin_users(store, mem, SPAN("%"), 10, &rows, &count), STATUS_OK);
	assert_int_equal(count, 0);
	assert_span(find(other.user.email).user.id, other.user.id);
}

static void a_user_is_disabled_and_enabled(void **state)
{
	(void)state;
	struct person p = member(), other = member();
	assert_int_equal(admin_disable_user(store, p.user.email), STATUS_OK);
	assert_int_equal(admin_disable_user(store, p.user.id), STATUS_OK);
	assert_true(find(p.user.id).disabled);
	assert_int_equal(find(p.user.id).sessions, 0);
	assert_int_equal(look(p.session.token), STATUS_NOT_FOUND);
	assert_int_equal(look(other.session.token), STATUS_OK);
	struct session session = session_of(&p.user);
	assert_int_equal(store_sign_in(store, &session, p.account_id, p.hash, SPAN_ABSENT),
			 STATUS_CONFLICT);
	assert_false(token_lives(&p, NOW / 1000));
	assert_int_equal(admin_enable_user(store, p.user.email), STATUS_OK);
	assert_false(find(p.user.id).disabled);
	assert_int_equal(store_sign_in(store, &session, p.account_id, p.hash, SPAN_ABSENT),
			 STATUS_OK);
	assert_true(token_lives(&p, NOW / 1000));
	assert_int_equal(audited("user disabled", p.user.id), 2);
	assert_int_equal(audited("user enabled", p.user.id), 1);
}

static void tokens_are_revoked_and_sessions_stay(void **state)
{
	(void)state;
	struct person p = member();
	int64_t now = pg_fixture_int("SELECT extract(epoch FROM now())::bigint");
	assert_true(token_lives(&p, now));
	assert_int_equal(admin_revoke_user(store, p.user.id), STATUS_OK);
	assert_false(token_lives(&p, now));
	assert_true(token_lives(&p, now + 5));
	assert_int_equal(look(p.session.token), STATUS_OK);
	assert_int_equal(audited("tokens of user revoked", p.user.id), 1);
}

static void a_user_is_deleted(void **state)
{
	(void)state;
	struct person p = member();
	assert_int_equal(admin_delete_user(store, p.user.email), STATUS_OK);
	assert_int_equal(look(p.session.token), STATUS_NOT_FOUND);
	assert_false(token_lives(&p, NOW / 1000));
	assert_int_equal(audited("user deleted", p.user.id), 1);
}

static void nobody_is_met_and_nothing_written(void **state)
{
	(void)state;
	static enum status (*const acts[])(struct store *, struct span) = {
		admin_disable_user,
		admin_enable_user,
		admin_delete_user,
		admin_revoke_user,
	};
	int64_t before = pg_fixture_int("SELECT count(*) FROM authbridge.audit");
	for (size_t i = 0; i < COUNT_OF(acts); i++) {
		assert_int_equal(acts[i](store, SPAN("nobody")), STATUS_NOT_FOUND);
		assert_int_equal(acts[i](store, SPAN("")), STATUS_NOT_FOUND);
		assert_int_equal(acts[i](store, SPAN("a\0b")), STATUS_INVALID);
	}
	assert_int_equal(pg_fixture_int("SELECT count(*) FROM authbridge.audit"), before);
}

static void sessions_are_listed_without_their_tokens(void **state)
{
	(void)state;
	struct person p = member();
	struct session_row *rows;
	size_t count, ended = 0;
	assert_int_equal(admin_sessions(store, mem, p.user.email, 10, &rows, &count), STATUS_OK);
	assert_int_equal(count, 1);
	assert_span(rows[0].session.id, p.session.id);
	assert_true(span_is_absent(rows[0].session.token));
	assert_int_equal(admin_end_session(store, SPAN("none"), &ended), STATUS_OK);
	assert_int_equal(ended, 0);
	assert_int_equal(admin_end_sessions_of(store, p.user.id, &ended), STATUS_OK);
	assert_int_equal(ended, 1);
	assert_int_equal(look(p.session.token), STATUS_NOT_FOUND);
}

static struct new_user newcomer(const char *id, const char *email, const char *hash)
{
	return (struct new_user){
		.user = { .id = span_of(id),
			  .name = SPAN("n"),
			  .email = span_of(email),
			  .created_ms = NOW },
		.account_id = span_of(arena_format(mem, "account of %s", id)),
		.hash = span_of(hash),
		.id_is_given = true,
	};
}

static void imports_say_what_became_of_each(void **state)
{
	(void)state;
	struct new_user users[] = {
		newcomer("i1", "i1@example.com", "h"),   newcomer("i2", "i2@example.com", NULL),
		newcomer("i3", "i1@example.com", "h"),   newcomer("i1", "i4@example.com", "h"),
		newcomer("i5", "i5@example.com", "\"h"),
	};
	static const enum new_user_fate first[] = { NEW_USER_MADE, NEW_USER_MADE, NEW_USER_CLASHES,
						    NEW_USER_CLASHES, NEW_USER_MADE };
	static const enum new_user_fate second[] = { NEW_USER_THERE, NEW_USER_THERE,
						     NEW_USER_CLASHES, NEW_USER_CLASHES,
						     NEW_USER_THERE };
	assert_int_equal(admin_import_users(store, mem, users, COUNT_OF(users)), STATUS_OK);
	for (size_t i = 0; i < COUNT_OF(users); i++)
		assert_int_equal(users[i].fate, first[i]);
	assert_int_equal(admin_import_users(store, mem, users, COUNT_OF(users)), STATUS_OK);
	for (size_t i = 0; i < COUNT_OF(users); i++)
		assert_int_equal(users[i].fate, second[i]);
	assert_int_equal(pg_fixture_int("SELECT count(*) FROM public.account WHERE"
					" \"userId\" IN ('i1', 'i2', 'i3', 'i5')"),
			 2);
	assert_int_equal(pg_fixture_int("SELECT sum(times)::bigint FROM authbridge.audit"
					" WHERE event = 'users imported'"),
			 3);
}

static struct span hash_of(struct span user)
{
	struct user_row row;
	struct span hash;
	assert_int_equal(admin_user(store, mem, user, &row, &hash), STATUS_OK);
	return hash;
}

/* Releases of Better Auth differ in a column of "account". */
static void passwords_are_set_with_and_without_issuer(void **state)
{
	(void)state;
	static const char *const between[] = {
		"ALTER TABLE public.account ADD issuer text",
		"ALTER TABLE public.account DROP issuer",
	};
	for (size_t round = 0; round < COUNT_OF(between); round++) {
		char *name = arena_format(mem, "p%zu", round);
		struct new_user bare =
			newcomer(name, arena_format(mem, "%s@x.example", name), NULL);
		struct person p = member();
		assert_int_equal(admin_create_user(store, mem, &bare), STATUS_OK);
		assert_int_equal(bare.fate, NEW_USER_MADE);
		assert_true(span_is_absent(hash_of(bare.user.id)));
		struct span account = span_of(arena_format(mem, "new %zu", round));
		assert_int_equal(admin_set_password(store, bare.user.email, account, SPAN("h1"),
						    true),
				 STATUS_OK);
		assert_int_equal(admin_set_password(store, p.user.id, account, SPAN("h2"), true),
				 STATUS_OK);
		assert_span(hash_of(bare.user.id), SPAN("h1"));
		assert_span(hash_of(p.user.id), SPAN("h2"));
		assert_int_equal(look(p.session.token), STATUS_OK);
		assert_int_equal(admin_set_password(store, p.user.id, account, SPAN("h3"), false),
				 STATUS_OK);
		assert_int_equal(look(p.session.token), STATUS_NOT_FOUND);
		assert_int_equal(audited("password set", p.user.id), 2);
		assert_int_equal(admin_set_password(store, SPAN("nobody"), account, SPAN("h"),
						    false),
				 STATUS_NOT_FOUND);
		if (round == 1)
			assert_int_equal(
				pg_fixture_int("SELECT count(*) FROM public.account WHERE"
					       " issuer = 'local:credential' AND id LIKE 'new %'"),
				1);
		pg_fixture_sql(between[round]);
	}
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
		CASE(users_are_listed),
		CASE(a_user_is_disabled_and_enabled),
		CASE(tokens_are_revoked_and_sessions_stay),
		CASE(a_user_is_deleted),
		CASE(nobody_is_met_and_nothing_written),
		CASE(sessions_are_listed_without_their_tokens),
		CASE(imports_say_what_became_of_each),
		CASE(passwords_are_set_with_and_without_issuer),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	store = fixture_open();
	if (store == NULL)
		return EXIT_SUCCESS;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	fixture_close(&store);
	return failed;
}
