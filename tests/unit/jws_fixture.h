/* SPDX-License-Identifier: MIT */
/* jws_fixture: one key pair of each kind, tokens of each, and their check. */
#ifndef TESTS_JWS_FIXTURE_H
#define TESTS_JWS_FIXTURE_H

#include "crypto/jws.h"

#include "forge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/core_names.h>
#include <openssl/rsa.h>

#define PAYLOAD "{\"sub\":\"a\",\"exp\":1767226500}"

static struct {
	struct arena *mem;
	struct jws_scratch *scratch;
	EVP_PKEY *rsa, *ec, *ed;
	struct jws_key *hs256, *rs256, *es256, *eddsa;
	struct span n, e, x, y, point;
} t;

static inline int setup(void **state)
{
	unsigned char *point;
	size_t len = 32;

	(void)state;
	t.mem = arena_new(0);
	t.scratch = jws_scratch_new();
	t.rsa = EVP_RSA_gen(2048);
	t.ec = EVP_EC_gen("P-256");
	t.ed = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	forge_must(t.rsa != NULL && t.ec != NULL && t.ed != NULL);
	point = arena_alloc(t.mem, len);
	forge_must(EVP_PKEY_get_raw_public_key(t.ed, point, &len) == 1);
	t.point = span_make((const char *)point, len);
	t.n = forge_number(t.mem, t.rsa, OSSL_PKEY_PARAM_RSA_N, 0);
	t.e = forge_number(t.mem, t.rsa, OSSL_PKEY_PARAM_RSA_E, 0);
	t.x = forge_number(t.mem, t.ec, OSSL_PKEY_PARAM_EC_PUB_X, 32);
	t.y = forge_number(t.mem, t.ec, OSSL_PKEY_PARAM_EC_PUB_Y, 32);
	assert_int_equal(jws_key_hmac(SPAN("h"), SPAN(FORGE_SECRET), &t.hs256), STATUS_OK);
	assert_int_equal(jws_key_rsa(SPAN("r"), t.n, t.e, &t.rs256), STATUS_OK);
	assert_int_equal(jws_key_p256(SPAN("e"), t.x, t.y, &t.es256), STATUS_OK);
	assert_int_equal(jws_key_ed25519(SPAN("d"), t.point, &t.eddsa), STATUS_OK);
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	jws_key_free(&t.hs256);
	jws_key_free(&t.rs256);
	jws_key_free(&t.es256);
	jws_key_free(&t.eddsa);
	assert_null(t.hs256);
	jws_key_free(&t.hs256);
	EVP_PKEY_free(t.rsa);
	EVP_PKEY_free(t.ec);
	EVP_PKEY_free(t.ed);
	jws_scratch_free(&t.scratch);
	jws_scratch_free(&t.scratch);
	arena_free(&t.mem);
	return 0;
}

/* Split and verify, from memory of exactly the token's size. */
static inline enum status check(const struct jws_key *key, struct span token,
				struct span *payload_out)
{
	struct jws_parts parts;
	char *copy = malloc(token.len > 0 ? token.len : 1);

	assert_non_null(copy);
	if (token.len > 0)
		memcpy(copy, token.at, token.len);
	enum status status = jws_split(span_make(copy, token.len), &parts);
	if (status == STATUS_OK)
		status = jws_verify(t.scratch, key, &parts, payload_out);
	free(copy);
	return status;
}

static inline enum status check_only(const struct jws_key *key, struct span token)
{
	struct span payload;

	return check(key, token, &payload);
}

static inline struct span hs256(const char *header)
{
	return forge_hs256(t.mem, span_of(header), SPAN(PAYLOAD), SPAN(FORGE_SECRET));
}

static inline struct span rs256(const char *header)
{
	struct span input = forge_input(t.mem, span_of(header), SPAN(PAYLOAD));

	return forge_join(t.mem, input, forge_sign(t.mem, t.rsa, EVP_sha256(), input));
}

static inline struct span es256(const char *header)
{
	struct span input = forge_input(t.mem, span_of(header), SPAN(PAYLOAD));
	struct span der = forge_sign(t.mem, t.ec, EVP_sha256(), input);

	return forge_join(t.mem, input, forge_raw_ecdsa(t.mem, der));
}

static inline struct span eddsa(const char *header)
{
	struct span input = forge_input(t.mem, span_of(header), SPAN(PAYLOAD));

	return forge_join(t.mem, input, forge_sign(t.mem, t.ed, NULL, input));
}

static inline struct span decoded(const char *text)
{
	char *bytes = arena_alloc(t.mem, strlen(text));
	size_t len;

	assert_int_equal(decode_base64url(span_of(text), bytes, strlen(text), &len), STATUS_OK);
	return span_make(bytes, len);
}

static inline struct span repeated(char byte, size_t len)
{
	char *text = arena_alloc(t.mem, len);

	memset(text, byte, len);
	return span_make(text, len);
}

#endif
