/* SPDX-License-Identifier: MIT */
#include "http/form.h"

#include "base/buf.h"
#include "base/jdoc.h"

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte of the %-escape at `at`, or -1. */
static int escape_value(struct span text, size_t at)
{
	if (text.len - at < 3)
		return -1;
	int high = hex_value(text.at[at + 1]), low = hex_value(text.at[at + 2]);
	return high < 0 || low < 0 ? -1 : high << 4 | low;
}

/* decode_percent refuses a broken escape; browsers' forms keep it. */
static struct span form_decode(struct arena *mem, struct span text)
{
	if (span_find(text, '%') == text.len && span_find(text, '+') == text.len)
		return text;

	char *out = arena_alloc(mem, text.len);
	size_t len = 0;
	for (size_t i = 0; i < text.len; i++) {
		int byte = text.at[i] == '%' ? escape_value(text, i) : -1;
		if (byte >= 0)
			i += 2;
		else
			byte = text.at[i] == '+' ? ' ' : (unsigned char)text.at[i];
		out[len++] = (char)byte;
	}
	return span_make(out, len);
}

bool form_next(struct arena *mem, struct span *rest, struct span *name_out, struct span *value_out)
{
	struct span pair;
	while (span_next(rest, '&', &pair)) {
		if (pair.len == 0)
			continue;
		size_t equals = span_find(pair, '=');
		*name_out = form_decode(mem, span_first(pair, equals));
		*value_out = form_decode(mem, span_from(pair, equals + 1));
		return true;
	}
	return false;
}

enum status form_to_json(struct arena *mem, struct span body, struct span *json_out)
{
	struct buf json;
	struct jdoc_writer w;
	struct span name, value;

	/* six at most for a control byte (\u00XX), and for a pair's punctuation */
	buf_init(&json, mem, 6 * body.len + 64);
	jdoc_write(&w, &json);
	jdoc_put_object(&w, NULL);
	while (form_next(mem, &body, &name, &value)) {
		/* names are input, not ours: escaped like a value, NUL included */
		jdoc_put_text(&w, NULL, name);
		buf_byte(&json, ':');
		w.comma = false;
		jdoc_put_text(&w, NULL, value);
	}
	jdoc_end_object(&w);
	return buf_finish(&json, json_out);
}
