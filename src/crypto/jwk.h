/* SPDX-License-Identifier: MIT */
/*
 * jwk: JSON Web Keys (RFC 7517, RFC 7518 section 6, RFC 8037), as key sets and
 * rows of "jwks" hold them. One family per algorithm: OKP Ed25519 for EdDSA, EC
 * P-256 for ES256, RSA for RS256. Symmetric keys are never read. Thread-safe.
 */
#ifndef CRYPTO_JWK_H
#define CRYPTO_JWK_H

#include "base/arena.h"
#include "base/jdoc.h"
#include "base/rng.h"
#include "base/span.h"
#include "base/status.h"
#include "crypto/jws.h"

/* The public half of `jwk` as a key for `alg` alone. STATUS_INVALID: of another
 * family, incomplete, or no sound key. */
MUST_CHECK enum status jwk_read_public(const struct jdoc *jwk, enum jws_alg alg, struct span kid,
				       struct jws_key **out);

/* Writes such a key as an element of a key set; never a private member. */
void jwk_put_public(struct jdoc_writer *w, const struct jdoc *jwk, enum jws_alg alg,
		    struct span kid);

/* The private half: what signs. Opaque, immutable, shared by threads. */
struct jwk_secret;

/* STATUS_INVALID: no sound key pair, or not the one of `public_jwk`. `mem` is
 * for the reading alone. */
MUST_CHECK enum status jwk_read_private(const struct jdoc *private_jwk,
					const struct jdoc *public_jwk, enum jws_alg alg,
					struct arena *mem, struct jwk_secret **out);
void jwk_secret_free(struct jwk_secret **secret);

#define JWK_SIGNATURE_MAX 1024

/* The signature as JWS carries it (RFC 7518 section 3, RFC 8037). */
MUST_CHECK enum status jwk_sign(const struct jwk_secret *secret, struct span input,
				unsigned char out[JWK_SIGNATURE_MAX], size_t *len_out);

struct jwk_pair {
	struct span public_json, private_json, crv; /* crv absent for RSA */
};

/* A new pair. `rng` makes Ed25519 keys; P-256 and RSA (2048 bits) come from
 * OpenSSL's own generator. STATUS_INVALID for HS256. */
MUST_CHECK enum status jwk_generate(enum jws_alg alg, const struct rng *rng, struct arena *mem,
				    struct jwk_pair *out);

#endif
