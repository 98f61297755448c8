/* SPDX-License-Identifier: MIT */
#include "http/url.h"

#include "base/buf.h"

#include <arpa/inet.h>
#include <stdint.h>

#define LABELS_OF_IPV4 4

static const struct {
	struct span name;
	unsigned port;
} SCHEMES[] = {
	{ { "http", 4 }, 80 }, { { "https", 5 }, 443 }, { { "ws", 2 }, 80 },
	{ { "wss", 3 }, 443 }, { { "ftp", 3 }, 21 },
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_one_of(char c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

static int hex_value(char c)
{
	if (is_digit(c))
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

struct span url_lower(struct arena *mem, struct span text)
{
	char *out = arena_text(mem, text);
	for (size_t i = 0; i < text.len; i++) {
		if (out[i] >= 'A' && out[i] <= 'Z')
			out[i] = (char)(out[i] | 0x20);
	}
	return span_make(out, text.len);
}

struct span url_clean(struct arena *mem, struct span text)
{
	while (text.len > 0 && (unsigned char)text.at[0] <= ' ')
		text = span_from(text, 1);
	while (text.len > 0 && (unsigned char)text.at[text.len - 1] <= ' ')
		text.len--;

	char *out = arena_alloc(mem, text.len + 1);
	size_t len = 0;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.at[i];
		if (c != '\t' && c != '\n' && c != '\r')
			out[len++] = c;
	}
	return span_make(out, len);
}

bool url_split_scheme(struct arena *mem, struct span text, struct span *scheme_out,
		      struct span *rest_out)
{
	size_t colon = span_find(text, ':');
	if (colon == text.len || !is_letter(text.at[0]))
		return false;
	for (size_t i = 1; i < colon; i++) {
		char c = text.at[i];
		if (!is_letter(c) && !is_digit(c) && c != '+' && c != '-' && c != '.')
			return false;
	}
	*scheme_out = url_lower(mem, span_first(text, colon));
	*rest_out = span_from(text, colon + 1);
	return true;
}

/* --- hosts --- */

static struct span decode_host(struct arena *mem, struct span host)
{
	char *out = arena_alloc(mem, host.len + 1);
	size_t len = 0;
	for (size_t i = 0; i < host.len; i++) {
		char c = host.at[i];
		if (c == '%' && host.len - i >= 3 && hex_value(host.at[i + 1]) >= 0 &&
		    hex_value(host.at[i + 2]) >= 0) {
			c = (char)(hex_value(host.at[i + 1]) << 4 | hex_value(host.at[i + 2]));
			i += 2;
		}
		out[len++] = c;
	}
	return span_make(out, len);
}

/* The standard's forbidden domain code points, and every 8-bit byte. */
static bool is_domain(struct span host)
{
	for (size_t i = 0; i < host.len; i++) {
		unsigned char c = (unsigned char)host.at[i];
		if (c <= ' ' || c >= 0x7f || is_one_of(host.at[i], "#/:<>?@[\\]^|%"))
			return false;
	}
	return host.len > 0;
}

/* One part of an IPv4 address: decimal, 0octal or 0xhex; "0x" alone is 0. */
static bool ipv4_number(struct span part, uint64_t *value_out)
{
	unsigned base = 10;
	uint64_t value = 0;
	if (part.len == 0)
		return false;
	if (part.len >= 2 && part.at[0] == '0') {
		bool hex = (part.at[1] | 0x20) == 'x';
		base = hex ? 16 : 8;
		part = span_from(part, hex ? 2 : 1);
	}
	for (size_t i = 0; i < part.len; i++) {
		int digit = hex_value(part.at[i]);
		if (digit < 0 || (unsigned)digit >= base)
			return false;
		value = value * base + (unsigned)digit;
		if (value > UINT32_MAX)
			value = UINT64_C(1) << 32;
	}
	*value_out = value;
	return true;
}

/* Such a host is an IPv4 address or nothing. */
static bool ends_in_number(struct span host)
{
	uint64_t value;
	if (host.at[host.len - 1] == '.')
		host.len--;
	size_t dot = span_find_last(host, '.');
	struct span last = dot == host.len ? host : span_from(host, dot + 1);
	bool digits = last.len > 0;
	for (size_t i = 0; i < last.len; i++)
		digits = digits && is_digit(last.at[i]);
	return digits || ipv4_number(last, &value);
}

static bool ipv4_parse(struct arena *mem, struct span host, struct span *out)
{
	uint64_t parts[LABELS_OF_IPV4] = { 0 }, address = 0;
	size_t count = 0;
	struct span part;
	if (host.at[host.len - 1] == '.')
		host.len--;
	while (span_next(&host, '.', &part)) {
		if (count == LABELS_OF_IPV4 || !ipv4_number(part, &parts[count++]))
			return false;
	}
	/* the last part fills all the bytes that the others leave */
	for (size_t i = 0; i + 1 < count; i++) {
		if (parts[i] > 255)
			return false;
		address |= parts[i] << (24 - 8 * i);
	}
	if (parts[count - 1] >= UINT64_C(1) << (8 * (LABELS_OF_IPV4 + 1 - count)))
		return false;
	address |= parts[count - 1];
	*out = span_of(arena_format(mem, "%u.%u.%u.%u", (unsigned)(address >> 24) & 255,
				    (unsigned)(address >> 16) & 255, (unsigned)(address >> 8) & 255,
				    (unsigned)address & 255));
	return true;
}

/* The longest run of two or more zero pieces, the first of equals; length 0
 * when there is none. */
static size_t zero_run(const uint16_t pieces[8], size_t *at_out)
{
	size_t best = 1;
	for (size_t i = 0, run = 0; i < 8; i++) {
		run = pieces[i] == 0 ? run + 1 : 0;
		if (run > best) {
			best = run;
			*at_out = i + 1 - run;
		}
	}
	return best > 1 ? best : 0;
}

static bool ipv6_parse(struct arena *mem, struct span host, struct span *out)
{
	char text[INET6_ADDRSTRLEN];
	unsigned char bytes[16];
	uint16_t pieces[8];
	struct buf line;
	size_t at = 8;
	if (host.len >= sizeof(text) || span_find(host, '\0') != host.len)
		return false;
	memcpy(text, host.at, host.len);
	text[host.len] = '\0';
	if (inet_pton(AF_INET6, text, bytes) != 1)
		return false;
	for (size_t i = 0; i < 8; i++)
		pieces[i] = (uint16_t)(bytes[2 * i] << 8 | bytes[2 * i + 1]);

	size_t run = zero_run(pieces, &at);
	buf_init(&line, mem, 64);
	buf_byte(&line, '[');
	for (size_t i = 0; i < 8; i++) {
		if (run > 0 && i >= at && i < at + run) {
			if (i == at)
				buf_text(&line, i == 0 ? "::" : ":");
			continue;
		}
		buf_format(&line, i < 7 ? "%x:" : "%x", pieces[i]);
	}
	buf_byte(&line, ']');
	return buf_finish(&line, out) == STATUS_OK;
}

static bool host_parse(struct arena *mem, struct span host, struct url *url)
{
	if (host.len >= 2 && host.at[0] == '[') {
		if (host.at[host.len - 1] != ']')
			return false;
		return ipv6_parse(mem, span_make(host.at + 1, host.len - 2), &url->host);
	}
	host = url_lower(mem, decode_host(mem, host));
	if (!is_domain(host))
		return false;
	url->host = host;
	url->ipv4 = ends_in_number(host);
	return !url->ipv4 || ipv4_parse(mem, host, &url->host);
}

/* --- the whole --- */

/* Up to a slash of either kind, a query or a fragment; after any number of
 * slashes, as browsers have it, and behind the last "@". */
static struct span authority_of(struct span rest)
{
	while (rest.len > 0 && (rest.at[0] == '/' || rest.at[0] == '\\'))
		rest = span_from(rest, 1);
	size_t end = 0;
	while (end < rest.len && !is_one_of(rest.at[end], "/\\?#"))
		end++;
	struct span authority = span_first(rest, end);
	size_t user = span_find_last(authority, '@');
	return user == authority.len ? authority : span_from(authority, user + 1);
}

static bool port_parse(struct span text, unsigned *port_out)
{
	unsigned port = 0;
	for (size_t i = 0; i < text.len; i++) {
		if (!is_digit(text.at[i]))
			return false;
		port = port * 10 + (unsigned)(text.at[i] - '0');
		if (port > 65535)
			return false;
	}
	*port_out = port;
	return true;
}

static size_t port_colon(struct span authority)
{
	bool brackets = false;
	for (size_t i = 0; i < authority.len; i++) {
		if (authority.at[i] == ':' && !brackets)
			return i;
		if (authority.at[i] == '[' || authority.at[i] == ']')
			brackets = authority.at[i] == '[';
	}
	return authority.len;
}

static bool default_port(struct span scheme, unsigned *port_out)
{
	for (size_t i = 0; i < COUNT_OF(SCHEMES); i++) {
		if (span_equal(scheme, SCHEMES[i].name)) {
			*port_out = SCHEMES[i].port;
			return true;
		}
	}
	return false;
}

bool url_parse(struct arena *mem, struct span text, struct url *out)
{
	struct url url = { .ipv4 = false };
	struct span rest;
	unsigned standard, port;
	if (!url_split_scheme(mem, url_clean(mem, text), &url.scheme, &rest) ||
	    !default_port(url.scheme, &standard))
		return false;

	struct span authority = authority_of(rest);
	size_t colon = port_colon(authority);
	struct span number = span_from(authority, colon + 1);
	if (!host_parse(mem, span_first(authority, colon), &url) || !port_parse(number, &port))
		return false;
	if (number.len > 0 && port != standard)
		url.host = span_of(arena_format(mem, "%.*s:%u", SPAN_FMT(url.host), port));
	url.origin =
		span_of(arena_format(mem, "%.*s://%.*s", SPAN_FMT(url.scheme), SPAN_FMT(url.host)));
	*out = url;
	return true;
}
