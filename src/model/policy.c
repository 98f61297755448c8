/* SPDX-License-Identifier: MIT */
#include "model/policy.h"

#include "model/path.h"

#define SEGMENTS_MAX 32
#define METHODS_MAX 16

enum segment_kind { SEGMENT_LITERAL, SEGMENT_USER_ID, SEGMENT_ONE, SEGMENT_REST };

struct segment {
	enum segment_kind kind;
	struct span text; /* of a literal; empty for a closing slash */
};

struct route {
	struct route *next;
	enum policy_rule rule;
	size_t method_count; /* 0: any */
	struct span methods[METHODS_MAX];
	size_t segment_count;
	struct segment segments[SEGMENTS_MAX];
};

struct policy {
	struct route *first, *last;
};

static enum status refuse(struct buf *why, const char *text, struct span what, const char *remedy)
{
	buf_format(why, "%s \"%.*s\": %s", text, SPAN_FMT(what), remedy);
	return STATUS_INVALID;
}

/* --- reading a route --- */

static bool next_word(struct span *rest, struct span *word_out)
{
	*rest = span_trim(*rest);
	size_t end = 0;
	while (end < rest->len && rest->at[end] != ' ' && rest->at[end] != '\t')
		end++;
	*word_out = span_first(*rest, end);
	*rest = span_from(*rest, end);
	return end > 0;
}

static bool method_is_valid(struct span method)
{
	for (size_t i = 0; i < method.len; i++) {
		char c = method.at[i];
		if ((c < 'A' || c > 'Z') && c != '-')
			return false;
	}
	return method.len > 0;
}

static enum status read_methods(struct route *route, struct span methods, struct buf *why)
{
	struct span method;
	if (span_is(methods, "*"))
		return STATUS_OK;
	for (struct span rest = methods; span_next(&rest, ',', &method);) {
		if (!method_is_valid(method))
			return refuse(why, "methods", methods,
				      "write GET,POST without spaces, in capitals, or *");
		if (route->method_count == METHODS_MAX)
			return refuse(why, "methods", methods, "at most 16 can be listed");
		route->methods[route->method_count++] = method;
	}
	return STATUS_OK;
}

/* A literal is what a canonical path may hold, less what would look like a
 * wildcard that means nothing. */
static bool literal_is_valid(struct span text)
{
	char room[2 + 128];
	if (text.len > 128 || span_find(text, '*') != text.len)
		return false;
	room[0] = '/';
	memcpy(room + 1, text.at, text.len);
	return path_is_canonical(span_make(room, text.len + 1));
}

static enum status read_segment(struct route *route, struct span text, bool last, struct buf *why)
{
	struct segment *to = &route->segments[route->segment_count++];
	to->text = text;
	if (span_is(text, "{user_id}")) {
		to->kind = SEGMENT_USER_ID;
	} else if (span_is(text, "*")) {
		to->kind = SEGMENT_ONE;
	} else if (span_is(text, "**")) {
		to->kind = SEGMENT_REST;
		if (!last)
			return refuse(why, "pattern segment", text, "** can only stand last");
	} else if (text.len == 0 && !last) {
		return refuse(why, "pattern segment", text, "drop the second slash");
	} else if (!literal_is_valid(text)) {
		return refuse(why, "pattern segment", text,
			      "use {user_id}, *, ** or a name of at most 128 of "
			      "A-Z a-z 0-9 - _ . ~ ! $ & ' ( ) + , = : @");
	}
	return STATUS_OK;
}

static enum status read_pattern(struct route *route, struct span pattern, struct buf *why)
{
	if (pattern.len == 0 || pattern.at[0] != '/')
		return refuse(why, "pattern", pattern, "begin it with a slash");
	struct span rest = span_from(pattern, 1), text;
	while (span_next(&rest, '/', &text)) {
		if (route->segment_count == SEGMENTS_MAX)
			return refuse(why, "pattern", pattern, "at most 32 segments");
		TRY(read_segment(route, text, span_is_absent(rest), why));
	}
	return STATUS_OK;
}

static size_t count_user_ids(const struct route *route)
{
	size_t count = 0;
	for (size_t i = 0; i < route->segment_count; i++)
		count += route->segments[i].kind == SEGMENT_USER_ID;
	return count;
}

static enum status read_rule(struct route *route, struct span rule, struct buf *why)
{
	size_t ids = count_user_ids(route);
	if (span_is(rule, "owner"))
		route->rule = POLICY_OWNER;
	else if (span_is(rule, "user"))
		route->rule = POLICY_USER;
	else if (!span_is(rule, "deny"))
		return refuse(why, "rule", rule, "use owner, user or deny");
	if (ids > 1)
		return refuse(why, "rule", rule, "{user_id} can stand once in a pattern");
	if (route->rule == POLICY_OWNER && ids == 0)
		return refuse(why, "rule", rule, "owner needs {user_id} in the pattern");
	return STATUS_OK;
}

enum status policy_add(struct policy **policy, struct arena *mem, struct span route,
		       struct buf *why)
{
	struct span text = arena_copy(mem, route), methods, pattern, rule;
	struct route *to = arena_alloc(mem, sizeof(*to));

	if (!next_word(&text, &methods) || !next_word(&text, &pattern) ||
	    !next_word(&text, &rule) || span_trim(text).len > 0)
		return refuse(why, "route", route, "write METHODS PATTERN RULE");
	TRY(read_methods(to, methods, why));
	TRY(read_pattern(to, pattern, why));
	TRY(read_rule(to, rule, why));

	if (*policy == NULL)
		*policy = arena_alloc(mem, sizeof(**policy));
	if ((*policy)->last != NULL)
		(*policy)->last->next = to;
	else
		(*policy)->first = to;
	(*policy)->last = to;
	return STATUS_OK;
}

/* --- matching --- */

static bool route_takes(const struct route *route, struct span method)
{
	for (size_t i = 0; i < route->method_count; i++) {
		if (span_equal(route->methods[i], method))
			return true;
	}
	return route->method_count == 0;
}

/* `path` is canonical, so a segment is empty only when it closes the path;
 * such a one is met by a literal closing slash or by **, not by * or
 * {user_id}. */
static bool route_matches(const struct route *route, struct span path, struct span *user_id_out)
{
	struct span rest = span_from(path, 1), segment;
	for (size_t i = 0; i < route->segment_count; i++) {
		const struct segment *want = &route->segments[i];
		if (want->kind == SEGMENT_REST)
			return true;
		if (!span_next(&rest, '/', &segment))
			return false;
		if (want->kind == SEGMENT_LITERAL ? !span_equal(want->text, segment)
						  : segment.len == 0)
			return false;
		if (want->kind == SEGMENT_USER_ID)
			*user_id_out = segment;
	}
	return span_is_absent(rest);
}

enum policy_rule policy_match(const struct policy *policy, struct span method, struct span path,
			      struct span *user_id_out)
{
	*user_id_out = SPAN_ABSENT;
	if (policy == NULL || !path_is_canonical(path))
		return POLICY_DENY;
	for (const struct route *r = policy->first; r != NULL; r = r->next) {
		struct span user_id = SPAN_ABSENT;
		if (!route_takes(r, method) || !route_matches(r, path, &user_id))
			continue;
		/* Not on to the next route: a later `user` would open to everyone
		 * what stands where an owner was meant. */
		if (!span_is_absent(user_id) && !path_is_user_id(user_id))
			return POLICY_DENY;
		*user_id_out = user_id;
		return r->rule;
	}
	return POLICY_DENY;
}

enum verdict policy_judge(enum policy_rule rule, struct span user_id, struct span subject)
{
	if (subject.len == 0)
		return VERDICT_DENY;
	if (rule == POLICY_USER)
		return VERDICT_ALLOW;
	if (rule == POLICY_OWNER && path_is_user_id(user_id) && span_equal(user_id, subject))
		return VERDICT_ALLOW;
	return VERDICT_DENY;
}
