/* SPDX-License-Identifier: MIT */
#include "fixture.h"
#include "pg_fixture.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <setjmp.h>
#include <cmocka.h>

struct store *fixture_open(void)
{
	const char *url = pg_fixture_url();
	if (url == NULL)
		return NULL;
	pg_fixture_migrate(NULL);
	struct store_options options = {
		.url = url,
		.prepared = true,
		.connections = 4,
		.connect_ms = 5000,
		.lease_ms = 5000,
		.call_ms = 5000,
	};
	struct store *store = NULL;
	assert_int_equal(store_open(&options, &store), STATUS_OK);
	return store;
}

void fixture_close(struct store **store)
{
	store_close(store);
}

void fixture_disable(struct span user_id, bool disabled)
{
	char sql[512];
	snprintf(sql, sizeof(sql),
		 "INSERT INTO authbridge.disabled_user (user_id, disabled) VALUES ('%.*s', %s)"
		 " ON CONFLICT (user_id) DO UPDATE SET disabled = excluded.disabled",
		 SPAN_FMT(user_id), disabled ? "true" : "false");
	pg_fixture_sql(sql);
}

void fixture_cut_off(struct span user_id, int64_t not_before)
{
	char sql[512];
	snprintf(sql, sizeof(sql),
		 "INSERT INTO authbridge.cutoff (user_id, not_before)"
		 " VALUES ('%.*s', to_timestamp(%lld))",
		 SPAN_FMT(user_id), (long long)not_before);
	pg_fixture_sql(sql);
}

void fixture_drop_credential(struct span user_id)
{
	char sql[512];
	snprintf(sql, sizeof(sql), "DELETE FROM public.account WHERE \"userId\" = '%.*s'",
		 SPAN_FMT(user_id));
	pg_fixture_sql(sql);
}
