/* SPDX-License-Identifier: MIT */
/*
 * jrepair: makes of a text that JavaScript's JSON.parse accepts one that a
 * strict JSON reader accepts too, with the same meaning. Pure.
 *
 * A byte order mark goes; malformed UTF-8 becomes U+FFFD, as does the escape
 * of a lone surrogate and, in names, that of NUL; a number too large for an
 * integer or a double stays a number. Everything else is left as it is, for
 * the reader to judge.
 */
#ifndef BASE_JREPAIR_H
#define BASE_JREPAIR_H

#include "base/span.h"
#include "base/status.h"

#define JREPAIR_ROOM(n) (3 * (n) + 3)
#define JREPAIR_DEPTH_MAX 64

/* Writes at most JREPAIR_ROOM(text.len) bytes. STATUS_INVALID: nested deeper
 * than JREPAIR_DEPTH_MAX, or a malformed number; never JSON then. */
MUST_CHECK enum status jrepair(struct span text, char *out, size_t *len_out);

#endif
