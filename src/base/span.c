/* SPDX-License-Identifier: MIT */
#include "base/span.h"

static unsigned char lower(char byte)
{
	unsigned char c = (unsigned char)byte;

	return c >= 'A' && c <= 'Z' ? (unsigned char)(c | 0x20) : c;
}

bool span_equal_nocase(struct span a, struct span b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (lower(a.at[i]) != lower(b.at[i]))
			return false;
	return true;
}

static bool is_blank(char byte)
{
	return byte == ' ' || byte == '\t';
}

struct span span_trim(struct span s)
{
	while (s.len > 0 && is_blank(s.at[0]))
		s = span_from(s, 1);
	while (s.len > 0 && is_blank(s.at[s.len - 1]))
		s.len--;
	return s;
}

bool span_next(struct span *rest, char separator, struct span *part_out)
{
	if (span_is_absent(*rest))
		return false;
	size_t end = span_find(*rest, separator);
	*part_out = span_first(*rest, end);
	*rest = end < rest->len ? span_from(*rest, end + 1) : SPAN_ABSENT;
	return true;
}

bool span_to_uint(struct span s, unsigned long long *value_out)
{
	unsigned long long value = 0;

	if (s.len < 1 || s.len > 18)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (s.at[i] < '0' || s.at[i] > '9')
			return false;
		value = value * 10 + (unsigned)(s.at[i] - '0');
	}
	*value_out = value;
	return true;
}
