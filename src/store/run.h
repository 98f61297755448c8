/* SPDX-License-Identifier: MIT */
/*
 * run: statements on leased connections, repeated once where that is safe, and
 * rows turned into the model's types.
 */
#ifndef STORE_RUN_H
#define STORE_RUN_H

#include "base/arena.h"
#include "store/pg.h"
#include "store/pool.h"
#include "store/key_store.h"
#include "store/store.h"

struct store {
	struct pool *pool;
};

/* One statement. A read is asked again when its connection broke or lost a
 * race; a write only when it surely has not happened. */
MUST_CHECK enum status run_read(struct store *store, const struct pg_statement *statement,
				const struct pg_args *args, struct pg_result **rows_out);
MUST_CHECK enum status run_write(struct store *store, const struct pg_statement *statement,
				 const struct pg_args *args, struct pg_result **rows_out);
/* A write, and how many rows it changed. */
MUST_CHECK enum status run_change(struct store *store, const struct pg_statement *statement,
				  const struct pg_args *args, size_t *changed_out);

/* What needs its connection to itself; may be called twice. */
typedef enum status run_work(struct pool_lease *lease, void *state);
MUST_CHECK enum status run_task(struct store *store, run_work *work, void *state);
/* The same between BEGIN and COMMIT; rolled back unless it returns OK. */
MUST_CHECK enum status run_transaction(struct store *store, run_work *work, void *state);

/* The columns that rows_user and rows_session read, of tables u and s. */
#define USER_COLUMNS                                           \
	"u.id, u.name, u.email, u.\"emailVerified\", u.image," \
	" u.\"createdAt\", u.\"updatedAt\""
#define USER_COLUMN_COUNT 7
#define SESSION_COLUMNS                                                  \
	"s.id, s.token, s.\"userId\", s.\"ipAddress\", s.\"userAgent\"," \
	" s.\"expiresAt\", s.\"createdAt\", s.\"updatedAt\""
#define SESSION_COLUMN_COUNT 8

/* Copies into `mem`, from column `first` on. */
void rows_user(struct arena *mem, const struct pg_result *rows, size_t row, int first,
	       struct user *out);
void rows_session(struct arena *mem, const struct pg_result *rows, size_t row, int first,
		  struct session *out);

/* The values of a new session row, in the order of SESSION_VALUES. */
#define SESSION_INTO                                                        \
	"INSERT INTO public.session (id, token, \"userId\", \"ipAddress\"," \
	" \"userAgent\", \"expiresAt\", \"createdAt\", \"updatedAt\") "
void put_session(struct pg_args *args, const struct session *session);

/* The same of a key: seven values. */
#define KEY_INTO                                                                \
	"INSERT INTO public.jwks (id, \"publicKey\", \"privateKey\", alg, crv," \
	" \"createdAt\", \"expiresAt\") "
void put_key(struct pg_args *args, const struct key_row *row);

#endif
