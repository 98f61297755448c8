/* SPDX-License-Identifier: MIT */
#include "base/jrepair.h"

#include "base/utf8.h"

#include <stdint.h>
#include <stdlib.h>

struct repair {
	struct span rest; /* still to read */
	char *out;
	size_t len;
	uint64_t objects; /* a bit per level, the innermost in bit 0 */
	unsigned depth;
	char before; /* the last byte that was no space */
};

static void copy(struct repair *r, size_t count)
{
	memcpy(r->out + r->len, r->rest.at, count);
	r->len += count;
	r->rest = span_from(r->rest, count);
}

static void replace(struct repair *r, size_t count, struct span by)
{
	memcpy(r->out + r->len, by.at, by.len);
	r->len += by.len;
	r->rest = span_from(r->rest, count);
}

/* The value of "\uXXXX" at the start of `s`, or -1. */
static int unicode_escape(struct span s)
{
	int value = 0;

	if (!span_starts(s, SPAN("\\u")) || s.len < 6)
		return -1;
	for (size_t i = 2; i < 6; i++) {
		const char *digit = strchr("0123456789abcdef", s.at[i] | 0x20);

		/* '|' makes letters small, and digits of control bytes */
		if (digit == NULL || s.at[i] < '0')
			return -1;
		value = value << 4 | (int)(digit - "0123456789abcdef");
	}
	return value;
}

static bool is_high(int unit)
{
	return unit >= 0xd800 && unit <= 0xdbff;
}

static bool is_low(int unit)
{
	return unit >= 0xdc00 && unit <= 0xdfff;
}

static void repair_escape(struct repair *r, bool in_name)
{
	int unit = unicode_escape(r->rest);

	if (unit < 0)
		copy(r, r->rest.len < 2 ? r->rest.len : 2);
	else if (is_high(unit) && is_low(unicode_escape(span_from(r->rest, 6))))
		copy(r, 12);
	else if (is_high(unit) || is_low(unit) || (unit == 0 && in_name))
		replace(r, 6, SPAN("\\ufffd"));
	else
		copy(r, 6);
}

static void repair_string(struct repair *r)
{
	bool in_name = (r->objects & 1) != 0 && (r->before == '{' || r->before == ',');

	copy(r, 1);
	while (r->rest.len > 0 && r->rest.at[0] != '"') {
		bool valid;
		size_t next = utf8_next(r->rest, &valid);

		if (r->rest.at[0] == '\\')
			repair_escape(r, in_name);
		else if (valid)
			copy(r, next);
		else
			replace(r, next, UTF8_REPLACEMENT);
	}
	if (r->rest.len > 0)
		copy(r, 1);
	r->before = '"';
}

static size_t digits(struct span s)
{
	size_t count = 0;

	while (count < s.len && s.at[count] >= '0' && s.at[count] <= '9')
		count++;
	return count;
}

static bool take_digits(struct span *s)
{
	size_t count = digits(*s);

	*s = span_from(*s, count);
	return count > 0;
}

static bool take_byte(struct span *s, const char *any)
{
	if (s->len == 0 || s->at[0] == '\0' || strchr(any, s->at[0]) == NULL)
		return false;
	*s = span_from(*s, 1);
	return true;
}

/* The number at the start of `s`, by RFC 8259 section 6. Empty: none. */
static struct span number_at(struct span s, bool *whole_out)
{
	struct span rest = s;

	*whole_out = true;
	take_byte(&rest, "-");
	if (!take_byte(&rest, "0") && !take_digits(&rest))
		return span_first(s, 0);
	if (take_byte(&rest, ".")) {
		*whole_out = false;
		if (!take_digits(&rest))
			return span_first(s, 0);
	}
	if (take_byte(&rest, "eE")) {
		*whole_out = false;
		take_byte(&rest, "+-");
		if (!take_digits(&rest))
			return span_first(s, 0);
	}
	return span_first(s, s.len - rest.len);
}

static enum status repair_number(struct repair *r)
{
	bool whole;
	struct span number = number_at(r->rest, &whole);
	size_t start = r->len;

	if (number.len == 0)
		return STATUS_INVALID;
	copy(r, number.len);
	r->before = '0';
	if (whole && number.len <= 18)
		return STATUS_OK;
	r->out[r->len] = '\0';
	double value = strtod(r->out + start, NULL);
	if (value > 1e308 || value < -1e308) {
		r->len = start;
		replace(r, 0, value > 0 ? SPAN("1e308") : SPAN("-1e308"));
	} else if (whole) {
		replace(r, 0, SPAN("e0"));
	}
	return STATUS_OK;
}

static enum status repair_bracket(struct repair *r, char byte)
{
	if (byte == '{' || byte == '[') {
		if (r->depth++ == JREPAIR_DEPTH_MAX)
			return STATUS_INVALID;
		r->objects = r->objects << 1 | (byte == '{');
	} else {
		if (r->depth-- == 0)
			return STATUS_INVALID;
		r->objects >>= 1;
	}
	copy(r, 1);
	r->before = byte;
	return STATUS_OK;
}

static enum status repair_next(struct repair *r)
{
	char byte = r->rest.at[0];

	switch (byte) {
	case '"':
		repair_string(r);
		return STATUS_OK;
	case '{':
	case '[':
	case '}':
	case ']':
		return repair_bracket(r, byte);
	case '-':
	case '0' ... '9':
		return repair_number(r);
	default:
		copy(r, 1);
		if (byte != ' ' && byte != '\t' && byte != '\n' && byte != '\r')
			r->before = byte;
		return STATUS_OK;
	}
}

enum status jrepair(struct span text, char *out, size_t *len_out)
{
	struct repair r = { .rest = text, .out = out };

	if (span_starts(text, SPAN("\xef\xbb\xbf")))
		r.rest = span_from(text, 3);
	while (r.rest.len > 0)
		TRY(repair_next(&r));
	*len_out = r.len;
	return STATUS_OK;
}
