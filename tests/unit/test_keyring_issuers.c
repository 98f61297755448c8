/* SPDX-License-Identifier: MIT */
#include "crypto/keyring.h"

#include "forge.h"

#include "base/jdoc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#define ED_X "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
#define EC_X "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
#define EC_Y "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
#define RSA_N                                                                                  \
	"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEz" \
	"P1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf6" \
	"3kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5Zw" \
	"Kh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRW" \
	"yuXpoQ"

#define ED "\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" ED_X "\""
#define EC "\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\""
#define RSA "\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"AQAB\""

#define BIT(alg) (1u << (alg))
#define ALL_ALGS (BIT(JWS_HS256) | BIT(JWS_EDDSA) | BIT(JWS_ES256) | BIT(JWS_RS256))

static struct keyring *own;

static int setup(void **state)
{
	static const struct span secret = SPAN(FORGE_SECRET);
	static const unsigned version = 0;
	const struct keyring_source source = { .secrets = &secret,
					       .secret_versions = &version,
					       .secret_count = 1,
					       .signing_alg = JWS_HS256,
					       .generation = 3 };
	size_t skipped;

	(void)state;
	jdoc_start();
	return keyring_new(&source, &skipped, &own) == STATUS_OK ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	keyring_release(&own);
	return 0;
}

static size_t find(const struct keyring *keys, size_t issuer, enum jws_alg alg, const char *kid)
{
	const struct jws_key *found[4];
	struct jws_parts parts = { .alg = alg, .kid = span_of(kid) };

	return keyring_find(keys, issuer, &parts, 0, found, 4);
}

static const struct {
	const char *name, *jwk;
	unsigned algs;
	enum jws_alg alg; /* of the key that must be found; JWS_NONE: none */
} keys_offered[] = {
	{ "Ed25519", "{" ED ",\"alg\":\"EdDSA\",\"kid\":\"k\"}", ALL_ALGS, JWS_EDDSA },
	{ "P-256", "{" EC ",\"alg\":\"ES256\",\"kid\":\"k\"}", ALL_ALGS, JWS_ES256 },
	{ "RSA", "{" RSA ",\"alg\":\"RS256\",\"kid\":\"k\"}", ALL_ALGS, JWS_RS256 },
	{ "use sig", "{" EC ",\"alg\":\"ES256\",\"kid\":\"k\",\"use\":\"sig\"}", ALL_ALGS,
	  JWS_ES256 },
	{ "key_ops verify",
	  "{" EC ",\"alg\":\"ES256\",\"kid\":\"k\",\"key_ops\":[\"sign\",\"verify\"]}", ALL_ALGS,
	  JWS_ES256 },
	{ "unknown members", "{" EC ",\"alg\":\"ES256\",\"kid\":\"k\",\"x5c\":[\"a\"],\"z\":{}}",
	  ALL_ALGS, JWS_ES256 },
	{ "no alg", "{" RSA ",\"kid\":\"k\"}", ALL_ALGS, JWS_NONE },
	{ "alg is null", "{" RSA ",\"alg\":null,\"kid\":\"k\"}", ALL_ALGS, JWS_NONE },
	{ "no kid", "{" RSA ",\"alg\":\"RS256\"}", ALL_ALGS, JWS_NONE },
	{ "empty kid", "{" RSA ",\"alg\":\"RS256\",\"kid\":\"\"}", ALL_ALGS, JWS_NONE },
	{ "kid is a number", "{" RSA ",\"alg\":\"RS256\",\"kid\":7}", ALL_ALGS, JWS_NONE },
	{ "alg not configured", "{" RSA ",\"alg\":\"RS256\",\"kid\":\"k\"}", BIT(JWS_ES256),
	  JWS_NONE },
	{ "no alg configured", "{" RSA ",\"alg\":\"RS256\",\"kid\":\"k\"}", 0, JWS_NONE },
	{ "CVE-2026-44699: RSA key offered as HMAC", "{" RSA ",\"alg\":\"HS256\",\"kid\":\"k\"}",
	  ALL_ALGS, JWS_NONE },
	{ "EC key offered as HMAC", "{" EC ",\"alg\":\"HS256\",\"kid\":\"k\"}", ALL_ALGS,
	  JWS_NONE },
	{ "symmetric key",
	  "{\"kty\":\"oct\",\"k\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\","
	  "\"alg\":\"HS256\",\"kid\":\"k\"}",
	  ALL_ALGS, JWS_NONE },
	{ "RSA key offered as ES256", "{" RSA ",\"alg\":\"ES256\",\"kid\":\"k\"}", ALL_ALGS,
	  JWS_NONE },
	{ "EC key offered as RS256", "{" EC ",\"alg\":\"RS256\",\"kid\":\"k\"}", ALL_ALGS,
	  JWS_NONE },
	{ "Ed25519 key offered as ES256", "{" ED ",\"alg\":\"ES256\",\"kid\":\"k\"}", ALL_ALGS,
	  JWS_NONE },
	{ "alg RSA-OAEP", "{" RSA ",\"alg\":\"RSA-OAEP\",\"kid\":\"k\"}", ALL_ALGS, JWS_NONE },
	{ "alg PS256", "{" RSA ",\"alg\":\"PS256\",\"kid\":\"k\"}", ALL_ALGS, JWS_NONE },
	{ "alg none", "{" RSA ",\"alg\":\"none\",\"kid\":\"k\"}", ALL_ALGS, JWS_NONE },
	{ "use enc", "{" RSA ",\"alg\":\"RS256\",\"kid\":\"k\",\"use\":\"enc\"}", ALL_ALGS,
	  JWS_NONE },
	{ "use is a number", "{" RSA ",\"alg\":\"RS256\",\"kid\":\"k\",\"use\":1}", ALL_ALGS,
	  JWS_NONE },
	{ "key_ops encrypt",
	  "{" RSA ",\"alg\":\"RS256\",\"kid\":\"k\",\"key_ops\":[\"encrypt\",7]}", ALL_ALGS,
	  JWS_NONE },
	{ "key_ops empty", "{" RSA ",\"alg\":\"RS256\",\"kid\":\"k\",\"key_ops\":[]}", ALL_ALGS,
	  JWS_NONE },
	{ "key_ops is a string", "{" RSA ",\"alg\":\"RS256\",\"kid\":\"k\",\"key_ops\":\"verify\"}",
	  ALL_ALGS, JWS_NONE },
	{ "another curve",
	  "{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y
	  "\",\"alg\":\"ES256\",\"kid\":\"k\"}",
	  ALL_ALGS, JWS_NONE },
	{ "no curve",
	  "{\"kty\":\"EC\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\",\"alg\":\"ES256\",\"kid\":\"k\"}",
	  ALL_ALGS, JWS_NONE },
	{ "point not on the curve",
	  "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_Y "\",\"y\":\"" EC_X
	  "\",\"alg\":\"ES256\",\"kid\":\"k\"}",
	  ALL_ALGS, JWS_NONE },
	{ "no y",
	  "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_X "\",\"alg\":\"ES256\",\"kid\":\"k\"}",
	  ALL_ALGS, JWS_NONE },
	{ "exponent 1",
	  "{\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"AQ\",\"alg\":\"RS256\",\"kid\":\"k\"}",
	  ALL_ALGS, JWS_NONE },
	{ "short modulus",
	  "{\"kty\":\"RSA\",\"n\":\"" ED_X "\",\"e\":\"AQAB\",\"alg\":\"RS256\",\"kid\":\"k\"}",
	  ALL_ALGS, JWS_NONE },
	{ "empty modulus",
	  "{\"kty\":\"RSA\",\"n\":\"\",\"e\":\"AQAB\",\"alg\":\"RS256\",\"kid\":\"k\"}", ALL_ALGS,
	  JWS_NONE },
	{ "an array", "[]", ALL_ALGS, JWS_NONE },
	{ "a string", "\"k\"", ALL_ALGS, JWS_NONE },
	{ "null", "null", ALL_ALGS, JWS_NONE },
};

static void offered_keys_are_judged(void **state)
{
	char text[4096];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(keys_offered); i++) {
		int len = snprintf(text, sizeof(text), "{\"keys\":[%s]}", keys_offered[i].jwk);
		struct keyring *keys = NULL;
		size_t skipped, found = 0;

		assert_int_equal(keyring_with_issuer(own, 1, span_make(text, (size_t)len),
						     keys_offered[i].algs, &skipped, &keys),
				 STATUS_OK);
		for (enum jws_alg alg = JWS_HS256; alg <= JWS_RS256; alg++)
			found += find(keys, 1, alg, "k") * alg;
		if (found != (size_t)keys_offered[i].alg ||
		    skipped != (keys_offered[i].alg == JWS_NONE ? 1 : 0))
			fail_msg("case %zu: %s", i, keys_offered[i].name);
		keyring_release(&keys);
	}
}

static const char *const no_sets[] = {
	"",
	"x",
	"[]",
	"{}",
	"null",
	"\"keys\"",
	"{\"keys\":{}}",
	"{\"keys\":null}",
	"{\"keys\":[}",
	"<html></html>",
	"{\"keys\":[]}x",
	"{\"keys\":[],\"keys\":[]}",
};

static void what_is_no_key_set_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(no_sets); i++) {
		struct keyring *keys = NULL;
		size_t skipped;

		if (keyring_with_issuer(own, 1, span_of(no_sets[i]), ALL_ALGS, &skipped, &keys) !=
		    STATUS_INVALID)
			fail_msg("case %zu", i);
		assert_null(keys);
	}
}

#define ONE_KEY(jwk) SPAN("{\"keys\":[{" jwk "}]}")

static struct keyring *with(const struct keyring *old, size_t issuer, struct span json)
{
	struct keyring *keys = NULL;
	size_t skipped;

	assert_int_equal(keyring_with_issuer(old, issuer, json, ALL_ALGS, &skipped, &keys),
			 STATUS_OK);
	return keys;
}

/* One issuer's keys verify that issuer's tokens alone. */
static void issuers_are_kept_apart(void **state)
{
	struct keyring *one = with(own, 1, ONE_KEY(ED ",\"alg\":\"EdDSA\",\"kid\":\"a\""));
	struct keyring *two = with(one, 3, ONE_KEY(EC ",\"alg\":\"ES256\",\"kid\":\"b\""));

	(void)state;
	assert_int_equal(find(two, 1, JWS_EDDSA, "a"), 1);
	assert_int_equal(find(two, 3, JWS_ES256, "b"), 1);
	assert_int_equal(find(two, 3, JWS_EDDSA, "a"), 0);
	assert_int_equal(find(two, 1, JWS_ES256, "b"), 0);
	assert_int_equal(find(two, 2, JWS_EDDSA, "a"), 0);
	assert_int_equal(find(two, 4, JWS_EDDSA, "a"), 0);
	assert_int_equal(find(two, KEYRING_OWN, JWS_EDDSA, "a"), 0);
	assert_int_equal(find(two, KEYRING_OWN, JWS_HS256, NULL), 1);
	assert_int_equal(find(one, 3, JWS_ES256, "b"), 0);
	assert_int_equal(keyring_generation(two), 3);
	keyring_release(&one);
	assert_int_equal(find(two, 1, JWS_EDDSA, "a"), 1);
	keyring_release(&two);
}

/* A foreign token without kid could be any key's: none is tried. */
static void foreign_tokens_need_a_kid(void **state)
{
	struct keyring *keys = with(own, 1, ONE_KEY(ED ",\"alg\":\"EdDSA\",\"kid\":\"a\""));

	(void)state;
	assert_int_equal(find(keys, 1, JWS_EDDSA, NULL), 0);
	keyring_release(&keys);
}

static void a_new_set_replaces_the_old_one(void **state)
{
	struct keyring *before = with(own, 1, ONE_KEY(ED ",\"alg\":\"EdDSA\",\"kid\":\"a\""));
	struct keyring *after = with(before, 1, ONE_KEY(ED ",\"alg\":\"EdDSA\",\"kid\":\"b\""));
	struct keyring *empty = with(after, 1, SPAN("{\"keys\":[]}"));

	(void)state;
	assert_int_equal(find(after, 1, JWS_EDDSA, "a"), 0);
	assert_int_equal(find(after, 1, JWS_EDDSA, "b"), 1);
	assert_int_equal(find(before, 1, JWS_EDDSA, "a"), 1);
	assert_int_equal(find(empty, 1, JWS_EDDSA, "b"), 0);
	keyring_release(&before);
	keyring_release(&after);
	keyring_release(&empty);
}

static void our_own_set_cannot_be_replaced(void **state)
{
	struct keyring *keys = NULL;
	size_t skipped;

	(void)state;
	assert_int_equal(keyring_with_issuer(own, KEYRING_OWN,
					     ONE_KEY(ED ",\"alg\":\"EdDSA\",\"kid\":\"a\""),
					     ALL_ALGS, &skipped, &keys),
			 STATUS_INVALID);
	assert_null(keys);
}

/* One name, two keys: the first stays, the other is counted. */
static void a_kid_names_one_key(void **state)
{
	struct keyring *keys = NULL;
	size_t skipped;

	(void)state;
	assert_int_equal(keyring_with_issuer(own, 1,
					     SPAN("{\"keys\":[{" ED
						  ",\"alg\":\"EdDSA\",\"kid\":\"a\"},"
						  "{" ED ",\"alg\":\"EdDSA\",\"kid\":\"a\"},"
						  "{" EC ",\"alg\":\"ES256\",\"kid\":\"a\"}]}"),
					     ALL_ALGS, &skipped, &keys),
			 STATUS_OK);
	assert_int_equal(skipped, 1);
	assert_int_equal(find(keys, 1, JWS_EDDSA, "a"), 1);
	assert_int_equal(find(keys, 1, JWS_ES256, "a"), 1);
	keyring_release(&keys);
}

static void the_number_of_keys_is_bounded(void **state)
{
	struct arena *mem = arena_new(0);
	struct keyring *keys = NULL;
	struct span json;
	size_t skipped;
	struct buf out;

	(void)state;
	buf_init(&out, mem, 1 << 20);
	buf_text(&out, "{\"keys\":[");
	for (int i = 0; i < 70; i++)
		buf_format(&out, "%s{" ED ",\"alg\":\"EdDSA\",\"kid\":\"k%d\"}", i > 0 ? "," : "",
			   i);
	buf_text(&out, "]}");
	assert_int_equal(buf_finish(&out, &json), STATUS_OK);
	assert_int_equal(keyring_with_issuer(own, 1, json, ALL_ALGS, &skipped, &keys), STATUS_OK);
	assert_int_equal(skipped, 6);
	assert_int_equal(find(keys, 1, JWS_EDDSA, "k63"), 1);
	assert_int_equal(find(keys, 1, JWS_EDDSA, "k64"), 0);
	keyring_release(&keys);
	arena_free(&mem);
}

static void references_keep_a_snapshot(void **state)
{
	struct keyring *keys = with(own, 1, ONE_KEY(ED ",\"alg\":\"EdDSA\",\"kid\":\"a\""));
	struct keyring *held = keyring_hold(keys);

	(void)state;
	assert_ptr_equal(held, keys);
	keyring_release(&keys);
	assert_int_equal(find(held, 1, JWS_EDDSA, "a"), 1);
	keyring_release(&held);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(offered_keys_are_judged),
		cmocka_unit_test(what_is_no_key_set_is_refused),
		cmocka_unit_test(issuers_are_kept_apart),
		cmocka_unit_test(foreign_tokens_need_a_kid),
		cmocka_unit_test(a_new_set_replaces_the_old_one),
		cmocka_unit_test(our_own_set_cannot_be_replaced),
		cmocka_unit_test(a_kid_names_one_key),
		cmocka_unit_test(the_number_of_keys_is_bounded),
		cmocka_unit_test(references_keep_a_snapshot),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
