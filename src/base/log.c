/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include "base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

enum {
	VALUE_MAX = 256,
	/* PIPE_BUF of Linux: one write of this size never mixes with others. */
	LINE_MAX_BYTES = 4096,
	FIELD_ROOM = 6 * VALUE_MAX + 128,
};

struct piece {
	char at[FIELD_ROOM];
	size_t len;
};

static enum log_level threshold = LOG_LEVEL_INFO;
static bool as_json;

static const char *const level_words[] = { "debug", "info", "warn", "error" };

/* A safety net under the rule that callers never pass these. */
static const char *const redacted[] = { "password", "secret", "token",  "cookie",
					"email",    "jwt",    "bearer", "authorization" };

void log_configure(enum log_level level, bool json)
{
	threshold = level;
	as_json = json;
}

static void put(struct piece *p, struct span s)
{
	s = span_first(s, sizeof(p->at) - p->len);
	if (s.len > 0)
		memcpy(p->at + p->len, s.at, s.len);
	p->len += s.len;
}

/* Bytes beyond ASCII are escaped too: no terminal, viewer or decoder then has
 * anything to misread. */
static void put_escaped(struct piece *p, struct span value)
{
	char code[8];

	for (size_t i = 0; i < value.len; i++) {
		unsigned char byte = (unsigned char)value.at[i];

		if (byte == '"' || byte == '\\')
			put(p, SPAN("\\"));
		if (byte >= ' ' && byte < 0x7f) {
			put(p, span_make(value.at + i, 1));
			continue;
		}
		int len = snprintf(code, sizeof(code), as_json ? "\\u%04x" : "\\x%02x", byte);
		put(p, span_make(code, (size_t)len));
	}
}

static bool is_plain(struct span value)
{
	for (size_t i = 0; i < value.len; i++)
		if (value.at[i] <= ' ' || value.at[i] >= 0x7f || value.at[i] == '"' ||
		    value.at[i] == '\\' || value.at[i] == '=')
			return false;
	return value.len > 0;
}

static void put_separator(struct piece *p)
{
	put(p, as_json ? SPAN(",") : SPAN(" "));
}

static void put_name(struct piece *p, const char *name)
{
	put(p, as_json ? SPAN("\"") : SPAN(""));
	put(p, span_of(name));
	put(p, as_json ? SPAN("\":") : SPAN("="));
}

static void put_text(struct piece *p, struct span value)
{
	bool quoted = as_json || !is_plain(value), cut = value.len > VALUE_MAX;

	put(p, quoted ? SPAN("\"") : SPAN(""));
	put_escaped(p, span_first(value, VALUE_MAX));
	put(p, cut ? SPAN("...") : SPAN(""));
	put(p, quoted ? SPAN("\"") : SPAN(""));
}

static void put_number(struct piece *p, int64_t value)
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%lld", (long long)value);

	put(p, span_make(digits, (size_t)len));
}

static bool is_redacted(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(redacted); i++)
		if (strcmp(name, redacted[i]) == 0)
			return true;
	return false;
}

static void put_field(struct piece *p, const struct log_field *field)
{
	put_name(p, field->name);
	if (is_redacted(field->name))
		put_text(p, SPAN("[redacted]"));
	else if (field->text.at != NULL)
		put_text(p, field->text);
	else
		put_number(p, field->number);
}

static void put_head(struct piece *p, enum log_level level, const char *event)
{
	char now[CLOCK_ISO_ROOM];

	clock_iso_format(clock_wall_ms(), now);
	put(p, as_json ? SPAN("{") : SPAN(""));
	put_name(p, "time");
	put_text(p, span_of(now));
	put_separator(p);
	put_name(p, "level");
	put_text(p, span_of(level_words[level]));
	put_separator(p);
	put_name(p, "event");
	put_text(p, span_of(event));
}

static void write_line(const char *line, size_t len)
{
	ssize_t wrote;

	/* Nobody can be told when stderr is gone or full; the service goes on. */
	do {
		wrote = write(STDERR_FILENO, line, len);
	} while (wrote < 0 && errno == EINTR);
}

/* A field that does not fit is left out whole, so that a line stays whole. */
static size_t append(char *line, size_t len, const struct piece *p)
{
	const size_t end = sizeof("}\n") - 1;

	if (p->len > LINE_MAX_BYTES - end - len)
		return len;
	memcpy(line + len, p->at, p->len);
	return len + p->len;
}

void log_event(enum log_level level, const char *event, const struct log_field *fields)
{
	char line[LINE_MAX_BYTES];
	struct piece piece = { .len = 0 };
	int kept_errno = errno;

	if (level < threshold)
		return;
	put_head(&piece, level, event);
	size_t len = append(line, 0, &piece);
	for (; fields->name != NULL; fields++) {
		if (fields->text.at == NULL && fields->text.len == 0)
			continue;
		piece.len = 0;
		put_separator(&piece);
		put_field(&piece, fields);
		len = append(line, len, &piece);
	}
	if (as_json)
		line[len++] = '}';
	line[len++] = '\n';
	write_line(line, len);
	errno = kept_errno;
}

const char *log_errno_word(int number)
{
	const char *word = strerrorname_np(number);

	return word != NULL ? word : "unknown";
}
