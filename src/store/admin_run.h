/* SPDX-License-Identifier: MIT */
/* admin_run: the statements of admin.h, whose statuses are those of run.h, but
 * for one: STATUS_DENIED says that the role may not do that. */
#ifndef STORE_ADMIN_RUN_H
#define STORE_ADMIN_RUN_H

#include "store/run.h"

#define ADMIN_USER_IS "(u.id = $1 OR u.email = lower($1))"

/* `met` names the users that a statement was about. */
#define ADMIN_AND_AUDIT(event)                                                     \
	"INSERT INTO authbridge.audit (event, user_id) SELECT '" event "', met.id" \
	" FROM met"

MUST_CHECK enum status admin_run(struct store *store, const struct pg_statement *statement,
				 const struct pg_args *args, struct pg_result **rows_out);

/* How many rows it changed. */
MUST_CHECK enum status admin_change(struct store *store, const struct pg_statement *statement,
				    const struct pg_args *args, size_t *changed_out);

/* About one row: STATUS_NOT_FOUND when it changed none. */
MUST_CHECK enum status admin_change_one(struct store *store, const struct pg_statement *statement,
					const struct pg_args *args);

/* As the last two, with one text for an argument. */
MUST_CHECK enum status admin_change_of(struct store *store, const struct pg_statement *statement,
				       struct span text, size_t *changed_out);
MUST_CHECK enum status admin_act(struct store *store, const struct pg_statement *statement,
				 struct span text);

/* What needs more than one statement; the other: between BEGIN and COMMIT. */
MUST_CHECK enum status admin_task(struct store *store, run_work *work, void *state);
MUST_CHECK enum status admin_transaction(struct store *store, run_work *work, void *state);

#endif
