/* SPDX-License-Identifier: MIT */
#include "webconf/tree.h"

#define WORD_MAX 65536

struct lexer {
	struct conf_reading *r;
	struct span rest;
	const char *file;
	unsigned line;
};

static char take(struct lexer *lexer)
{
	char byte = lexer->rest.at[0];
	lexer->line += byte == '\n';
	lexer->rest = span_from(lexer->rest, 1);
	return byte;
}

static void skip_space(struct lexer *lexer)
{
	while (lexer->rest.len > 0) {
		char at = lexer->rest.at[0];
		if (at == '#')
			lexer->rest = span_from(lexer->rest, span_find(lexer->rest, '\n'));
		else if (strchr(" \t\r\n", at) != NULL)
			take(lexer);
		else
			return;
	}
}

static enum status quoted(struct lexer *lexer, struct buf *word)
{
	char quote = take(lexer);
	while (lexer->rest.len > 0) {
		char at = take(lexer);
		if (at == quote)
			return STATUS_OK;
		if (at == '\\' && lexer->rest.len > 0 && lexer->rest.at[0] == quote)
			at = take(lexer);
		buf_byte(word, at);
	}
	return conf_invalid(lexer->r, lexer->file, lexer->line, "a quote is not closed");
}

static void plain(struct lexer *lexer, struct buf *word)
{
	bool variable = false;
	while (lexer->rest.len > 0) {
		char at = lexer->rest.at[0];
		if (strchr(" \t\r\n;", at) != NULL || (at == '{' && !variable))
			return;
		variable = at == '$';
		buf_byte(word, take(lexer));
		if (at == '\\' && lexer->rest.len > 0)
			buf_byte(word, take(lexer));
	}
}

/* *end_out: ';', '{', '}' or '\0' at the end of the text. */
static enum status directive(struct lexer *lexer, struct conf_node *into,
			     struct conf_node **node_out, char *end_out)
{
	struct conf_node *node = NULL;
	for (;;) {
		skip_space(lexer);
		*end_out = lexer->rest.len > 0 ? lexer->rest.at[0] : '\0';
		*node_out = node;
		if (*end_out == '\0')
			return STATUS_OK;
		if (strchr(";{}", *end_out) != NULL) {
			take(lexer);
			return STATUS_OK;
		}
		struct buf word;
		buf_init(&word, lexer->r->mem, WORD_MAX);
		if (*end_out == '"' || *end_out == '\'')
			TRY(quoted(lexer, &word));
		else
			plain(lexer, &word);
		if (node == NULL)
			node = conf_add(lexer->r->mem, into, buf_span(&word), lexer->file,
					lexer->line);
		else
			conf_add_arg(lexer->r->mem, node, buf_span(&word));
	}
}

static enum status block(struct lexer *lexer, struct conf_node *into, bool whole)
{
	for (;;) {
		struct conf_node *node = NULL;
		char end = '\0';
		TRY(directive(lexer, into, &node, &end));
		if (end == '\0' && node == NULL && whole)
			return STATUS_OK;
		if (end == '}' && node == NULL && !whole)
			return STATUS_OK;
		if (node == NULL || end == '\0' || end == '}')
			return conf_invalid(lexer->r, lexer->file, lexer->line,
					    "\";\", \"{\" or \"}\" is not where it should be");
		if (end == '{')
			TRY(block(lexer, node, false));
		else if (conf_is(node, "include"))
			TRY(conf_include(lexer->r, conf_arg(node, 0), false, conf_read_nginx,
					 into));
	}
}

enum status conf_read_nginx(struct conf_reading *r, struct conf_file file, struct conf_node *root)
{
	struct lexer lexer = { .r = r, .rest = file.text, .file = file.path, .line = 1 };
	return block(&lexer, root, true);
}
