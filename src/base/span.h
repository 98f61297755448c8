/* SPDX-License-Identifier: MIT */
/*
 * span: borrowed bytes, pointer and length. Not NUL-terminated, may hold NUL.
 * A span with at == NULL is absent; one with at != NULL and len 0 is empty.
 */
#ifndef BASE_SPAN_H
#define BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct span {
	const char *at;
	size_t len;
};

#define SPAN_ABSENT ((struct span){ NULL, 0 })
#define SPAN(literal) ((struct span){ "" literal, sizeof(literal) - 1 })
/* For printf's "%.*s". */
#define SPAN_FMT(s) (int)(s).len, (s).at

static inline struct span span_make(const char *at, size_t len)
{
	return (struct span){ at, len };
}

/* NULL gives the absent span. */
static inline struct span span_of(const char *text)
{
	return (struct span){ text, text != NULL ? strlen(text) : 0 };
}

static inline bool span_is_absent(struct span s)
{
	return s.at == NULL;
}

/* Public bytes only: stops at the first difference. Secrets: secret_equal. */
static inline bool span_equal(struct span a, struct span b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static inline bool span_is(struct span s, const char *text)
{
	return span_equal(s, span_of(text));
}

static inline bool span_starts(struct span s, struct span prefix)
{
	return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.at, prefix.at, prefix.len) == 0);
}

static inline struct span span_from(struct span s, size_t start)
{
	if (start > s.len)
		start = s.len;
	return start > 0 ? span_make(s.at + start, s.len - start) : s;
}

static inline struct span span_first(struct span s, size_t len)
{
	return span_make(s.at, len < s.len ? len : s.len);
}

/* Position of the first `byte`, or s.len. */
static inline size_t span_find(struct span s, char byte)
{
	const char *hit = s.len > 0 ? memchr(s.at, byte, s.len) : NULL;
	return hit != NULL ? (size_t)(hit - s.at) : s.len;
}

/* Position of the last `byte`, or s.len. */
static inline size_t span_find_last(struct span s, char byte)
{
	const char *hit = s.len > 0 ? memrchr(s.at, byte, s.len) : NULL;
	return hit != NULL ? (size_t)(hit - s.at) : s.len;
}

/* ASCII letters compared without case; other bytes exactly. */
bool span_equal_nocase(struct span a, struct span b);

/* Drops ASCII spaces and tabs at both ends. */
struct span span_trim(struct span s);

/* Takes the part before the first `separator` off *rest; the separator goes
 * too. False when *rest is absent: `while (span_next(&rest, ',', &part))`
 * yields each part once, an empty last one included. */
bool span_next(struct span *rest, char separator, struct span *part_out);

/* A whole unsigned decimal number of 1 to 18 digits, no sign, no space. */
bool span_to_uint(struct span s, unsigned long long *value_out);

#endif
