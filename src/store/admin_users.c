/* SPDX-License-Identifier: MIT */
#include "store/admin.h"

#include "store/run.h"

#define USER_IS "(u.id = $1 OR u.email = lower($1))"

enum status admin_users(struct store *store, struct arena *mem, struct span pattern, size_t limit,
			struct user_row **rows_out, size_t *count_out)
{
	static const struct pg_statement list = {
		"admin_users",
		"SELECT " USER_COLUMNS ", (SELECT count(*) FROM public.session s"
		" WHERE s.\"userId\" = u.id AND s.\"expiresAt\" >= now()),"
		" EXISTS (SELECT FROM authbridge.disabled_user d WHERE d.user_id = u.id"
		" AND d.disabled) FROM public.\"user\" u WHERE $1 IS NULL OR u.id = $1"
		" OR strpos(u.email, lower($1)) > 0 ORDER BY u.\"createdAt\" DESC LIMIT $2",
	};
	struct pg_args args = { 0 };
	pg_put_text(&args, pattern);
	pg_put_int(&args, (int64_t)limit);
	CLEANUP(pg_rows_free) struct pg_result *rows = NULL;
	TRY(run_read(store, &list, &args, &rows));
	size_t count = pg_count(rows);
	struct user_row *found = arena_alloc(mem, (count + 1) * sizeof(*found));
	for (size_t i = 0; i < count; i++) {
		rows_user(mem, rows, i, 0, &found[i].user);
		found[i].sessions = pg_int(rows, i, USER_COLUMN_COUNT);
		found[i].disabled = pg_bool(rows, i, USER_COLUMN_COUNT + 1);
	}
	*rows_out = found;
	*count_out = count;
	return STATUS_OK;
}

/* Each is one statement that leaves its line in the audit trail and tells how
 * many users it met. */
static enum status act(struct store *store, const struct pg_statement *statement, struct span user)
{
	struct pg_args args = { 0 };
	pg_put_text(&args, user);
	size_t met = 0;
	TRY(run_change(store, statement, &args, &met));
	return met > 0 ? STATUS_OK : STATUS_NOT_FOUND;
}

#define AND_AUDIT(event)                                                           \
	"INSERT INTO authbridge.audit (event, user_id) SELECT '" event "', met.id" \
	" FROM met"

enum status admin_disable_user(struct store *store, struct span user)
{
	static const struct pg_statement disable = {
		"admin_disable_user",
		"WITH met AS (SELECT u.id FROM public.\"user\" u WHERE " USER_IS "),"
		" done AS (INSERT INTO authbridge.disabled_user (user_id) SELECT met.id FROM met"
		" ON CONFLICT (user_id) DO UPDATE SET disabled = true) " AND_AUDIT("user disabled"),
	};
	return act(store, &disable, user);
}

enum status admin_enable_user(struct store *store, struct span user)
{
	static const struct pg_statement enable = {
		"admin_enable_user",
		"WITH met AS (SELECT u.id FROM public.\"user\" u WHERE " USER_IS "),"
		" done AS (UPDATE authbridge.disabled_user d SET disabled = false FROM met"
		" WHERE d.user_id = met.id) " AND_AUDIT("user enabled"),
	};
	return act(store, &enable, user);
}

enum status admin_delete_user(struct store *store, struct span user)
{
	static const struct pg_statement remove = {
		"admin_delete_user",
		"WITH met AS (DELETE FROM public.\"user\" u WHERE " USER_IS
		" RETURNING u.id) " AND_AUDIT("user deleted"),
	};
	return act(store, &remove, user);
}

enum status admin_revoke_user(struct store *store, struct span user)
{
	/* A second ahead, since tokens count whole seconds. */
	static const struct pg_statement revoke = {
		"admin_revoke_user",
		"WITH met AS (SELECT u.id FROM public.\"user\" u WHERE " USER_IS "),"
		" done AS (INSERT INTO authbridge.cutoff (user_id, not_before, until)"
		" SELECT met.id, now() + interval '1 s', now() + interval '400 days' FROM met"
		" ON CONFLICT (user_id) DO UPDATE SET not_before = excluded.not_before,"
		" until = excluded.until) " AND_AUDIT("tokens of user revoked"),
	};
	return act(store, &revoke, user);
}
