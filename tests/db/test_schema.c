/* SPDX-License-Identifier: MIT */
/* Databases that others made, the shape the service insists on, and what its
 * own role may do. */
#include "pg_fixture.h"

#include "base/arena.h"
#include "store/audit_store.h"
#include "store/schema.h"
#include "store/key_store.h"
#include "store/throttle_store.h"
#include "store/store.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <setjmp.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

/* 2100-01-01: ahead of any database's clock, so that sessions live. */
#define NOW INT64_C(4102444800000)

static struct arena *mem;
static const char *url;
static char role[64];

static struct store *open_as(const char *name)
{
	char *there = name == NULL ? arena_format(mem, "%s", url)
				   : arena_format(mem, "%s user=%s", url, name);
	struct store_options options = {
		.url = there,
		.prepared = true,
		.connections = 2,
		.connect_ms = 5000,
		.lease_ms = 5000,
		.call_ms = 5000,
	};
	struct store *store = NULL;
	assert_int_equal(store_open(&options, &store), STATUS_OK);
	return store;
}

static enum status check(const char *name, char **why_out)
{
	struct store *store = open_as(name);
	*why_out = arena_format(mem, "%s", "");
	enum status status = store_check_schema(store, mem, why_out);
	store_close(&store);
	return status;
}

static void assert_refused(const char *name, const char *word)
{
	char *why;
	assert_int_equal(check(name, &why), STATUS_INVALID);
	if (strstr(why, word) == NULL)
		fail_msg("\"%s\" does not speak of %s", why, word);
}

static void assert_good(const char *name)
{
	char *why;
	if (check(name, &why) != STATUS_OK)
		fail_msg("%s", why);
}

static void start_empty(void)
{
	pg_fixture_sql("DROP SCHEMA IF EXISTS authbridge CASCADE; DROP SCHEMA public CASCADE;"
		       " CREATE SCHEMA public; GRANT USAGE ON SCHEMA public TO PUBLIC");
}

/* Better Auth's tables as its own migration makes them; text and time types,
 * and the columns that releases differ in, as given. */
static void make_theirs(const char *text, const char *time, const char *account, const char *jwks,
			const char *user)
{
	char sql[8192];
	snprintf(
		sql, sizeof(sql),
		"create table \"user\" (\"id\" %1$s not null primary key, \"name\" %1$s not null,"
		" \"email\" %1$s not null unique, \"emailVerified\" boolean not null,"
		" \"image\" %1$s, \"createdAt\" %2$s default CURRENT_TIMESTAMP not null,"
		" \"updatedAt\" %2$s default CURRENT_TIMESTAMP not null%5$s);"
		"create table \"session\" (\"id\" %1$s not null primary key,"
		" \"expiresAt\" %2$s not null, \"token\" %1$s not null unique,"
		" \"createdAt\" %2$s default CURRENT_TIMESTAMP not null,"
		" \"updatedAt\" %2$s not null, \"ipAddress\" %1$s, \"userAgent\" %1$s,"
		" \"userId\" %1$s not null references \"user\" (\"id\") on delete cascade);"
		"create table \"account\" (\"id\" %1$s not null primary key,"
		" \"accountId\" %1$s not null, \"providerId\" %1$s not null,"
		" \"userId\" %1$s not null references \"user\" (\"id\") on delete cascade,"
		" \"accessToken\" %1$s, \"refreshToken\" %1$s, \"idToken\" %1$s,"
		" \"accessTokenExpiresAt\" %2$s, \"refreshTokenExpiresAt\" %2$s, \"scope\" %1$s,"
		" \"password\" %1$s, \"createdAt\" %2$s default CURRENT_TIMESTAMP not null,"
		" \"updatedAt\" %2$s not null%3$s);"
		"create table \"verification\" (\"id\" %1$s not null primary key,"
		" \"identifier\" %1$s not null, \"value\" %1$s not null,"
		" \"expiresAt\" %2$s not null,"
		" \"createdAt\" %2$s default CURRENT_TIMESTAMP not null,"
		" \"updatedAt\" %2$s default CURRENT_TIMESTAMP not null);"
		"create table \"jwks\" (\"id\" %1$s not null primary key,"
		" \"publicKey\" %1$s not null, \"privateKey\" %1$s not null,"
		" \"createdAt\" %2$s not null%4$s);"
		"create index \"session_userId_idx\" on \"session\" (\"userId\");"
		"create index \"account_userId_idx\" on \"account\" (\"userId\");"
		"create index \"verification_identifier_idx\" on \"verification\" (\"identifier\")",
		text, time, account, jwks, user);
	pg_fixture_sql(sql);
}

/* --- what the service does in its ordinary life --- */

static struct user somebody(int n)
{
	return (struct user){
		.id = span_of(arena_format(mem, "user%d", n)),
		.name = SPAN("n"),
		.email = span_of(arena_format(mem, "u%d@example.com", n)),
		.created_ms = NOW + 123,
		.updated_ms = NOW + 456,
	};
}

static struct session session_for(const struct user *user, int n)
{
	return (struct session){
		.id = span_of(arena_format(mem, "s%d", n)),
		.token = span_of(arena_format(mem, "t%d", n)),
		.user_id = user->id,
		.ip_address = SPAN(""),
		.user_agent = SPAN(""),
		.expires_ms = NOW + 86400000,
		.created_ms = NOW + 1,
		.updated_ms = NOW + 2,
	};
}

static void live_a_life(struct store *store)
{
	struct user user = somebody(1), got;
	struct session first = session_for(&user, 1), second = session_for(&user, 2), row, *rows;
	struct credential credential;
	struct user_change change = { .name_set = true, .name = SPAN("N") };
	struct key_row key = {
		.id = SPAN("kid"),
		.public_key = SPAN("{}"),
		.private_key = SPAN("{}"),
		.alg = SPAN("EdDSA"),
		.created_ms = NOW,
		.expires_ms = -1,
	};
	struct key_row *keys;
	struct account_row *accounts;
	struct throttle_state counted;
	int64_t wait_ms;
	size_t count;
	struct span account = SPAN("a1");
	assert_int_equal(store_sign_up(store, &user, account, SPAN("h"), &first), STATUS_OK);
	assert_int_equal(store_user_by_email(store, mem, user.email, &got, &credential), STATUS_OK);
	assert_int_equal(got.created_ms, user.created_ms);
	assert_int_equal(store_credential(store, mem, user.id, &credential), STATUS_OK);
	assert_int_equal(store_sign_in(store, &second, account, SPAN("h"), SPAN("h2")), STATUS_OK);
	assert_int_equal(store_session_by_token(store, mem, second.token, &row, &got), STATUS_OK);
	assert_int_equal(row.expires_ms, second.expires_ms);
	assert_int_equal(store_slide_session(store, first.token, NOW + 2 * 86400000, NOW),
			 STATUS_OK);
	assert_int_equal(store_sessions(store, mem, user.id, NOW, &rows, &count), STATUS_OK);
	assert_int_equal(count, 2);
	assert_int_equal(store_token_is_live(store, first.id, user.id, NOW / 1000, NOW / 1000),
			 STATUS_OK);
	assert_int_equal(store_accounts(store, mem, user.id, &accounts, &count), STATUS_OK);
	assert_int_equal(store_update_user(store, mem, user.id, &change, NOW, &got), STATUS_OK);
	assert_int_equal(store_end_session(store, first.token, user.id), STATUS_OK);
	struct session third = session_for(&user, 3);
	assert_int_equal(store_change_password(store, user.id, account, SPAN("h2"), SPAN("h3"),
					       &third, NOW),
			 STATUS_OK);
	assert_int_equal(store_end_sessions(store, user.id, SPAN_ABSENT), STATUS_OK);
	assert_int_equal(store_insert_signer(store, &key, 0), STATUS_OK);
	assert_int_equal(store_keys(store, mem, &keys, &count), STATUS_OK);
	assert_int_equal(count, 1);
	assert_int_equal(store_throttle_take(store, SPAN("k"), NOW, &wait_ms), STATUS_OK);
	assert_int_equal(store_throttle_read(store, SPAN("k"), &counted), STATUS_OK);
	assert_int_equal(counted.failures, 1);
	assert_int_equal(store_throttle_forgive(store, SPAN("k")), STATUS_OK);
	const struct audit_line lines[] = {
		{ NOW, "sign-in", user.id, SPAN("192.0.2.1"), NULL, 1 },
		{ NOW, "sign-in refused", SPAN_ABSENT, SPAN_ABSENT, "unknown \" user", 7 },
	};
	assert_int_equal(store_audit(store, mem, lines, COUNT_OF(lines)), STATUS_OK);
	assert_int_equal(store_tidy(store, NOW), STATUS_OK);
	assert_int_equal(pg_fixture_int("SELECT count(*) FROM authbridge.revocation"), 3);
	assert_int_equal(store_delete_user(store, user.id), STATUS_OK);
}

/* --- adopting --- */

static void an_empty_database_is_made_and_lived_in(void **state)
{
	(void)state;
	start_empty();
	assert_refused(NULL, "public.user: run `authbridgectl migrate`");
	pg_fixture_migrate(role);
	pg_fixture_migrate(role);
	assert_good(NULL);
	assert_good(role);
	struct store *store = open_as(role);
	live_a_life(store);
	store_close(&store);
}

static void databases_of_better_auth_are_adopted(void **state)
{
	(void)state;
	static const struct {
		const char *text, *time, *account, *jwks, *user;
	} cases[] = {
		{ "text", "timestamptz", "", ", \"expiresAt\" timestamptz, alg text, crv text",
		  "" },
		{ "text", "timestamptz", ", \"issuer\" text not null",
		  ", \"expiresAt\" timestamptz, alg text, crv text", "" },
		{ "text", "timestamptz", "", ", \"expiresAt\" timestamptz", "" },
		{ "text", "timestamptz", "", "", "" },
		{ "varchar(255)", "timestamptz", ", \"issuer\" varchar(255) not null",
		  ", \"expiresAt\" timestamptz, alg varchar(9), crv varchar(9)", "" },
		{ "varchar(36)", "timestamp", "", "",
		  ", role text, \"isAdmin\" boolean not null"
		  " default false, score int" },
		{ "text", "timestamp(3)", "", "", ", bio varchar" },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		print_message("# variant %zu\n", i);
		start_empty();
		make_theirs(cases[i].text, cases[i].time, cases[i].account, cases[i].jwks,
			    cases[i].user);
		assert_refused(NULL, "authbridge.migration");
		pg_fixture_migrate(role);
		pg_fixture_migrate(role);
		assert_good(role);
		struct store *store = open_as(role);
		live_a_life(store);
		store_close(&store);
	}
}

static void the_issuer_column_is_filled_and_may_come_later(void **state)
{
	(void)state;
	start_empty();
	pg_fixture_migrate(role);
	struct store *store = open_as(role);
	struct user users[3] = { somebody(1), somebody(2), somebody(3) };
	static const char *const between[] = {
		"ALTER TABLE public.account ADD issuer text NOT NULL DEFAULT 'local:credential';"
		" ALTER TABLE public.account ALTER issuer DROP DEFAULT;"
		" CREATE UNIQUE INDEX \"account_issuer_accountId_uidx\""
		" ON public.account (issuer, \"accountId\")",
		"ALTER TABLE public.account DROP issuer",
		"SELECT 1",
	};
	for (int i = 0; i < 3; i++) {
		struct session session = session_for(&users[i], i);
		struct span account = span_of(arena_format(mem, "a%d", i));
		/* The column changes under an open connection. */
		assert_int_equal(store_sign_up(store, &users[i], account, SPAN("h"), &session),
				 STATUS_OK);
		if (i == 1)
			assert_int_equal(pg_fixture_int("SELECT count(*) FROM public.account WHERE"
							" issuer = 'local:credential'"),
					 2);
		pg_fixture_sql(between[i]);
	}
	store_close(&store);
}

static void two_migrations_at_once_do_not_clash(void **state)
{
	(void)state;
	for (int round = 0; round < 3; round++) {
		start_empty();
		pid_t children[4];
		for (size_t i = 0; i < COUNT_OF(children); i++) {
			children[i] = fork();
			if (children[i] == 0) {
				struct schema_migration m = { .url = url, .connect_ms = 10000 };
				char *why = NULL;
				_exit(schema_migrate(&m, mem, &why) == STATUS_OK ? 0 : 1);
			}
		}
		for (size_t i = 0; i < COUNT_OF(children); i++) {
			int how = 1;
			waitpid(children[i], &how, 0);
			assert_int_equal(how, 0);
		}
		assert_good(NULL);
	}
}

/* --- refusing --- */

static void what_is_wrong_is_named_and_migrate_mends_it(void **state)
{
	(void)state;
	static const struct {
		const char *sql, *word, *undo; /* undo: what migrate cannot mend */
	} cases[] = {
		{ "ALTER TABLE public.session DISABLE TRIGGER authbridge_session_deleted",
		  "session.authbridge_session_deleted", NULL },
		{ "ALTER TABLE public.session ENABLE TRIGGER authbridge_session_made",
		  "session.authbridge_session_made", NULL },
		{ "DROP TRIGGER authbridge_user_deleted ON public.\"user\"",
		  "user.authbridge_user_deleted", NULL },
		{ "ALTER TABLE public.jwks DROP alg", "jwks.\"alg\"", NULL },
		{ "DELETE FROM authbridge.migration", "this build needs 3", NULL },
		{ "DROP SCHEMA authbridge CASCADE", "authbridge.migration", NULL },
		{ "INSERT INTO authbridge.migration VALUES (99, 'future')",
		  "install a newer authbridge",
		  "DELETE FROM authbridge.migration WHERE level = 99" },
		{ "ALTER TABLE public.\"user\" DROP CONSTRAINT user_email_key", "user.\"email\"",
		  "ALTER TABLE public.\"user\" ADD UNIQUE (email)" },
		{ "ALTER TABLE public.session DROP CONSTRAINT \"session_userId_fkey\"",
		  "session.\"userId\"",
		  "ALTER TABLE public.session ADD FOREIGN KEY (\"userId\")"
		  " REFERENCES public.\"user\" (id) ON DELETE CASCADE" },
		{ "ALTER TABLE public.session RENAME \"ipAddress\" TO ip", "session.\"ipAddress\"",
		  "ALTER TABLE public.session RENAME ip TO \"ipAddress\"" },
		{ "ALTER TABLE public.\"user\" ALTER \"emailVerified\" TYPE int USING 0",
		  "user.\"emailVerified\"",
		  "ALTER TABLE public.\"user\" ALTER \"emailVerified\" TYPE boolean USING false" },
	};
	start_empty();
	pg_fixture_migrate(NULL);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		pg_fixture_sql(cases[i].sql);
		assert_refused(NULL, cases[i].word);
		if (cases[i].undo != NULL)
			pg_fixture_sql(cases[i].undo);
		else
			pg_fixture_migrate(NULL);
		assert_good(NULL);
	}
}

static void a_newer_database_is_left_alone(void **state)
{
	(void)state;
	start_empty();
	pg_fixture_migrate(NULL);
	pg_fixture_sql("INSERT INTO authbridge.migration VALUES (99, 'future')");
	struct schema_migration m = { .url = url, .connect_ms = 10000 };
	char *why = NULL;
	assert_int_equal(schema_migrate(&m, mem, &why), STATUS_INVALID);
	assert_non_null(strstr(why, "newer"));
}

static void ids_that_are_not_text_are_refused(void **state)
{
	(void)state;
	start_empty();
	make_theirs("text", "timestamptz", "", "", "");
	pg_fixture_sql("ALTER TABLE public.account ALTER id TYPE uuid USING NULL::uuid");
	pg_fixture_migrate(NULL);
	assert_refused(NULL, "account.\"id\"");
}

/* --- the service's own role --- */

static void the_role_needs_its_grants(void **state)
{
	(void)state;
	start_empty();
	pg_fixture_migrate(NULL);
	assert_refused(role, "--service-role");
	pg_fixture_migrate(role);
	assert_good(role);
	char sql[256];
	snprintf(sql, sizeof(sql), "REVOKE DELETE ON public.session FROM %s", role);
	pg_fixture_sql(sql);
	assert_refused(role, "DELETE on public.session");
	struct schema_migration m = {
		.url = arena_format(mem, "%s user=%s", url, role),
		.connect_ms = 10000,
	};
	char *why = NULL;
	assert_int_equal(schema_migrate(&m, mem, &why), STATUS_DENIED);
	m.url = url;
	m.service_role = "nobody-has-this-name";
	assert_int_equal(schema_migrate(&m, mem, &why), STATUS_INTERNAL);
}

static void the_role_owns_nothing_and_lifts_nothing(void **state)
{
	(void)state;
	static const char *const forbidden[] = {
		"INSERT INTO authbridge.revocation (session_id, until) VALUES ('x', now())",
		"DELETE FROM authbridge.revocation",
		"UPDATE authbridge.revocation SET until = now()",
		"TRUNCATE authbridge.revocation",
		"DELETE FROM authbridge.shortened",
		"INSERT INTO authbridge.cutoff (user_id) VALUES ('x')",
		"DELETE FROM authbridge.cutoff",
		"UPDATE authbridge.disabled_user SET disabled = false",
		"DELETE FROM authbridge.disabled_user",
		"UPDATE authbridge.generation SET reload = 0",
		"DELETE FROM authbridge.audit",
		"UPDATE authbridge.audit SET reason = NULL",
		"TRUNCATE authbridge.audit",
		"INSERT INTO authbridge.audit (event, actor) VALUES ('sign-in', 'postgres')",
		"INSERT INTO authbridge.audit (event, detail) VALUES ('sign-in', 'x')",
		"UPDATE authbridge.audit_policy SET keep = '1 day'",
		"SELECT * FROM authbridge.audit",
		"INSERT INTO authbridge.migration VALUES (3, 'x')",
		"SELECT authbridge.session_deleted()",
		"SELECT authbridge.reload()",
		"ALTER TABLE public.session DISABLE TRIGGER ALL",
		"DROP TRIGGER authbridge_session_deleted ON public.session",
		"SET session_replication_role = replica",
		"TRUNCATE public.session",
		"DELETE FROM public.account",
		"DELETE FROM public.jwks",
		"UPDATE public.jwks SET \"privateKey\" = 'x'",
		"UPDATE public.session SET \"userId\" = 'x'",
		"UPDATE public.session SET token = 'x'",
		"UPDATE public.session SET id = 'x'",
		"UPDATE public.account SET \"userId\" = 'x'",
		"UPDATE public.\"user\" SET id = 'x'",
		"SELECT * FROM public.verification",
		"CREATE TABLE public.mine ()",
		"CREATE TABLE authbridge.mine ()",
		"CREATE FUNCTION authbridge.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
	};
	start_empty();
	pg_fixture_migrate(role);
	for (size_t i = 0; i < COUNT_OF(forbidden); i++) {
		char sql[512];
		snprintf(sql, sizeof(sql), "SET SESSION AUTHORIZATION %s; %s", role, forbidden[i]);
		if (pg_fixture_try(sql))
			fail_msg("the role may: %s", forbidden[i]);
	}
}

/* A schema of the caller's own in front must not catch what the definer's
 * functions name. */
static void the_search_path_is_pinned(void **state)
{
	(void)state;
	start_empty();
	pg_fixture_migrate(role);
	struct store *store = open_as(role);
	struct user user = somebody(1);
	struct session session = session_for(&user, 1);
	assert_int_equal(store_sign_up(store, &user, SPAN("a"), SPAN("h"), &session), STATUS_OK);
	store_close(&store);
	char sql[1024];
	snprintf(
		sql, sizeof(sql),
		"SET SESSION AUTHORIZATION %s; CREATE TEMP TABLE revocation (session_id text,"
		" until timestamptz); CREATE FUNCTION pg_temp.clock_timestamp() RETURNS timestamptz"
		" LANGUAGE sql AS 'SELECT ''infinity''::timestamptz';"
		" SET search_path = pg_temp, pg_catalog; DELETE FROM public.session",
		role);
	pg_fixture_sql(sql);
	assert_int_equal(pg_fixture_int("SELECT count(*) FROM authbridge.revocation"), 1);
}

/* --- what the tables keep --- */

static void upkeep_forgets_what_nothing_needs(void **state)
{
	(void)state;
	start_empty();
	pg_fixture_migrate(role);
	pg_fixture_sql(
		"INSERT INTO authbridge.revocation (session_id, until) SELECT 'old' || i,"
		" now() - interval '1 min' FROM generate_series(1, 60000) i;"
		" INSERT INTO authbridge.revocation (session_id, until) VALUES ('new',"
		" now() + interval '1 hour');"
		" INSERT INTO authbridge.cutoff (user_id, until) VALUES ('old', now()"
		" - interval '1 s'), ('new', 'infinity');"
		" INSERT INTO authbridge.throttle VALUES ('old', 5, 5), ('new',"
		" extract(epoch FROM now()) * 1000, 5);"
		" INSERT INTO authbridge.audit (at, event, reason) VALUES (now() - interval"
		" '31 days', 'old refusal', 'r'), (now() - interval '29 days', 'kept', 'r'),"
		" (now() - interval '399 days', 'kept', NULL), (now() - interval '401 days',"
		" 'old', NULL);"
		" INSERT INTO public.\"user\" (id, name, email, \"emailVerified\")"
		" VALUES ('u', 'n', 'e', false);"
		" INSERT INTO public.session (id, token, \"userId\", \"expiresAt\", \"updatedAt\")"
		" VALUES ('old', 'o', 'u', now() - interval '25 hours', now()),"
		" ('new', 'n', 'u', now() - interval '23 hours', now())");
	struct store *store = open_as(role);
	assert_int_equal(store_tidy(store, NOW), STATUS_OK);
	assert_int_equal(pg_fixture_int("SELECT count(*) FROM authbridge.revocation"), 10001);
	assert_int_equal(store_tidy(store, NOW), STATUS_OK);
	store_close(&store);
	assert_int_equal(pg_fixture_int("SELECT count(*) FROM authbridge.revocation"), 1);
	assert_int_equal(pg_fixture_int("SELECT count(*) FROM authbridge.cutoff"), 1);
	assert_int_equal(pg_fixture_int("SELECT count(*) FROM authbridge.throttle"), 1);
	assert_int_equal(pg_fixture_int("SELECT count(*) FROM authbridge.audit"), 2);
	assert_int_equal(pg_fixture_int("SELECT count(*) FROM authbridge.audit"
					" WHERE event LIKE 'kept%'"),
			 2);
	assert_int_equal(pg_fixture_int("SELECT count(*) FROM public.session"), 1);
	assert_int_equal(pg_fixture_int("SELECT reload FROM authbridge.generation"), 1);
}

/* --- */

static int set_up(void **state)
{
	(void)state;
	mem = arena_new(0);
	snprintf(role, sizeof(role), "ab_test_%d", (int)getpid());
	char sql[128];
	snprintf(sql, sizeof(sql), "CREATE ROLE %s LOGIN", role);
	pg_fixture_sql(sql);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	char sql[256];
	snprintf(sql, sizeof(sql), "DROP OWNED BY %s; DROP ROLE %s", role, role);
	pg_fixture_sql(sql);
	arena_free(&mem);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_database_is_made_and_lived_in),
		cmocka_unit_test(databases_of_better_auth_are_adopted),
		cmocka_unit_test(the_issuer_column_is_filled_and_may_come_later),
		cmocka_unit_test(two_migrations_at_once_do_not_clash),
		cmocka_unit_test(what_is_wrong_is_named_and_migrate_mends_it),
		cmocka_unit_test(a_newer_database_is_left_alone),
		cmocka_unit_test(ids_that_are_not_text_are_refused),
		cmocka_unit_test(the_role_needs_its_grants),
		cmocka_unit_test(the_role_owns_nothing_and_lifts_nothing),
		cmocka_unit_test(the_search_path_is_pinned),
		cmocka_unit_test(upkeep_forgets_what_nothing_needs),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	url = pg_fixture_url();
	if (url == NULL)
		return EXIT_SUCCESS;
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
