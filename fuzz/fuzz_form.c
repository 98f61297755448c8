/* SPDX-License-Identifier: MIT */
/* Any form body becomes JSON that is read again as an object of strings. */
#include "fuzz/fuzz.h"

#include "base/jdoc.h"
#include "http/form.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool started;
	struct arena *mem = arena_new(0);
	struct span body = span_make((const char *)data, size), rest = body, json, name, value;
	struct jdoc *doc = NULL;

	if (!started)
		jdoc_start();
	started = true;
	if (form_to_json(mem, body, &json) != STATUS_OK || jdoc_parse(json, &doc) != STATUS_OK ||
	    jdoc_type(doc) != JDOC_OBJECT)
		abort();
	while (form_next(mem, &rest, &name, &value)) {
		if (name.len + value.len > size || span_find(name, '\0') != name.len)
			continue;
		enum jdoc_type type = jdoc_member(doc, arena_text(mem, name));
		/* a name of broken UTF-8 is kept as U+FFFD */
		if (type != JDOC_STRING && type != JDOC_ABSENT)
			abort();
	}
	jdoc_free(&doc);
	arena_free(&mem);
	return 0;
}
