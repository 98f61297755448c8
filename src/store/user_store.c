/* SPDX-License-Identifier: MIT */
#include "store/run.h"

/* What a connection knows of "account". */
enum { TRAIT_UNKNOWN, TRAIT_PLAIN, TRAIT_ISSUER };

/* --- sign-up --- */

#define SIGN_UP_USER                                                       \
	"WITH made_user AS (INSERT INTO public.\"user\" (id, name, email," \
	" \"emailVerified\", image, \"createdAt\", \"updatedAt\")"         \
	" VALUES ($9, $10, $11, $12, $13, $14, $15)), made_account AS ("
#define SIGN_UP_SESSION ") " SESSION_INTO "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"

static const struct pg_statement sign_up_plain = {
	"sign_up",
	SIGN_UP_USER "INSERT INTO public.account (id, \"accountId\", \"providerId\","
		     " \"userId\", password, \"createdAt\", \"updatedAt\")"
		     " VALUES ($16, $9, 'credential', $9, $17, $14, $15)" SIGN_UP_SESSION,
};

static const struct pg_statement sign_up_issuer = {
	"sign_up_issuer",
	SIGN_UP_USER "INSERT INTO public.account (id, \"accountId\", \"providerId\","
		     " \"userId\", password, \"createdAt\", \"updatedAt\", issuer)"
		     " VALUES ($16, $9, 'credential', $9, $17, $14, $15,"
		     " 'local:credential')" SIGN_UP_SESSION,
};

static enum status learn_trait(struct pool_lease *lease)
{
	static const struct pg_statement has_issuer = {
		"account_has_issuer",
		"SELECT EXISTS (SELECT FROM pg_catalog.pg_attribute"
		" WHERE attrelid = 'public.account'::regclass"
		" AND attname = 'issuer' AND NOT attisdropped)",
	};
	if (*lease->trait != TRAIT_UNKNOWN)
		return STATUS_OK;
	CLEANUP(pg_rows_free) struct pg_result *rows = NULL;
	TRY(pg_run(lease->pg, &has_issuer, NULL, &rows));
	*lease->trait = pg_bool(rows, 0, 0) ? TRAIT_ISSUER : TRAIT_PLAIN;
	return STATUS_OK;
}

static enum status run_sign_up(struct pool_lease *lease, const struct pg_args *args)
{
	TRY(learn_trait(lease));
	return pg_run(lease->pg, *lease->trait == TRAIT_ISSUER ? &sign_up_issuer : &sign_up_plain,
		      args, NULL);
}

static enum status work_sign_up(struct pool_lease *lease, void *state)
{
	enum status status = run_sign_up(lease, state);
	if (status != STATUS_INTERNAL || pg_is_broken(lease->pg))
		return status;
	/* The column may have come or gone under an open connection. */
	*lease->trait = TRAIT_UNKNOWN;
	return run_sign_up(lease, state);
}

enum status store_sign_up(struct store *store, const struct user *user, struct span account_id,
			  struct span hash, const struct session *session)
{
	struct pg_args args = { 0 };
	put_session(&args, session);
	pg_put_text(&args, user->id);
	pg_put_text(&args, user->name);
	pg_put_text(&args, user->email);
	pg_put_bool(&args, user->email_verified);
	pg_put_text(&args, user->image);
	pg_put_ms(&args, user->created_ms);
	pg_put_ms(&args, user->updated_ms);
	pg_put_text(&args, account_id);
	pg_put_text(&args, hash);
	return run_task(store, work_sign_up, &args);
}

/* --- looking up --- */

#define CREDENTIAL_JOIN                                            \
	" a.\"userId\" = u.id AND a.\"providerId\" = 'credential'" \
	" AND a.\"accountId\" = u.id"
#define CREDENTIAL_COLUMNS                                                 \
	"a.id, a.password, EXISTS (SELECT FROM authbridge.disabled_user d" \
	" WHERE d.user_id = u.id AND d.disabled)"

static void rows_credential(struct arena *mem, const struct pg_result *rows, int first,
			    struct credential *out)
{
	*out = (struct credential){
		.account_id = arena_copy(mem, pg_text(rows, 0, first)),
		.hash = arena_copy(mem, pg_text(rows, 0, first + 1)),
		.disabled = pg_bool(rows, 0, first + 2),
	};
}

enum status store_user_by_email(struct store *store, struct arena *mem, struct span email,
				struct user *user_out, struct credential *credential_out)
{
	static const struct pg_statement find = {
		"user_by_email",
		"SELECT " USER_COLUMNS ", " CREDENTIAL_COLUMNS " FROM public.\"user\" u"
		" LEFT JOIN public.account a ON" CREDENTIAL_JOIN
		" WHERE u.email = $1 ORDER BY a.\"createdAt\" LIMIT 1",
	};
	struct pg_args args = { 0 };
	pg_put_text(&args, email);
	CLEANUP(pg_rows_free) struct pg_result *rows = NULL;
	TRY(run_read(store, &find, &args, &rows));
	if (pg_count(rows) == 0)
		return STATUS_NOT_FOUND;
	rows_user(mem, rows, 0, 0, user_out);
	rows_credential(mem, rows, USER_COLUMN_COUNT, credential_out);
	return STATUS_OK;
}

enum status store_credential(struct store *store, struct arena *mem, struct span user_id,
			     struct credential *credential_out)
{
	static const struct pg_statement find = {
		"credential",
		"SELECT " CREDENTIAL_COLUMNS " FROM public.\"user\" u"
		" JOIN public.account a ON" CREDENTIAL_JOIN
		" WHERE u.id = $1 ORDER BY a.\"createdAt\" LIMIT 1",
	};
	struct pg_args args = { 0 };
	pg_put_text(&args, user_id);
	CLEANUP(pg_rows_free) struct pg_result *rows = NULL;
	TRY(run_read(store, &find, &args, &rows));
	if (pg_count(rows) == 0)
		return STATUS_NOT_FOUND;
	rows_credential(mem, rows, 0, credential_out);
	return STATUS_OK;
}

enum status store_accounts(struct store *store, struct arena *mem, struct span user_id,
			   struct account_row **rows_out, size_t *count_out)
{
	static const struct pg_statement list = {
		"accounts",
		"SELECT id, \"accountId\", \"providerId\", scope, \"createdAt\", \"updatedAt\""
		" FROM public.account WHERE \"userId\" = $1 ORDER BY \"createdAt\" LIMIT 100",
	};
	struct pg_args args = { 0 };
	pg_put_text(&args, user_id);
	CLEANUP(pg_rows_free) struct pg_result *rows = NULL;
	TRY(run_read(store, &list, &args, &rows));
	size_t count = pg_count(rows);
	struct account_row *found = arena_alloc(mem, (count + 1) * sizeof(*found));
	for (size_t i = 0; i < count; i++)
		found[i] = (struct account_row){
			.id = arena_copy(mem, pg_text(rows, i, 0)),
			.account_id = arena_copy(mem, pg_text(rows, i, 1)),
			.provider_id = arena_copy(mem, pg_text(rows, i, 2)),
			.scope = arena_copy(mem, pg_text(rows, i, 3)),
			.created_ms = pg_ms(rows, i, 4),
			.updated_ms = pg_ms(rows, i, 5),
		};
	*rows_out = found;
	*count_out = count;
	return STATUS_OK;
}

/* --- sign-in and passwords --- */

enum status store_sign_in(struct store *store, const struct session *session,
			  struct span account_id, struct span verified, struct span renewed)
{
	/* The lock waits for a password change under way and then judges the
	 * hash it left; a change that comes later finds this session and ends
	 * it. */
	static const struct pg_statement sign_in = {
		"sign_in",
		"WITH held AS (SELECT a.id, a.\"userId\" FROM public.account a"
		" WHERE a.id = $9 AND a.\"userId\" = $3 AND a.password = $10"
		" AND NOT EXISTS (SELECT FROM authbridge.disabled_user d"
		" WHERE d.user_id = a.\"userId\" AND d.disabled) FOR NO KEY UPDATE OF a),"
		" renewed AS (UPDATE public.account a SET password = $11, \"updatedAt\" = $8"
		" FROM held WHERE a.id = held.id AND $11 IS NOT NULL) " SESSION_INTO
		"SELECT $1, $2, held.\"userId\", $4, $5, $6, $7, $8 FROM held",
	};
	struct pg_args args = { 0 };
	put_session(&args, session);
	pg_put_text(&args, account_id);
	pg_put_text(&args, verified);
	pg_put_text(&args, renewed);
	size_t made = 0;
	TRY(run_change(store, &sign_in, &args, &made));
	return made == 1 ? STATUS_OK : STATUS_CONFLICT;
}

struct password_change {
	struct pg_args swap, end;
	const struct session *session;
};

static const struct pg_statement swap_password = {
	"swap_password",
	"UPDATE public.account SET password = $4, \"updatedAt\" = $5"
	" WHERE id = $2 AND \"userId\" = $1 AND password = $3",
};

static enum status work_change_password(struct pool_lease *lease, void *state)
{
	/* A statement of its own after the swap: it sees the sessions of every
	 * sign-in that held the account before. */
	static const struct pg_statement end_all = {
		"end_all_sessions",
		"WITH ended AS (DELETE FROM public.session WHERE \"userId\" = $3) " SESSION_INTO
		"VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
	};
	struct password_change *change = state;
	CLEANUP(pg_rows_free) struct pg_result *rows = NULL;
	TRY(pg_run(lease->pg, &swap_password, &change->swap, &rows));
	if (pg_changed(rows) != 1)
		return STATUS_CONFLICT;
	return pg_run(lease->pg, &end_all, &change->end, NULL);
}

enum status store_change_password(struct store *store, struct span user_id, struct span account_id,
				  struct span verified, struct span renewed,
				  const struct session *session, int64_t now_ms)
{
	struct password_change change = { .session = session };
	pg_put_text(&change.swap, user_id);
	pg_put_text(&change.swap, account_id);
	pg_put_text(&change.swap, verified);
	pg_put_text(&change.swap, renewed);
	pg_put_ms(&change.swap, now_ms);
	if (session != NULL) {
		put_session(&change.end, session);
		return run_transaction(store, work_change_password, &change);
	}
	size_t changed = 0;
	TRY(run_change(store, &swap_password, &change.swap, &changed));
	return changed == 1 ? STATUS_OK : STATUS_CONFLICT;
}

/* --- changing users --- */

enum status store_update_user(struct store *store, struct arena *mem, struct span user_id,
			      const struct user_change *change, int64_t now_ms,
			      struct user *user_out)
{
	static const struct pg_statement update = {
		"update_user",
		"UPDATE public.\"user\" u SET name = CASE WHEN $2 THEN $3 ELSE u.name END,"
		" image = CASE WHEN $4 THEN $5 ELSE u.image END, \"updatedAt\" = $6"
		" WHERE u.id = $1 RETURNING " USER_COLUMNS,
	};
	struct pg_args args = { 0 };
	pg_put_text(&args, user_id);
	pg_put_bool(&args, change->name_set);
	pg_put_text(&args, change->name);
	pg_put_bool(&args, change->image_set);
	pg_put_text(&args, change->image);
	pg_put_ms(&args, now_ms);
	CLEANUP(pg_rows_free) struct pg_result *rows = NULL;
	TRY(run_write(store, &update, &args, &rows));
	if (pg_count(rows) == 0)
		return STATUS_NOT_FOUND;
	rows_user(mem, rows, 0, 0, user_out);
	return STATUS_OK;
}

enum status store_delete_user(struct store *store, struct span user_id)
{
	static const struct pg_statement remove = {
		"delete_user",
		"DELETE FROM public.\"user\" WHERE id = $1",
	};
	struct pg_args args = { 0 };
	pg_put_text(&args, user_id);
	size_t gone = 0;
	TRY(run_change(store, &remove, &args, &gone));
	return gone > 0 ? STATUS_OK : STATUS_NOT_FOUND;
}
