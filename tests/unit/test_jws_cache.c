/* SPDX-License-Identifier: MIT */
/* What jws remembers of verified tokens, and what it must not. */
#include "jws_fixture.h"

static struct span token_of(const char *payload)
{
	struct span input = forge_input(t.mem, SPAN("{\"alg\":\"EdDSA\"}"), span_of(payload));

	return forge_join(t.mem, input, forge_sign(t.mem, t.ed, NULL, input));
}

static enum status verify(const struct jws_key *key, struct span token)
{
	struct jws_parts parts;
	struct span payload;

	assert_int_equal(jws_split(token, &parts), STATUS_OK);
	return jws_verify(t.scratch, key, &parts, &payload);
}

static void expect_counts(uint64_t computed, uint64_t saved)
{
	struct jws_stats stats;

	jws_scratch_read_stats(t.scratch, &stats);
	assert_int_equal(stats.computed, computed);
	assert_int_equal(stats.saved, saved);
}

static void fresh_scratch(void)
{
	jws_scratch_free(&t.scratch);
	t.scratch = jws_scratch_new();
}

static void a_second_look_saves_the_arithmetic(void **state)
{
	struct span token = token_of(PAYLOAD);
	struct jws_parts parts;
	struct span payload;

	(void)state;
	fresh_scratch();
	assert_int_equal(verify(t.eddsa, token), STATUS_OK);
	expect_counts(1, 0);
	assert_int_equal(verify(t.eddsa, token), STATUS_OK);
	expect_counts(1, 1);
	assert_int_equal(jws_split(token, &parts), STATUS_OK);
	assert_int_equal(jws_verify(t.scratch, t.eddsa, &parts, &payload), STATUS_OK);
	assert_true(span_is(payload, PAYLOAD));
}

/* Header, payload or signature changed by one character: another token. */
static void every_character_counts(void **state)
{
	struct span token = token_of(PAYLOAD);
	char *changed = arena_text(t.mem, token);

	(void)state;
	fresh_scratch();
	assert_int_equal(verify(t.eddsa, token), STATUS_OK);
	for (size_t i = 0; i < token.len; i++) {
		struct jws_parts parts;
		struct span payload;
		char was = changed[i];

		changed[i] = was == 'A' ? 'B' : 'A';
		if (jws_split(span_make(changed, token.len), &parts) == STATUS_OK &&
		    jws_verify(t.scratch, t.eddsa, &parts, &payload) == STATUS_OK)
			fail_msg("accepted with character %zu changed", i);
		changed[i] = was;
	}
	assert_int_equal(verify(t.eddsa, token), STATUS_OK);
}

static void a_refusal_is_not_remembered_as_good(void **state)
{
	struct span good = token_of(PAYLOAD);
	char *bad = arena_text(t.mem, good);

	(void)state;
	fresh_scratch();
	bad[good.len - 10] = bad[good.len - 10] == 'A' ? 'B' : 'A';
	for (int i = 0; i < 3; i++)
		assert_int_equal(verify(t.eddsa, span_make(bad, good.len)), STATUS_DENIED);
	expect_counts(3, 0);
}

/* The same bytes of key, made anew after a removal, are another key. */
static void a_key_read_again_starts_afresh(void **state)
{
	struct span token = token_of(PAYLOAD);
	struct jws_key *again = NULL;

	(void)state;
	fresh_scratch();
	assert_int_equal(jws_key_ed25519(SPAN("d"), t.point, &again), STATUS_OK);
	assert_int_equal(verify(t.eddsa, token), STATUS_OK);
	assert_int_equal(verify(again, token), STATUS_OK);
	expect_counts(2, 0);
	jws_key_free(&again);
}

/* An address that a freed key had is no way back in. */
static void a_freed_keys_address_is_no_key(void **state)
{
	struct span token = token_of(PAYLOAD);
	unsigned char other[32];
	EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	size_t len = sizeof(other);

	(void)state;
	fresh_scratch();
	forge_must(EVP_PKEY_get_raw_public_key(pkey, other, &len) == 1);
	for (int i = 0; i < 50; i++) {
		struct jws_key *key = NULL;
		bool right = i % 2 == 0;

		assert_int_equal(jws_key_ed25519(SPAN("d"),
						 right ? t.point
						       : span_make((char *)other, sizeof(other)),
						 &key),
				 STATUS_OK);
		assert_int_equal(verify(key, token), right ? STATUS_OK : STATUS_DENIED);
		jws_key_free(&key);
	}
	EVP_PKEY_free(pkey);
}

static void hmac_is_never_remembered(void **state)
{
	struct span token =
		forge_hs256(t.mem, SPAN("{\"alg\":\"HS256\"}"), SPAN(PAYLOAD), SPAN(FORGE_SECRET));

	(void)state;
	fresh_scratch();
	for (int i = 0; i < 3; i++)
		assert_int_equal(verify(t.hs256, token), STATUS_OK);
	expect_counts(0, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_second_look_saves_the_arithmetic),
		cmocka_unit_test(every_character_counts),
		cmocka_unit_test(a_refusal_is_not_remembered_as_good),
		cmocka_unit_test(a_key_read_again_starts_afresh),
		cmocka_unit_test(a_freed_keys_address_is_no_key),
		cmocka_unit_test(hmac_is_never_remembered),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
