/* SPDX-License-Identifier: MIT */
#include "store/admin.h"

#include "store/admin_run.h"

#define AND_AUDIT_KEY(event)                                                       \
	"INSERT INTO authbridge.audit (event, detail) SELECT '" event "', done.id" \
	" FROM done"
#define AND_AUDIT_SESSIONS                                                   \
	", noted AS (INSERT INTO authbridge.audit (event, user_id, times)"   \
	" SELECT 'sessions ended', min(gone.\"userId\"), count(*) FROM gone" \
	" HAVING count(*) > 0) SELECT FROM gone"

enum status admin_insert_key(struct store *store, const struct key_row *row)
{
	static const struct pg_statement insert = {
		"insert_key",
		"WITH done AS (" KEY_INTO "VALUES ($1, $2, $3, $4, $5, $6, $7)"
		" RETURNING id) " AND_AUDIT_KEY("key made"),
	};
	struct pg_args args = { 0 };
	put_key(&args, row);
	return admin_run(store, &insert, &args, NULL);
}

enum status admin_retire_key(struct store *store, struct span kid, int64_t now_ms)
{
	static const struct pg_statement retire = {
		"retire_key",
		"WITH done AS (UPDATE public.jwks SET \"expiresAt\" = $2 WHERE id = $1"
		" AND (\"expiresAt\" IS NULL OR \"expiresAt\" > $2) RETURNING id) " AND_AUDIT_KEY(
			"key retired"),
	};
	struct pg_args args = { 0 };
	pg_put_text(&args, kid);
	pg_put_ms(&args, now_ms);
	return admin_change_one(store, &retire, &args);
}

enum status admin_remove_key(struct store *store, struct span kid)
{
	static const struct pg_statement remove = {
		"remove_key",
		"WITH done AS (DELETE FROM public.jwks WHERE id = $1 RETURNING id) " AND_AUDIT_KEY(
			"key removed"),
	};
	return admin_act(store, &remove, kid);
}

enum status admin_sessions(struct store *store, struct arena *mem, struct span user, size_t limit,
			   struct session_row **rows_out, size_t *count_out)
{
	static const struct pg_statement list = {
		"admin_sessions",
		"SELECT " SESSION_COLUMNS ", u.email FROM public.session s"
		" JOIN public.\"user\" u ON u.id = s.\"userId\""
		" WHERE ($1 IS NULL OR " ADMIN_USER_IS ") AND s.\"expiresAt\" >= now()"
		" ORDER BY s.\"createdAt\" DESC LIMIT $2",
	};
	struct pg_args args = { 0 };
	pg_put_text(&args, user);
	pg_put_int(&args, (int64_t)limit);
	CLEANUP(pg_rows_free) struct pg_result *rows = NULL;
	TRY(admin_run(store, &list, &args, &rows));
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
		"WITH gone AS (DELETE FROM public.session WHERE id = $1"
		" RETURNING \"userId\")" AND_AUDIT_SESSIONS,
	};
	return admin_change_of(store, &end, id, ended_out);
}

enum status admin_end_sessions_of(struct store *store, struct span user, size_t *ended_out)
{
	static const struct pg_statement end = {
		"admin_end_sessions_of",
		"WITH gone AS (DELETE FROM public.session s USING public.\"user\" u"
		" WHERE u.id = s.\"userId\" AND " ADMIN_USER_IS
		" RETURNING s.\"userId\")" AND_AUDIT_SESSIONS,
	};
	return admin_change_of(store, &end, user, ended_out);
}

enum status admin_cut_off(struct store *store, struct span user_id, int64_t not_before_ms)
{
	/* 400 days outlive every session that is alive now. */
	static const struct pg_statement cut = {
		"admin_cut_off",
		"WITH noted AS (INSERT INTO authbridge.audit (event, user_id)"
		" VALUES ('tokens revoked', nullif($1, '')))"
		" INSERT INTO authbridge.cutoff (user_id, not_before, until)"
		" VALUES ($1, $2, now() + interval '400 days') ON CONFLICT (user_id)"
		" DO UPDATE SET not_before = excluded.not_before, until = excluded.until",
	};
	struct pg_args args = { 0 };
	pg_put_text(&args, user_id);
	pg_put_ms(&args, not_before_ms);
	return admin_run(store, &cut, &args, NULL);
}
