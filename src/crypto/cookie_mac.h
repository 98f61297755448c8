/* SPDX-License-Identifier: MIT */
/*
 * cookie_mac: the contract's signed values, `text.base64(HMAC-SHA256(secret,
 * text))`, standard base64 with padding. Percent-encoding is the caller's.
 * Thread-safe.
 */
#ifndef CRYPTO_COOKIE_MAC_H
#define CRYPTO_COOKIE_MAC_H

#include "base/arena.h"
#include "base/span.h"
#include "base/status.h"

/* The signed form of `text`, not percent-encoded. */
struct span cookie_sign(struct arena *mem, struct span secret, struct span text);

/* Splits at the last dot and checks the signature (44 characters ending in
 * '=') against each secret in constant time. STATUS_DENIED when none fits. */
MUST_CHECK enum status cookie_verify(const struct span *secrets, size_t count,
				     struct span signed_text, struct span *text_out);

#endif
