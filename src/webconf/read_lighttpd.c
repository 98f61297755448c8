/* SPDX-License-Identifier: MIT */
/* Reads what `lighttpd -p` prints: variables, includes and += are done there.
 * A list's elements are children; a condition is a node whose name is what it
 * compares, with the words operator, value and, for an else, "else". */
#include "webconf/tree.h"

#define WORD_MAX 65536
#define DEPTH_MAX 64

struct lexer {
	struct conf_reading *r;
	struct span rest;
	const char *file;
	unsigned line, depth;
};

static enum status wrong(struct lexer *lexer)
{
	return conf_invalid(lexer->r, lexer->file, lexer->line,
			    "is not what \"lighttpd -p\" prints");
}

static char look(struct lexer *lexer)
{
	while (lexer->rest.len > 0) {
		char at = lexer->rest.at[0];
		if (at == '#') {
			lexer->rest = span_from(lexer->rest, span_find(lexer->rest, '\n'));
			continue;
		}
		if (strchr(" \t\r\n,", at) == NULL)
			return at;
		lexer->line += at == '\n';
		lexer->rest = span_from(lexer->rest, 1);
	}
	return '\0';
}

static bool accept(struct lexer *lexer, const char *text)
{
	look(lexer);
	if (!span_starts(lexer->rest, span_of(text)))
		return false;
	lexer->rest = span_from(lexer->rest, strlen(text));
	return true;
}

static struct span bare(struct lexer *lexer)
{
	look(lexer);
	size_t len = 0;
	while (len < lexer->rest.len && strchr(" \t\r\n,()", lexer->rest.at[len]) == NULL)
		len++;
	struct span word = span_first(lexer->rest, len);
	lexer->rest = span_from(lexer->rest, len);
	return word;
}

static enum status text(struct lexer *lexer, struct span *out)
{
	struct buf word;
	buf_init(&word, lexer->r->mem, WORD_MAX);
	if (!accept(lexer, "\""))
		return wrong(lexer);
	while (lexer->rest.len > 0 && lexer->rest.at[0] != '"') {
		if (lexer->rest.at[0] == '\\' && lexer->rest.len > 1)
			lexer->rest = span_from(lexer->rest, 1);
		buf_byte(&word, lexer->rest.at[0]);
		lexer->rest = span_from(lexer->rest, 1);
	}
	*out = buf_span(&word);
	return accept(lexer, "\"") ? STATUS_OK : wrong(lexer);
}

static enum status value(struct lexer *lexer, struct conf_node *into);

static enum status element(struct lexer *lexer, struct conf_node *into)
{
	struct span key = SPAN("");
	struct conf_node *node = conf_add(lexer->r->mem, into, key, lexer->file, 0);
	if (look(lexer) != '"')
		return value(lexer, node);
	TRY(text(lexer, &key));
	if (!accept(lexer, "=>")) {
		conf_add_arg(lexer->r->mem, node, key);
		return STATUS_OK;
	}
	node->name = key;
	return value(lexer, node);
}

static enum status value(struct lexer *lexer, struct conf_node *into)
{
	struct span word = SPAN("");
	if (lexer->depth >= DEPTH_MAX)
		return wrong(lexer);
	if (accept(lexer, "(")) {
		lexer->depth++;
		while (!accept(lexer, ")")) {
			if (lexer->rest.len == 0)
				return wrong(lexer);
			TRY(element(lexer, into));
		}
		lexer->depth--;
		return STATUS_OK;
	}
	if (look(lexer) == '"')
		TRY(text(lexer, &word));
	else
		word = bare(lexer);
	conf_add_arg(lexer->r->mem, into, word);
	return word.at != NULL ? STATUS_OK : wrong(lexer);
}

static enum status block(struct lexer *lexer, struct conf_node *into);

static enum status condition(struct lexer *lexer, struct conf_node *into, bool is_else)
{
	struct span word = SPAN("else"), compared = SPAN("");
	struct conf_node *node = conf_add(lexer->r->mem, into, word, lexer->file, 0);
	if (look(lexer) == '$') {
		node->name = bare(lexer);
		word = bare(lexer);
		TRY(text(lexer, &compared));
		conf_add_arg(lexer->r->mem, node, word);
		conf_add_arg(lexer->r->mem, node, compared);
	}
	if (is_else)
		conf_add_arg(lexer->r->mem, node, SPAN("else"));
	return accept(lexer, "{") ? block(lexer, node) : wrong(lexer);
}

static enum status block(struct lexer *lexer, struct conf_node *into)
{
	if (lexer->depth++ >= DEPTH_MAX)
		return wrong(lexer);
	while (!accept(lexer, "}")) {
		bool is_else = accept(lexer, "else");
		if (is_else || look(lexer) == '$') {
			TRY(condition(lexer, into, is_else));
			continue;
		}
		struct span key = bare(lexer);
		if (key.len == 0 || !accept(lexer, "="))
			return wrong(lexer);
		TRY(value(lexer, conf_add(lexer->r->mem, into, key, lexer->file, 0)));
	}
	lexer->depth--;
	return STATUS_OK;
}

enum status conf_read_lighttpd(struct conf_reading *r, struct conf_file file,
			       struct conf_node *root)
{
	struct lexer lexer = { .r = r, .rest = file.text, .file = file.path, .line = 1 };
	if (!accept(&lexer, "config") || !accept(&lexer, "{"))
		return wrong(&lexer);
	TRY(block(&lexer, root));
	return look(&lexer) == '\0' ? STATUS_OK : wrong(&lexer);
}
