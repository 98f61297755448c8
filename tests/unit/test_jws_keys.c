/* SPDX-License-Identifier: MIT */
#include "jws_fixture.h"

static void short_secrets_are_refused(void **state)
{
	struct jws_key *key = NULL;

	(void)state;
	assert_int_equal(jws_key_hmac(SPAN("h"), SPAN_ABSENT, &key), STATUS_INVALID);
	assert_int_equal(jws_key_hmac(SPAN("h"), SPAN(""), &key), STATUS_INVALID);
	assert_int_equal(jws_key_hmac(SPAN("h"), repeated('s', 31), &key), STATUS_INVALID);
	assert_null(key);
	assert_int_equal(jws_key_hmac(SPAN("h"), repeated('s', 32), &key), STATUS_OK);
	jws_key_free(&key);
}

static void long_kids_are_refused(void **state)
{
	struct span kid = repeated('k', JWS_KID_MAX + 1);
	struct jws_key *key = NULL;

	(void)state;
	assert_int_equal(jws_key_hmac(kid, SPAN(FORGE_SECRET), &key), STATUS_INVALID);
	assert_int_equal(jws_key_rsa(kid, t.n, t.e, &key), STATUS_INVALID);
	assert_int_equal(jws_key_p256(kid, t.x, t.y, &key), STATUS_INVALID);
	assert_int_equal(jws_key_ed25519(kid, t.point, &key), STATUS_INVALID);
	assert_null(key);
}

static void keys_tell_kid_and_algorithm(void **state)
{
	struct jws_key *key;

	(void)state;
	assert_true(span_is(jws_key_kid(t.hs256), "h"));
	assert_true(span_is(jws_key_kid(t.es256), "e"));
	assert_int_equal(jws_key_alg(t.rs256), JWS_RS256);
	assert_int_equal(jws_key_hmac(SPAN_ABSENT, SPAN(FORGE_SECRET), &key), STATUS_OK);
	assert_true(span_is_absent(jws_key_kid(key)));
	jws_key_free(&key);
}

/* The eight points of small order, and one whose y is not reduced: with such a
 * key a signature can be made that fits any message. */
static const char *const bad_points[] = {
	"0100000000000000000000000000000000000000000000000000000000000000",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0000000000000000000000000000000000000000000000000000000000000080",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"0200000000000000000000000000000000000000000000000000000000000000",
};

static void weak_ed25519_keys_are_refused(void **state)
{
	struct jws_key *key = NULL;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad_points); i++) {
		char bytes[32];
		size_t len;

		assert_int_equal(decode_hex(span_of(bad_points[i]), bytes, 32, &len), STATUS_OK);
		if (jws_key_ed25519(SPAN_ABSENT, span_make(bytes, 32), &key) != STATUS_INVALID)
			fail_msg("point %zu", i);
	}
	assert_int_equal(jws_key_ed25519(SPAN_ABSENT, span_first(t.point, 31), &key),
			 STATUS_INVALID);
	assert_int_equal(jws_key_ed25519(SPAN_ABSENT, SPAN_ABSENT, &key), STATUS_INVALID);
	assert_null(key);
}

/* S + L is the same signature to a verifier that does not look. */
static void unreduced_ed25519_s_is_refused(void **state)
{
	static const unsigned char order[32] = { 0xed, 0xd3, 0xf5, 0x5c, 0x1a,       0x63,
						 0x12, 0x58, 0xd6, 0x9c, 0xf7,       0xa2,
						 0xde, 0xf9, 0xde, 0x14, [31] = 0x10 };
	struct span input = forge_input(t.mem, SPAN("{\"alg\":\"EdDSA\"}"), SPAN(PAYLOAD));
	struct span good = forge_sign(t.mem, t.ed, NULL, input);
	unsigned char changed[64];
	unsigned carry = 0;

	(void)state;
	memcpy(changed, good.at, 64);
	for (size_t i = 0; i < 32; i++) {
		carry += changed[32 + i] + order[i];
		changed[32 + i] = (unsigned char)carry;
		carry >>= 8;
	}
	assert_int_equal(carry, 0);
	assert_int_equal(check_only(t.eddsa, forge_join(t.mem, input, good)), STATUS_OK);
	assert_int_equal(check_only(t.eddsa,
				    forge_join(t.mem, input, span_make((char *)changed, 64))),
			 STATUS_DENIED);
}

static void unsound_p256_keys_are_refused(void **state)
{
	struct jws_key *key = NULL;
	char *y = arena_text(t.mem, t.y);
	struct span zero = span_make(arena_alloc(t.mem, 32), 32);

	(void)state;
	y[31] ^= 1;
	assert_int_equal(jws_key_p256(SPAN_ABSENT, t.x, span_make(y, 32), &key), STATUS_INVALID);
	assert_int_equal(jws_key_p256(SPAN_ABSENT, zero, zero, &key), STATUS_INVALID);
	assert_int_equal(jws_key_p256(SPAN_ABSENT, repeated((char)0xff, 32), t.y, &key),
			 STATUS_INVALID);
	assert_int_equal(jws_key_p256(SPAN_ABSENT, span_first(t.x, 31), t.y, &key), STATUS_INVALID);
	assert_int_equal(jws_key_p256(SPAN_ABSENT, t.x, SPAN_ABSENT, &key), STATUS_INVALID);
	assert_null(key);
}

static void unsound_rsa_keys_are_refused(void **state)
{
	EVP_PKEY *small = EVP_RSA_gen(1024);
	struct span n = forge_number(t.mem, small, OSSL_PKEY_PARAM_RSA_N, 0);
	char *even = arena_text(t.mem, t.n);
	struct jws_key *key = NULL;

	(void)state;
	even[t.n.len - 1] = (char)(even[t.n.len - 1] & ~1);
	assert_int_equal(jws_key_rsa(SPAN_ABSENT, n, t.e, &key), STATUS_INVALID);
	assert_int_equal(jws_key_rsa(SPAN_ABSENT, span_make(even, t.n.len), t.e, &key),
			 STATUS_INVALID);
	assert_int_equal(jws_key_rsa(SPAN_ABSENT, repeated((char)0xff, 1025), t.e, &key),
			 STATUS_INVALID);
	assert_int_equal(jws_key_rsa(SPAN_ABSENT, SPAN_ABSENT, t.e, &key), STATUS_INVALID);
	assert_int_equal(jws_key_rsa(SPAN_ABSENT, t.n, SPAN_ABSENT, &key), STATUS_INVALID);
	assert_int_equal(jws_key_rsa(SPAN_ABSENT, t.n, SPAN("\0"), &key), STATUS_INVALID);
	assert_int_equal(jws_key_rsa(SPAN_ABSENT, t.n, SPAN("\1"), &key), STATUS_INVALID);
	assert_int_equal(jws_key_rsa(SPAN_ABSENT, t.n, SPAN("\1\0\0"), &key), STATUS_INVALID);
	assert_int_equal(jws_key_rsa(SPAN_ABSENT, t.n, repeated(1, 9), &key), STATUS_INVALID);
	assert_null(key);
	assert_int_equal(jws_key_rsa(SPAN_ABSENT, t.n, SPAN("\3"), &key), STATUS_OK);
	jws_key_free(&key);
	EVP_PKEY_free(small);
}

static void algorithms_have_exact_names(void **state)
{
	(void)state;
	for (enum jws_alg alg = JWS_HS256; alg <= JWS_RS256; alg++)
		assert_int_equal(jws_alg_named(span_of(jws_alg_word(alg))), alg);
	assert_int_equal(jws_alg_named(SPAN("none")), JWS_NONE);
	assert_int_equal(jws_alg_named(SPAN_ABSENT), JWS_NONE);
	assert_string_equal(jws_alg_word(JWS_NONE), "none");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(short_secrets_are_refused),
		cmocka_unit_test(long_kids_are_refused),
		cmocka_unit_test(keys_tell_kid_and_algorithm),
		cmocka_unit_test(weak_ed25519_keys_are_refused),
		cmocka_unit_test(unreduced_ed25519_s_is_refused),
		cmocka_unit_test(unsound_p256_keys_are_refused),
		cmocka_unit_test(unsound_rsa_keys_are_refused),
		cmocka_unit_test(algorithms_have_exact_names),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
