/* SPDX-License-Identifier: MIT */
#include "jws_fixture.h"

#include <openssl/pem.h>

#include <stdlib.h>
#include <time.h>

static void good_tokens_give_their_payload(void **state)
{
	const struct {
		const struct jws_key *key;
		struct span token;
	} cases[] = {
		{ t.hs256, hs256("{\"alg\":\"HS256\"}") },
		{ t.rs256, rs256("{\"alg\":\"RS256\"}") },
		{ t.es256, es256("{\"alg\":\"ES256\"}") },
		{ t.eddsa, eddsa("{\"alg\":\"EdDSA\"}") },
	};

	(void)state;
	for (int round = 0; round < 3; round++) /* a used context must serve again */
		for (size_t i = 0; i < COUNT_OF(cases); i++) {
			struct span payload;

			if (check(cases[i].key, cases[i].token, &payload) != STATUS_OK)
				fail_msg("case %zu in round %d", i, round);
			assert_true(span_is(payload, PAYLOAD));
		}
}

/* --- published vectors --- */

#define RFC_INPUT_HS256                                                            \
	"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjE" \
	"zMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
#define RFC_PAYLOAD \
	"{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}"

static void rfc7515_hs256_vector(void **state)
{
	struct jws_key *key;
	struct span payload;
	struct span secret = decoded("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3"
				     "Yj0iPS4hcgUuTwjAzZr1Z9CAow");

	(void)state;
	assert_int_equal(secret.len, 64);
	assert_int_equal(jws_key_hmac(SPAN_ABSENT, secret, &key), STATUS_OK);
	assert_int_equal(check(key,
			       SPAN(RFC_INPUT_HS256 ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
			       &payload),
			 STATUS_OK);
	assert_true(span_is(payload, RFC_PAYLOAD));
	jws_key_free(&key);
}

static void rfc7515_rs256_vector(void **state)
{
	struct span n = decoded("ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQo"
				"Tbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPM"
				"EzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpR"
				"PEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-"
				"bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-"
				"UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3"
				"qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmou"
				"dF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9g"
				"b54h4FRWyuXpoQ");
	struct jws_key *key;
	struct span payload;

	(void)state;
	assert_int_equal(jws_key_rsa(SPAN_ABSENT, n, decoded("AQAB"), &key), STATUS_OK);
	assert_int_equal(check(key,
			       SPAN("eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2U"
				    "iLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh"
				    "0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0"
				    "cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__"
				    "dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAu"
				    "HIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdb"
				    "F9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f"
				    "_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjt"
				    "QBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_"
				    "dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7no"
				    "OPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6L"
				    "bgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN"
				    "_IoypGlUPQGe77Rw"),
			       &payload),
			 STATUS_OK);
	assert_true(span_is(payload, RFC_PAYLOAD));
	jws_key_free(&key);
}

static void rfc7515_es256_vector(void **state)
{
	struct jws_key *key;
	struct span payload;

	(void)state;
	assert_int_equal(jws_key_p256(SPAN_ABSENT,
				      decoded("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"),
				      decoded("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"), &key),
			 STATUS_OK);
	assert_int_equal(check(key,
			       SPAN("eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2U"
				    "iLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh"
				    "0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0"
				    "cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-X"
				    "x-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"),
			       &payload),
			 STATUS_OK);
	assert_true(span_is(payload, RFC_PAYLOAD));
	jws_key_free(&key);
}

static void the_contracts_eddsa_vector(void **state)
{
	static const char token[] = "eyJhbGciOiJFZERTQSIsImtpZCI6ImtpZGtpZGtpZ"
				    "GtpZGtpZGtpZGtpZGtpZGtpZGtpZDAwIn0.eyJpYX"
				    "QiOjE3NjcyMjU2MDAsIm5hbWUiOiJBbm4iLCJlbWF"
				    "pbCI6ImFubkBleGFtcGxlLmNvbSIsImVtYWlsVmVy"
				    "aWZpZWQiOmZhbHNlLCJpbWFnZSI6bnVsbCwiY3JlY"
				    "XRlZEF0IjoiMjAyNi0wMS0wMVQwMDowMDowMC4xMj"
				    "NaIiwidXBkYXRlZEF0IjoiMjAyNi0wMS0wMVQwMDo"
				    "wMDowMC4xMjNaIiwiaWQiOiJ1dXV1dXV1dXV1dXV1"
				    "dXV1dXV1dXV1dXV1dXV1dXV1dSIsInN1YiI6InV1d"
				    "XV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1Ii"
				    "wiZXhwIjoxNzY3MjI2NTAwLCJpc3MiOiJodHRwOi8"
				    "vMTI3LjAuMC4xOjMxMDAiLCJhdWQiOiJodHRwOi8v"
				    "MTI3LjAuMC4xOjMxMDAifQ.ZTt5zwSXTU1C9EoWAC"
				    "C5cicnaArEAhZj_W5WvhvoFcooJRcqOY1wiO_ZN5F"
				    "I82sOv3OgTGjmZTrhiCuwBe5bDA";
	struct jws_parts parts;
	struct jws_key *key;
	struct span payload;

	(void)state;
	assert_int_equal(jws_key_ed25519(SPAN_ABSENT,
					 decoded("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"),
					 &key),
			 STATUS_OK);
	assert_int_equal(jws_split(span_of(token), &parts), STATUS_OK);
	assert_true(span_is(parts.kid, "kidkidkidkidkidkidkidkidkidkid00"));
	assert_int_equal(parts.alg, JWS_EDDSA);
	assert_int_equal(jws_verify(t.scratch, key, &parts, &payload), STATUS_OK);
	assert_true(span_starts(payload, SPAN("{\"iat\":1767225600,\"name\":\"Ann\"")));
	jws_key_free(&key);
}

/* RFC 4231's keys are shorter than what we accept, so the oracle is OpenSSL. */
static void hmac_agrees_with_openssl(void **state)
{
	char secret[200], text[300];

	(void)state;
	for (size_t i = 0; i < sizeof(secret); i++)
		secret[i] = (char)(i * 7 + 1);
	memset(text, 'x', sizeof(text));
	for (size_t len = 32; len < sizeof(secret); len++) {
		struct jws_key *key;
		struct span payload;
		struct span token = forge_hs256(t.mem, SPAN("{\"alg\":\"HS256\"}"),
						span_make(text, len), span_make(secret, len));

		assert_int_equal(jws_key_hmac(SPAN_ABSENT, span_make(secret, len), &key),
				 STATUS_OK);
		if (check(key, token, &payload) != STATUS_OK || payload.len != len)
			fail_msg("secret of %zu", len);
		jws_key_free(&key);
	}
}

/* --- signatures --- */

static void every_changed_character_is_refused(void **state)
{
	static const char letters[] = "ABCxyz019-_";
	struct span tokens[] = { hs256("{\"alg\":\"HS256\"}"), eddsa("{\"alg\":\"EdDSA\"}") };
	const struct jws_key *keys[] = { t.hs256, t.eddsa };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(tokens); i++)
		for (size_t at = 0; at < tokens[i].len; at++) {
			char *copy = arena_text(t.mem, tokens[i]);

			copy[at] = copy[at] == letters[at % 11] ? 'Q' : letters[at % 11];
			if (check_only(keys[i], span_make(copy, tokens[i].len)) == STATUS_OK)
				fail_msg("token %zu, character %zu", i, at);
		}
}

/* The last character of 32 bytes carries two unused bits: each signature has
 * four spellings for a lenient decoder, one for us. */
static void unused_bits_are_zero(void **state)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	struct span token = hs256("{\"alg\":\"HS256\"}");
	size_t accepted = 0;

	(void)state;
	for (size_t i = 0; i < 64; i++) {
		char *copy = arena_text(t.mem, token);

		copy[token.len - 1] = alphabet[i];
		accepted += check_only(t.hs256, span_make(copy, token.len)) == STATUS_OK;
	}
	assert_int_equal(accepted, 1);
}

static struct span with_signature(struct span token, struct span signature_text)
{
	struct span input = span_first(token, span_find_last(token, '.'));

	return span_of(arena_format(t.mem, "%.*s.%.*s", SPAN_FMT(input), SPAN_FMT(signature_text)));
}

static void junk_in_a_signature_is_refused(void **state)
{
	const struct {
		const struct jws_key *key;
		struct span token;
	} cases[] = {
		{ t.hs256, hs256("{\"alg\":\"HS256\"}") },
		{ t.rs256, rs256("{\"alg\":\"RS256\"}") },
		{ t.es256, es256("{\"alg\":\"ES256\"}") },
		{ t.eddsa, eddsa("{\"alg\":\"EdDSA\"}") },
	};
	static const char *const junk[] = { "=", "==", "!", "\n", " ", "%3D", "A", "AA", "AAAA" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct span token = cases[i].token;
		size_t middle = (span_find_last(token, '.') + token.len) / 2;

		assert_int_equal(check_only(cases[i].key, token), STATUS_OK);
		for (size_t j = 0; j < COUNT_OF(junk); j++) {
			char *behind = arena_format(t.mem, "%.*s%s", SPAN_FMT(token), junk[j]);
			char *inside = arena_format(t.mem, "%.*s%s%.*s", (int)middle, token.at,
						    junk[j], SPAN_FMT(span_from(token, middle)));

			if (check_only(cases[i].key, span_of(behind)) == STATUS_OK ||
			    check_only(cases[i].key, span_of(inside)) == STATUS_OK)
				fail_msg("case %zu, junk %zu", i, j);
		}
		assert_int_not_equal(check_only(cases[i].key, span_first(token, token.len - 1)),
				     STATUS_OK);
	}
}

/* haproxy's overflow came from an ES256 signature of another length. */
static void signatures_of_other_lengths_are_refused(void **state)
{
	static const size_t lengths[] = {
		1, 31, 32, 33, 63, 64, 65, 72, 255, 256, 257, 1024, 1025
	};
	const struct {
		const struct jws_key *key;
		struct span token;
	} cases[] = {
		{ t.hs256, hs256("{\"alg\":\"HS256\"}") },
		{ t.rs256, rs256("{\"alg\":\"RS256\"}") },
		{ t.es256, es256("{\"alg\":\"ES256\"}") },
		{ t.eddsa, eddsa("{\"alg\":\"EdDSA\"}") },
	};
	static const char fill[] = { 0, 1, 0x30, (char)0xff };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		for (size_t j = 0; j < COUNT_OF(lengths); j++)
			for (size_t k = 0; k < COUNT_OF(fill); k++) {
				struct span text =
					forge_base64url(t.mem, repeated(fill[k], lengths[j]));

				if (check_only(cases[i].key,
					       with_signature(cases[i].token, text)) == STATUS_OK)
					fail_msg("case %zu, %zu bytes", i, lengths[j]);
			}
	assert_int_equal(check_only(t.es256, with_signature(cases[2].token, repeated('A', 21830))),
			 STATUS_INVALID);
}

/* A DER signature, right for OpenSSL, is wrong for JWS. */
static void es256_in_der_is_refused(void **state)
{
	struct span input = forge_input(t.mem, SPAN("{\"alg\":\"ES256\"}"), SPAN(PAYLOAD));
	struct span der = forge_sign(t.mem, t.ec, EVP_sha256(), input);

	(void)state;
	assert_int_equal(check_only(t.es256, forge_join(t.mem, input, der)), STATUS_DENIED);
}

/* Signatures are leading-zero-padded: out of many, some r or s are short. */
static void es256_with_short_numbers_is_accepted(void **state)
{
	struct arena *keys_live_here = t.mem;
	size_t short_ones = 0;

	(void)state;
	t.mem = arena_new(0);
	for (size_t i = 0; i < 2000 && short_ones < 3; i++) {
		struct span token = es256("{\"alg\":\"ES256\"}");
		struct span raw = decoded(
			arena_text(t.mem, span_from(token, span_find_last(token, '.') + 1)));

		assert_int_equal(check_only(t.es256, token), STATUS_OK);
		short_ones += raw.at[0] == 0 || raw.at[32] == 0;
		arena_reset(t.mem);
	}
	arena_free(&t.mem);
	t.mem = keys_live_here;
	assert_true(short_ones > 0);
}

static void another_key_is_refused(void **state)
{
	struct jws_key *other;
	EVP_PKEY *rsa = EVP_RSA_gen(2048);

	(void)state;
	assert_int_equal(jws_key_hmac(SPAN("h"), SPAN("other-secret-other-secret-other-secret"),
				      &other),
			 STATUS_OK);
	assert_int_equal(check_only(other, hs256("{\"alg\":\"HS256\"}")), STATUS_DENIED);
	jws_key_free(&other);
	assert_int_equal(jws_key_rsa(SPAN_ABSENT,
				     forge_number(t.mem, rsa, OSSL_PKEY_PARAM_RSA_N, 0),
				     SPAN("\x01\x00\x01"), &other),
			 STATUS_OK);
	assert_int_equal(check_only(other, rs256("{\"alg\":\"RS256\"}")), STATUS_DENIED);
	jws_key_free(&other);
	EVP_PKEY_free(rsa);
}

/* --- algorithm confusion --- */

static void the_keys_algorithm_is_the_only_one(void **state)
{
	const struct jws_key *keys[] = { t.hs256, t.rs256, t.es256, t.eddsa };
	struct span tokens[] = { hs256("{\"alg\":\"HS256\"}"), rs256("{\"alg\":\"RS256\"}"),
				 es256("{\"alg\":\"ES256\"}"), eddsa("{\"alg\":\"EdDSA\"}") };

	(void)state;
	for (size_t k = 0; k < COUNT_OF(keys); k++)
		for (size_t i = 0; i < COUNT_OF(tokens); i++)
			assert_int_equal(check_only(keys[k], tokens[i]),
					 k == i ? STATUS_OK : STATUS_DENIED);
}

/* Right in every bit but the name: the signature is the key's, the header says
 * another algorithm. */
static void a_header_that_names_another_algorithm_is_refused(void **state)
{
	const struct {
		const struct jws_key *key;
		struct span (*sign)(const char *header);
	} kinds[] = {
		{ t.hs256, hs256 }, { t.rs256, rs256 }, { t.es256, es256 }, { t.eddsa, eddsa }
	};

	(void)state;
	for (size_t k = 0; k < COUNT_OF(kinds); k++)
		for (enum jws_alg alg = JWS_HS256; alg <= JWS_RS256; alg++) {
			char *header = arena_format(t.mem, "{\"alg\":\"%s\"}", jws_alg_word(alg));

			assert_int_equal(check_only(kinds[k].key, kinds[k].sign(header)),
					 alg == jws_key_alg(kinds[k].key) ? STATUS_OK
									  : STATUS_DENIED);
		}
}

/* HS256 over whatever of a public key an attacker knows. */
static void public_keys_are_no_hmac_secrets(void **state)
{
	EVP_PKEY *pairs[] = { t.rsa, t.ec, t.ed };
	const struct jws_key *keys[] = { t.rs256, t.es256, t.eddsa };
	struct span secrets[5] = { SPAN(""), t.n, t.point };

	(void)state;
	for (size_t k = 0; k < COUNT_OF(keys); k++) {
		BIO *pem = BIO_new(BIO_s_mem());
		unsigned char *der = NULL;
		char *text;

		assert_int_equal(PEM_write_bio_PUBKEY(pem, pairs[k]), 1);
		long len = BIO_get_mem_data(pem, &text);
		secrets[3] = span_make(text, (size_t)len);
		int der_len = i2d_PUBKEY(pairs[k], &der);
		secrets[4] = span_make((const char *)der, (size_t)der_len);
		for (size_t i = 0; i < COUNT_OF(secrets); i++) {
			struct span token = forge_hs256(t.mem, SPAN("{\"alg\":\"HS256\"}"),
							SPAN(PAYLOAD), secrets[i]);

			assert_int_equal(check_only(keys[k], token), STATUS_DENIED);
			assert_int_equal(check_only(t.hs256, token), STATUS_DENIED);
		}
		OPENSSL_free(der);
		BIO_free(pem);
	}
}

static void unsigned_tokens_are_refused(void **state)
{
	static const char *const algs[] = { "none", "None", "nOnE", "NONE", "", "HS256" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(algs); i++) {
		char *header = arena_format(t.mem, "{\"alg\":\"%s\"}", algs[i]);
		struct span input = forge_input(t.mem, span_of(header), SPAN(PAYLOAD));
		char *bare = arena_format(t.mem, "%.*s.", SPAN_FMT(input));

		assert_int_not_equal(check_only(t.hs256, span_of(bare)), STATUS_OK);
		assert_int_not_equal(check_only(t.hs256, span_first(span_of(bare), input.len)),
				     STATUS_OK);
		assert_int_not_equal(check_only(t.hs256,
						forge_join(t.mem, input,
							   forge_mac(t.mem, SPAN_ABSENT, input))),
				     STATUS_OK);
	}
}

/* RS256 is PKCS#1 v1.5: the same key's PSS signature is none. */
static void rs256_does_not_accept_pss(void **state)
{
	struct span input = forge_input(t.mem, SPAN("{\"alg\":\"RS256\"}"), SPAN(PAYLOAD));
	unsigned char signature[256];
	size_t len = sizeof(signature);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *how = NULL;

	(void)state;
	assert_int_equal(EVP_DigestSignInit(ctx, &how, EVP_sha256(), NULL, t.rsa), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_PSS_PADDING), 1);
	assert_int_equal(EVP_DigestSign(ctx, signature, &len, (const unsigned char *)input.at,
					input.len),
			 1);
	EVP_MD_CTX_free(ctx);
	assert_int_equal(check_only(t.rs256, forge_join(t.mem, input,
							span_make((const char *)signature, len))),
			 STATUS_DENIED);
}

/* --- CVE-2024-25189: the MAC that is nearly right takes as long to refuse --- */

static int64_t cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static int64_t time_refusals(const struct jws_parts *parts, int count)
{
	struct span payload;
	int64_t start = cpu_ns();

	for (int i = 0; i < count; i++)
		assert_int_equal(jws_verify(t.scratch, t.hs256, parts, &payload), STATUS_DENIED);
	return cpu_ns() - start;
}

static int compare_ns(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* The medians of many short rounds, in turns: what a neighbour disturbs is far
 * out. A comparison that stops at the first difference saves some 31 steps. */
static double first_to_last(int rounds)
{
	enum { BATCH = 50 };
	struct span token = hs256("{\"alg\":\"HS256\"}");
	int64_t *ns[2];
	struct jws_parts parts[2];

	for (int last = 0; last < 2; last++) {
		char *text = arena_text(t.mem, token);
		char *at = text + token.len - (last ? 2 : 43);

		*at = *at == 'A' ? 'B' : 'A';
		assert_int_equal(jws_split(span_of(text), &parts[last]), STATUS_OK);
		ns[last] = arena_alloc(t.mem, (size_t)rounds * sizeof(**ns));
	}
	for (int i = 0; i < 2 * rounds; i++)
		ns[i % 2][i / 2] = time_refusals(&parts[i % 2], BATCH);
	for (int last = 0; last < 2; last++)
		qsort(ns[last], (size_t)rounds, sizeof(**ns), compare_ns);
	return (double)ns[0][rounds / 2] / (double)ns[1][rounds / 2];
}

static void a_nearly_right_mac_takes_as_long_to_refuse(void **state)
{
	int rounds = getenv("AUTHBRIDGE_LONG") != NULL ? 20000 : 500;
	double ratio = 0;

	(void)state;
	for (int tries = 0; tries < 5; tries++) {
		ratio = first_to_last(rounds);
		if (ratio > 0.98 && ratio < 1.02)
			return;
	}
	fail_msg("a wrong first byte takes %.3f of a wrong last one", ratio);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_tokens_give_their_payload),
		cmocka_unit_test(rfc7515_hs256_vector),
		cmocka_unit_test(rfc7515_rs256_vector),
		cmocka_unit_test(rfc7515_es256_vector),
		cmocka_unit_test(the_contracts_eddsa_vector),
		cmocka_unit_test(hmac_agrees_with_openssl),
		cmocka_unit_test(every_changed_character_is_refused),
		cmocka_unit_test(unused_bits_are_zero),
		cmocka_unit_test(junk_in_a_signature_is_refused),
		cmocka_unit_test(signatures_of_other_lengths_are_refused),
		cmocka_unit_test(es256_in_der_is_refused),
		cmocka_unit_test(es256_with_short_numbers_is_accepted),
		cmocka_unit_test(another_key_is_refused),
		cmocka_unit_test(the_keys_algorithm_is_the_only_one),
		cmocka_unit_test(a_header_that_names_another_algorithm_is_refused),
		cmocka_unit_test(public_keys_are_no_hmac_secrets),
		cmocka_unit_test(unsigned_tokens_are_refused),
		cmocka_unit_test(rs256_does_not_accept_pss),
		cmocka_unit_test(a_nearly_right_mac_takes_as_long_to_refuse),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
