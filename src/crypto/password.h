/* SPDX-License-Identifier: MIT */
/*
 * crypto: proofs. Passwords, cookie signatures, JWS, keys. Pure: randomness is
 * an argument, keys come in from the configuration or the store.
 *
 * password: argon2id (RFC 9106) of the NFKC form through libsodium, and the
 * scrypt form that Better Auth stores. All of these take tens of milliseconds
 * and megabytes: only the hash lane calls the ones marked [slow].
 */
#ifndef CRYPTO_PASSWORD_H
#define CRYPTO_PASSWORD_H

#include "base/arena.h"
#include "base/rng.h"
#include "base/span.h"
#include "base/status.h"

#include <stdint.h>

enum password_kind { PASSWORD_UNKNOWN = 0, PASSWORD_ARGON2ID, PASSWORD_SCRYPT };

struct password_params {
	enum password_kind kind;  /* of new hashes */
	int64_t memory_kib, time; /* argon2id */
};

/* Caps on stored parameters, checked before any memory is taken. */
#define PASSWORD_MEMORY_KIB_MAX 262144
#define PASSWORD_TIME_MAX 16
#define PASSWORD_HASH_MAX 512

/* Once per process, before threads. */
MUST_CHECK enum status password_start(void);

/* UTF-16 code units of a UTF-8 text (an astral character counts two), with
 * malformed bytes replaced as base/utf8.h says. */
size_t password_length(struct span password);

/* The stored form's kind; PASSWORD_UNKNOWN for malformed or over the caps.
 * Argon2id is version 19 alone, with 1 to 16 lanes, salts of 8 to 64 bytes and
 * tags of 16 to 64. */
enum password_kind password_kind_of(struct span stored);

/* [slow] A new stored form. STATUS_NO_MEMORY when the work area is refused,
 * STATUS_INVALID for parameters over the caps. */
MUST_CHECK enum status password_hash(const struct password_params *params, struct span password,
				     const struct rng *rng, struct arena *mem,
				     struct span *stored_out);

/* [slow] STATUS_OK: matches; STATUS_DENIED: does not; STATUS_INVALID: stored
 * form malformed or over the caps; STATUS_NO_MEMORY. */
MUST_CHECK enum status password_verify(struct span stored, struct span password, struct arena *mem);

/* True when a good sign-in should replace the stored form. */
bool password_needs_rehash(const struct password_params *params, struct span stored);

/* A stored form that nothing matches, as dear as a real one with `params`:
 * what an unknown user is verified against. Made once, at start; takes no time
 * itself. */
MUST_CHECK enum status password_decoy_make(const struct password_params *params,
					   const struct rng *rng, struct arena *mem,
					   struct span *stored_out);

#endif
