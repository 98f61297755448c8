/* SPDX-License-Identifier: MIT */
/*
 * jdoc: JSON documents. Reading is typed and goes through jansson, which no
 * other file sees; hot replies are written by hand into a buf.
 *
 * jansson's memory is wiped when freed (jdoc_start must run before threads).
 * Returned spans borrow from the document. A jdoc belongs to one thread.
 */
#ifndef BASE_JDOC_H
#define BASE_JDOC_H

#include "base/buf.h"
#include "base/span.h"
#include "base/status.h"

#include <stdint.h>

struct jdoc;

enum jdoc_type {
	JDOC_ABSENT = 0, /* no such member, or no document */
	JDOC_NULL,
	JDOC_BOOL,
	JDOC_NUMBER,
	JDOC_STRING,
	JDOC_ARRAY,
	JDOC_OBJECT,
};

/* Once per process, before the first document. */
void jdoc_start(void);

/* Reads as JavaScript's JSON.parse does on a decoded request body: a UTF-8 BOM
 * is skipped, the last of duplicate names wins, any value may stand on top, a
 * lone surrogate becomes U+FFFD, \u0000 is kept, a number out of range is
 * still a number. STATUS_INVALID: a syntax error, or nested deeper than 64.
 * Error texts of the library quote the input: they are never passed on. */
MUST_CHECK enum status jdoc_parse(struct span text, struct jdoc **doc_out);

/* For tokens and key sets: as RFC 8259, duplicate names refused, no BOM, no
 * \u0000, at most 64 levels. */
MUST_CHECK enum status jdoc_parse_strict(struct span text, struct jdoc **doc_out);

/* Frees and clears; for CLEANUP. NULL inside is fine. */
void jdoc_free(struct jdoc **doc);

/* The type of the document itself; of a member of an object. */
enum jdoc_type jdoc_type(const struct jdoc *doc);
enum jdoc_type jdoc_member(const struct jdoc *doc, const char *name);

/* A word of the contract's schema errors: "string", "number", "boolean",
 * "object", "array", "null", "undefined". */
const char *jdoc_type_word(enum jdoc_type type);

/* Members of an object; false when absent or of another type. */
bool jdoc_text(const struct jdoc *doc, const char *name, struct span *out);
bool jdoc_bool(const struct jdoc *doc, const char *name, bool *out);
/* Whole numbers only; a real with a fraction is false. */
bool jdoc_int(const struct jdoc *doc, const char *name, int64_t *out);
/* The document's own value when it is a string. */
bool jdoc_own_text(const struct jdoc *doc, struct span *out);

/* A member (object or array) as a document that borrows from `doc`: valid
 * while `doc` is, never freed. NULL when absent. */
const struct jdoc *jdoc_child(const struct jdoc *doc, const char *name);
/* Arrays; NULL past the end. */
size_t jdoc_count(const struct jdoc *doc);
const struct jdoc *jdoc_at(const struct jdoc *doc, size_t index);

/* --- writing: into a buf, commas kept by the writer --- */

struct jdoc_writer {
	struct buf *out; /* borrowed */
	bool comma;      /* the next value needs one in front */
};

void jdoc_write(struct jdoc_writer *w, struct buf *out);
/* `name` NULL inside arrays and on top. */
void jdoc_put_object(struct jdoc_writer *w, const char *name);
void jdoc_put_array(struct jdoc_writer *w, const char *name);
void jdoc_end_object(struct jdoc_writer *w);
void jdoc_end_array(struct jdoc_writer *w);
/* An absent span is written as null. Invalid UTF-8 becomes U+FFFD; '<' and
 * others stay as they are, as in JSON.stringify. */
void jdoc_put_text(struct jdoc_writer *w, const char *name, struct span text);
void jdoc_put_int(struct jdoc_writer *w, const char *name, int64_t value);
void jdoc_put_bool(struct jdoc_writer *w, const char *name, bool value);
void jdoc_put_null(struct jdoc_writer *w, const char *name);
/* `json` is already JSON. */
void jdoc_put_raw(struct jdoc_writer *w, const char *name, struct span json);

#endif
