/* SPDX-License-Identifier: MIT */
#include "store/admin_trail.h"

#include "store/admin_run.h"

#define KEYS_MAX 2

static struct span copy(struct arena *mem, const struct pg_result *rows, size_t row, int column)
{
	return arena_copy(mem, pg_text(rows, row, column));
}

enum status admin_trail(struct store *store, struct arena *mem, size_t limit,
			struct trail_row **rows_out, size_t *count_out)
{
	static const struct pg_statement list = {
		"admin_trail",
		"SELECT * FROM (SELECT id, at, times, actor, event, user_id, address, reason,"
		" detail FROM authbridge.audit ORDER BY id DESC LIMIT $1) AS last ORDER BY id",
	};
	struct pg_args args = { 0 };
	pg_put_int(&args, (int64_t)limit);
	CLEANUP(pg_rows_free) struct pg_result *rows = NULL;
	TRY(admin_run(store, &list, &args, &rows));
	size_t count = pg_count(rows);
	struct trail_row *found = arena_alloc(mem, (count + 1) * sizeof(*found));
	for (size_t i = 0; i < count; i++)
		found[i] = (struct trail_row){
			.id = pg_int(rows, i, 0),
			.at_ms = pg_ms(rows, i, 1),
			.times = pg_int(rows, i, 2),
			.actor = copy(mem, rows, i, 3),
			.event = copy(mem, rows, i, 4),
			.user_id = copy(mem, rows, i, 5),
			.address = copy(mem, rows, i, 6),
			.reason = copy(mem, rows, i, 7),
			.detail = copy(mem, rows, i, 8),
		};
	*rows_out = found;
	*count_out = count;
	return STATUS_OK;
}

#define POLICY_COLUMNS                                \
	"(extract(epoch FROM keep) / 86400)::bigint," \
	" (extract(epoch FROM keep_refused) / 86400)::bigint"

enum status admin_trail_policy(struct store *store, const struct trail_policy *set,
			       struct trail_policy *out)
{
	static const struct pg_statement ask = {
		"admin_trail_policy",
		"SELECT " POLICY_COLUMNS " FROM authbridge.audit_policy",
	};
	static const struct pg_statement change = {
		"admin_trail_keep",
		"WITH noted AS (INSERT INTO authbridge.audit (event, detail) VALUES"
		" ('audit policy changed', format('keep %s, refused %s (0: as it was)', $1, $2)))"
		" UPDATE authbridge.audit_policy SET"
		" keep = CASE WHEN $1 > 0 THEN make_interval(days => $1::integer) ELSE keep END,"
		" keep_refused = CASE WHEN $2 > 0 THEN make_interval(days => $2::integer)"
		" ELSE keep_refused END RETURNING " POLICY_COLUMNS,
	};
	bool changes = set->keep_days > 0 || set->keep_refused_days > 0;
	struct pg_args args = { 0 };
	if (changes) {
		pg_put_int(&args, set->keep_days);
		pg_put_int(&args, set->keep_refused_days);
	}
	CLEANUP(pg_rows_free) struct pg_result *rows = NULL;
	TRY(admin_run(store, changes ? &change : &ask, &args, &rows));
	if (pg_count(rows) == 0)
		return STATUS_NOT_FOUND;
	*out = (struct trail_policy){ pg_int(rows, 0, 0), pg_int(rows, 0, 1) };
	return STATUS_OK;
}

/* $1 and $2; both NULL: every key. */
#define KEY_IS "(($1 IS NULL AND $2 IS NULL) OR key IN ($1, $2))"

static void put_keys(struct pg_args *args, const struct span *keys, size_t count)
{
	for (size_t i = 0; i < KEYS_MAX; i++)
		pg_put_text(args, i < count ? keys[i] : SPAN_ABSENT);
}

enum status admin_throttle(struct store *store, struct arena *mem, const struct span *keys,
			   size_t key_count, size_t limit, struct throttle_row **rows_out,
			   size_t *count_out)
{
	static const struct pg_statement list = {
		"admin_throttle",
		"SELECT key, last_ms, failures FROM authbridge.throttle WHERE " KEY_IS
		" ORDER BY last_ms DESC LIMIT $3",
	};
	struct pg_args args = { 0 };
	put_keys(&args, keys, key_count);
	pg_put_int(&args, (int64_t)limit);
	CLEANUP(pg_rows_free) struct pg_result *rows = NULL;
	TRY(admin_run(store, &list, &args, &rows));
	size_t count = pg_count(rows);
	struct throttle_row *found = arena_alloc(mem, (count + 1) * sizeof(*found));
	for (size_t i = 0; i < count; i++)
		found[i] = (struct throttle_row){
			.key = copy(mem, rows, i, 0),
			.state = { pg_int(rows, i, 1), (unsigned)pg_int(rows, i, 2) },
		};
	*rows_out = found;
	*count_out = count;
	return STATUS_OK;
}

enum status admin_throttle_clear(struct store *store, const struct span *keys, size_t key_count,
				 struct span user_id, size_t *cleared_out)
{
	static const struct pg_statement clear = {
		"admin_throttle_clear",
		"WITH gone AS (DELETE FROM authbridge.throttle WHERE " KEY_IS " RETURNING key),"
		" noted AS (INSERT INTO authbridge.audit (event, user_id, times)"
		" SELECT 'throttle cleared', $3, count(*) FROM gone HAVING count(*) > 0)"
		" SELECT FROM gone",
	};
	struct pg_args args = { 0 };
	put_keys(&args, keys, key_count);
	pg_put_text(&args, user_id);
	return admin_change(store, &clear, &args, cleared_out);
}
