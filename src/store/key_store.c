/* SPDX-License-Identifier: MIT */
#include "store/key_store.h"

#include "store/run.h"

/* However early it was, it was: -1 says never. */
static int64_t expiry_of(const struct pg_result *rows, size_t row)
{
	int64_t expires_ms = pg_ms(rows, row, 6);
	return expires_ms < 0 && !pg_is_null(rows, row, 6) ? 0 : expires_ms;
}

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
			.expires_ms = expiry_of(rows, i),
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

struct new_signer {
	const struct key_row *row;
	int64_t max_age_ms;
};

static enum status end_others(struct pg *pg, const struct key_row *row)
{
	static const struct pg_statement end = {
		"end_other_keys",
		"UPDATE public.jwks SET \"expiresAt\" = $3 WHERE id <> $1"
		" AND coalesce(alg, 'EdDSA') = coalesce($2, 'EdDSA')"
		" AND (\"expiresAt\" IS NULL OR \"expiresAt\" > $3)",
	};
	struct pg_args args = { 0 };
	pg_put_text(&args, row->id);
	pg_put_text(&args, row->alg);
	pg_put_ms(&args, row->created_ms);
	return pg_run(pg, &end, &args, NULL);
}

static enum status work_signer(struct pool_lease *lease, void *state)
{
	static const struct pg_statement hold = {
		"lock_keys",
		"SELECT authbridge.lock_keys()",
	};
	/* A new statement, so it sees the key of whoever held the lock. */
	static const struct pg_statement insert = {
		"insert_signer",
		KEY_INTO "SELECT $1, $2, $3, $4, $5, $6, $7"
			 " WHERE NOT EXISTS (SELECT FROM public.jwks k"
			 " WHERE coalesce(k.alg, 'EdDSA') = coalesce($4, 'EdDSA')"
			 " AND (k.\"expiresAt\" IS NULL OR k.\"expiresAt\" > $6)"
			 " AND ($8 = 0 OR k.\"createdAt\" + $8 * interval '1 ms' > $6))",
	};
	const struct new_signer *new = state;
	struct pg_args args = { 0 };
	put_key(&args, new->row);
	pg_put_int(&args, new->max_age_ms);
	CLEANUP(pg_rows_free) struct pg_result *rows = NULL;
	TRY(pg_run(lease->pg, &hold, NULL, NULL));
	TRY(pg_run(lease->pg, &insert, &args, &rows));
	if (pg_changed(rows) != 1)
		return STATUS_CONFLICT;
	return new->max_age_ms == 0 ? STATUS_OK : end_others(lease->pg, new->row);
}

enum status store_insert_signer(struct store *store, const struct key_row *row, int64_t max_age_ms)
{
	return run_transaction(store, work_signer, &(struct new_signer){ row, max_age_ms });
}
