/* SPDX-License-Identifier: MIT */
/*
 * encode: text forms of bytes. Pure.
 *
 * Encoders write into `out`, NUL-terminate it and return the length without
 * the NUL; the macros give the room needed, NUL included. Decoders are strict:
 * one spelling per value (RFC 4648 section 3.5), STATUS_INVALID otherwise,
 * STATUS_TOO_LARGE when `room` does not hold the result.
 */
#ifndef BASE_ENCODE_H
#define BASE_ENCODE_H

#include "base/arena.h"
#include "base/span.h"
#include "base/status.h"

#define ENCODE_BASE64_ROOM(n) (((n) + 2) / 3 * 4 + 1)
#define ENCODE_HEX_ROOM(n) ((n)*2 + 1)

/* With padding (RFC 4648 section 4). */
size_t encode_base64(const void *bytes, size_t len, char *out);
/* URL alphabet, no padding (RFC 7515 section 2). */
size_t encode_base64url(const void *bytes, size_t len, char *out);
/* Lower case. */
size_t encode_hex(const void *bytes, size_t len, char *out);

/* Padding required, unused bits zero. */
MUST_CHECK enum status decode_base64(struct span text, void *out, size_t room, size_t *len_out);
/* No padding, no foreign byte, unused bits zero. */
MUST_CHECK enum status decode_base64url(struct span text, void *out, size_t room, size_t *len_out);
/* Either case, even length. */
MUST_CHECK enum status decode_hex(struct span text, void *out, size_t room, size_t *len_out);

/* As JavaScript's encodeURIComponent (all but A-Za-z0-9-_.!~*'()). */
struct span encode_percent(struct arena *mem, struct span bytes);

/* %XX becomes a byte; a '%' without two hex digits is STATUS_INVALID. */
MUST_CHECK enum status decode_percent(struct arena *mem, struct span text, struct span *out);

#endif
