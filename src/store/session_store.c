/* SPDX-License-Identifier: MIT */
#include "store/run.h"

enum status store_session_by_token(struct store *store, struct arena *mem, struct span token,
				   struct session *session_out, struct user *user_out)
{
	static const struct pg_statement find = {
		"session_by_token",
		"SELECT " SESSION_COLUMNS ", " USER_COLUMNS " FROM public.session s"
		" JOIN public.\"user\" u ON u.id = s.\"userId\" WHERE s.token = $1",
	};
	struct pg_args args = { 0 };
	pg_put_text(&args, token);
	CLEANUP(pg_rows_free) struct pg_result *rows = NULL;
	TRY(run_read(store, &find, &args, &rows));
	if (pg_count(rows) == 0)
		return STATUS_NOT_FOUND;
	rows_session(mem, rows, 0, 0, session_out);
	rows_user(mem, rows, 0, SESSION_COLUMN_COUNT, user_out);
	return STATUS_OK;
}

enum status store_slide_session(struct store *store, struct span token, int64_t expires_ms,
				int64_t now_ms)
{
	/* A slide that a crash loses costs nothing, so it does not wait for
	 * the disk. It can neither shorten a session nor bring one back. */
	static const struct pg_statement slide = {
		"slide_session",
		"UPDATE public.session SET \"expiresAt\" = greatest(\"expiresAt\", $2),"
		" \"updatedAt\" = $3 FROM set_config('synchronous_commit', 'off', true)"
		" WHERE token = $1 AND \"expiresAt\" >= $3",
	};
	struct pg_args args = { 0 };
	pg_put_text(&args, token);
	pg_put_ms(&args, expires_ms);
	pg_put_ms(&args, now_ms);
	size_t slid = 0;
	TRY(run_change(store, &slide, &args, &slid));
	return slid > 0 ? STATUS_OK : STATUS_NOT_FOUND;
}

enum status store_end_session(struct store *store, struct span token, struct span user_id)
{
	static const struct pg_statement end = {
		"end_session",
		"DELETE FROM public.session WHERE token = $1"
		" AND ($2 IS NULL OR \"userId\" = $2)",
	};
	struct pg_args args = { 0 };
	pg_put_text(&args, token);
	pg_put_text(&args, user_id);
	return run_write(store, &end, &args, NULL);
}

enum status store_end_sessions(struct store *store, struct span user_id, struct span except)
{
	static const struct pg_statement end = {
		"end_sessions",
		"DELETE FROM public.session WHERE \"userId\" = $1"
		" AND ($2 IS NULL OR token <> $2)",
	};
	struct pg_args args = { 0 };
	pg_put_text(&args, user_id);
	pg_put_text(&args, except);
	return run_write(store, &end, &args, NULL);
}

enum status store_sessions(struct store *store, struct arena *mem, struct span user_id,
			   int64_t now_ms, struct session **rows_out, size_t *count_out)
{
	static const struct pg_statement list = {
		"sessions",
		"SELECT " SESSION_COLUMNS " FROM public.session s WHERE s.\"userId\" = $1"
		" AND s.\"expiresAt\" >= $2 ORDER BY s.\"createdAt\" LIMIT 100",
	};
	struct pg_args args = { 0 };
	pg_put_text(&args, user_id);
	pg_put_ms(&args, now_ms);
	CLEANUP(pg_rows_free) struct pg_result *rows = NULL;
	TRY(run_read(store, &list, &args, &rows));
	size_t count = pg_count(rows);
	struct session *found = arena_alloc(mem, (count + 1) * sizeof(*found));
	for (size_t i = 0; i < count; i++)
		rows_session(mem, rows, i, 0, &found[i]);
	*rows_out = found;
	*count_out = count;
	return STATUS_OK;
}

enum status store_token_is_live(struct store *store, struct span session_id, struct span user_id,
				int64_t issued, int64_t now)
{
	/* Says what the feed would say: also that an ended session stays ended
	 * when somebody writes its row again. */
	static const struct pg_statement ask = {
		"token_is_live",
		"SELECT ($1 IS NULL OR (EXISTS (SELECT FROM public.session s WHERE s.id = $1"
		" AND s.\"userId\" = $2 AND s.\"expiresAt\" >= $4)"
		" AND NOT EXISTS (SELECT FROM authbridge.revocation r"
		" WHERE r.session_id = $1)))"
		" AND NOT EXISTS (SELECT FROM authbridge.cutoff c"
		" WHERE c.user_id IN ('', $2) AND ceil(extract(epoch FROM c.not_before)) > $3)"
		" AND NOT EXISTS (SELECT FROM authbridge.disabled_user d"
		" WHERE d.user_id = $2 AND d.disabled)",
	};
	struct pg_args args = { 0 };
	pg_put_text(&args, session_id);
	pg_put_text(&args, user_id);
	pg_put_int(&args, issued < 0 ? 0 : issued);
	pg_put_ms(&args, now * 1000);
	CLEANUP(pg_rows_free) struct pg_result *rows = NULL;
	TRY(run_read(store, &ask, &args, &rows));
	return pg_bool(rows, 0, 0) ? STATUS_OK : STATUS_NOT_FOUND;
}
