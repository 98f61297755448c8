/* SPDX-License-Identifier: MIT */
/* form: application/x-www-form-urlencoded bodies into a JSON object of
 * strings, so that handlers read one kind of document. The last of repeated
 * names wins; '+' is a space; a broken %-escape stays as it is. Pure. */
#ifndef HTTP_FORM_H
#define HTTP_FORM_H

#include "base/arena.h"
#include "base/span.h"
#include "base/status.h"

/* The same pairs as JSON text, for jdoc_parse. */
MUST_CHECK enum status form_to_json(struct arena *mem, struct span body, struct span *json_out);

/* The next pair of a query or form; false at the end. Decoded into `mem`. */
bool form_next(struct arena *mem, struct span *rest, struct span *name_out, struct span *value_out);

#endif
