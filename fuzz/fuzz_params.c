/* SPDX-License-Identifier: MIT */
/* Lines of "NAME=value". The role decides alone, the gate never has a body,
 * and nothing points outside what came in. */
#include "fuzz/fuzz.h"

#include "http/request.h"

#include <stdlib.h>

#define PARAMS_MAX 64

static void check_field(struct span text, const struct request_field *field)
{
	if (span_is_absent(field->value) && field->repeated)
		abort();
	if (!span_is_absent(field->value) &&
	    (field->value.at < text.at || field->value.at + field->value.len > text.at + text.len))
		abort();
}

static void check(struct arena *mem, struct span text, const char *const *params, bool authorizer)
{
	struct request r;
	struct span value;
	size_t length = 0;
	enum status declared = request_body_length(params, &length);

	if (request_parse(mem, params, authorizer, SPAN("12345"), &r) != STATUS_OK)
		return;
	if (r.mode != request_mode_of(params, authorizer) ||
	    (authorizer && r.mode != REQUEST_AUTHORIZE))
		abort();
	if (r.mode == REQUEST_AUTHORIZE && (!span_is_absent(r.body) || r.body_too_large))
		abort();
	if (r.mode != REQUEST_AUTHORIZE &&
	    (declared != STATUS_OK || r.body_too_large != (length > REQUEST_BODY_MAX) ||
	     r.body.len != (length == 5 ? 5 : 0)))
		abort();
	if (r.method.len == 0 || r.target.len == 0 || span_find(r.path, '?') != r.path.len)
		abort();
	check_field(text, &r.authorization);
	check_field(text, &r.cookie);
	check_field(text, &r.content_type);
	check_field(text, &r.forwarded_for);
	(void)request_query(&r, "callbackURL", &value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *params[PARAMS_MAX + 1] = { NULL };
	struct arena *mem = arena_new(0);
	struct span text = span_make((const char *)data, size);
	char *copy = arena_text(mem, size > 0 ? text : SPAN(""));
	size_t count = 0;

	for (char *line = copy; line != NULL && count < PARAMS_MAX; count++) {
		char *end = strchr(line, '\n');
		params[count] = line;
		line = end != NULL ? end + 1 : NULL;
		if (end != NULL)
			*end = '\0';
	}
	text = span_make(copy, size);
	check(mem, text, params, false);
	check(mem, text, params, true);
	arena_free(&mem);
	return 0;
}
