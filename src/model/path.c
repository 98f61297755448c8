/* SPDX-License-Identifier: MIT */
#include "model/path.h"

#include <stdint.h>

/* A set of ASCII bytes, one bit each: branch-free in the gate's hottest loop,
 * and 8-bit bytes are outside by construction. */
struct byte_set {
	uint64_t low, high;
};

#define BIT(c) (UINT64_C(1) << ((c)&63))
#define DIGITS (UINT64_C(0x3ff) << '0')
#define LETTERS (UINT64_C(0x7fffffe) | UINT64_C(0x7fffffe) << 32)

static const struct byte_set PATH_BYTES = {
	DIGITS | BIT('-') | BIT('.') | BIT('!') | BIT('$') | BIT('&') | BIT('\'') | BIT('(') |
		BIT(')') | BIT('*') | BIT('+') | BIT(',') | BIT('=') | BIT(':') | BIT('/'),
	LETTERS | BIT('_') | BIT('~') | BIT('@'),
};

static const struct byte_set ID_BYTES = { DIGITS | BIT('-'), LETTERS | BIT('_') };

static inline bool holds(const struct byte_set *set, char byte)
{
	unsigned char c = (unsigned char)byte;
	uint64_t half = c < 64 ? set->low : set->high;
	return c < 128 && (half >> (c & 63) & 1) != 0;
}

struct span path_of_target(struct span target)
{
	return span_first(target, span_find(target, '?'));
}

/* What stands between two slashes, or between one and the end. */
static bool segment_is_canonical(struct span segment, bool last)
{
	if (segment.len == 0)
		return last;
	if (segment.at[0] != '.')
		return true;
	return segment.len > 2 || (segment.len == 2 && segment.at[1] != '.');
}

bool path_is_canonical(struct span path)
{
	if (path.len == 0 || path.at[0] != '/')
		return false;
	size_t start = 1;
	for (size_t i = 1; i < path.len; i++) {
		if (!holds(&PATH_BYTES, path.at[i]))
			return false;
		if (path.at[i] != '/')
			continue;
		struct span segment = span_make(path.at + start, i - start);
		if (!segment_is_canonical(segment, false))
			return false;
		start = i + 1;
	}
	return segment_is_canonical(span_from(path, start), true);
}

bool path_is_user_id(struct span segment)
{
	if (segment.len == 0 || segment.len > PATH_USER_ID_MAX)
		return false;
	for (size_t i = 0; i < segment.len; i++) {
		if (!holds(&ID_BYTES, segment.at[i]))
			return false;
	}
	return true;
}
