/* SPDX-License-Identifier: MIT */
/*
 * schema: the shape of the database this build knows. store_check_schema
 * (store.h) compares; schema_migrate brings it about. The migrations and the
 * grants are the files of sql/, embedded when the program is built.
 */
#ifndef STORE_SCHEMA_H
#define STORE_SCHEMA_H

#include "base/arena.h"
#include "base/status.h"

#include <stdint.h>

/* The migration this build needs; sql/ holds 1 to SCHEMA_LEVEL. */
#define SCHEMA_LEVEL 3
#define SCHEMA_LEVEL_TEXT "3"

struct schema_step {
	int level;
	const char *name, *sql;
};

/* From sql/NNNN_name.sql in order, SCHEMA_LEVEL of them; sql/grants.sql. */
extern const struct schema_step schema_steps[SCHEMA_LEVEL];
extern const char schema_grants[];

struct schema_migration {
	const char *url;          /* of a role that owns the tables */
	const char *service_role; /* gets the rights of grants.sql; NULL: nobody */
	int64_t connect_ms;
	/* Called after each step; `fresh`: it had not been recorded before. */
	void (*report)(void *state, const char *step, bool fresh);
	void *state;
};

/* Runs every migration, also those recorded (they mend what was dropped), each
 * in a transaction of its own; two at once do not clash. *why_out, in `mem`,
 * says what stopped it. STATUS_UNAVAILABLE: no connection. STATUS_INVALID: the
 * URL, or a database that is newer than this build. STATUS_DENIED: the role
 * may not. STATUS_INTERNAL: a migration failed. */
MUST_CHECK enum status schema_migrate(const struct schema_migration *migration, struct arena *mem,
				      char **why_out);

/* What a connection to `url` finds, for `authbridgectl check`. The results
 * live in `mem`; why as above. */
struct schema_probe {
	char *server, *role, *database;
	int64_t ahead_ms; /* the database's clock minus ours */
	bool standby;     /* cannot LISTEN, cannot write */
	bool pooled;      /* through a pooler, which loses notifications */
};
MUST_CHECK enum status schema_probe(const char *url, int64_t connect_ms, struct arena *mem,
				    struct schema_probe *out, char **why_out);

#endif
