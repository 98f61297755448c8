/* SPDX-License-Identifier: MIT */
#include "store/admin.h"

#include "store/admin_run.h"

#define USER_ROW                                                                 \
	USER_COLUMNS ", (SELECT count(*) FROM public.session s"                  \
		     " WHERE s.\"userId\" = u.id AND s.\"expiresAt\" >= now())," \
		     " EXISTS (SELECT FROM authbridge.disabled_user d WHERE"     \
		     " d.user_id = u.id AND d.disabled)"
#define USER_ROW_COUNT (USER_COLUMN_COUNT + 2)

static void read_row(struct arena *mem, const struct pg_result *rows, size_t row,
		     struct user_row *out)
{
	rows_user(mem, rows, row, 0, &out->user);
	out->sessions = pg_int(rows, row, USER_COLUMN_COUNT);
	out->disabled = pg_bool(rows, row, USER_COLUMN_COUNT + 1);
}

enum status admin_users(struct store *store, struct arena *mem, struct span pattern, size_t limit,
			struct user_row **rows_out, size_t *count_out)
{
	static const struct pg_statement list = {
		"admin_users",
		"SELECT " USER_ROW " FROM public.\"user\" u WHERE $1 IS NULL OR u.id = $1"
		" OR strpos(u.email, lower($1)) > 0 ORDER BY u.\"createdAt\" DESC LIMIT $2",
	};
	struct pg_args args = { 0 };
	pg_put_text(&args, pattern);
	pg_put_int(&args, (int64_t)limit);
	CLEANUP(pg_rows_free) struct pg_result *rows = NULL;
	TRY(admin_run(store, &list, &args, &rows));
	size_t count = pg_count(rows);
	struct user_row *found = arena_alloc(mem, (count + 1) * sizeof(*found));
	for (size_t i = 0; i < count; i++)
		read_row(mem, rows, i, &found[i]);
	*rows_out = found;
	*count_out = count;
	return STATUS_OK;
}

enum status admin_user(struct store *store, struct arena *mem, struct span user,
		       struct user_row *row_out, struct span *hash_out)
{
	static const struct pg_statement find = {
		"admin_user",
		"SELECT " USER_ROW ", (SELECT a.password FROM public.account a"
		" WHERE a.\"userId\" = u.id AND a.\"providerId\" = 'credential'"
		" ORDER BY a.\"createdAt\" LIMIT 1)"
		" FROM public.\"user\" u WHERE " ADMIN_USER_IS " ORDER BY u.id = $1 DESC LIMIT 1",
	};
	struct pg_args args = { 0 };
	pg_put_text(&args, user);
	CLEANUP(pg_rows_free) struct pg_result *rows = NULL;
	TRY(admin_run(store, &find, &args, &rows));
	if (pg_count(rows) == 0)
		return STATUS_NOT_FOUND;
	read_row(mem, rows, 0, row_out);
	*hash_out = arena_copy(mem, pg_text(rows, 0, USER_ROW_COUNT));
	return STATUS_OK;
}

/* Each is one statement that leaves its line in the audit trail and tells how
 * many users it met. */

enum status admin_disable_user(struct store *store, struct span user)
{
	static const struct pg_statement disable = {
		"admin_disable_user",
		"WITH met AS (SELECT u.id FROM public.\"user\" u WHERE " ADMIN_USER_IS "),"
		" done AS (INSERT INTO authbridge.disabled_user (user_id) SELECT met.id FROM met"
		" ON CONFLICT (user_id) DO UPDATE SET disabled = true) " ADMIN_AND_AUDIT(
			"user disabled"),
	};
	return admin_act(store, &disable, user);
}

enum status admin_enable_user(struct store *store, struct span user)
{
	static const struct pg_statement enable = {
		"admin_enable_user",
		"WITH met AS (SELECT u.id FROM public.\"user\" u WHERE " ADMIN_USER_IS "),"
		" done AS (UPDATE authbridge.disabled_user d SET disabled = false FROM met"
		" WHERE d.user_id = met.id) " ADMIN_AND_AUDIT("user enabled"),
	};
	return admin_act(store, &enable, user);
}

enum status admin_delete_user(struct store *store, struct span user)
{
	static const struct pg_statement remove = {
		"admin_delete_user",
		"WITH met AS (DELETE FROM public.\"user\" u WHERE " ADMIN_USER_IS
		" RETURNING u.id) " ADMIN_AND_AUDIT("user deleted"),
	};
	return admin_act(store, &remove, user);
}

enum status admin_revoke_user(struct store *store, struct span user)
{
	/* A second ahead, since tokens count whole seconds. */
	static const struct pg_statement revoke = {
		"admin_revoke_user",
		"WITH met AS (SELECT u.id FROM public.\"user\" u WHERE " ADMIN_USER_IS "),"
		" done AS (INSERT INTO authbridge.cutoff (user_id, not_before, until)"
		" SELECT met.id, now() + interval '1 s', now() + interval '400 days' FROM met"
		" ON CONFLICT (user_id) DO UPDATE SET not_before = excluded.not_before,"
		" until = excluded.until) " ADMIN_AND_AUDIT("tokens of user revoked"),
	};
	return admin_act(store, &revoke, user);
}
