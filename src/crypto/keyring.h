/* SPDX-License-Identifier: MIT */
/*
 * keyring: the keys in force: the secrets of the configuration (HS256), rows
 * of "jwks" (EdDSA, ES256, RS256), and foreign issuers' key sets. A keyring is
 * an immutable snapshot, swapped whole; holders keep a reference.
 */
#ifndef CRYPTO_KEYRING_H
#define CRYPTO_KEYRING_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/rng.h"
#include "base/secret.h"
#include "base/span.h"
#include "base/status.h"
#include "crypto/jws.h"
#include "model/key_row.h"

struct keyring;

/* A foreign issuer's or our own set of verifying keys is named by its index:
 * 0 is ourselves, 1.. the `issuer` entries in order. */
#define KEYRING_OWN 0

/* What a snapshot is made from; all borrowed, copied into the keyring. */
struct keyring_source {
	const struct span *secrets;      /* the first signs; at least one */
	const unsigned *secret_versions; /* of `secrets`; 0 for the plain one */
	size_t secret_count;
	enum jws_alg signing_alg;
	const struct key_row *rows; /* of "jwks", newest first */
	size_t row_count;
	uint64_t generation; /* of the store's key table */
	int64_t now_ms;
	int64_t key_max_age_ms; /* no row signs longer; 0: until it expires */
	int64_t grace_ms;       /* rows verify so long past their expiry; 0: 30 days */
};

/* Rows of signing_alg that have not reached their end and whose private key can
 * be read may sign (keyring_signer). Unusable rows are skipped and counted
 * (*skipped_out); one whose private half alone is unusable still verifies, and
 * is counted when it should have signed. No private key for an asymmetric
 * signing_alg is not an error: keyring_signer is then NULL. STATUS_INVALID: no
 * secret, or one under 32 bytes. */
MUST_CHECK enum status keyring_new(const struct keyring_source *source, size_t *skipped_out,
				   struct keyring **out);

/* A copy of `old` in which the keys of foreign issuer `issuer` (>= 1) are
 * those of a JWK set (RFC 7517). Keys without `kid` or `alg`, with an `alg`
 * not in `algs` (bits 1 << enum jws_alg), with `use` other than sig, or of
 * another family than their alg, symmetric ones and those past the 64th are
 * skipped and counted. STATUS_INVALID: no JWK set. */
MUST_CHECK enum status keyring_with_issuer(const struct keyring *old, size_t issuer,
					   struct span jwks_json, unsigned algs,
					   size_t *skipped_out, struct keyring **out);

struct keyring *keyring_hold(struct keyring *keys); /* one more reference */
void keyring_release(struct keyring **keys);        /* for CLEANUP */

uint64_t keyring_generation(const struct keyring *keys);

/* Keys of `issuer` that may have signed `parts`: by kid when it names one
 * (exactly one key or none); without kid, those of parts->alg of ourselves
 * only. None is past its grace at now_ms. Returns how many, at most `room`. */
size_t keyring_find(const struct keyring *keys, size_t issuer, const struct jws_parts *parts,
		    int64_t now_ms, const struct jws_key **found, size_t room);

/* The key that signs at now_ms: of those that have not reached their end the
 * newest whose time has begun (createdAt may lie ahead, so that a key is known
 * before it signs), else the next to begin. NULL when there is none. */
struct keyring_signer {
	enum jws_alg alg;
	struct span kid;
	struct span hmac;                /* HS256: the secret */
	const struct jwk_secret *secret; /* EdDSA, ES256, RS256; see crypto/jwk.h */
};
const struct keyring_signer *keyring_signer(const struct keyring *keys, int64_t now_ms);

/* When the last of the keys that may sign reaches its end; INT64_MAX: never,
 * INT64_MIN: there is none. */
int64_t keyring_signs_until(const struct keyring *keys);

/* {"keys":[…]} of all public rows that were not past their grace when the
 * snapshot was made. */
struct span keyring_jwks(const struct keyring *keys);

/* A new key pair as a row of "jwks" (id, publicKey, privateKey encrypted with
 * the first secret as the contract stores it, alg, crv) that signs from now_ms
 * on and expires after key_max_age_ms. STATUS_INVALID for HS256. */
MUST_CHECK enum status keyring_generate(enum jws_alg alg, const struct keyring_source *source,
					const struct rng *rng, struct arena *mem,
					struct key_row *row_out);

#endif
