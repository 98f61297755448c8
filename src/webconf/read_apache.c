/* SPDX-License-Identifier: MIT */
#include "webconf/tree.h"

#define LINE_MAX_BYTES 65536

struct lexer {
	struct conf_reading *r;
	struct span rest;
	const char *file;
	unsigned line;
};

/* A whole line, those continued with a backslash joined. */
static bool next_line(struct lexer *lexer, struct span *line_out)
{
	struct buf whole;
	buf_init(&whole, lexer->r->mem, LINE_MAX_BYTES);
	struct span part = SPAN("");
	bool any = false;
	while (lexer->rest.len > 0) {
		size_t end = span_find(lexer->rest, '\n');
		part = span_first(lexer->rest, end);
		lexer->rest = span_from(lexer->rest, end + 1);
		lexer->line++;
		any = true;
		if (part.len > 0 && part.at[part.len - 1] == '\r')
			part.len--;
		if (part.len == 0 || part.at[part.len - 1] != '\\') {
			buf_add(&whole, part);
			break;
		}
		buf_add(&whole, span_first(part, part.len - 1));
	}
	*line_out = span_trim(buf_span(&whole));
	return any;
}

static const struct conf_node *defined(const struct conf_reading *r, const char *kind,
				       struct span name)
{
	const struct conf_node *at = conf_child(r->defines, kind);
	while (at != NULL && !span_equal(conf_arg(at, 0), name))
		at = conf_from(at->next, kind);
	return at;
}

/* ${NAME} of a Define; others stay as they are. */
static struct span expand(const struct conf_reading *r, struct span word)
{
	size_t dollar = span_find(word, '$');
	struct span rest = span_from(word, dollar);
	size_t close = span_find(rest, '}');
	if (rest.len < 3 || rest.at[1] != '{' || close == rest.len)
		return word;
	const struct conf_node *define = defined(r, "Define", span_make(rest.at + 2, close - 2));
	if (define == NULL)
		return word;
	struct span after = expand(r, span_from(rest, close + 1));
	return span_of(arena_format(r->mem, "%.*s%.*s%.*s", (int)dollar, word.at,
				    SPAN_FMT(conf_arg(define, 1)), SPAN_FMT(after)));
}

static struct span next_word(struct span *rest, struct arena *mem)
{
	*rest = span_trim(*rest);
	struct buf word;
	buf_init(&word, mem, LINE_MAX_BYTES);
	char quote = rest->len > 0 && strchr("\"'", rest->at[0]) != NULL ? rest->at[0] : '\0';
	size_t i = quote != '\0';
	for (; i < rest->len; i++) {
		char at = rest->at[i];
		if (quote != '\0' ? at == quote : at == ' ' || at == '\t')
			break;
		if (at == '\\' && i + 1 < rest->len &&
		    (rest->at[i + 1] == '\\' || (quote != '\0' && rest->at[i + 1] == quote)))
			at = rest->at[++i];
		buf_byte(&word, at);
	}
	*rest = span_from(*rest, i + (quote != '\0'));
	return buf_span(&word);
}

static struct conf_node *node_of(struct lexer *lexer, struct span line, struct conf_node *into)
{
	struct arena *mem = lexer->r->mem;
	struct span name = next_word(&line, mem);
	struct conf_node *node = conf_add(mem, into, name, lexer->file, lexer->line);
	while (span_trim(line).len > 0)
		conf_add_arg(mem, node, expand(lexer->r, next_word(&line, mem)));
	return node;
}

/* "mod_headers.c" and "headers_module" are the same module. */
static bool is_loaded(const struct conf_reading *r, struct span name)
{
	static const char *const always[] = { "core",  "so",      "http",     "log_config", "logio",
					      "unixd", "version", "watchdog", "mpm_event" };
	if (span_starts(name, SPAN("mod_")))
		name = span_from(name, 4);
	if (name.len > 2 && span_equal(span_from(name, name.len - 2), SPAN(".c")))
		name.len -= 2;
	if (name.len > 7 && span_equal(span_from(name, name.len - 7), SPAN("_module")))
		name.len -= 7;
	for (size_t i = 0; i < COUNT_OF(always); i++)
		if (span_is(name, always[i]))
			return true;
	struct span module = span_of(arena_format(r->mem, "%.*s_module", SPAN_FMT(name)));
	return defined(r, "LoadModule", module) != NULL;
}

/* Whether the section is only a condition, and then whether it holds. Where no
 * module is loaded the text is a part of a configuration, or the server's own
 * print of it: conditions on modules are then taken to hold. */
static bool is_condition(const struct conf_reading *r, const struct conf_node *section,
			 bool *holds_out)
{
	struct span word = conf_arg(section, 0);
	bool negated = word.len > 0 && word.at[0] == '!';
	word = span_from(word, negated);
	*holds_out = true;
	if (conf_is(section, "IfModule") && conf_child(r->defines, "LoadModule") == NULL)
		*holds_out = !negated;
	else if (conf_is(section, "IfModule"))
		*holds_out = is_loaded(r, word) != negated;
	else if (conf_is(section, "IfDefine"))
		*holds_out = (defined(r, "Define", word) != NULL) != negated;
	else
		return conf_is(section, "IfVersion") || conf_is(section, "IfFile") ||
		       conf_is(section, "IfDirective") || conf_is(section, "IfSection");
	return true;
}

static enum status block(struct lexer *lexer, struct conf_node *into, struct span end);

static enum status section(struct lexer *lexer, struct span line, struct conf_node *into)
{
	struct arena *mem = lexer->r->mem;
	if (line.at[line.len - 1] != '>')
		return conf_invalid(lexer->r, lexer->file, lexer->line, "\">\" is missing");
	struct conf_node *nowhere = conf_add(mem, NULL, SPAN(""), lexer->file, lexer->line);
	struct span inside = span_make(line.at + 1, line.len - 2);
	struct conf_node *node = node_of(lexer, inside, nowhere);
	bool holds = true;
	if (is_condition(lexer->r, node, &holds))
		return block(lexer, holds ? into : NULL, node->name);
	if (conf_is(node, "Macro"))
		return conf_invalid(lexer->r, lexer->file, lexer->line,
				    "macros are not followed: give the server's own print");
	return block(lexer, into != NULL ? node_of(lexer, inside, into) : NULL, node->name);
}

static enum status directive(struct lexer *lexer, struct span line, struct conf_node *into)
{
	struct conf_node *node = node_of(lexer, line, into);
	if (conf_is(node, "Define") || conf_is(node, "LoadModule"))
		node_of(lexer, line, lexer->r->defines);
	else if (conf_is(node, "ServerRoot"))
		lexer->r->base = conf_arg(node, 0);
	else if (conf_is(node, "Include") || conf_is(node, "IncludeOptional"))
		return conf_include(lexer->r, conf_arg(node, 0), conf_is(node, "IncludeOptional"),
				    conf_read_apache, into);
	return STATUS_OK;
}

/* Up to </END>, or to the end of the text when `end` is absent. `into` is NULL
 * below a condition that does not hold. */
static enum status block(struct lexer *lexer, struct conf_node *into, struct span end)
{
	struct span line = SPAN("");
	while (next_line(lexer, &line)) {
		if (line.len == 0 || line.at[0] == '#')
			continue;
		if (line.at[0] == '<' && line.len > 2 && line.at[1] == '/') {
			struct span name = span_trim(span_make(line.at + 2, line.len - 3));
			if (!span_equal_nocase(name, end))
				return conf_invalid(lexer->r, lexer->file, lexer->line,
						    "closes another section");
			return STATUS_OK;
		}
		if (line.at[0] == '<')
			TRY(section(lexer, line, into));
		else if (into != NULL)
			TRY(directive(lexer, line, into));
	}
	return span_is_absent(end) ? STATUS_OK
				   : conf_invalid(lexer->r, lexer->file, lexer->line,
						  "a section is not closed");
}

enum status conf_read_apache(struct conf_reading *r, struct conf_file file, struct conf_node *root)
{
	struct lexer lexer = { .r = r, .rest = file.text, .file = file.path };
	if (r->defines == NULL)
		r->defines = conf_add(r->mem, NULL, SPAN(""), file.path, 0);
	return block(&lexer, root, SPAN_ABSENT);
}
