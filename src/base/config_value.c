/* SPDX-License-Identifier: MIT */
#include "base/config_value.h"

#include <stdarg.h>

/* RFC 7518 section 3.2: an HMAC key at least as long as the hash's output. */
enum { SECRET_MIN = 32, SHOWN_MAX = 80 };

void config_mistake(struct buf *mistakes, const char *where, const char *key, const char *format,
		    ...)
{
	va_list args;

	va_start(args, format);
	char *message = arena_format_list(mistakes->mem, format, args);
	va_end(args);
	buf_format(mistakes, "%s: %s: %s\n", where, key, message);
}

void config_refuse(struct config_reading *r, const char *where, const char *key, const char *format,
		   ...)
{
	va_list args;

	va_start(args, format);
	char *message = arena_format_list(r->mem, format, args);
	va_end(args);
	config_mistake(r->mistakes, where, key, "%s", message);
	r->failed = true;
}

static void refuse_value(struct config_reading *r, const struct config_option *option,
			 struct span value, const char *where, const char *what)
{
	value = span_first(value, SHOWN_MAX);
	config_refuse(r, where, option->key, "\"%.*s\" %s", SPAN_FMT(value), what);
}

static void *field(struct config_reading *r, const struct config_option *option)
{
	return (char *)r->config + option->at;
}

static struct config_text text_of(struct config_reading *r, struct span value, const char *where)
{
	return (struct config_text){ arena_text(r->mem, value),
				     arena_text(r->mem, span_of(where)) };
}

void config_read_text(struct config_reading *r, const struct config_option *option,
		      struct span value, const char *where)
{
	struct config_text *to = field(r, option);

	*to = text_of(r, value, where);
}

void config_read_item(struct config_reading *r, const struct config_option *option,
		      struct span value, const char *where)
{
	struct config_list *list = field(r, option);
	struct config_text *items = arena_alloc(r->mem, (list->count + 1) * sizeof(*items));

	if (list->count > 0)
		memcpy(items, list->items, list->count * sizeof(*items));
	items[list->count++] = text_of(r, value, where);
	list->items = items;
}

void config_read_list(struct config_reading *r, const struct config_option *option,
		      struct span value, const char *where)
{
	struct span part;

	while (span_next(&value, ',', &part)) {
		part = span_trim(part);
		if (part.len > 0)
			config_read_item(r, option, part, where);
		else
			config_refuse(r, where, option->key, "an entry between commas is empty");
	}
}

static void set_int(struct config_reading *r, const struct config_option *option, struct span value,
		    const char *where, int64_t number)
{
	if (number < option->min || number > option->max) {
		value = span_first(value, SHOWN_MAX);
		config_refuse(r, where, option->key,
			      "\"%.*s\" is out of bounds (from %lld to %lld)", SPAN_FMT(value),
			      (long long)option->min, (long long)option->max);
		return;
	}
	memcpy(field(r, option), &number, sizeof(number));
}

void config_read_int(struct config_reading *r, const struct config_option *option,
		     struct span value, const char *where)
{
	unsigned long long number;

	if (span_to_uint(value, &number))
		set_int(r, option, value, where, (int64_t)number);
	else
		refuse_value(r, option, value, where, "is not a whole number");
}

void config_read_mode(struct config_reading *r, const struct config_option *option,
		      struct span value, const char *where)
{
	unsigned mode = 0;
	bool good = value.len == 4 && value.at[0] == '0';

	for (size_t i = 0; good && i < value.len; i++) {
		good = value.at[i] >= '0' && value.at[i] <= '7';
		mode = mode * 8 + (unsigned)(value.at[i] - '0');
	}
	if (good)
		memcpy(field(r, option), &mode, sizeof(mode));
	else
		refuse_value(r, option, value, where, "is not a permission (such as 0660)");
}

static bool find_word(const char *words, struct span value, int *index_out)
{
	struct span rest = span_of(words), word;

	*index_out = 0;
	for (; span_next(&rest, '|', &word); ++*index_out)
		if (span_equal(word, value))
			return true;
	return false;
}

static void refuse_word(struct config_reading *r, const struct config_option *option,
			struct span value, const char *where)
{
	value = span_first(value, SHOWN_MAX);
	config_refuse(r, where, option->key, "\"%.*s\" is none of %s", SPAN_FMT(value),
		      option->words);
}

/* Into an enum or an int. */
void config_read_word(struct config_reading *r, const struct config_option *option,
		      struct span value, const char *where)
{
	int index;

	if (find_word(option->words, value, &index))
		memcpy(field(r, option), &index, sizeof(index));
	else
		refuse_word(r, option, value, where);
}

/* Two words into a bool. */
void config_read_switch(struct config_reading *r, const struct config_option *option,
			struct span value, const char *where)
{
	bool *to = field(r, option);
	int index;

	if (find_word(option->words, value, &index))
		*to = index == 1;
	else
		refuse_word(r, option, value, where);
}

static bool duration_of(struct span value, int64_t *seconds_out)
{
	static const struct {
		char unit;
		int64_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	unsigned long long number;

	/* nine digits: no product below can overflow */
	if (value.len < 2 || value.len > 10 ||
	    !span_to_uint(span_first(value, value.len - 1), &number))
		return false;
	for (size_t i = 0; i < COUNT_OF(units); i++) {
		if (value.at[value.len - 1] == units[i].unit) {
			*seconds_out = (int64_t)number * units[i].seconds;
			return true;
		}
	}
	return false;
}

static void set_duration(struct config_reading *r, const struct config_option *option,
			 struct span value, const char *where, int64_t scale)
{
	int64_t seconds;

	if (!duration_of(value, &seconds)) {
		refuse_value(r, option, value, where, "is not a duration (such as 15m)");
	} else if (seconds * scale < option->min || seconds * scale > option->max) {
		value = span_first(value, SHOWN_MAX);
		config_refuse(r, where, option->key,
			      "\"%.*s\" is out of bounds (from %llds to %llds)", SPAN_FMT(value),
			      (long long)(option->min / scale), (long long)(option->max / scale));
	} else {
		seconds *= scale;
		memcpy(field(r, option), &seconds, sizeof(seconds));
	}
}

void config_read_seconds(struct config_reading *r, const struct config_option *option,
			 struct span value, const char *where)
{
	set_duration(r, option, value, where, 1);
}

void config_read_seconds_or_off(struct config_reading *r, const struct config_option *option,
				struct span value, const char *where)
{
	if (span_is(value, "off"))
		memset(field(r, option), 0, sizeof(int64_t));
	else
		set_duration(r, option, value, where, 1);
}

void config_read_ms(struct config_reading *r, const struct config_option *option, struct span value,
		    const char *where)
{
	set_duration(r, option, value, where, 1000);
}

static bool holds_only(struct span s, const char *allowed)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] == '\0' || strchr(allowed, s.at[i]) == NULL)
			return false;
	return s.len > 0;
}

#define LOWER_AND_DIGITS "abcdefghijklmnopqrstuvwxyz0123456789"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* HOST or [IPv6], then perhaps :PORT, spelled as browsers spell an origin. */
static bool is_authority(struct span s, const char *default_port)
{
	bool bracket = span_starts(s, SPAN("["));
	size_t end = bracket ? span_find(s, ']') + 1 : span_find(s, ':');
	struct span host = span_first(s, end), port = span_from(s, end);
	unsigned long long number;

	if (bracket)
		host = span_make(host.at + 1, host.len > 2 ? host.len - 2 : 0);
	if (!holds_only(host, bracket ? "0123456789abcdef:." : LOWER_AND_DIGITS "-.") ||
	    (bracket && end > s.len))
		return false;
	if (port.len == 0)
		return true;
	port = span_from(port, 1);
	return port.len > 0 && port.at[0] != '0' && !span_is(port, default_port) &&
	       s.at[end] == ':' && span_to_uint(port, &number) && number <= 65535;
}

/* Canonical or refused, never rewritten: tokens name it as issuer, and backends
 * compare that with what they were given themselves. One slash at the end is
 * taken off, as so many write it. */
void config_read_origin(struct config_reading *r, const struct config_option *option,
			struct span value, const char *where)
{
	struct span origin = value;

	if (origin.len > 0 && origin.at[origin.len - 1] == '/')
		origin.len--;
	bool https = span_starts(origin, SPAN("https://"));
	if ((https && is_authority(span_from(origin, 8), "443")) ||
	    (span_starts(origin, SPAN("http://")) && is_authority(span_from(origin, 7), "80"))) {
		config_read_text(r, option, origin, where);
		r->config->secure = https;
		return;
	}
	refuse_value(r, option, value, where,
		     "is not an origin (such as https://example.org, in lower case, "
		     "without path and without the default port)");
}

/* "/" and segments of plain characters, none empty, "." or "..". */
void config_read_path(struct config_reading *r, const struct config_option *option,
		      struct span value, const char *where)
{
	struct span rest = span_from(value, 1), segment;
	bool good = span_starts(value, SPAN("/"));

	while (good && span_next(&rest, '/', &segment))
		good = holds_only(segment, LOWER_AND_DIGITS UPPER "-._~") &&
		       !span_is(segment, ".") && !span_is(segment, "..");
	if (good)
		config_read_text(r, option, value, where);
	else
		refuse_value(r, option, value, where, "is not a path (such as /api/auth)");
}

void config_add_secret(struct config_reading *r, const char *key, unsigned version,
		       struct span bytes, const char *where)
{
	struct config *config = r->config;

	if (bytes.len < SECRET_MIN) {
		config_refuse(r, where, key,
			      "is %zu bytes long, %d are needed "
			      "(openssl rand -base64 48 makes a good one)",
			      bytes.len, SECRET_MIN);
		return;
	}
	struct config_secret *secrets =
		arena_alloc(r->mem, (config->secret_count + 1) * sizeof(*secrets));
	if (config->secret_count > 0)
		memcpy(secrets, config->secrets, config->secret_count * sizeof(*secrets));
	secrets[config->secret_count].version = version;
	secret_set(&secrets[config->secret_count].secret, bytes);
	config->secrets = secrets;
	config->secret_count++;
}

/* Kept until the end, because it comes after all of `secrets`. */
void config_read_secret(struct config_reading *r, const struct config_option *option,
			struct span value, const char *where)
{
	(void)option;
	r->plain_secret = arena_copy(r->scratch, value);
	r->plain_where = arena_text(r->mem, span_of(where));
}

static bool has_version(const struct config *config, unsigned version)
{
	for (size_t i = 0; i < config->secret_count; i++)
		if (config->secrets[i].version == version)
			return true;
	return false;
}

void config_read_secrets(struct config_reading *r, const struct config_option *option,
			 struct span value, const char *where)
{
	struct span part;

	while (span_next(&value, ',', &part)) {
		part = span_trim(part);
		size_t colon = span_find(part, ':');
		unsigned long long version;

		if (colon == part.len || !span_to_uint(span_first(part, colon), &version) ||
		    version < 1 || version > INT32_MAX)
			config_refuse(r, where, option->key,
				      "write VERSION:SECRET,... (2:new,1:old)");
		else if (has_version(r->config, (unsigned)version))
			config_refuse(r, where, option->key, "version %llu comes twice", version);
		else
			config_add_secret(r, option->key, (unsigned)version,
					  span_from(part, colon + 1), where);
	}
}
