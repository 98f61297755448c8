/* SPDX-License-Identifier: MIT */
#include "http/cookie.h"

#include "base/encode.h"

static struct span drop_quotes(struct span value)
{
	bool quoted = value.len >= 2 && value.at[0] == '"' && value.at[value.len - 1] == '"';
	return quoted ? span_make(value.at + 1, value.len - 2) : value;
}

static struct span decode_value(struct arena *mem, struct span value)
{
	struct span decoded;
	value = drop_quotes(value);
	if (span_find(value, '%') == value.len)
		return value;
	return decode_percent(mem, value, &decoded) == STATUS_OK ? decoded : value;
}

bool cookie_find(struct arena *mem, struct span header, const char *name, struct span *value_out)
{
	struct span wanted = span_of(name), element;
	while (span_next(&header, ';', &element)) {
		size_t equals = span_find(element, '=');
		if (equals == element.len)
			continue;
		if (!span_equal(span_trim(span_first(element, equals)), wanted))
			continue;
		*value_out = decode_value(mem, span_trim(span_from(element, equals + 1)));
		return true;
	}
	return false;
}

/* What would end the value or begin an attribute of its own. */
static bool value_is_safe(struct span value)
{
	for (size_t i = 0; i < value.len; i++) {
		unsigned char c = (unsigned char)value.at[i];
		if (c <= ' ' || c >= 0x7f || c == ';' || c == ',' || c == '"' || c == '\\')
			return false;
	}
	return true;
}

void cookie_set(struct reply *r, const struct cookie *cookie)
{
	struct buf line;
	struct span text;

	buf_init(&line, r->head.mem, REPLY_HEAD_MAX);
	buf_text(&line, cookie->name);
	buf_byte(&line, '=');
	buf_add(&line, cookie->value);
	if (cookie->max_age_s >= 0) {
		buf_text(&line, "; Max-Age=");
		buf_int(&line, cookie->max_age_s);
	}
	buf_text(&line, "; Path=/; HttpOnly");
	if (cookie->secure)
		buf_text(&line, "; Secure");
	buf_text(&line, "; SameSite=Lax");

	if (value_is_safe(cookie->value) && buf_finish(&line, &text) == STATUS_OK)
		reply_header(r, "set-cookie", text);
	else
		r->failed = true;
}
