/* SPDX-License-Identifier: MIT */
/*
 * jscan: strict reading of small JSON objects in place, for what a token says.
 * Pure, no allocation; spans point into the text.
 *
 * The grammar is RFC 8259's over valid UTF-8, narrowed where two readers could
 * differ: the text begins with `{` and ends with its `}`, names on the top
 * level have no escape, surrogate escapes come in pairs, 16 levels at most.
 *
 * Errors are remembered: after the first one every call yields nothing; ask
 * once at the end. Each member or element must be taken by exactly one of
 * jscan_text, jscan_seconds, jscan_skip or a walk over jscan_open_array.
 *
 *     jscan_open(&s, text);
 *     while (jscan_member(&s, &name))
 *             if (span_is(name, "sub")) sub = jscan_text(&s); else jscan_skip(&s);
 *     return jscan_finish(&s);
 */
#ifndef BASE_JSCAN_H
#define BASE_JSCAN_H

#include "base/span.h"
#include "base/status.h"

#include <stdint.h>

#define JSCAN_DEPTH_MAX 16

struct jscan {
	const char *at, *end;
	bool first; /* no comma before the next member or element */
	bool bad;
};

void jscan_open(struct jscan *s, struct span text);

/* The next member's name; false at the closing brace and after an error. */
bool jscan_member(struct jscan *s, struct span *name_out);

/* A string without escapes and DEL; anything else is an error. Absent then. */
struct span jscan_text(struct jscan *s);

/* A whole number of 1 to 15 digits without sign; anything else is an error. */
int64_t jscan_seconds(struct jscan *s);

/* Any value. */
void jscan_skip(struct jscan *s);

/* True when the next value is an array, whose `[` is then taken. */
bool jscan_open_array(struct jscan *s);

/* Another element comes; false at the `]`, which is taken, and after an error. */
bool jscan_element(struct jscan *s);

/* For the caller's own refusals (a member twice, one too many). */
void jscan_fail(struct jscan *s);

/* After jscan_member said false: STATUS_INVALID when anything was wrong or
 * follows the object. */
MUST_CHECK enum status jscan_finish(const struct jscan *s);

#endif
