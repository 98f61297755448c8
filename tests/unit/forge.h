/* SPDX-License-Identifier: MIT */
/*
 * forge: tokens for tests, signed by OpenSSL's own high-level calls, so that
 * what they prove does not lean on the code under test.
 */
#ifndef TESTS_FORGE_H
#define TESTS_FORGE_H

#include "base/arena.h"
#include "base/encode.h"
#include "base/span.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <stdlib.h>

#define FORGE_SECRET "conformance-secret-conformance-secret-0123456789"

static inline void forge_must(bool good)
{
	if (!good)
		abort();
}

static inline struct span forge_base64url(struct arena *mem, struct span bytes)
{
	char *text = arena_alloc(mem, ENCODE_BASE64_ROOM(bytes.len));

	return span_make(text, encode_base64url(bytes.at, bytes.len, text));
}

/* "header.payload" */
static inline struct span forge_input(struct arena *mem, struct span header, struct span payload)
{
	struct span h = forge_base64url(mem, header), p = forge_base64url(mem, payload);

	return span_of(arena_format(mem, "%.*s.%.*s", SPAN_FMT(h), SPAN_FMT(p)));
}

static inline struct span forge_join(struct arena *mem, struct span input, struct span signature)
{
	struct span s = forge_base64url(mem, signature);

	return span_of(arena_format(mem, "%.*s.%.*s", SPAN_FMT(input), SPAN_FMT(s)));
}

static inline struct span forge_mac(struct arena *mem, struct span key, struct span input)
{
	unsigned char *mac = arena_alloc(mem, 32);
	unsigned len = 0;

	forge_must(HMAC(EVP_sha256(), key.at != NULL ? key.at : "", (int)key.len,
			(const unsigned char *)input.at, input.len, mac, &len) != NULL &&
		   len == 32);
	return span_make((const char *)mac, len);
}

static inline struct span forge_hs256(struct arena *mem, struct span header, struct span payload,
				      struct span key)
{
	struct span input = forge_input(mem, header, payload);

	return forge_join(mem, input, forge_mac(mem, key, input));
}

/* As EVP_DigestSign gives it; `digest` NULL for Ed25519. */
static inline struct span forge_sign(struct arena *mem, EVP_PKEY *pkey, const EVP_MD *digest,
				     struct span input)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char *signature = arena_alloc(mem, 2048);
	size_t len = 2048;

	forge_must(ctx != NULL && EVP_DigestSignInit(ctx, NULL, digest, NULL, pkey) == 1 &&
		   EVP_DigestSign(ctx, signature, &len, (const unsigned char *)input.at,
				  input.len) == 1);
	EVP_MD_CTX_free(ctx);
	return span_make((const char *)signature, len);
}

/* r and s of 32 bytes each, from DER. */
static inline struct span forge_raw_ecdsa(struct arena *mem, struct span der)
{
	const unsigned char *at = (const unsigned char *)der.at;
	ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)der.len);
	unsigned char *raw = arena_alloc(mem, 64);

	forge_must(pair != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(pair), raw, 32) == 32 &&
		   BN_bn2binpad(ECDSA_SIG_get0_s(pair), raw + 32, 32) == 32);
	ECDSA_SIG_free(pair);
	return span_make((const char *)raw, 64);
}

static inline struct span forge_number(struct arena *mem, EVP_PKEY *pkey, const char *name, int pad)
{
	BIGNUM *number = NULL;

	forge_must(EVP_PKEY_get_bn_param(pkey, name, &number) == 1);
	int len = pad > 0 ? pad : BN_num_bytes(number);
	unsigned char *bytes = arena_alloc(mem, (size_t)len);
	forge_must(BN_bn2binpad(number, bytes, len) == len);
	BN_free(number);
	return span_make((const char *)bytes, (size_t)len);
}

#endif
