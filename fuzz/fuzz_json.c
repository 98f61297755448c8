/* SPDX-License-Identifier: MIT */
/* What both readers take has one meaning, and what is written can be read. */
#include "fuzz/fuzz.h"

#include "base/jdoc.h"

#include <stdlib.h>

static void check_text(struct span text)
{
	CLEANUP(arena_free) struct arena *mem = arena_new(0);
	CLEANUP(jdoc_free) struct jdoc *doc = NULL;
	struct jdoc_writer writer;
	struct buf out;
	struct span again;

	buf_init(&out, mem, 1 << 24);
	jdoc_write(&writer, &out);
	jdoc_put_text(&writer, NULL, text);
	if (out.failed || jdoc_parse(buf_span(&out), &doc) != STATUS_OK ||
	    !jdoc_own_text(doc, &again) || !span_equal(text, again))
		abort();
}

static void visit(const struct jdoc *doc)
{
	struct span text;
	int64_t number;
	bool flag;

	if (jdoc_own_text(doc, &text))
		check_text(text);
	for (size_t i = 0; i < jdoc_count(doc); i++)
		visit(jdoc_at(doc, i));
	if (jdoc_text(doc, "a", &text) && jdoc_member(doc, "a") != JDOC_STRING)
		abort();
	if (jdoc_int(doc, "a", &number) && jdoc_member(doc, "a") != JDOC_NUMBER)
		abort();
	if (jdoc_bool(doc, "a", &flag) && jdoc_member(doc, "a") != JDOC_BOOL)
		abort();
	if (jdoc_child(doc, "a") != NULL)
		visit(jdoc_child(doc, "a"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(jdoc_free) struct jdoc *doc = NULL;
	CLEANUP(jdoc_free) struct jdoc *strict = NULL;
	static bool started;
	struct span text = span_make((const char *)data, size);

	if (!started)
		jdoc_start();
	started = true;
	enum status lenient = jdoc_parse(text, &doc);
	if (jdoc_parse_strict(text, &strict) == STATUS_OK &&
	    (lenient != STATUS_OK || jdoc_type(doc) != jdoc_type(strict)))
		abort();
	visit(doc);
	return 0;
}
