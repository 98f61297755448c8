/* SPDX-License-Identifier: MIT */
#include "base/utf8.h"

/* Unicode 15 table 3-7: the first byte decides the length and what the second
 * may be; overlong forms, surrogates and what lies past U+10FFFF never match. */
struct lead {
	unsigned char first, last, len, low, high;
};

static const struct lead leads[] = {
	{ 0x00, 0x7f, 1, 0, 0 },       { 0xc2, 0xdf, 2, 0x80, 0xbf }, { 0xe0, 0xe0, 3, 0xa0, 0xbf },
	{ 0xe1, 0xec, 3, 0x80, 0xbf }, { 0xed, 0xed, 3, 0x80, 0x9f }, { 0xee, 0xef, 3, 0x80, 0xbf },
	{ 0xf0, 0xf0, 4, 0x90, 0xbf }, { 0xf1, 0xf3, 4, 0x80, 0xbf }, { 0xf4, 0xf4, 4, 0x80, 0x8f },
};

static const struct lead *lead_of(unsigned char byte)
{
	for (size_t i = 0; i < sizeof(leads) / sizeof(leads[0]); i++)
		if (byte >= leads[i].first && byte <= leads[i].last)
			return &leads[i];
	return NULL;
}

size_t utf8_next(struct span s, bool *valid_out)
{
	const unsigned char *at = (const unsigned char *)s.at;
	const struct lead *lead = lead_of(at[0]);
	size_t len = 1;

	*valid_out = false;
	if (lead == NULL)
		return 1;
	for (; len < lead->len; len++) {
		unsigned char low = len == 1 ? lead->low : 0x80,
			      high = len == 1 ? lead->high : 0xbf;

		if (len >= s.len || at[len] < low || at[len] > high)
			return len;
	}
	*valid_out = true;
	return len;
}

bool utf8_is_valid(struct span s)
{
	bool valid = true;

	while (s.len > 0 && valid)
		s = span_from(s, utf8_next(s, &valid));
	return valid;
}

struct span utf8_repair(struct arena *mem, struct span s)
{
	size_t len = 0;

	if (utf8_is_valid(s))
		return s;
	char *out = arena_alloc(mem, s.len * UTF8_REPLACEMENT.len + 1);
	while (s.len > 0) {
		bool valid;
		size_t next = utf8_next(s, &valid);
		struct span piece = valid ? span_first(s, next) : UTF8_REPLACEMENT;

		memcpy(out + len, piece.at, piece.len);
		len += piece.len;
		s = span_from(s, next);
	}
	return span_make(out, len);
}
