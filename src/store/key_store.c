/* SPDX-License-Identifier: MIT */
#include "store/key_store.h"

#include "store/run.h"

enum status store_keys(struct store *store, struct arena *mem, struct key_row **rows_out,
		       size_t *count_out)
{
	static const struct pg_statement list = {
		"keys",
		"SELECT id, \"publicKey\", \"privateKey\", alg, crv, \"createdAt\","
		" \"expiresAt\" FROM public.jwks ORDER BY \"createdAt\" DESC, id LIMIT 1000",
	};
	CLEANUP(pg_rows_free) struct pg_result *rows = NULL;
	TRY(run_read(store, &list, NULL, &rows));
	size_t count = pg_count(rows);
	struct key_row *found = arena_alloc(mem, (count + 1) * sizeof(*found));
	for (size_t i = 0; i < count; i++)
		found[i] = (struct key_row){
			.id = arena_copy(mem, pg_text(rows, i, 0)),
			.public_key = arena_copy(mem, pg_text(rows, i, 1)),
			.private_key = arena_copy(mem, pg_text(rows, i, 2)),
			.alg = arena_copy(mem, pg_text(rows, i, 3)),
			.crv = arena_copy(mem, pg_text(rows, i, 4)),
			.created_ms = pg_ms(rows, i, 5),
			.expires_ms = pg_ms(rows, i, 6),
		};
	*rows_out = found;
	*count_out = count;
	return STATUS_OK;
}

void put_key(struct pg_args *args, const struct key_row *row)
{
	pg_put_text(args, row->id);
	pg_put_text(args, row->public_key);
	pg_put_text(args, row->private_key);
	pg_put_text(args, row->alg);
	pg_put_text(args, row->crv);
	pg_put_ms(args, row->created_ms);
	if (row->expires_ms < 0)
		pg_put_no_ms(args);
	else
		pg_put_ms(args, row->expires_ms);
}

enum status store_key_is_there(struct store *store, struct span kid)
{
	static const struct pg_statement ask = {
		"key_is_there",
		"SELECT EXISTS (SELECT FROM public.jwks WHERE id = $1)",
	};
	struct pg_args args = { 0 };
	pg_put_text(&args, kid);
	CLEANUP(pg_rows_free) struct pg_result *rows = NULL;
	TRY(run_read(store, &ask, &args, &rows));
	return pg_bool(rows, 0, 0) ? STATUS_OK : STATUS_NOT_FOUND;
}

static enum status work_first_key(struct pool_lease *lease, void *state)
{
	static const struct pg_statement hold = {
		"lock_keys",
		"SELECT authbridge.lock_keys()",
	};
	/* A new statement, so it sees the key of whoever held the lock. */
	static const struct pg_statement insert = {
		"insert_first_key",
		KEY_INTO "SELECT $1, $2, $3, $4, $5, $6, $7"
			 " WHERE NOT EXISTS (SELECT FROM public.jwks k"
			 " WHERE coalesce(k.alg, 'EdDSA') = coalesce($4, 'EdDSA')"
			 " AND (k.\"expiresAt\" IS NULL OR k.\"expiresAt\" > $8))",
	};
	CLEANUP(pg_rows_free) struct pg_result *rows = NULL;
	TRY(pg_run(lease->pg, &hold, NULL, NULL));
	TRY(pg_run(lease->pg, &insert, state, &rows));
	return pg_changed(rows) == 1 ? STATUS_OK : STATUS_CONFLICT;
}

enum status store_insert_first_key(struct store *store, const struct key_row *row, int64_t now_ms)
{
	struct pg_args args = { 0 };
	put_key(&args, row);
	pg_put_ms(&args, now_ms);
	return run_transaction(store, work_first_key, &args);
}
