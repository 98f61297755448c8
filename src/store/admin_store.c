/* SPDX-License-Identifier: MIT */
#include "store/admin.h"

#include "store/run.h"

#define USER_IS "(u.id = $1 OR u.email = lower($1))"

enum status admin_insert_key(struct store *store, const struct key_row *row)
{
	static const struct pg_statement insert = {
		"insert_key",
		KEY_INTO "VALUES ($1, $2, $3, $4, $5, $6, $7)",
	};
	struct pg_args args = { 0 };
	put_key(&args, row);
	return run_write(store, &insert, &args, NULL);
}

/* For statements that are about one row. */
static enum status change_one(struct store *store, const struct pg_statement *statement,
			      const struct pg_args *args)
{
	size_t changed = 0;
	TRY(run_change(store, statement, args, &changed));
	return changed > 0 ? STATUS_OK : STATUS_NOT_FOUND;
}

enum status admin_retire_key(struct store *store, struct span kid, int64_t now_ms)
{
	static const struct pg_statement retire = {
		"retire_key",
		"UPDATE public.jwks SET \"expiresAt\" = $2 WHERE id = $1"
		" AND (\"expiresAt\" IS NULL OR \"expiresAt\" > $2)",
	};
	struct pg_args args = { 0 };
	pg_put_text(&args, kid);
	pg_put_ms(&args, now_ms);
	return change_one(store, &retire, &args);
}

enum status admin_remove_key(struct store *store, struct span kid)
{
	static const struct pg_statement remove = {
		"remove_key",
		"DELETE FROM public.jwks WHERE id = $1",
	};
	struct pg_args args = { 0 };
	pg_put_text(&args, kid);
	return change_one(store, &remove, &args);
}

enum status admin_sessions(struct store *store, struct arena *mem, struct span user, size_t limit,
			   struct session_row **rows_out, size_t *count_out)
{
	static const struct pg_statement list = {
		"admin_sessions",
		"SELECT " SESSION_COLUMNS ", u.email FROM public.session s"
		" JOIN public.\"user\" u ON u.id = s.\"userId\""
		" WHERE ($1 IS NULL OR " USER_IS ") AND s.\"expiresAt\" >= now()"
		" ORDER BY s.\"createdAt\" DESC LIMIT $2",
	};
	struct pg_args args = { 0 };
	pg_put_text(&args, user);
	pg_put_int(&args, (int64_t)limit);
	CLEANUP(pg_rows_free) struct pg_result *rows = NULL;
	TRY(run_read(store, &list, &args, &rows));
	size_t count = pg_count(rows);
	struct session_row *found = arena_alloc(mem, (count + 1) * sizeof(*found));
	for (size_t i = 0; i < count; i++) {
		rows_session(mem, rows, i, 0, &found[i].session);
		found[i].session.token = SPAN_ABSENT;
		found[i].email = arena_copy(mem, pg_text(rows, i, SESSION_COLUMN_COUNT));
	}
	*rows_out = found;
	*count_out = count;
	return STATUS_OK;
}

enum status admin_end_session(struct store *store, struct span id, size_t *ended_out)
{
	static const struct pg_statement end = {
		"admin_end_session",
		"DELETE FROM public.session WHERE id = $1",
	};
	struct pg_args args = { 0 };
	pg_put_text(&args, id);
	return run_change(store, &end, &args, ended_out);
}

enum status admin_end_sessions_of(struct store *store, struct span user, size_t *ended_out)
{
	static const struct pg_statement end = {
		"admin_end_sessions_of",
		"DELETE FROM public.session s USING public.\"user\" u"
		" WHERE u.id = s.\"userId\" AND " USER_IS,
	};
	struct pg_args args = { 0 };
	pg_put_text(&args, user);
	return run_change(store, &end, &args, ended_out);
}

enum status admin_cut_off(struct store *store, struct span user_id, int64_t not_before_ms)
{
	/* 400 days outlive every session that is alive now. */
	static const struct pg_statement cut = {
		"admin_cut_off",
		"INSERT INTO authbridge.cutoff (user_id, not_before, until)"
		" VALUES ($1, $2, now() + interval '400 days') ON CONFLICT (user_id)"
		" DO UPDATE SET not_before = excluded.not_before, until = excluded.until",
	};
	struct pg_args args = { 0 };
	pg_put_text(&args, user_id);
	pg_put_ms(&args, not_before_ms);
	return run_write(store, &cut, &args, NULL);
}
