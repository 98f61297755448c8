/* SPDX-License-Identifier: MIT */
/*
 * utf8: bytes that should be UTF-8. Pure. Malformed input is replaced as a
 * JavaScript server does it (WHATWG Encoding, "UTF-8 decode"): each longest
 * malformed prefix of a character becomes one U+FFFD.
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/arena.h"
#include "base/span.h"

#define UTF8_REPLACEMENT SPAN("\xef\xbf\xbd")

/* Bytes of the first character of a span that is not empty. *valid_out false:
 * that many bytes are to be replaced by one U+FFFD. */
size_t utf8_next(struct span s, bool *valid_out);

bool utf8_is_valid(struct span s);

/* `s` itself when it is valid (or absent), else a repaired copy in mem. */
struct span utf8_repair(struct arena *mem, struct span s);

#endif
