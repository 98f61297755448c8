/* SPDX-License-Identifier: MIT */
#include "crypto/keyring.h"

#include "forge.h"

#include "base/jdoc.h"
#include "crypto/password.h"
#include "crypto/token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>

enum { THREADS = 4, ROUNDS = 60, SWAPS = 40, NOW = 1767225600 };

static struct {
	pthread_mutex_t lock; /* guards the swap of `keys` */
	struct keyring *keys;
	struct key_row row;
	atomic_uint failures;
} s = { .lock = PTHREAD_MUTEX_INITIALIZER };

static struct keyring *make(enum jws_alg alg)
{
	static const struct span secret = SPAN(FORGE_SECRET);
	static const unsigned version = 0;
	const struct keyring_source source = { .secrets = &secret,
					       .secret_versions = &version,
					       .secret_count = 1,
					       .signing_alg = alg,
					       .rows = &s.row,
					       .row_count = 1,
					       .now_ms = NOW * INT64_C(1000) };
	struct keyring *keys = NULL;
	size_t skipped;

	return keyring_new(&source, &skipped, &keys) == STATUS_OK ? keys : NULL;
}

static bool issue_and_check(const struct keyring *keys, struct jws_scratch *scratch,
			    struct arena *mem)
{
	const struct user user = { .id = SPAN("u"), .name = SPAN("n"), .email = SPAN("e@x.de") };
	const struct session session = { .id = SPAN("s"),
					 .expires_ms = (NOW + 900) * INT64_C(1000) };
	const struct token_grant grant = { &user, &session, SPAN("i"), SPAN("a"), NOW, 900 };
	const struct jws_key *key;
	struct jws_parts parts;
	struct span jwt, payload;

	return token_issue(keys, &grant, &rng_system, mem, &jwt) == STATUS_OK &&
	       jws_split(jwt, &parts) == STATUS_OK &&
	       keyring_find(keys, KEYRING_OWN, &parts, 0, &key, 1) == 1 &&
	       jws_verify(scratch, key, &parts, &payload) == STATUS_OK;
}

static struct keyring *hold(void)
{
	pthread_mutex_lock(&s.lock);
	struct keyring *keys = keyring_hold(s.keys);
	pthread_mutex_unlock(&s.lock);
	return keys;
}

static void *work(void *unused)
{
	struct jws_scratch *scratch = jws_scratch_new();
	struct arena *mem = arena_new(0);

	for (int i = 0; i < ROUNDS; i++) {
		struct keyring *keys = hold();

		if (!issue_and_check(keys, scratch, mem))
			atomic_fetch_add(&s.failures, 1);
		keyring_release(&keys);
		arena_reset(mem);
	}
	arena_free(&mem);
	jws_scratch_free(&scratch);
	return unused;
}

/* Snapshots are swapped while threads issue and verify with what they hold. */
static void snapshots_may_be_swapped_under_use(void **state)
{
	static const enum jws_alg algs[] = { JWS_HS256, JWS_ES256 };
	const struct span secret = SPAN(FORGE_SECRET);
	const unsigned version = 0;
	const struct keyring_source source = { .secrets = &secret,
					       .secret_versions = &version,
					       .secret_count = 1 };
	struct arena *mem = arena_new(0);
	pthread_t threads[THREADS];

	(void)state;
	jdoc_start();
	assert_int_equal(password_start(), STATUS_OK);
	assert_int_equal(keyring_generate(JWS_ES256, &source, &rng_system, mem, &s.row), STATUS_OK);
	s.keys = make(JWS_ES256);
	assert_non_null(s.keys);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, work, NULL), 0);
	for (int i = 0; i < SWAPS; i++) {
		struct keyring *fresh = make(algs[i % 2]);

		assert_non_null(fresh);
		pthread_mutex_lock(&s.lock);
		struct keyring *old = s.keys;
		s.keys = fresh;
		pthread_mutex_unlock(&s.lock);
		keyring_release(&old);
	}
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(atomic_load(&s.failures), 0);
	keyring_release(&s.keys);
	arena_free(&mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(snapshots_may_be_swapped_under_use),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
