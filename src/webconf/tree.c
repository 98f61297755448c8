/* SPDX-License-Identifier: MIT */
#include "webconf/tree.h"

#include <regex.h>

#define INCLUDE_DEPTH 16

struct conf_node *conf_add(struct arena *mem, struct conf_node *parent, struct span name,
			   const char *file, unsigned line)
{
	struct conf_node *node = arena_alloc(mem, sizeof(*node));
	*node = (struct conf_node){ .name = name, .parent = parent, .file = file, .line = line };
	if (parent == NULL)
		return node;
	if (parent->last != NULL)
		parent->last->next = node;
	else
		parent->first = node;
	parent->last = node;
	return node;
}

void conf_add_arg(struct arena *mem, struct conf_node *node, struct span arg)
{
	struct span *args = arena_alloc(mem, (node->argc + 1) * sizeof(*args));
	if (node->argc > 0)
		memcpy(args, node->args, node->argc * sizeof(*args));
	args[node->argc++] = arg;
	node->args = args;
}

struct span conf_arg(const struct conf_node *node, size_t index)
{
	return node != NULL && index < node->argc ? node->args[index] : SPAN_ABSENT;
}

bool conf_is(const struct conf_node *node, const char *name)
{
	return node != NULL && span_equal_nocase(node->name, span_of(name));
}

const struct conf_node *conf_from(const struct conf_node *node, const char *name)
{
	while (node != NULL && !conf_is(node, name))
		node = node->next;
	return node;
}

const struct conf_node *conf_child(const struct conf_node *parent, const char *name)
{
	return parent != NULL ? conf_from(parent->first, name) : NULL;
}

bool conf_has_arg(const struct conf_node *node, const char *word)
{
	for (size_t i = 0; node != NULL && i < node->argc; i++)
		if (span_equal_nocase(node->args[i], span_of(word)))
			return true;
	return false;
}

enum status conf_invalid(struct conf_reading *r, const char *file, unsigned line, const char *what)
{
	r->why = arena_format(r->mem, "%s:%u: %s", file, line, what);
	return STATUS_INVALID;
}

enum status conf_include(struct conf_reading *r, struct span pattern, bool optional,
			 conf_reader *reader, struct conf_node *into)
{
	struct conf_file *files = NULL;
	size_t count = 0;
	bool relative = pattern.len > 0 && pattern.at[0] != '/';
	if (relative)
		pattern = span_of(
			arena_format(r->mem, "%.*s/%.*s", SPAN_FMT(r->base), SPAN_FMT(pattern)));
	if (r->depth >= INCLUDE_DEPTH)
		return conf_invalid(r, arena_text(r->mem, pattern), 0, "includes itself");
	enum status status = r->source->read(r->source, r->mem, pattern, &files, &count);
	if (status == STATUS_NOT_FOUND && optional)
		return STATUS_OK;
	if (status != STATUS_OK)
		return conf_invalid(r, arena_text(r->mem, pattern), 0, "cannot be read");
	r->depth++;
	for (size_t i = 0; i < count; i++)
		TRY(reader(r, files[i], into));
	r->depth--;
	return STATUS_OK;
}

/* What Perl reads otherwise than POSIX: groups with "?", and most letters
 * behind a backslash. */
static bool is_perl(struct span pattern)
{
	for (size_t i = 0; i + 1 < pattern.len; i++) {
		char at = pattern.at[i], next = pattern.at[i + 1];
		if (at == '\\') {
			if ((next >= 'a' && next <= 'z' && next != 'w' && next != 's') ||
			    (next >= 'A' && next <= 'Z') || (next >= '0' && next <= '9'))
				return true;
			i++;
		} else if (next == '?' && strchr("(*+?}", at) != NULL) {
			return true;
		}
	}
	return false;
}

enum conf_match conf_regex(struct arena *mem, struct span pattern, struct span subject, bool nocase)
{
	regex_t compiled;
	if (span_starts(pattern, SPAN("(?i)"))) {
		pattern = span_from(pattern, 4);
		nocase = true;
	}
	if (is_perl(pattern) || regcomp(&compiled, arena_text(mem, pattern),
					REG_EXTENDED | REG_NOSUB | (nocase ? REG_ICASE : 0)) != 0)
		return CONF_MAYBE;
	int missed = regexec(&compiled, arena_text(mem, subject), 0, NULL, 0);
	regfree(&compiled);
	return missed == 0 ? CONF_YES : CONF_NO;
}

size_t conf_search(struct span text, struct span part)
{
	for (size_t i = 0; i + part.len <= text.len; i++)
		if (span_equal_nocase(span_make(text.at + i, part.len), part))
			return i;
	return text.len;
}
