/* SPDX-License-Identifier: MIT */
/*
 * jws: strict compact JWS (RFC 7515, RFC 8725). Bytes and a key in, payload or
 * refusal out. The gate's hot path: no I/O, no allocation and no system call
 * for HS256. The key names its one algorithm; the token only gets to agree.
 *
 * Strict: exactly three parts, none empty; base64url without padding, junk or
 * set unused bits; size capped before anything is decoded; header members
 * `alg`, `kid`, `typ` at most once and without escapes (base/jscan.h); no
 * `crit`, no `b64`; `typ` absent, `JWT` or `at+jwt` (any case, `application/`
 * allowed before). `jku`, `jwk`, `x5u` and all else are not looked at.
 */
#ifndef CRYPTO_JWS_H
#define CRYPTO_JWS_H

#include "base/arena.h"
#include "base/secret.h"
#include "base/span.h"
#include "base/status.h"

#include <stdint.h>

#define JWS_TOKEN_MAX 8192
#define JWS_KID_MAX 128

enum jws_alg { JWS_NONE = 0, JWS_HS256, JWS_EDDSA, JWS_ES256, JWS_RS256 };

/* "HS256" and so on; JWS_NONE for anything else. Case counts. */
enum jws_alg jws_alg_named(struct span name);
const char *jws_alg_word(enum jws_alg alg);

/* A key that verifies with one algorithm; opaque, immutable, shared by
 * threads. jws.c and keyring.c know its inside. */
struct jws_key;

/* HMAC-SHA256; the secret is copied. At least 32 bytes, else STATUS_INVALID. */
MUST_CHECK enum status jws_key_hmac(struct span kid, struct span secret, struct jws_key **out);
/* 32 bytes (RFC 8037); a point of the prime-order group, in canonical form. */
MUST_CHECK enum status jws_key_ed25519(struct span kid, struct span public_key,
				       struct jws_key **out);
/* Coordinates of 32 bytes each; the point must be on P-256. */
MUST_CHECK enum status jws_key_p256(struct span kid, struct span x, struct span y,
				    struct jws_key **out);
/* Modulus of 2048 to 8192 bits, odd public exponent from 3 to 2^64 - 1. */
MUST_CHECK enum status jws_key_rsa(struct span kid, struct span n, struct span e,
				   struct jws_key **out);
void jws_key_free(struct jws_key **key);

struct span jws_key_kid(const struct jws_key *key);
enum jws_alg jws_key_alg(const struct jws_key *key);

/* The parts of a token that passed every check but the signature. */
struct jws_parts {
	enum jws_alg alg;
	struct span kid;            /* absent when the header has none; points into header */
	struct span signing_input;  /* "header.payload" as sent */
	struct span payload_text;   /* still base64url */
	struct span signature_text; /* still base64url */
	char header[512];           /* decoded header */
};

/* STATUS_INVALID: not a strict compact JWS; nothing in *parts_out counts then. */
MUST_CHECK enum status jws_split(struct span token, struct jws_parts *parts_out);

/* One per thread: contexts held warm, so that a check allocates nothing. */
struct jws_scratch;
/* Of asymmetric keys it remembers which tokens it has verified: SHA-256 of the
 * whole token and the key's serial number, successes only, in a table of fixed
 * size. A hit saves the signature's arithmetic and nothing else: everything the
 * token says is read and judged anew each time, and a key that is no longer
 * asked for (removed, or read again) never hits. */
struct jws_scratch *jws_scratch_new(void);
void jws_scratch_free(struct jws_scratch **scratch);

/* Asymmetric signatures computed, and saved. */
struct jws_stats {
	uint64_t computed, saved;
};
void jws_scratch_read_stats(const struct jws_scratch *scratch, struct jws_stats *out);

/* STATUS_OK and the decoded payload (in the scratch, valid until its next
 * use), STATUS_DENIED when the signature is not the key's or the algorithms
 * differ, STATUS_INVALID when a part does not decode. The signature is
 * verified before the payload is decoded. */
MUST_CHECK enum status jws_verify(struct jws_scratch *scratch, const struct jws_key *key,
				  const struct jws_parts *parts, struct span *payload_out);

#endif
