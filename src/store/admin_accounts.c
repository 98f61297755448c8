/* SPDX-License-Identifier: MIT */
#include "store/admin_accounts.h"

#include "base/jdoc.h"
#include "store/admin_run.h"

#define LINE_MAX 8192

/* Whether "account" has the column `issuer`, which releases differ in. */
static enum status learn_issuer(struct pool_lease *lease, bool *there_out)
{
	static const struct pg_statement has_issuer = {
		"account_has_issuer",
		"SELECT EXISTS (SELECT FROM pg_catalog.pg_attribute"
		" WHERE attrelid = 'public.account'::regclass"
		" AND attname = 'issuer' AND NOT attisdropped)",
	};
	CLEANUP(pg_rows_free) struct pg_result *rows = NULL;
	TRY(pg_run(lease->pg, &has_issuer, NULL, &rows));
	*there_out = pg_bool(rows, 0, 0);
	return STATUS_OK;
}

/* One statement without the column, and one with it. */
struct both {
	struct pg_statement plain, issuer;
};

struct work {
	const struct both *statement;
	const struct pg_args *args;
	const struct pg_statement *after; /* NULL: nothing */
	const struct pg_args *after_args;
	struct pg_result **rows_out;
};

static enum status work_both(struct pool_lease *lease, void *state)
{
	struct work *work = state;
	bool issuer = false;
	pg_rows_free(work->rows_out); /* of a first try */
	TRY(learn_issuer(lease, &issuer));
	TRY(pg_run(lease->pg, issuer ? &work->statement->issuer : &work->statement->plain,
		   work->args, work->rows_out));
	return work->after != NULL ? pg_run(lease->pg, work->after, work->after_args, NULL)
				   : STATUS_OK;
}

#define ACCOUNT_INTO(column)                                             \
	"INSERT INTO public.account (id, \"accountId\", \"providerId\"," \
	" \"userId\", password, \"createdAt\", \"updatedAt\"" column ") "

/* --- new users --- */

/* $1: the users; $2: the event, which is the user's if $3 and else the batch's. */
#define IMPORT_USERS                                                          \
	"WITH l AS MATERIALIZED (SELECT l.*, to_timestamp(created / 1000.0)"  \
	" AS at, row_number() OVER (PARTITION BY id ORDER BY n) = 1 AS first" \
	" FROM json_to_recordset($1::json) AS l (n bigint, id text,"          \
	" given boolean, name text, email text, verified boolean,"            \
	" image text, created bigint, account text, hash text)),"             \
	" made AS (INSERT INTO public.\"user\" (id, name, email,"             \
	" \"emailVerified\", image, \"createdAt\", \"updatedAt\")"            \
	" SELECT id, name, email, verified, image, at, at FROM l ORDER BY n"  \
	" ON CONFLICT DO NOTHING RETURNING id, email), done AS ("
#define IMPORT_ACCOUNTS                                                   \
	" FROM l JOIN made USING (id, email) WHERE hash IS NOT NULL"      \
	" AND first), noted AS (INSERT INTO authbridge.audit (event,"     \
	" user_id, times) SELECT $2, CASE WHEN $3 THEN min(made.id) END," \
	" count(*) FROM made HAVING count(*) > 0)"                        \
	" SELECT l.n, made.id IS NOT NULL AND l.first, u.id IS NOT NULL"  \
	" AND (NOT l.given OR u.id = l.id) FROM l"                        \
	" LEFT JOIN made ON made.id = l.id AND made.email = l.email"      \
	" LEFT JOIN public.\"user\" u ON u.email = l.email"
#define IMPORT(column, value)                                                 \
	IMPORT_USERS ACCOUNT_INTO(column) "SELECT account, id, 'credential'," \
					  " id, hash, at, at" value IMPORT_ACCOUNTS

static void put_user(struct jdoc_writer *w, const struct new_user *new, size_t number)
{
	jdoc_put_object(w, NULL);
	jdoc_put_int(w, "n", (int64_t)number);
	jdoc_put_text(w, "id", new->user.id);
	jdoc_put_bool(w, "given", new->id_is_given);
	jdoc_put_text(w, "name", new->user.name);
	jdoc_put_text(w, "email", new->user.email);
	jdoc_put_bool(w, "verified", new->user.email_verified);
	jdoc_put_text(w, "image", new->user.image);
	jdoc_put_int(w, "created", new->user.created_ms);
	jdoc_put_text(w, "account", new->account_id);
	jdoc_put_text(w, "hash", new->hash);
	jdoc_end_object(w);
}

static void read_fates(const struct pg_result *rows, struct new_user *users, size_t count)
{
	for (size_t i = 0; i < pg_count(rows); i++) {
		size_t n = (size_t)pg_int(rows, i, 0);
		if (n >= count)
			continue;
		users[n].fate = pg_bool(rows, i, 1)   ? NEW_USER_MADE
				: pg_bool(rows, i, 2) ? NEW_USER_THERE
						      : NEW_USER_CLASHES;
	}
}

static enum status import(struct store *store, struct arena *mem, struct new_user *users,
			  size_t count, const char *event, bool name_user)
{
	static const struct both statement = {
		{ "admin_import", IMPORT("", "") },
		{ "admin_import_issuer", IMPORT(", issuer", ", 'local:credential'") },
	};
	struct buf text;
	struct jdoc_writer w;
	struct span json;
	struct pg_args args = { 0 };
	buf_init(&text, mem, count * LINE_MAX + LINE_MAX);
	jdoc_write(&w, &text);
	jdoc_put_array(&w, NULL);
	for (size_t i = 0; i < count; i++)
		put_user(&w, &users[i], i);
	jdoc_end_array(&w);
	TRY(buf_finish(&text, &json));
	pg_put_text(&args, json);
	pg_put_text(&args, span_of(event));
	pg_put_bool(&args, name_user);
	CLEANUP(pg_rows_free) struct pg_result *rows = NULL;
	struct work work = { .statement = &statement, .args = &args, .rows_out = &rows };
	TRY(admin_task(store, work_both, &work));
	read_fates(rows, users, count);
	return STATUS_OK;
}

enum status admin_import_users(struct store *store, struct arena *mem, struct new_user *users,
			       size_t count)
{
	return import(store, mem, users, count, "users imported", false);
}

enum status admin_create_user(struct store *store, struct arena *mem, struct new_user *user)
{
	return import(store, mem, user, 1, "user created", true);
}

/* --- passwords --- */

#define OF_CREDENTIAL " a.\"userId\" = met.id AND a.\"providerId\" = 'credential'"
#define SET_MET                                                                \
	"WITH met AS (SELECT u.id FROM public.\"user\" u WHERE " ADMIN_USER_IS \
	"), changed AS (UPDATE public.account a"                               \
	" SET password = $2, \"updatedAt\" = now() FROM met WHERE"
#define SET_MISSING " FROM met WHERE NOT EXISTS (SELECT FROM public.account a WHERE"
#define SET_PASSWORD(column, value)                                                       \
	SET_MET OF_CREDENTIAL "), made AS (" ACCOUNT_INTO(                                \
		column) "SELECT $3, met.id, 'credential', met.id, $2, now(), now()" value \
		SET_MISSING OF_CREDENTIAL ")) " ADMIN_AND_AUDIT("password set")

enum status admin_set_password(struct store *store, struct span user, struct span account_id,
			       struct span hash, bool keep_sessions)
{
	static const struct both set = {
		{ "admin_set_password", SET_PASSWORD("", "") },
		{ "admin_set_password_issuer", SET_PASSWORD(", issuer", ", 'local:credential'") },
	};
	/* A statement of its own: it sees the sessions of every sign-in that held
	 * the account before. */
	static const struct pg_statement end = {
		"admin_end_sessions_after",
		"DELETE FROM public.session s USING public.\"user\" u"
		" WHERE u.id = s.\"userId\" AND " ADMIN_USER_IS,
	};
	struct pg_args args = { 0 }, end_args = { 0 };
	pg_put_text(&args, user);
	pg_put_text(&args, hash);
	pg_put_text(&args, account_id);
	pg_put_text(&end_args, user);
	CLEANUP(pg_rows_free) struct pg_result *rows = NULL;
	struct work work = {
		.statement = &set,
		.args = &args,
		.after = keep_sessions ? NULL : &end,
		.after_args = &end_args,
		.rows_out = &rows,
	};
	TRY(admin_transaction(store, work_both, &work));
	return pg_changed(rows) > 0 ? STATUS_OK : STATUS_NOT_FOUND;
}
