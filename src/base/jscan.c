/* SPDX-License-Identifier: MIT */
#include "base/jscan.h"

#include "base/utf8.h"

#include <endian.h>

enum { SECONDS_DIGITS = 15 };

#define EACH_BYTE(value) (0x0101010101010101u * (value))

void jscan_fail(struct jscan *s)
{
	s->bad = true;
	s->at = s->end;
}

static void skip_space(struct jscan *s)
{
	while (s->at < s->end &&
	       (*s->at == ' ' || *s->at == '\t' || *s->at == '\n' || *s->at == '\r'))
		s->at++;
}

/* The next byte that is not space, or NUL (which no grammar rule wants). */
static char peek(struct jscan *s)
{
	skip_space(s);
	return s->at < s->end ? *s->at : '\0';
}

static bool take(struct jscan *s, char byte)
{
	if (peek(s) != byte) {
		jscan_fail(s);
		return false;
	}
	s->at++;
	return true;
}

/* How many of the first eight bytes may stand in a string as they are: ASCII,
 * not a control, quote, backslash or DEL. Below the first byte that may not, no
 * subtraction borrows, so the lowest mark is exact. */
static size_t plain_of_eight(const char *at)
{
	uint64_t w;

	memcpy(&w, at, sizeof(w));
	w = le64toh(w);
	uint64_t quote = w ^ EACH_BYTE((uint64_t)'"'), slash = w ^ EACH_BYTE((uint64_t)'\\');
	uint64_t del = w ^ EACH_BYTE((uint64_t)0x7f);
	uint64_t odd = (w - EACH_BYTE((uint64_t)0x20)) | (quote - EACH_BYTE((uint64_t)1)) |
		       (slash - EACH_BYTE((uint64_t)1)) | (del - EACH_BYTE((uint64_t)1)) | w;
	odd &= EACH_BYTE((uint64_t)0x80);
	return odd == 0 ? 8 : (size_t)__builtin_ctzll(odd) / 8;
}

/* Four hex digits at `at`, or -1. */
static int32_t code_unit(const char *at, const char *end)
{
	int32_t unit = 0;

	if (end - at < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		char c = at[i];
		int32_t digit = c >= '0' && c <= '9'   ? c - '0'
				: c >= 'a' && c <= 'f' ? c - 'a' + 10
				: c >= 'A' && c <= 'F' ? c - 'A' + 10
						       : -1;
		if (digit < 0)
			return -1;
		unit = unit << 4 | digit;
	}
	return unit;
}

/* Length of the escape at `at`, which is a backslash; 0 when it is none. */
static size_t escape_len(const char *at, const char *end)
{
	if (end - at < 2 || at[1] == '\0')
		return 0;
	if (at[1] != 'u')
		return strchr("\"\\/bfnrt", at[1]) != NULL ? 2 : 0;
	int32_t unit = code_unit(at + 2, end);
	if (unit < 0 || (unit >= 0xdc00 && unit <= 0xdfff))
		return 0;
	if (unit < 0xd800 || unit > 0xdbff)
		return 6;
	if (end - at < 12 || at[6] != '\\' || at[7] != 'u')
		return 0;
	int32_t low = code_unit(at + 8, end);
	return low >= 0xdc00 && low <= 0xdfff ? 12 : 0;
}

/* Moves over one character of a string that is not its end; false: none. */
static bool string_step(struct jscan *s, bool *plain)
{
	unsigned char byte = (unsigned char)*s->at;
	size_t len = 1;
	bool valid = byte >= 0x20;

	if (byte == '\\' || byte == 0x7f)
		*plain = false;
	if (byte == '\\') {
		len = escape_len(s->at, s->end);
		valid = len > 0;
	} else if (byte >= 0x80) {
		len = utf8_next(span_make(s->at, (size_t)(s->end - s->at)), &valid);
	}
	s->at += len;
	return valid;
}

/* The inside of a string; *plain: it has neither escape nor DEL. */
static struct span string(struct jscan *s, bool *plain)
{
	*plain = true;
	if (!take(s, '"'))
		return SPAN_ABSENT;
	const char *start = s->at;
	while (s->at < s->end) {
		size_t run = s->end - s->at >= 8 ? plain_of_eight(s->at) : 0;

		s->at += run;
		if (run == 8)
			continue;
		if (*s->at == '"')
			return span_make(start, (size_t)(s->at++ - start));
		if (!string_step(s, plain))
			break;
	}
	jscan_fail(s);
	return SPAN_ABSENT;
}

static struct span plain_string(struct jscan *s)
{
	bool plain;
	struct span text = string(s, &plain);

	if (plain)
		return text;
	jscan_fail(s);
	return SPAN_ABSENT;
}

static size_t take_digits(struct jscan *s)
{
	const char *start = s->at;

	while (s->at < s->end && *s->at >= '0' && *s->at <= '9')
		s->at++;
	return (size_t)(s->at - start);
}

static bool take_if(struct jscan *s, char byte)
{
	if (s->at == s->end || *s->at != byte)
		return false;
	s->at++;
	return true;
}

static void skip_number(struct jscan *s)
{
	(void)take_if(s, '-');
	const char *whole = s->at;
	size_t digits = take_digits(s);
	bool good = digits == 1 || (digits > 1 && *whole != '0');
	if (take_if(s, '.'))
		good = take_digits(s) > 0 && good;
	if (take_if(s, 'e') || take_if(s, 'E')) {
		if (!take_if(s, '+'))
			(void)take_if(s, '-');
		good = take_digits(s) > 0 && good;
	}
	if (!good)
		jscan_fail(s);
}

static void skip_word(struct jscan *s, struct span word)
{
	if (span_starts(span_make(s->at, (size_t)(s->end - s->at)), word))
		s->at += word.len;
	else
		jscan_fail(s);
}

static void skip_value(struct jscan *s, unsigned depth);

static void skip_name(struct jscan *s)
{
	bool plain;

	(void)string(s, &plain);
	(void)take(s, ':');
}

/* An array or, with names, an object; its opening byte is still there. */
static void skip_group(struct jscan *s, char close, unsigned depth)
{
	s->at++;
	if (depth > JSCAN_DEPTH_MAX) {
		jscan_fail(s);
		return;
	}
	if (peek(s) == close) {
		s->at++;
		return;
	}
	do {
		if (close == '}')
			skip_name(s);
		skip_value(s, depth);
	} while (peek(s) == ',' && take(s, ','));
	(void)take(s, close);
}

static void skip_value(struct jscan *s, unsigned depth)
{
	bool plain;

	switch (peek(s)) {
	case '"':
		(void)string(s, &plain);
		break;
	case '{':
		skip_group(s, '}', depth + 1);
		break;
	case '[':
		skip_group(s, ']', depth + 1);
		break;
	case 't':
		skip_word(s, SPAN("true"));
		break;
	case 'f':
		skip_word(s, SPAN("false"));
		break;
	case 'n':
		skip_word(s, SPAN("null"));
		break;
	default:
		skip_number(s);
	}
}

void jscan_open(struct jscan *s, struct span text)
{
	struct span rest = span_from(text, text.len);

	*s = (struct jscan){ text.at, rest.at, .first = true };
	if (text.len == 0 || text.at[0] != '{')
		jscan_fail(s);
	else
		s->at++;
}

/* What stands between members or elements, or the end of them. */
static bool next(struct jscan *s, char close)
{
	if (s->bad)
		return false;
	if (peek(s) == close) {
		s->at++;
		return false;
	}
	if (!s->first && !take(s, ','))
		return false;
	s->first = false;
	return true;
}

bool jscan_member(struct jscan *s, struct span *name_out)
{
	if (!next(s, '}'))
		return false;
	struct span name = plain_string(s);
	if (!take(s, ':'))
		return false;
	*name_out = name;
	return true;
}

struct span jscan_text(struct jscan *s)
{
	return plain_string(s);
}

int64_t jscan_seconds(struct jscan *s)
{
	int64_t value = 0;

	(void)peek(s);
	const char *start = s->at;
	size_t digits = take_digits(s);
	if (digits == 0 || digits > SECONDS_DIGITS || (digits > 1 && *start == '0')) {
		jscan_fail(s);
		return 0;
	}
	for (size_t i = 0; i < digits; i++)
		value = value * 10 + (start[i] - '0');
	return value;
}

void jscan_skip(struct jscan *s)
{
	skip_value(s, 1);
}

bool jscan_open_array(struct jscan *s)
{
	if (peek(s) != '[')
		return false;
	s->at++;
	s->first = true;
	return true;
}

bool jscan_element(struct jscan *s)
{
	if (next(s, ']'))
		return true;
	s->first = false; /* back among the members of the object */
	return false;
}

enum status jscan_finish(const struct jscan *s)
{
	return s->bad || s->at != s->end ? STATUS_INVALID : STATUS_OK;
}
