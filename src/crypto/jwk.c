/* SPDX-License-Identifier: MIT */
#include "crypto/jwk.h"

#include "base/encode.h"
#include "base/secret.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include <sodium.h>

#include <assert.h>
#include <stdlib.h>

enum { NUMBER_MAX = 1024, COORDINATE = 32, RSA_BITS = 2048, JSON_MAX = 16384 };

/* A member of a JWK and OpenSSL's name for it. */
struct member {
	const char *name, *param;
	size_t len; /* of its bytes; 0: as long as it needs */
};

enum { MEMBERS_MAX = 8 };

struct family {
	enum jws_alg alg;
	const char *kty, *crv, *openssl;
	size_t public_count, count; /* the public ones come first */
	struct member members[MEMBERS_MAX];
};

static const struct family families[] = {
	{ JWS_EDDSA, "OKP", "Ed25519", NULL, 1, 2, { { "x", NULL, 32 }, { "d", NULL, 32 } } },
	{ JWS_ES256,
	  "EC",
	  "P-256",
	  "EC",
	  2,
	  3,
	  { { "x", OSSL_PKEY_PARAM_EC_PUB_X, COORDINATE },
	    { "y", OSSL_PKEY_PARAM_EC_PUB_Y, COORDINATE },
	    { "d", OSSL_PKEY_PARAM_PRIV_KEY, COORDINATE } } },
	{ JWS_RS256,
	  "RSA",
	  NULL,
	  "RSA",
	  2,
	  8,
	  { { "n", OSSL_PKEY_PARAM_RSA_N, 0 },
	    { "e", OSSL_PKEY_PARAM_RSA_E, 0 },
	    { "d", OSSL_PKEY_PARAM_RSA_D, 0 },
	    { "p", OSSL_PKEY_PARAM_RSA_FACTOR1, 0 },
	    { "q", OSSL_PKEY_PARAM_RSA_FACTOR2, 0 },
	    { "dp", OSSL_PKEY_PARAM_RSA_EXPONENT1, 0 },
	    { "dq", OSSL_PKEY_PARAM_RSA_EXPONENT2, 0 },
	    { "qi", OSSL_PKEY_PARAM_RSA_COEFFICIENT1, 0 } } },
};

/* NULL for HS256: a symmetric key is no JWK to us. */
static const struct family *family_of(enum jws_alg alg)
{
	for (size_t i = 0; i < COUNT_OF(families); i++)
		if (families[i].alg == alg)
			return &families[i];
	return NULL;
}

struct jwk_secret {
	enum jws_alg alg;
	struct secret ed25519; /* libsodium's 64 bytes */
	EVP_PKEY *pkey;        /* ES256, RS256 */
};

static struct jwk_secret *secret_new(enum jws_alg alg)
{
	struct jwk_secret *secret = calloc(1, sizeof(*secret));

	if (secret == NULL)
		abort();
	secret->alg = alg;
	return secret;
}

void jwk_secret_free(struct jwk_secret **secret)
{
	if (*secret == NULL)
		return;
	secret_free(&(*secret)->ed25519);
	EVP_PKEY_free((*secret)->pkey);
	free(*secret);
	*secret = NULL;
}

/* --- reading --- */

struct number {
	unsigned char at[NUMBER_MAX];
	size_t len;
};

static struct span span_of_number(const struct number *number)
{
	return span_make((const char *)number->at, number->len);
}

static enum status read_number(const struct jdoc *jwk, const struct member *member,
			       struct number *out)
{
	struct span text;

	if (!jdoc_text(jwk, member->name, &text) || text.len == 0 ||
	    decode_base64url(text, out->at, sizeof(out->at), &out->len) != STATUS_OK)
		return STATUS_INVALID;
	return member->len == 0 || out->len == member->len ? STATUS_OK : STATUS_INVALID;
}

static bool has_text(const struct jdoc *jwk, const char *name, const char *want)
{
	struct span text;

	return jdoc_text(jwk, name, &text) && span_is(text, want);
}

static bool is_of_family(const struct jdoc *jwk, const struct family *family)
{
	return family != NULL && jdoc_type(jwk) == JDOC_OBJECT &&
	       has_text(jwk, "kty", family->kty) &&
	       (family->crv == NULL || has_text(jwk, "crv", family->crv));
}

enum status jwk_read_public(const struct jdoc *jwk, enum jws_alg alg, struct span kid,
			    struct jws_key **out)
{
	const struct family *family = family_of(alg);
	struct number first, second;

	if (!is_of_family(jwk, family))
		return STATUS_INVALID;
	TRY(read_number(jwk, &family->members[0], &first));
	if (alg == JWS_EDDSA)
		return jws_key_ed25519(kid, span_of_number(&first), out);
	TRY(read_number(jwk, &family->members[1], &second));
	if (alg == JWS_ES256)
		return jws_key_p256(kid, span_of_number(&first), span_of_number(&second), out);
	return jws_key_rsa(kid, span_of_number(&first), span_of_number(&second), out);
}

static void put_members(struct jdoc_writer *w, const struct jdoc *jwk, const struct family *family)
{
	if (family->crv != NULL)
		jdoc_put_text(w, "crv", span_of(family->crv));
	for (size_t i = 0; i < family->public_count; i++) {
		struct span text = SPAN_ABSENT;

		(void)jdoc_text(jwk, family->members[i].name, &text);
		jdoc_put_text(w, family->members[i].name, text);
	}
	jdoc_put_text(w, "kty", span_of(family->kty));
}

void jwk_put_public(struct jdoc_writer *w, const struct jdoc *jwk, enum jws_alg alg,
		    struct span kid)
{
	const struct family *family = family_of(alg);

	assert(family != NULL);
	jdoc_put_object(w, NULL);
	jdoc_put_text(w, "alg", span_of(jws_alg_word(alg)));
	put_members(w, jwk, family);
	jdoc_put_text(w, "kid", kid);
	jdoc_end_object(w);
}

static bool have_same_public_half(const struct jdoc *a, const struct jdoc *b,
				  const struct family *family)
{
	for (size_t i = 0; i < family->public_count; i++) {
		struct span left, right;

		if (!jdoc_text(a, family->members[i].name, &left) ||
		    !jdoc_text(b, family->members[i].name, &right) || !span_equal(left, right))
			return false;
	}
	return true;
}

static enum status read_ed25519(const struct jdoc *jwk, const struct family *family,
				struct arena *mem, struct jwk_secret **out)
{
	unsigned char public_key[crypto_sign_ed25519_PUBLICKEYBYTES];
	unsigned char *secret_key = arena_alloc(mem, crypto_sign_ed25519_SECRETKEYBYTES);
	struct number x, *d = arena_alloc(mem, sizeof(*d));

	TRY(read_number(jwk, &family->members[0], &x));
	TRY(read_number(jwk, &family->members[1], d));
	if (crypto_sign_ed25519_seed_keypair(public_key, secret_key, d->at) != 0)
		return STATUS_INTERNAL;
	if (!span_equal(span_make((const char *)public_key, sizeof(public_key)),
			span_of_number(&x)))
		return STATUS_INVALID;
	*out = secret_new(JWS_EDDSA);
	secret_set(&(*out)->ed25519,
		   span_make((const char *)secret_key, crypto_sign_ed25519_SECRETKEYBYTES));
	return STATUS_OK;
}

/* --- OpenSSL's scope handles --- */

static void free_pkey_ctx(EVP_PKEY_CTX **ctx)
{
	EVP_PKEY_CTX_free(*ctx);
}

static void free_pkey(EVP_PKEY **pkey)
{
	EVP_PKEY_free(*pkey);
}

static void free_number(BIGNUM **number)
{
	BN_clear_free(*number);
}

/* The numbers of a key, alive until its parameters are made. */
struct builder {
	OSSL_PARAM_BLD *params;
	BIGNUM *numbers[MEMBERS_MAX];
	size_t count;
};

static void free_builder(struct builder *builder)
{
	for (size_t i = 0; i < builder->count; i++)
		BN_clear_free(builder->numbers[i]);
	OSSL_PARAM_BLD_free(builder->params);
}

static void free_params(OSSL_PARAM **params)
{
	for (OSSL_PARAM *p = *params; p != NULL && p->key != NULL; p++)
		secret_wipe(p->data, p->data_size);
	OSSL_PARAM_free(*params);
}

static bool push_number(struct builder *builder, const char *param, const struct number *number)
{
	BIGNUM *value = BN_bin2bn(number->at, (int)number->len, NULL);

	if (value == NULL)
		return false;
	builder->numbers[builder->count++] = value;
	return OSSL_PARAM_BLD_push_BN(builder->params, param, value) == 1;
}

/* OpenSSL takes a curve's public key as one point. */
static bool push_point(struct builder *builder, const struct number *x, const struct number *y,
		       unsigned char point[1 + 2 * COORDINATE])
{
	point[0] = POINT_CONVERSION_UNCOMPRESSED;
	memcpy(point + 1, x->at, COORDINATE);
	memcpy(point + 1 + COORDINATE, y->at, COORDINATE);
	return OSSL_PARAM_BLD_push_utf8_string(builder->params, OSSL_PKEY_PARAM_GROUP_NAME, "P-256",
					       0) == 1 &&
	       OSSL_PARAM_BLD_push_octet_string(builder->params, OSSL_PKEY_PARAM_PUB_KEY, point,
						1 + 2 * COORDINATE) == 1;
}

static bool push_members(struct builder *builder, const struct family *family,
			 const struct number *numbers, unsigned char point[1 + 2 * COORDINATE])
{
	bool good = builder->params != NULL;
	size_t first = 0;

	if (family->alg == JWS_ES256) {
		good = good && push_point(builder, &numbers[0], &numbers[1], point);
		first = family->public_count;
	}
	for (size_t i = first; i < family->count && good; i++)
		good = push_number(builder, family->members[i].param, &numbers[i]);
	return good;
}

/* NULL unless the two halves fit each other. */
static EVP_PKEY *pair_from(const struct family *family, OSSL_PARAM *params)
{
	CLEANUP(free_pkey_ctx)
	EVP_PKEY_CTX *make = EVP_PKEY_CTX_new_from_name(NULL, family->openssl, NULL);
	EVP_PKEY *pkey = NULL;

	if (make == NULL || params == NULL || EVP_PKEY_fromdata_init(make) != 1 ||
	    EVP_PKEY_fromdata(make, &pkey, EVP_PKEY_KEYPAIR, params) != 1)
		return NULL;
	CLEANUP(free_pkey_ctx) EVP_PKEY_CTX *check = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
	if (check == NULL || EVP_PKEY_pairwise_check(check) != 1) {
		EVP_PKEY_free(pkey);
		return NULL;
	}
	return pkey;
}

static enum status read_pair(const struct jdoc *jwk, const struct family *family, struct arena *mem,
			     struct jwk_secret **out)
{
	struct number *numbers = arena_alloc(mem, MEMBERS_MAX * sizeof(*numbers));
	unsigned char point[1 + 2 * COORDINATE];

	for (size_t i = 0; i < family->count; i++)
		TRY(read_number(jwk, &family->members[i], &numbers[i]));
	CLEANUP(free_builder) struct builder builder = { .params = OSSL_PARAM_BLD_new() };
	if (!push_members(&builder, family, numbers, point))
		return STATUS_INTERNAL;
	CLEANUP(free_params) OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder.params);
	EVP_PKEY *pkey = pair_from(family, params);
	if (pkey == NULL) {
		ERR_clear_error();
		return STATUS_INVALID;
	}
	*out = secret_new(family->alg);
	(*out)->pkey = pkey;
	return STATUS_OK;
}

enum status jwk_read_private(const struct jdoc *private_jwk, const struct jdoc *public_jwk,
			     enum jws_alg alg, struct arena *mem, struct jwk_secret **out)
{
	const struct family *family = family_of(alg);

	if (!is_of_family(private_jwk, family) ||
	    !have_same_public_half(private_jwk, public_jwk, family))
		return STATUS_INVALID;
	if (alg == JWS_EDDSA)
		return read_ed25519(private_jwk, family, mem, out);
	return read_pair(private_jwk, family, mem, out);
}

/* --- signing --- */

static void free_digest_ctx(EVP_MD_CTX **ctx)
{
	EVP_MD_CTX_free(*ctx);
}

static void free_ecdsa(ECDSA_SIG **pair)
{
	ECDSA_SIG_free(*pair);
}

static enum status sign_by_openssl(const struct jwk_secret *secret, struct span input,
				   unsigned char out[JWK_SIGNATURE_MAX], size_t *len_out)
{
	CLEANUP(free_digest_ctx) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *how = NULL; /* belongs to ctx */
	size_t len = JWK_SIGNATURE_MAX;

	if (ctx == NULL ||
	    EVP_DigestSignInit_ex(ctx, &how, "SHA256", NULL, NULL, secret->pkey, NULL) != 1 ||
	    (secret->alg == JWS_RS256 &&
	     EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_PADDING) != 1) ||
	    EVP_DigestSign(ctx, out, &len, (const unsigned char *)input.at, input.len) != 1) {
		ERR_clear_error();
		return STATUS_INTERNAL;
	}
	*len_out = len;
	return STATUS_OK;
}

/* OpenSSL gives r and s in DER, JWS carries them as 32 bytes each. */
static enum status split_ecdsa(const unsigned char *der, size_t len, unsigned char *out)
{
	CLEANUP(free_ecdsa) ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)len);

	if (pair == NULL || BN_bn2binpad(ECDSA_SIG_get0_r(pair), out, COORDINATE) != COORDINATE ||
	    BN_bn2binpad(ECDSA_SIG_get0_s(pair), out + COORDINATE, COORDINATE) != COORDINATE)
		return STATUS_INTERNAL;
	return STATUS_OK;
}

enum status jwk_sign(const struct jwk_secret *secret, struct span input,
		     unsigned char out[JWK_SIGNATURE_MAX], size_t *len_out)
{
	unsigned char der[JWK_SIGNATURE_MAX];
	size_t len;

	if (secret->alg == JWS_RS256)
		return sign_by_openssl(secret, input, out, len_out);
	if (secret->alg == JWS_ES256) {
		TRY(sign_by_openssl(secret, input, der, &len));
		TRY(split_ecdsa(der, len, out));
		*len_out = (size_t)2 * COORDINATE;
		return STATUS_OK;
	}
	/* Hashes and multiplies: it has no way to fail. */
	(void)crypto_sign_ed25519_detached(out, NULL, (const unsigned char *)input.at, input.len,
					   secret->ed25519.at);
	*len_out = crypto_sign_ed25519_BYTES;
	return STATUS_OK;
}

/* --- making --- */

static void put_number(struct jdoc_writer *w, const char *name, const struct number *number,
		       struct arena *mem)
{
	char *text = arena_alloc(mem, ENCODE_BASE64_ROOM(number->len));

	jdoc_put_text(w, name, span_make(text, encode_base64url(number->at, number->len, text)));
}

/* Private members stand before the public ones, as the reference writes them. */
static enum status write_jwk(const struct family *family, const struct number *numbers,
			     bool with_private, struct arena *mem, struct span *json_out)
{
	struct jdoc_writer w;
	struct buf out;

	buf_init(&out, mem, JSON_MAX);
	jdoc_write(&w, &out);
	jdoc_put_object(&w, NULL);
	if (family->crv != NULL)
		jdoc_put_text(&w, "crv", span_of(family->crv));
	for (size_t i = family->public_count; i < family->count && with_private; i++)
		put_number(&w, family->members[i].name, &numbers[i], mem);
	for (size_t i = 0; i < family->public_count; i++)
		put_number(&w, family->members[i].name, &numbers[i], mem);
	jdoc_put_text(&w, "kty", span_of(family->kty));
	jdoc_end_object(&w);
	return buf_finish(&out, json_out);
}

static enum status generate_ed25519(const struct rng *rng, struct number *numbers)
{
	unsigned char secret_key[crypto_sign_ed25519_SECRETKEYBYTES];

	numbers[0].len = crypto_sign_ed25519_PUBLICKEYBYTES;
	numbers[1].len = crypto_sign_ed25519_SEEDBYTES;
	rng_fill(rng, numbers[1].at, numbers[1].len);
	int failed = crypto_sign_ed25519_seed_keypair(numbers[0].at, secret_key, numbers[1].at);
	secret_wipe(secret_key, sizeof(secret_key));
	return failed == 0 ? STATUS_OK : STATUS_INTERNAL;
}

static enum status take_member(EVP_PKEY *pkey, const struct member *member, struct number *out)
{
	CLEANUP(free_number) BIGNUM *value = NULL;

	if (EVP_PKEY_get_bn_param(pkey, member->param, &value) != 1)
		return STATUS_INTERNAL;
	out->len = member->len > 0 ? member->len : (size_t)BN_num_bytes(value);
	if (out->len > sizeof(out->at) ||
	    BN_bn2binpad(value, out->at, (int)out->len) != (int)out->len)
		return STATUS_INTERNAL;
	return STATUS_OK;
}

static enum status generate_pair(const struct family *family, struct number *numbers)
{
	CLEANUP(free_pkey)
	EVP_PKEY *pkey = family->alg == JWS_ES256 ? EVP_EC_gen("P-256") : EVP_RSA_gen(RSA_BITS);

	if (pkey == NULL)
		return STATUS_INTERNAL;
	for (size_t i = 0; i < family->count; i++)
		TRY(take_member(pkey, &family->members[i], &numbers[i]));
	return STATUS_OK;
}

enum status jwk_generate(enum jws_alg alg, const struct rng *rng, struct arena *mem,
			 struct jwk_pair *out)
{
	const struct family *family = family_of(alg);

	if (family == NULL)
		return STATUS_INVALID;
	struct number *numbers = arena_alloc(mem, MEMBERS_MAX * sizeof(*numbers));
	TRY(alg == JWS_EDDSA ? generate_ed25519(rng, numbers) : generate_pair(family, numbers));
	TRY(write_jwk(family, numbers, false, mem, &out->public_json));
	TRY(write_jwk(family, numbers, true, mem, &out->private_json));
	out->crv = span_of(family->crv);
	return STATUS_OK;
}
