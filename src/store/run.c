/* SPDX-License-Identifier: MIT */
#include "store/run.h"

#define ROLLBACK_MS 1000

static enum status run_once(struct store *store, bool is_read, run_work *work, void *state,
			    bool *repeat)
{
	CLEANUP(pool_release) struct pool_lease lease = { 0 };
	TRY(pool_lease(store->pool, &lease));
	enum status status = work(&lease, state);
	*repeat = status == STATUS_UNAVAILABLE &&
		  (is_read ? pg_may_repeat_read(lease.pg) : pg_may_repeat(lease.pg));
	return status;
}

static enum status run(struct store *store, bool is_read, run_work *work, void *state)
{
	bool repeat = false;
	enum status status = run_once(store, is_read, work, state, &repeat);
	return repeat ? run_once(store, is_read, work, state, &repeat) : status;
}

enum status run_task(struct store *store, run_work *work, void *state)
{
	return run(store, false, work, state);
}

struct single {
	const struct pg_statement *statement;
	const struct pg_args *args;
	struct pg_result **rows_out;
};

static enum status work_single(struct pool_lease *lease, void *state)
{
	struct single *s = state;
	return pg_run(lease->pg, s->statement, s->args, s->rows_out);
}

enum status run_read(struct store *store, const struct pg_statement *statement,
		     const struct pg_args *args, struct pg_result **rows_out)
{
	return run(store, true, work_single, &(struct single){ statement, args, rows_out });
}

enum status run_write(struct store *store, const struct pg_statement *statement,
		      const struct pg_args *args, struct pg_result **rows_out)
{
	return run(store, false, work_single, &(struct single){ statement, args, rows_out });
}

enum status run_change(struct store *store, const struct pg_statement *statement,
		       const struct pg_args *args, size_t *changed_out)
{
	CLEANUP(pg_rows_free) struct pg_result *rows = NULL;
	TRY(run_write(store, statement, args, &rows));
	*changed_out = pg_changed(rows);
	return STATUS_OK;
}

struct transaction {
	run_work *work;
	void *state;
};

static enum status work_transaction(struct pool_lease *lease, void *state)
{
	static const struct pg_statement begin = {
		"begin",
		"BEGIN ISOLATION LEVEL READ COMMITTED",
	};
	static const struct pg_statement commit = { "commit", "COMMIT" };
	struct transaction *t = state;
	TRY(pg_run(lease->pg, &begin, NULL, NULL));
	enum status status = t->work(lease, t->state);
	if (status == STATUS_OK)
		return pg_run(lease->pg, &commit, NULL, NULL);
	/* A connection that does not come out of it idle is not kept. */
	if (!pg_is_broken(lease->pg))
		pg_roll_back(lease->pg, ROLLBACK_MS);
	return status;
}

enum status run_transaction(struct store *store, run_work *work, void *state)
{
	return run(store, false, work_transaction, &(struct transaction){ work, state });
}

/* --- rows --- */

static struct span copy(struct arena *mem, const struct pg_result *rows, size_t row, int column)
{
	return arena_copy(mem, pg_text(rows, row, column));
}

static struct span copy_or_empty(struct arena *mem, const struct pg_result *rows, size_t row,
				 int column)
{
	struct span text = copy(mem, rows, row, column);
	return span_is_absent(text) ? SPAN("") : text;
}

void rows_user(struct arena *mem, const struct pg_result *rows, size_t row, int first,
	       struct user *out)
{
	*out = (struct user){
		.id = copy(mem, rows, row, first),
		.name = copy(mem, rows, row, first + 1),
		.email = copy(mem, rows, row, first + 2),
		.email_verified = pg_bool(rows, row, first + 3),
		.image = copy(mem, rows, row, first + 4),
		.created_ms = pg_ms(rows, row, first + 5),
		.updated_ms = pg_ms(rows, row, first + 6),
	};
}

void rows_session(struct arena *mem, const struct pg_result *rows, size_t row, int first,
		  struct session *out)
{
	*out = (struct session){
		.id = copy(mem, rows, row, first),
		.token = copy(mem, rows, row, first + 1),
		.user_id = copy(mem, rows, row, first + 2),
		.ip_address = copy_or_empty(mem, rows, row, first + 3),
		.user_agent = copy_or_empty(mem, rows, row, first + 4),
		.expires_ms = pg_ms(rows, row, first + 5),
		.created_ms = pg_ms(rows, row, first + 6),
		.updated_ms = pg_ms(rows, row, first + 7),
	};
}

void put_session(struct pg_args *args, const struct session *session)
{
	pg_put_text(args, session->id);
	pg_put_text(args, session->token);
	pg_put_text(args, session->user_id);
	pg_put_text(args, session->ip_address);
	pg_put_text(args, session->user_agent);
	pg_put_ms(args, session->expires_ms);
	pg_put_ms(args, session->created_ms);
	pg_put_ms(args, session->updated_ms);
}
