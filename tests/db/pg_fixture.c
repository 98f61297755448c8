/* SPDX-License-Identifier: MIT */
#include "pg_fixture.h"

#include "base/arena.h"
#include "store/pg.h"
#include "store/schema.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <setjmp.h>
#include <cmocka.h>

#define WAIT_MS 30000

const char *pg_fixture_url(void)
{
	const char *url = getenv("AUTHBRIDGE_TEST_DATABASE_URL");
	if (url == NULL)
		puts("1..0 # SKIP no AUTHBRIDGE_TEST_DATABASE_URL");
	return url;
}

void pg_fixture_migrate(const char *service_role)
{
	struct arena *mem = arena_new(0);
	struct schema_migration migration = {
		.url = getenv("AUTHBRIDGE_TEST_DATABASE_URL"),
		.service_role = service_role,
		.connect_ms = WAIT_MS,
	};
	char *why = NULL;
	enum status status = schema_migrate(&migration, mem, &why);
	if (status != STATUS_OK)
		print_error("migrate: %s\n", why);
	arena_free(&mem);
	assert_int_equal(status, STATUS_OK);
}

static struct pg *connect_here(void)
{
	struct pg_options options = {
		.url = getenv("AUTHBRIDGE_TEST_DATABASE_URL"),
		.name = "test",
		.connect_ms = WAIT_MS,
		.call_ms = WAIT_MS,
		.stop_fd = -1,
	};
	struct pg *pg = NULL;
	assert_int_equal(pg_connect(&options, NULL, &pg), STATUS_OK);
	return pg;
}

bool pg_fixture_try(const char *sql)
{
	struct pg *pg = connect_here();
	char reason[PG_REASON_ROOM] = "";
	enum status status = pg_script(pg, sql, WAIT_MS, reason);
	if (status != STATUS_OK)
		print_message("# %s\n", reason);
	pg_close(&pg);
	return status == STATUS_OK;
}

void pg_fixture_sql(const char *sql)
{
	assert_true(pg_fixture_try(sql));
}

int64_t pg_fixture_int(const char *sql)
{
	struct pg *pg = connect_here();
	struct pg_statement ask = { "ask", sql };
	struct pg_result *rows = NULL;
	assert_int_equal(pg_run(pg, &ask, NULL, &rows), STATUS_OK);
	int64_t value = pg_int(rows, 0, 0);
	pg_rows_free(&rows);
	pg_close(&pg);
	return value;
}
