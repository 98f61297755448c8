/* SPDX-License-Identifier: MIT */
/* The keyring in force and who makes the next key; the table is a double. */
#include "service/keys.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/config.h"
#include "base/jdoc.h"
#include "crypto/password.h"
#include "forge.h"
#include "service/service.h"
#include "store/key_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

enum { ROWS = 8, AGE_MS = 40000 };

/* --- the table --- */

static struct key_row table[ROWS]; /* newest first */
static size_t table_count;
static bool table_is_away;
static void (*while_reading)(void); /* happens once, between a reading and its use */

enum status store_keys(struct store *store, struct arena *mem, struct key_row **rows_out,
		       size_t *count_out)
{
	(void)store;
	if (table_is_away)
		return STATUS_UNAVAILABLE;
	struct key_row *rows = arena_alloc(mem, sizeof(table));
	memcpy(rows, table, sizeof(table));
	*rows_out = rows;
	*count_out = table_count;
	void (*meanwhile)(void) = while_reading;
	while_reading = NULL;
	if (meanwhile != NULL)
		meanwhile();
	return STATUS_OK;
}

static struct arena *mem;

enum status store_insert_signer(struct store *store, const struct key_row *row, int64_t max_age_ms)
{
	(void)store;
	assert_int_equal(max_age_ms, AGE_MS);
	assert_true(table_count < ROWS);
	memmove(table + 1, table, table_count++ * sizeof(*table));
	table[0] = *row;
	table[0].id = arena_copy(mem, row->id);
	table[0].public_key = arena_copy(mem, row->public_key);
	table[0].private_key = arena_copy(mem, row->private_key);
	return STATUS_OK;
}

enum status store_check_url(const char *url)
{
	(void)url;
	return STATUS_OK;
}

/* --- one holder for each test --- */

static struct config *config;
static struct service service;
static struct keyring *held;

static int set_up(void **state)
{
	static char *const no_environment[] = { NULL };
	static const struct span text =
		SPAN("database_url = postgresql:///x\nsecret = " FORGE_SECRET
		     "\nbase_url = https://a.example\njwt_alg = EdDSA\njwt_ttl = 10s\n"
		     "jwt_key_max_age = 40s\n");
	struct buf mistakes;
	(void)state;
	mem = arena_new(0);
	buf_init(&mistakes, mem, 65536);
	if (config_parse(text, "test.conf", no_environment, NULL, &mistakes, &config) !=
		    STATUS_OK ||
	    service_plan_make(config, &mistakes, &service.plan) != STATUS_OK)
		fail_msg("%.*s", SPAN_FMT(buf_span(&mistakes)));
	service.config = config;
	service.rng = &rng_system;
	table_count = 0;
	table_is_away = false;
	assert_int_equal(keys_open(&service, &service.keys), STATUS_OK);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	keyring_release(&held);
	keys_close(&service.keys);
	service_plan_free(&service.plan);
	config_free(&config);
	arena_free(&mem);
	return 0;
}

static bool is_listed(struct span kid)
{
	return strstr(arena_text(mem, keyring_jwks(held)), arena_text(mem, kid)) != NULL;
}

static void the_next_key_begins_where_the_last_one_ends(void **state)
{
	(void)state;
	int64_t before = clock_wall_ms();
	assert_int_equal(keys_ensure_signer(&service, &held, 0), STATUS_OK);
	assert_int_equal(table_count, 1);
	assert_in_range(table[0].created_ms, before, clock_wall_ms());
	assert_int_equal(table[0].expires_ms, table[0].created_ms + AGE_MS);
	assert_int_equal(keys_lead_ms(config), AGE_MS / 4);
	assert_int_equal(keys_ensure_signer(&service, &held, AGE_MS / 4), STATUS_OK);
	assert_int_equal(table_count, 1);

	assert_int_equal(keys_ensure_signer(&service, &held, AGE_MS), STATUS_OK);
	assert_int_equal(table_count, 2);
	assert_int_equal(table[0].created_ms, table[1].expires_ms);
	/* It is listed, and does not sign yet. */
	assert_true(is_listed(table[0].id));
	assert_true(span_equal(keyring_signer(held, clock_wall_ms())->kid, table[1].id));
	assert_int_equal(keys_ensure_signer(&service, &held, AGE_MS), STATUS_OK);
	assert_int_equal(table_count, 2);
}

static void a_key_past_its_age_does_not_sign_without_a_database(void **state)
{
	(void)state;
	assert_int_equal(keys_ensure_signer(&service, &held, 0), STATUS_OK);
	table[0].created_ms -= AGE_MS;
	table[0].expires_ms = -1;
	assert_int_equal(keys_reload(&service, 1), STATUS_OK);
	table_is_away = true;
	assert_int_equal(keys_ensure_signer(&service, &held, 0), STATUS_UNAVAILABLE);
	assert_null(keyring_signer(held, clock_wall_ms()));
	table_is_away = false;
	assert_int_equal(keys_ensure_signer(&service, &held, 0), STATUS_OK);
	assert_int_equal(table_count, 2);
}

static void hear_of_the_removal(void)
{
	table_count = 0;
	assert_int_equal(keys_reload(&service, 2), STATUS_OK);
}

/* One thread has read the rows, the feed hears of a removal and swaps, and only
 * then does the first thread swap. */
static void a_slow_reading_does_not_bring_a_removed_key_back(void **state)
{
	(void)state;
	assert_int_equal(keys_ensure_signer(&service, &held, 0), STATUS_OK);
	struct span kid = table[0].id;
	assert_true(is_listed(kid));
	while_reading = hear_of_the_removal;
	(void)keys_look_for_unknown(&service, held);
	assert_null(while_reading);
	keys_refresh(&service, &held);
	assert_false(is_listed(kid));
	assert_int_equal(keyring_generation(held), 2);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_next_key_begins_where_the_last_one_ends),
		CASE(a_key_past_its_age_does_not_sign_without_a_database),
		CASE(a_slow_reading_does_not_bring_a_removed_key_back),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	jdoc_start();
	if (password_start() != STATUS_OK)
		return EXIT_FAILURE;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
