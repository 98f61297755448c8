/* SPDX-License-Identifier: MIT */
#include "store/admin_run.h"

struct task {
	run_work *work;
	void *state;
	bool denied;
};

static enum status work_task(struct pool_lease *lease, void *state)
{
	struct task *task = state;
	enum status status = task->work(lease, task->state);
	/* The service takes a lost right for its own mistake, an administrator
	 * for an answer. */
	task->denied = status == STATUS_INTERNAL && strcmp(pg_state(lease->pg), "42501") == 0;
	return status;
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

enum status admin_run(struct store *store, const struct pg_statement *statement,
		      const struct pg_args *args, struct pg_result **rows_out)
{
	return admin_task(store, work_single, &(struct single){ statement, args, rows_out });
}

enum status admin_task(struct store *store, run_work *work, void *state)
{
	struct task task = { work, state, false };
	enum status status = run_task(store, work_task, &task);
	return task.denied ? STATUS_DENIED : status;
}

enum status admin_transaction(struct store *store, run_work *work, void *state)
{
	struct task task = { work, state, false };
	enum status status = run_transaction(store, work_task, &task);
	return task.denied ? STATUS_DENIED : status;
}

enum status admin_change(struct store *store, const struct pg_statement *statement,
			 const struct pg_args *args, size_t *changed_out)
{
	CLEANUP(pg_rows_free) struct pg_result *rows = NULL;
	TRY(admin_run(store, statement, args, &rows));
	*changed_out = pg_changed(rows);
	return STATUS_OK;
}

enum status admin_change_one(struct store *store, const struct pg_statement *statement,
			     const struct pg_args *args)
{
	size_t changed = 0;
	TRY(admin_change(store, statement, args, &changed));
	return changed > 0 ? STATUS_OK : STATUS_NOT_FOUND;
}

enum status admin_change_of(struct store *store, const struct pg_statement *statement,
			    struct span text, size_t *changed_out)
{
	struct pg_args args = { 0 };
	pg_put_text(&args, text);
	return admin_change(store, statement, &args, changed_out);
}

enum status admin_act(struct store *store, const struct pg_statement *statement, struct span text)
{
	struct pg_args args = { 0 };
	pg_put_text(&args, text);
	return admin_change_one(store, statement, &args);
}
