/* SPDX-License-Identifier: MIT */
#include "base/jdoc.h"

#include "base/utf8.h"

void jdoc_write(struct jdoc_writer *w, struct buf *out)
{
	*w = (struct jdoc_writer){ .out = out };
}

/* Length of the longest start that needs no escape. */
static size_t plain_run(struct span bytes)
{
	size_t len = 0;

	while (len < bytes.len && bytes.at[len] != '"' && bytes.at[len] != '\\' &&
	       (unsigned char)bytes.at[len] >= ' ' && (unsigned char)bytes.at[len] < 0x80)
		len++;
	return len;
}

static void put_escape(struct buf *out, char byte)
{
	static const char letters[] = { ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f',
					['\r'] = 'r', ['"'] = '"',  ['\\'] = '\\' };
	size_t index = (unsigned char)byte;

	if (index < sizeof(letters) && letters[index] != 0)
		buf_format(out, "\\%c", letters[index]);
	else
		buf_format(out, "\\u%04x", (unsigned)index);
}

static void put_string(struct buf *out, struct span text)
{
	buf_byte(out, '"');
	while (text.len > 0) {
		size_t len = plain_run(text);
		bool valid = true;

		if (len > 0) {
			buf_add(out, span_first(text, len));
		} else if ((unsigned char)text.at[0] < 0x80) {
			len = 1;
			put_escape(out, text.at[0]);
		} else {
			len = utf8_next(text, &valid);
			buf_add(out, valid ? span_first(text, len) : UTF8_REPLACEMENT);
		}
		text = span_from(text, len);
	}
	buf_byte(out, '"');
}

/* Names are words of our own and need no escape. */
static void put_start(struct jdoc_writer *w, const char *name)
{
	if (w->comma)
		buf_byte(w->out, ',');
	if (name != NULL) {
		buf_byte(w->out, '"');
		buf_text(w->out, name);
		buf_add(w->out, SPAN("\":"));
	}
	w->comma = true;
}

static void put_literal(struct jdoc_writer *w, const char *name, struct span literal)
{
	put_start(w, name);
	buf_add(w->out, literal);
}

void jdoc_put_object(struct jdoc_writer *w, const char *name)
{
	put_literal(w, name, SPAN("{"));
	w->comma = false;
}

void jdoc_put_array(struct jdoc_writer *w, const char *name)
{
	put_literal(w, name, SPAN("["));
	w->comma = false;
}

void jdoc_end_object(struct jdoc_writer *w)
{
	buf_byte(w->out, '}');
	w->comma = true;
}

void jdoc_end_array(struct jdoc_writer *w)
{
	buf_byte(w->out, ']');
	w->comma = true;
}

void jdoc_put_text(struct jdoc_writer *w, const char *name, struct span text)
{
	if (span_is_absent(text)) {
		jdoc_put_null(w, name);
		return;
	}
	put_start(w, name);
	put_string(w->out, text);
}

void jdoc_put_int(struct jdoc_writer *w, const char *name, int64_t value)
{
	put_start(w, name);
	buf_int(w->out, value);
}

void jdoc_put_bool(struct jdoc_writer *w, const char *name, bool value)
{
	put_literal(w, name, value ? SPAN("true") : SPAN("false"));
}

void jdoc_put_null(struct jdoc_writer *w, const char *name)
{
	put_literal(w, name, SPAN("null"));
}

void jdoc_put_raw(struct jdoc_writer *w, const char *name, struct span json)
{
	put_literal(w, name, json);
}
