/* SPDX-License-Identifier: MIT */
/* OpenSSL 3 marks SHA256_Init and its like as deprecated, yet only they keep a
 * state that can be copied without an allocation. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "crypto/jws.h"

#include "base/encode.h"
#include "base/jscan.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>

#include <sodium.h>

#include <stdatomic.h>
#include <stdlib.h>

enum {
	HMAC_BLOCK = 64,
	SECRET_MIN = 32,
	COORDINATE = 32,
	RSA_BITS_MIN = 2048,
	RSA_BYTES_MAX = 1024,
	RSA_EXPONENT_MAX = 8,
	SIGNATURE_ROOM = RSA_BYTES_MAX,
	VERIFIED_SETS = 512,
	VERIFIED_WAYS = 4,
	PAYLOAD_ROOM = JWS_TOKEN_MAX / 4 * 3,
};

/* RFC 2104 with both key blocks already digested: as secret as the key. */
struct hmac {
	SHA256_CTX inner, outer;
};

struct jws_key {
	uint64_t serial; /* never the same twice in a process */
	enum jws_alg alg;
	bool has_kid;
	size_t kid_len;
	char kid[JWS_KID_MAX];
	struct secret hmac;                                      /* HS256: a struct hmac */
	unsigned char point[crypto_sign_ed25519_PUBLICKEYBYTES]; /* EdDSA */
	EVP_PKEY *pkey;                                          /* ES256, RS256 */
};

/* A token that was verified. */
struct verified {
	unsigned char digest[SHA256_DIGEST_LENGTH];
	uint64_t serial; /* of the key; 0: empty */
};

struct jws_scratch {
	EVP_MD_CTX *verify; /* for DigestVerify alone */
	unsigned char signature[SIGNATURE_ROOM];
	char payload[PAYLOAD_ROOM];
	struct verified verified[VERIFIED_SETS][VERIFIED_WAYS];
	struct jws_stats stats;
};

static const char *const alg_words[] = {
	[JWS_NONE] = "none",   [JWS_HS256] = "HS256", [JWS_EDDSA] = "EdDSA",
	[JWS_ES256] = "ES256", [JWS_RS256] = "RS256",
};

enum jws_alg jws_alg_named(struct span name)
{
	for (size_t i = JWS_HS256; i < COUNT_OF(alg_words); i++)
		if (span_is(name, alg_words[i]))
			return (enum jws_alg)i;
	return JWS_NONE;
}

const char *jws_alg_word(enum jws_alg alg)
{
	return alg_words[alg];
}

/* --- splitting --- */

static bool type_is_fit(struct span type)
{
	struct span prefix = SPAN("application/");

	if (span_equal_nocase(span_first(type, prefix.len), prefix))
		type = span_from(type, prefix.len);
	return span_equal_nocase(type, SPAN("JWT")) || span_equal_nocase(type, SPAN("at+jwt"));
}

/* Reads a text member into *value unless it was there before. */
static void read_once(struct jscan *s, struct span *value)
{
	if (!span_is_absent(*value))
		jscan_fail(s);
	*value = jscan_text(s);
}

static enum status parse_header(struct span header, struct jws_parts *parts)
{
	struct span alg = SPAN_ABSENT, type = SPAN_ABSENT, kid = SPAN_ABSENT, name;
	struct jscan s;

	jscan_open(&s, header);
	while (jscan_member(&s, &name)) {
		if (span_equal(name, SPAN("alg")))
			read_once(&s, &alg);
		else if (span_equal(name, SPAN("kid")))
			read_once(&s, &kid);
		else if (span_equal(name, SPAN("typ")))
			read_once(&s, &type);
		else if (span_equal(name, SPAN("crit")) || span_equal(name, SPAN("b64")))
			jscan_fail(&s);
		else
			jscan_skip(&s);
	}
	TRY(jscan_finish(&s));
	parts->alg = jws_alg_named(alg);
	parts->kid = kid;
	if (parts->alg == JWS_NONE || kid.len > JWS_KID_MAX)
		return STATUS_INVALID;
	return span_is_absent(type) || type_is_fit(type) ? STATUS_OK : STATUS_INVALID;
}

enum status jws_split(struct span token, struct jws_parts *parts_out)
{
	size_t header_len;

	if (token.len > JWS_TOKEN_MAX)
		return STATUS_INVALID;
	struct span header = span_first(token, span_find(token, '.'));
	struct span rest = span_from(token, header.len + 1);
	struct span payload = span_first(rest, span_find(rest, '.'));
	struct span signature = span_from(rest, payload.len + 1);
	if (header.len == 0 || payload.len == 0 || signature.len == 0 ||
	    span_find(signature, '.') != signature.len)
		return STATUS_INVALID;
	if (decode_base64url(header, parts_out->header, sizeof(parts_out->header), &header_len) !=
	    STATUS_OK)
		return STATUS_INVALID;
	parts_out->signing_input = span_first(token, header.len + 1 + payload.len);
	parts_out->payload_text = payload;
	parts_out->signature_text = signature;
	return parse_header(span_make(parts_out->header, header_len), parts_out);
}

/* --- keys --- */

static _Atomic uint64_t last_serial;

static enum status key_new(enum jws_alg alg, struct span kid, struct jws_key **out)
{
	if (kid.len > JWS_KID_MAX)
		return STATUS_INVALID;
	struct jws_key *key = calloc(1, sizeof(*key));
	if (key == NULL)
		abort();
	key->serial = atomic_fetch_add(&last_serial, 1) + 1;
	key->alg = alg;
	key->has_kid = !span_is_absent(kid);
	key->kid_len = kid.len;
	if (kid.len > 0)
		memcpy(key->kid, kid.at, kid.len);
	*out = key;
	return STATUS_OK;
}

void jws_key_free(struct jws_key **key)
{
	if (*key == NULL)
		return;
	secret_free(&(*key)->hmac);
	EVP_PKEY_free((*key)->pkey);
	free(*key);
	*key = NULL;
}

struct span jws_key_kid(const struct jws_key *key)
{
	return key->has_kid ? span_make(key->kid, key->kid_len) : SPAN_ABSENT;
}

enum jws_alg jws_key_alg(const struct jws_key *key)
{
	return key->alg;
}

static void digest_block(SHA256_CTX *state, const unsigned char *block, unsigned char pad)
{
	unsigned char padded[HMAC_BLOCK];

	for (size_t i = 0; i < sizeof(padded); i++)
		padded[i] = block[i] ^ pad;
	SHA256_Init(state);
	SHA256_Update(state, padded, sizeof(padded));
	secret_wipe(padded, sizeof(padded));
}

static void hmac_start(struct hmac *hmac, struct span secret)
{
	unsigned char block[HMAC_BLOCK] = { 0 };

	if (secret.len > sizeof(block))
		SHA256((const unsigned char *)secret.at, secret.len, block);
	else
		memcpy(block, secret.at, secret.len);
	digest_block(&hmac->inner, block, 0x36);
	digest_block(&hmac->outer, block, 0x5c);
	secret_wipe(block, sizeof(block));
}

enum status jws_key_hmac(struct span kid, struct span secret, struct jws_key **out)
{
	struct jws_key *key;
	struct hmac hmac;

	if (secret.len < SECRET_MIN)
		return STATUS_INVALID;
	TRY(key_new(JWS_HS256, kid, &key));
	hmac_start(&hmac, secret);
	secret_set(&key->hmac, span_make((const char *)&hmac, sizeof(hmac)));
	secret_wipe(&hmac, sizeof(hmac));
	*out = key;
	return STATUS_OK;
}

enum status jws_key_ed25519(struct span kid, struct span public_key, struct jws_key **out)
{
	struct jws_key *key;

	if (public_key.len != sizeof(key->point) ||
	    crypto_core_ed25519_is_valid_point((const unsigned char *)public_key.at) != 1)
		return STATUS_INVALID;
	TRY(key_new(JWS_EDDSA, kid, &key));
	memcpy(key->point, public_key.at, sizeof(key->point));
	*out = key;
	return STATUS_OK;
}

static void free_pkey_ctx(EVP_PKEY_CTX **ctx)
{
	EVP_PKEY_CTX_free(*ctx);
}

static void free_builder(OSSL_PARAM_BLD **builder)
{
	OSSL_PARAM_BLD_free(*builder);
}

static void free_params(OSSL_PARAM **params)
{
	OSSL_PARAM_free(*params);
}

static void free_number(BIGNUM **number)
{
	BN_free(*number);
}

/* A public key that OpenSSL itself finds sound; NULL otherwise. */
static EVP_PKEY *public_key_from(const char *family, OSSL_PARAM *params)
{
	CLEANUP(free_pkey_ctx)
	EVP_PKEY_CTX *make = EVP_PKEY_CTX_new_from_name(NULL, family, NULL);
	EVP_PKEY *pkey = NULL;

	if (make == NULL || EVP_PKEY_fromdata_init(make) != 1 ||
	    EVP_PKEY_fromdata(make, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
		return NULL;
	CLEANUP(free_pkey_ctx) EVP_PKEY_CTX *check = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
	if (check == NULL || EVP_PKEY_public_check(check) != 1) {
		EVP_PKEY_free(pkey);
		return NULL;
	}
	return pkey;
}

static enum status key_with(enum jws_alg alg, struct span kid, EVP_PKEY *pkey, struct jws_key **out)
{
	struct jws_key *key;

	if (pkey == NULL) {
		ERR_clear_error();
		return STATUS_INVALID;
	}
	enum status status = key_new(alg, kid, &key);
	if (status != STATUS_OK) {
		EVP_PKEY_free(pkey);
		return status;
	}
	key->pkey = pkey;
	*out = key;
	return STATUS_OK;
}

enum status jws_key_p256(struct span kid, struct span x, struct span y, struct jws_key **out)
{
	unsigned char point[1 + 2 * COORDINATE] = { POINT_CONVERSION_UNCOMPRESSED };
	char group[] = "P-256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)),
		OSSL_PARAM_construct_end(),
	};

	if (x.len != COORDINATE || y.len != COORDINATE)
		return STATUS_INVALID;
	memcpy(point + 1, x.at, COORDINATE);
	memcpy(point + 1 + COORDINATE, y.at, COORDINATE);
	return key_with(JWS_ES256, kid, public_key_from("EC", params), out);
}

static EVP_PKEY *rsa_public_key(const BIGNUM *modulus, const BIGNUM *exponent)
{
	CLEANUP(free_builder) OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();

	if (builder == NULL ||
	    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, modulus) != 1 ||
	    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, exponent) != 1)
		return NULL;
	CLEANUP(free_params) OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
	return params != NULL ? public_key_from("RSA", params) : NULL;
}

/* Beyond these sizes a verification would cost milliseconds, and OpenSSL itself
 * refuses exponents over 64 bits on large moduli. */
enum status jws_key_rsa(struct span kid, struct span n, struct span e, struct jws_key **out)
{
	if (n.len > RSA_BYTES_MAX || e.len == 0 || e.len > RSA_EXPONENT_MAX)
		return STATUS_INVALID;
	CLEANUP(free_number)
	BIGNUM *modulus = BN_bin2bn((const unsigned char *)n.at, (int)n.len, NULL);
	CLEANUP(free_number)
	BIGNUM *exponent = BN_bin2bn((const unsigned char *)e.at, (int)e.len, NULL);
	if (modulus == NULL || exponent == NULL)
		return STATUS_NO_MEMORY;
	if (BN_num_bits(modulus) < RSA_BITS_MIN || !BN_is_odd(modulus) || !BN_is_odd(exponent) ||
	    BN_is_one(exponent))
		return STATUS_INVALID;
	return key_with(JWS_RS256, kid, rsa_public_key(modulus, exponent), out);
}

/* --- verifying --- */

struct jws_scratch *jws_scratch_new(void)
{
	struct jws_scratch *scratch = calloc(1, sizeof(*scratch));

	if (scratch == NULL)
		abort();
	scratch->verify = EVP_MD_CTX_new();
	if (scratch->verify == NULL)
		abort();
	return scratch;
}

void jws_scratch_free(struct jws_scratch **scratch)
{
	if (*scratch == NULL)
		return;
	EVP_MD_CTX_free((*scratch)->verify);
	secret_wipe(*scratch, sizeof(**scratch));
	free(*scratch);
	*scratch = NULL;
}

static bool hmac_fits(const struct jws_key *key, struct span input, struct span signature)
{
	const struct hmac *hmac = (const void *)key->hmac.at;
	unsigned char mac[SHA256_DIGEST_LENGTH];
	SHA256_CTX state = hmac->inner;

	SHA256_Update(&state, input.at, input.len);
	SHA256_Final(mac, &state);
	state = hmac->outer;
	SHA256_Update(&state, mac, sizeof(mac));
	SHA256_Final(mac, &state);
	bool fits = secret_equal(span_make((const char *)mac, sizeof(mac)), signature);
	secret_wipe(&state, sizeof(state));
	secret_wipe(mac, sizeof(mac));
	return fits;
}

/* libsodium itself refuses a small-order key or R and an S that is not reduced. */
static bool ed25519_fits(const struct jws_key *key, struct span input, struct span signature)
{
	return signature.len == crypto_sign_ed25519_BYTES &&
	       crypto_sign_ed25519_verify_detached((const unsigned char *)signature.at,
						   (const unsigned char *)input.at, input.len,
						   key->point) == 0;
}

static bool pkey_fits(struct jws_scratch *scratch, const struct jws_key *key, struct span input,
		      const unsigned char *signature, size_t len)
{
	EVP_PKEY_CTX *how = NULL; /* belongs to scratch->verify */
	bool fits;

	/* Without the reset a context that has verified refuses a new start. */
	fits = EVP_MD_CTX_reset(scratch->verify) == 1 &&
	       EVP_DigestVerifyInit_ex(scratch->verify, &how, "SHA256", NULL, NULL, key->pkey,
				       NULL) == 1 &&
	       (key->alg != JWS_RS256 ||
		EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_PADDING) == 1) &&
	       EVP_DigestVerify(scratch->verify, signature, len, (const unsigned char *)input.at,
				input.len) == 1;
	if (!fits)
		ERR_clear_error();
	return fits;
}

static void free_ecdsa(ECDSA_SIG **pair)
{
	ECDSA_SIG_free(*pair);
}

/* JWS carries r and s of 32 bytes each, OpenSSL wants them in DER. */
static bool ecdsa_fits(struct jws_scratch *scratch, const struct jws_key *key, struct span input,
		       struct span signature)
{
	const unsigned char *at = (const unsigned char *)signature.at;
	unsigned char der[2 * COORDINATE + 16], *end = der;

	if (signature.len != (size_t)2 * COORDINATE)
		return false;
	CLEANUP(free_ecdsa) ECDSA_SIG *pair = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(at, COORDINATE, NULL);
	BIGNUM *s = BN_bin2bn(at + COORDINATE, COORDINATE, NULL);
	if (pair == NULL || r == NULL || s == NULL || ECDSA_SIG_set0(pair, r, s) != 1) {
		BN_free(r);
		BN_free(s);
		return false;
	}
	int len = i2d_ECDSA_SIG(pair, &end);
	return len > 0 && pkey_fits(scratch, key, input, der, (size_t)len);
}

static bool signature_fits(struct jws_scratch *scratch, const struct jws_key *key,
			   struct span input, struct span signature)
{
	switch (key->alg) {
	case JWS_HS256:
		return hmac_fits(key, input, signature);
	case JWS_EDDSA:
		return ed25519_fits(key, input, signature);
	case JWS_ES256:
		return ecdsa_fits(scratch, key, input, signature);
	case JWS_RS256:
		return pkey_fits(scratch, key, input, (const unsigned char *)signature.at,
				 signature.len);
	case JWS_NONE:
		break;
	}
	return false;
}

/* The three parts stand side by side in the token. */
static struct verified *verified_set(struct jws_scratch *scratch, const struct jws_parts *parts,
				     unsigned char digest[SHA256_DIGEST_LENGTH])
{
	size_t len = parts->signing_input.len + 1 + parts->signature_text.len;
	uint32_t index;

	SHA256((const unsigned char *)parts->signing_input.at, len, digest);
	memcpy(&index, digest, sizeof(index));
	return scratch->verified[index % VERIFIED_SETS];
}

static bool is_known(const struct verified *set, const struct jws_key *key,
		     const unsigned char digest[SHA256_DIGEST_LENGTH])
{
	for (size_t i = 0; i < VERIFIED_WAYS; i++)
		if (set[i].serial == key->serial &&
		    secret_equal(span_make((const char *)set[i].digest, sizeof(set[i].digest)),
				 span_make((const char *)digest, sizeof(set[i].digest))))
			return true;
	return false;
}

/* The newest goes first, the oldest of its set is forgotten. */
static void remember(struct verified *set, const struct jws_key *key,
		     const unsigned char digest[SHA256_DIGEST_LENGTH])
{
	memmove(&set[1], &set[0], (VERIFIED_WAYS - 1) * sizeof(set[0]));
	memcpy(set[0].digest, digest, sizeof(set[0].digest));
	set[0].serial = key->serial;
}

static bool signature_fits_or_did(struct jws_scratch *scratch, const struct jws_key *key,
				  const struct jws_parts *parts, struct span signature)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];

	if (key->alg == JWS_HS256)
		return signature_fits(scratch, key, parts->signing_input, signature);
	struct verified *set = verified_set(scratch, parts, digest);
	if (is_known(set, key, digest)) {
		scratch->stats.saved++;
		return true;
	}
	scratch->stats.computed++;
	if (!signature_fits(scratch, key, parts->signing_input, signature))
		return false;
	remember(set, key, digest);
	return true;
}

void jws_scratch_read_stats(const struct jws_scratch *scratch, struct jws_stats *out)
{
	*out = scratch->stats;
}

enum status jws_verify(struct jws_scratch *scratch, const struct jws_key *key,
		       const struct jws_parts *parts, struct span *payload_out)
{
	size_t len;

	if (parts->alg != key->alg)
		return STATUS_DENIED;
	if (decode_base64url(parts->signature_text, scratch->signature, sizeof(scratch->signature),
			     &len) != STATUS_OK)
		return STATUS_INVALID;
	struct span signature = span_make((const char *)scratch->signature, len);
	if (!signature_fits_or_did(scratch, key, parts, signature))
		return STATUS_DENIED;
	if (decode_base64url(parts->payload_text, scratch->payload, sizeof(scratch->payload),
			     &len) != STATUS_OK)
		return STATUS_INVALID;
	*payload_out = span_make(scratch->payload, len);
	return STATUS_OK;
}
