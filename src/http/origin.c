/* SPDX-License-Identifier: MIT */
#include "http/origin.h"

#include "base/encode.h"
#include "http/url.h"

enum pattern_kind {
	PATTERN_EXACT,       /* text is an origin */
	PATTERN_WILD_ORIGIN, /* text is matched with an origin */
	PATTERN_WILD_HOST,   /* text is matched with a host, of http and https alone */
	PATTERN_CUSTOM,      /* scheme, and authority and path where given */
};

struct pattern {
	struct pattern *next;
	enum pattern_kind kind;
	struct span text;
	struct span scheme, authority, path; /* of a custom one */
	bool ipv4_only;
};

struct origin_list {
	struct pattern *first, *last;
};

static bool is_control(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f;
}

/* --- URLs of an application's own scheme --- */

/* Schemes that run or show what they hold: never an application's. */
static const char *const DANGEROUS[] = {
	"javascript", "data", "vbscript", "blob", "file", "filesystem", "about", "view-source",
};

static bool is_web_scheme(struct span scheme)
{
	return span_is(scheme, "http") || span_is(scheme, "https") || span_is(scheme, "ws") ||
	       span_is(scheme, "wss") || span_is(scheme, "ftp");
}

static bool is_dangerous(struct span scheme)
{
	for (size_t i = 0; i < COUNT_OF(DANGEROUS); i++) {
		if (span_is(scheme, DANGEROUS[i]))
			return true;
	}
	return false;
}

/* Decoded once, dot segments resolved, empty ones dropped: "" or "/a/b". */
static struct span normal_path(struct arena *mem, struct span path)
{
	struct span decoded, segment;
	if (decode_percent(mem, path, &decoded) == STATUS_OK)
		path = decoded;
	char *out = arena_alloc(mem, path.len + 2);
	size_t len = 0;
	while (span_next(&path, '/', &segment)) {
		if (segment.len == 0 || span_is(segment, "."))
			continue;
		if (span_is(segment, "..")) {
			size_t slash = span_find_last(span_make(out, len), '/');
			len = slash;
			continue;
		}
		out[len++] = '/';
		memcpy(out + len, segment.at, segment.len);
		len += segment.len;
	}
	return span_make(out, len);
}

static bool custom_parse(struct arena *mem, struct span text, struct pattern *out)
{
	struct span rest;
	if (!url_split_scheme(mem, url_clean(mem, text), &out->scheme, &rest) ||
	    is_web_scheme(out->scheme) || is_dangerous(out->scheme))
		return false;
	rest = span_first(rest, span_find(rest, '#'));
	rest = span_first(rest, span_find(rest, '?'));
	out->authority = SPAN("");
	if (span_starts(rest, SPAN("//"))) {
		rest = span_from(rest, 2);
		size_t end = span_find(rest, '/');
		out->authority = url_lower(mem, span_first(rest, end));
		rest = span_from(rest, end);
	}
	out->path = normal_path(mem, rest);
	return true;
}

static bool custom_matches(const struct pattern *pattern, struct arena *mem, struct span url)
{
	struct pattern have = { .kind = PATTERN_CUSTOM };
	if (!custom_parse(mem, url, &have) || !span_equal(have.scheme, pattern->scheme))
		return false;
	if (pattern->authority.len > 0 && !span_equal(have.authority, pattern->authority))
		return false;
	return span_starts(have.path, pattern->path) &&
	       (pattern->path.len == 0 || have.path.len == pattern->path.len ||
		have.path.at[pattern->path.len] == '/');
}

/* --- wildcards --- */

/* `*` is any run and `?` any one character: an origin holds no slash but those
 * of its "://", which a pattern spells out. The last star alone is ever tried
 * again, so the work is at most the product of the lengths. */
static bool glob_matches(struct span glob, struct span text)
{
	size_t g = 0, t = 0, star = glob.len, mark = 0;
	while (t < text.len) {
		if (g < glob.len && glob.at[g] == '*') {
			star = g++;
			mark = t;
		} else if (g < glob.len && (glob.at[g] == text.at[t] || glob.at[g] == '?')) {
			g++;
			t++;
		} else if (star < glob.len) {
			g = star + 1;
			t = ++mark;
		} else {
			return false;
		}
	}
	while (g < glob.len && glob.at[g] == '*')
		g++;
	return g == glob.len;
}

static bool has_wildcard(struct span text)
{
	return span_find(text, '*') < text.len || span_find(text, '?') < text.len;
}

/* "10.*" is meant for addresses; it must not open to 10.evil.example. */
static bool is_address_glob(struct span host)
{
	bool digit = false;
	for (size_t i = 0; i < host.len; i++) {
		bool is_digit = host.at[i] >= '0' && host.at[i] <= '9';
		digit = digit || is_digit;
		if (!is_digit && host.at[i] != '.' && host.at[i] != '*' && host.at[i] != '?')
			return false;
	}
	return digit;
}

/* --- the list --- */

static enum status refuse(struct buf *why, struct span pattern, const char *remedy)
{
	buf_format(why, "\"%.*s\": %s", SPAN_FMT(pattern), remedy);
	return STATUS_INVALID;
}

static size_t find_authority(struct span text)
{
	for (size_t i = 0; i + 3 <= text.len; i++) {
		if (span_starts(span_from(text, i), SPAN("://")))
			return i + 3;
	}
	return text.len + 1;
}

static enum status read_wild(struct pattern *to, struct span text, struct buf *why)
{
	size_t at = find_authority(text);
	struct span host = at <= text.len ? span_from(text, at) : text;
	size_t slash = span_find(host, '/');
	if (slash + 1 < host.len)
		return refuse(why, text, "wildcards match an origin: leave the path out");
	if (slash < host.len) {
		text.len--;
		host.len--;
	}
	if (host.len == 0)
		return refuse(why, text, "a host is missing");
	to->kind = at <= text.len ? PATTERN_WILD_ORIGIN : PATTERN_WILD_HOST;
	to->text = text;
	to->ipv4_only = is_address_glob(span_first(host, span_find(host, ':')));
	return STATUS_OK;
}

static enum status read_exact(struct pattern *to, struct arena *mem, struct span text,
			      struct buf *why)
{
	struct url url;
	size_t at = find_authority(text);
	struct span rest = at <= text.len ? span_from(text, at) : SPAN("");
	if (custom_parse(mem, text, to)) {
		to->kind = PATTERN_CUSTOM;
		/* host:port without a scheme looks like one */
		if (at > text.len && to->path.len > 0)
			return refuse(why, text, "write an origin with its scheme, as https://…");
		return STATUS_OK;
	}
	if (at > text.len || !url_parse(mem, text, &url))
		return refuse(why, text, "write an origin with its scheme, as https://…");
	size_t slash = span_find(rest, '/');
	if (slash + 1 < rest.len || span_find(rest, '#') < rest.len ||
	    span_find(rest, '@') < rest.len || span_find(rest, '\\') < rest.len)
		return refuse(why, text, "write scheme, host and port alone, without a path");
	to->kind = PATTERN_EXACT;
	to->text = url.origin;
	return STATUS_OK;
}

static enum status read_pattern(struct pattern *to, struct arena *mem, struct span text,
				struct buf *why)
{
	for (size_t i = 0; i < text.len; i++) {
		if (is_control(text.at[i]) || text.at[i] == ' ' || (text.at[i] & 0x80) != 0)
			return refuse(why, text,
				      "a control character, a space or a letter beyond "
				      "ASCII (write the host as xn--…)");
	}
	return has_wildcard(text) ? read_wild(to, url_lower(mem, text), why)
				  : read_exact(to, mem, text, why);
}

enum status origin_list_add(struct origin_list **list, struct arena *mem, struct span pattern,
			    struct buf *why)
{
	struct span rest = pattern, text;
	while (span_next(&rest, ',', &text)) {
		struct pattern *to = arena_alloc(mem, sizeof(*to));
		TRY(read_pattern(to, mem, span_trim(text), why));
		if (*list == NULL)
			*list = arena_alloc(mem, sizeof(**list));
		if ((*list)->last != NULL)
			(*list)->last->next = to;
		else
			(*list)->first = to;
		(*list)->last = to;
	}
	return STATUS_OK;
}

/* --- judging --- */

bool origin_of_url(struct arena *mem, struct span url, struct span *origin_out)
{
	struct url parsed;
	if (!url_parse(mem, url, &parsed))
		return false;
	*origin_out = parsed.origin;
	return true;
}

static bool pattern_matches(const struct pattern *pattern, const struct url *url)
{
	if (pattern->ipv4_only && !url->ipv4)
		return false;
	switch (pattern->kind) {
	case PATTERN_EXACT:
		return span_equal(pattern->text, url->origin);
	case PATTERN_WILD_ORIGIN:
		return glob_matches(pattern->text, url->origin);
	case PATTERN_WILD_HOST:
		return (span_is(url->scheme, "http") || span_is(url->scheme, "https")) &&
		       glob_matches(pattern->text, url->host);
	case PATTERN_CUSTOM:
		return false;
	}
	return false;
}

bool origin_is_trusted(const struct origin_list *list, struct arena *mem, struct span url)
{
	struct url parsed;
	bool web = url_parse(mem, url, &parsed);
	for (const struct pattern *p = list != NULL ? list->first : NULL; p != NULL; p = p->next) {
		if (web ? pattern_matches(p, &parsed)
			: p->kind == PATTERN_CUSTOM && custom_matches(p, mem, url))
			return true;
	}
	return false;
}

/* 2f or 5c behind the percent sign at `at`: a slash to whoever decodes it. */
static bool is_encoded_slash(struct span url, size_t at)
{
	if (url.at[at] != '%' || url.len - at < 3)
		return false;
	char high = url.at[at + 1], low = (char)(url.at[at + 2] | 0x20);
	return (high == '2' && low == 'f') || (high == '5' && low == 'c');
}

/* 0: no dot segment, else the number of its dots. */
static int dots_of(struct span segment)
{
	int dots = 0;
	while (segment.len > 0) {
		bool encoded = segment.len >= 3 && segment.at[0] == '%' && segment.at[1] == '2' &&
			       (segment.at[2] | 0x20) == 'e';
		if ((!encoded && segment.at[0] != '.') || ++dots > 2)
			return 0;
		segment = span_from(segment, encoded ? 3 : 1);
	}
	return dots;
}

/* "/.//evil" and "/a/..//evil" resolve to "//evil": the same origin to a
 * browser, another host to whoever resolves first and goes there then. */
static bool resolves_to_host(struct span path)
{
	struct span rest = span_from(path, 1), segment;
	size_t depth = 0;
	bool first_empty = false;
	while (span_next(&rest, '/', &segment)) {
		int dots = dots_of(segment);
		if (dots == 1)
			continue;
		if (dots == 2) {
			depth -= depth > 0;
			continue;
		}
		if (depth++ == 0)
			first_empty = segment.len == 0 && !span_is_absent(rest);
	}
	return depth > 0 && first_empty;
}

static bool is_safe_relative(struct span url)
{
	size_t end = 0;
	while (end < url.len && url.at[end] != '?' && url.at[end] != '#') {
		if (is_encoded_slash(url, end))
			return false;
		end++;
	}
	if (span_starts(url, SPAN("//")))
		return false;
	return !resolves_to_host(span_first(url, end));
}

bool origin_is_safe_redirect(const struct origin_list *list, struct arena *mem, struct span url)
{
	/* browsers drop some controls and take a backslash for a slash; other
	 * clients do not: what they could read differently goes nowhere */
	for (size_t i = 0; i < url.len; i++) {
		if (is_control(url.at[i]) || url.at[i] == '\\')
			return false;
	}
	if (url.len > 0 && url.at[0] == '/')
		return is_safe_relative(url);
	return origin_is_trusted(list, mem, url);
}
