/* SPDX-License-Identifier: MIT */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>

enum { FIRST_ROOM = 256 };

void buf_init(struct buf *b, struct arena *mem, size_t max)
{
	*b = (struct buf){ .mem = mem, .max = max };
}

/* `room` counts content alone; the block holds one byte more for the NUL. */
static bool grow(struct buf *b, size_t needed)
{
	size_t room = b->room > FIRST_ROOM / 2 ? b->room : FIRST_ROOM / 2;
	void *at = NULL;

	while (room < needed)
		room = room > b->max / 2 ? b->max : room * 2;
	if (arena_try(b->mem, room + 1, &at) != STATUS_OK)
		return false;
	if (b->at != NULL)
		memcpy(at, b->at, b->len);
	b->at = at;
	b->room = room;
	return true;
}

/* The place for `len` more bytes, or NULL with the failure remembered. */
static char *reserve(struct buf *b, size_t len)
{
	if (b->failed || len > b->max - b->len)
		b->failed = true;
	else if (b->at == NULL || len > b->room - b->len)
		b->failed = !grow(b, b->len + len);
	return b->failed ? NULL : b->at + b->len;
}

static void advance(struct buf *b, size_t len)
{
	b->len += len;
	b->at[b->len] = '\0';
}

void buf_add(struct buf *b, struct span s)
{
	char *at = reserve(b, s.len);

	if (at == NULL)
		return;
	if (s.len > 0)
		memcpy(at, s.at, s.len);
	advance(b, s.len);
}

void buf_byte(struct buf *b, char byte)
{
	buf_add(b, span_make(&byte, 1));
}

void buf_text(struct buf *b, const char *text)
{
	buf_add(b, span_of(text));
}

void buf_int(struct buf *b, int64_t value)
{
	char digits[20];
	size_t start = sizeof(digits);
	uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;

	do {
		digits[--start] = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest > 0);
	if (value < 0)
		digits[--start] = '-';
	buf_add(b, span_make(digits + start, sizeof(digits) - start));
}

void buf_format(struct buf *b, const char *format, ...)
{
	va_list args, again;

	va_start(args, format);
	va_copy(again, args);
	int len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	char *at = len >= 0 ? reserve(b, (size_t)len) : NULL;
	if (at != NULL) {
		vsnprintf(at, (size_t)len + 1, format, again);
		advance(b, (size_t)len);
	} else {
		b->failed = true;
	}
	va_end(again);
}

enum status buf_finish(const struct buf *b, struct span *out)
{
	if (b->failed)
		return STATUS_TOO_LARGE;
	*out = buf_span(b);
	return STATUS_OK;
}
