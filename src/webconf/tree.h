/* SPDX-License-Identifier: MIT */
/*
 * webconf: what a web server's configuration does to the gate. Pure: texts
 * come through a source, findings go into a list. Nothing here is served to
 * anybody; authbridgectl alone uses it.
 *
 * tree: a configuration as directives with words and, for sections, children;
 * the same for all three servers.
 */
#ifndef WEBCONF_TREE_H
#define WEBCONF_TREE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/span.h"
#include "base/status.h"

struct conf_node {
	struct span name;
	struct span *args;
	size_t argc;
	const struct conf_node *parent, *next;
	struct conf_node *first, *last;
	const char *file;
	unsigned line; /* 0: none is known */
};

struct conf_file {
	const char *path;
	struct span text;
};

/* Where included texts come from. `pattern` is a path, perhaps with wildcards;
 * no match is STATUS_OK with *count_out 0 when it has some, else NOT_FOUND. */
struct conf_source {
	enum status (*read)(const struct conf_source *source, struct arena *mem,
			    struct span pattern, struct conf_file **files_out, size_t *count_out);
	const void *context;
};

/* One reading of one server's files. */
struct conf_reading {
	struct arena *mem;
	const struct conf_source *source;
	struct span base; /* folder that relative includes start from */
	unsigned depth;
	const char *why;           /* after STATUS_INVALID: what could not be read, and where */
	struct conf_node *defines; /* Apache: its Define and LoadModule lines so far */
};

/* Each appends what it read to `root`. STATUS_INVALID: see `why`. */
MUST_CHECK enum status conf_read_apache(struct conf_reading *r, struct conf_file file,
					struct conf_node *root);
MUST_CHECK enum status conf_read_lighttpd(struct conf_reading *r, struct conf_file file,
					  struct conf_node *root);
MUST_CHECK enum status conf_read_nginx(struct conf_reading *r, struct conf_file file,
				       struct conf_node *root);

typedef enum status conf_reader(struct conf_reading *r, struct conf_file file,
				struct conf_node *root);
/* Reads what an include names with `reader`; `optional`: nothing is fine. */
MUST_CHECK enum status conf_include(struct conf_reading *r, struct span pattern, bool optional,
				    conf_reader *reader, struct conf_node *into);
/* STATUS_INVALID, with why = "FILE:LINE: what". */
MUST_CHECK enum status conf_invalid(struct conf_reading *r, const char *file, unsigned line,
				    const char *what);

struct conf_node *conf_add(struct arena *mem, struct conf_node *parent, struct span name,
			   const char *file, unsigned line);
void conf_add_arg(struct arena *mem, struct conf_node *node, struct span arg);

/* Absent when there are fewer. */
struct span conf_arg(const struct conf_node *node, size_t index);
/* Names are compared without case. NULL is nothing. */
bool conf_is(const struct conf_node *node, const char *name);
/* `node` or the first sibling after it of that name. */
const struct conf_node *conf_from(const struct conf_node *node, const char *name);
const struct conf_node *conf_child(const struct conf_node *parent, const char *name);
/* Some word of it, without case. */
bool conf_has_arg(const struct conf_node *node, const char *word);

/* Three answers: a condition that this program does not understand is neither. */
enum conf_match { CONF_NO, CONF_YES, CONF_MAYBE };
/* Perl's expressions as far as POSIX's say the same; else CONF_MAYBE. */
enum conf_match conf_regex(struct arena *mem, struct span pattern, struct span subject,
			   bool nocase);

/* Position of `part` in `text`, without case, or text.len. */
size_t conf_search(struct span text, struct span part);

#endif
