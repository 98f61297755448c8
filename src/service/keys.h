/* SPDX-License-Identifier: MIT */
/*
 * keys: the keyring in force in this process, swapped whole: the secrets, the
 * rows of "jwks", and the last good key set of each foreign issuer. Threads
 * that ask often keep a reference of their own (keys_refresh).
 */
#ifndef SERVICE_KEYS_H
#define SERVICE_KEYS_H

#include "base/span.h"
#include "base/status.h"
#include "crypto/keyring.h"

struct config;
struct service;
struct key_holder;

/* Makes the first keyring from the secrets alone: enough for HS256. */
MUST_CHECK enum status keys_open(struct service *service, struct key_holder **out);
void keys_close(struct key_holder **holder);

/* The feed says that "jwks" has changed: reads its rows and swaps the keyring.
 * On failure the old one stays and the next call tries again. One thread only:
 * a reading that began before another's end could bring back a removed key. */
MUST_CHECK enum status keys_reload(struct service *service, uint64_t generation);

/* A token names a key of ours that is not in `held`: another host may just have
 * made it. True: there is another keyring now. Reads the rows anew unless that
 * was done within the last tenth of a second. */
bool keys_look_for_unknown(struct service *service, const struct keyring *held);

/* Swaps in the key set (RFC 7517) of foreign issuer `issuer` (1..). One whose
 * keys are all unusable counts as loaded. STATUS_INVALID: not a key set; the
 * last good one stays. */
MUST_CHECK enum status keys_set_issuer(struct service *service, size_t issuer,
				       struct span jwks_json);

/* Were keys of `issuer` (KEYRING_OWN: the rows of "jwks") ever loaded? */
bool keys_are_loaded(const struct service *service, size_t issuer);

/* Makes *held the keyring in force; cheap when it already is. *held may be
 * NULL at first; release it with keyring_release. */
void keys_refresh(struct service *service, struct keyring **held);

/* Before issuing: makes the next key pair when none signs beyond now and
 * `ahead_ms`; never for HS256. STATUS_UNAVAILABLE when that cannot be done. */
MUST_CHECK enum status keys_ensure_signer(struct service *service, struct keyring **held,
					  int64_t ahead_ms);

/* With jwt_key_max_age: how long before it signs a key is made and listed. */
int64_t keys_lead_ms(const struct config *config);

#endif
