/* SPDX-License-Identifier: MIT */
/* pg_fixture: raw SQL for tests of what PostgreSQL itself does. */
#ifndef DB_PG_FIXTURE_H
#define DB_PG_FIXTURE_H

#include <stdbool.h>
#include <stdint.h>

/* AUTHBRIDGE_TEST_DATABASE_URL, or NULL after a line that skips all. */
const char *pg_fixture_url(void);
/* The migrations of sql/, as embedded. Fails the test otherwise. */
void pg_fixture_migrate(const char *service_role);
/* Runs statements on a connection of its own; fails the test when they do. */
void pg_fixture_sql(const char *sql);
/* Whether it succeeds. */
bool pg_fixture_try(const char *sql);
/* The first value of a query that gives a bigint. */
int64_t pg_fixture_int(const char *sql);

#endif
