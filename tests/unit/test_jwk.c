/* SPDX-License-Identifier: MIT */
#include "crypto/jwk.h"

#include "jws_fixture.h"

#include "base/jdoc.h"

static int setup_all(void **state)
{
	jdoc_start();
	return setup(state);
}

static struct jdoc *parsed(struct span json)
{
	struct jdoc *doc = NULL;

	assert_int_equal(jdoc_parse_strict(json, &doc), STATUS_OK);
	return doc;
}

#define RFC_X "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
#define RFC_PRIVATE                                                                   \
	"{\"crv\":\"Ed25519\",\"d\":\"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A\"," \
	"\"x\":\"" RFC_X "\",\"kty\":\"OKP\"}"

/* RFC 8032 test 1 signs the empty message; Ed25519 is deterministic. */
static void rfc8032_vector_is_signed(void **state)
{
	static const char want[] = "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901"
				   "555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a"
				   "100b";
	struct jdoc *jwk = parsed(SPAN(RFC_PRIVATE));
	struct jwk_secret *secret = NULL;
	unsigned char signature[JWK_SIGNATURE_MAX];
	char hex[2 * 64 + 1];
	size_t len;

	(void)state;
	assert_int_equal(jwk_read_private(jwk, jwk, JWS_EDDSA, t.mem, &secret), STATUS_OK);
	assert_int_equal(jwk_sign(secret, SPAN(""), signature, &len), STATUS_OK);
	assert_int_equal(len, 64);
	encode_hex(signature, len, hex);
	assert_string_equal(hex, want);
	jwk_secret_free(&secret);
	assert_null(secret);
	jwk_secret_free(&secret);
	jdoc_free(&jwk);
}

/* A generated pair: its halves are read, what one signs the other verifies, and
 * what is published is the public half alone. */
static void generated_pairs_sign_and_verify(void **state)
{
	static const enum jws_alg algs[] = { JWS_EDDSA, JWS_ES256, JWS_RS256 };
	static const size_t lengths[] = { 64, 64, 256 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(algs); i++) {
		const char *word = jws_alg_word(algs[i]);
		char *header = arena_format(t.mem, "{\"alg\":\"%s\"}", word);
		struct span input = forge_input(t.mem, span_of(header), SPAN(PAYLOAD)), payload;
		unsigned char signature[JWK_SIGNATURE_MAX];
		struct jwk_secret *secret = NULL;
		struct jws_key *key = NULL;
		struct jwk_pair pair;
		size_t len;

		assert_int_equal(jwk_generate(algs[i], &rng_system, t.mem, &pair), STATUS_OK);
		struct jdoc *private_jwk = parsed(pair.private_json);
		struct jdoc *public_jwk = parsed(pair.public_json);
		assert_int_equal(jdoc_member(public_jwk, "d"), JDOC_ABSENT);
		assert_int_equal(jwk_read_public(public_jwk, algs[i], SPAN("k"), &key), STATUS_OK);
		assert_int_equal(jwk_read_private(private_jwk, public_jwk, algs[i], t.mem, &secret),
				 STATUS_OK);
		for (int round = 0; round < 20; round++) {
			assert_int_equal(jwk_sign(secret, input, signature, &len), STATUS_OK);
			assert_int_equal(len, lengths[i]);
			struct span text = span_make((const char *)signature, len);
			if (check(key, forge_join(t.mem, input, text), &payload) != STATUS_OK)
				fail_msg("%s, round %d", word, round);
		}
		jwk_secret_free(&secret);
		jws_key_free(&key);
		jdoc_free(&private_jwk);
		jdoc_free(&public_jwk);
	}
}

static void symmetric_keys_are_no_jwk(void **state)
{
	struct jdoc *jwk = parsed(SPAN("{\"kty\":\"oct\",\"k\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
				       "AAAAAAAAAAAA\",\"x\":\"" RFC_X "\"}"));
	struct jwk_secret *secret = NULL;
	struct jws_key *key = NULL;
	struct jwk_pair pair;

	(void)state;
	for (enum jws_alg alg = JWS_NONE; alg <= JWS_RS256; alg++) {
		assert_int_equal(jwk_read_public(jwk, alg, SPAN("k"), &key), STATUS_INVALID);
		assert_int_equal(jwk_read_private(jwk, jwk, alg, t.mem, &secret), STATUS_INVALID);
	}
	assert_int_equal(jwk_generate(JWS_HS256, &rng_system, t.mem, &pair), STATUS_INVALID);
	assert_null(key);
	assert_null(secret);
	jdoc_free(&jwk);
}

/* Each member of each family in turn is missing, no text, padded, or too long. */
static void broken_members_are_refused(void **state)
{
	static const enum jws_alg algs[] = { JWS_EDDSA, JWS_ES256, JWS_RS256 };
	static const char *const names[] = { "crv", "kty", "d", "x",  "y",  "n",
					     "e",   "p",   "q", "dp", "dq", "qi" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(algs); i++) {
		struct jwk_pair pair;

		assert_int_equal(jwk_generate(algs[i], &rng_system, t.mem, &pair), STATUS_OK);
		struct jdoc *whole = parsed(pair.private_json);
		for (size_t j = 0; j < COUNT_OF(names); j++) {
			char *needle = arena_format(t.mem, "\"%s\":\"", names[j]);
			char *broken = arena_text(t.mem, pair.private_json);
			char *at = strstr(broken, needle);
			struct jwk_secret *secret = NULL;

			if (at == NULL)
				continue;
			at[1] ^= 0x20; /* another name: the member is missing */
			struct jdoc *missing = parsed(span_of(broken));
			at[1] ^= 0x20;
			at[strlen(needle)] = '=';
			struct jdoc *junk = parsed(span_of(broken));
			if (jwk_read_private(missing, whole, algs[i], t.mem, &secret) !=
				    STATUS_INVALID ||
			    jwk_read_private(junk, whole, algs[i], t.mem, &secret) !=
				    STATUS_INVALID ||
			    jwk_read_private(missing, missing, algs[i], t.mem, &secret) !=
				    STATUS_INVALID)
				fail_msg("%s without %s", jws_alg_word(algs[i]), names[j]);
			jdoc_free(&missing);
			jdoc_free(&junk);
		}
		jdoc_free(&whole);
	}
}

static void over_long_numbers_are_refused(void **state)
{
	char *json = arena_format(t.mem, "{\"kty\":\"RSA\",\"n\":\"%.*s\",\"e\":\"AQAB\"}",
				  SPAN_FMT(repeated('A', 4000)));
	struct jdoc *jwk = parsed(span_of(json));
	struct jws_key *key = NULL;

	(void)state;
	assert_int_equal(jwk_read_public(jwk, JWS_RS256, SPAN("k"), &key), STATUS_INVALID);
	assert_null(key);
	jdoc_free(&jwk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc8032_vector_is_signed),
		cmocka_unit_test(generated_pairs_sign_and_verify),
		cmocka_unit_test(symmetric_keys_are_no_jwk),
		cmocka_unit_test(broken_members_are_refused),
		cmocka_unit_test(over_long_numbers_are_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup_all, teardown);
}
