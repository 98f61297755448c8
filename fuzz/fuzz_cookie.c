/* SPDX-License-Identifier: MIT */
/* Any Cookie header; and any value set as a cookie stays one header line. */
#include "fuzz/fuzz.h"

#include "http/cookie.h"

#include <stdlib.h>

#define NAME "better-auth.session_token"

static void check_set(struct arena *mem, struct span value)
{
	struct reply r;
	struct cookie cookie = { NAME, value, 604800, true };

	reply_init(&r, mem);
	reply_status(&r, 200);
	cookie_set(&r, &cookie);
	if (r.failed)
		return;
	struct span head = buf_span(&r.head);
	size_t line = span_find(head, '\r'), parts = 0;
	struct span rest = head, part;
	while (span_next(&rest, ';', &part))
		parts++;
	if (line + 2 != head.len || head.at[line + 1] != '\n' || parts != 6)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *mem = arena_new(0);
	struct span header = span_make((const char *)data, size), value = SPAN_ABSENT;

	if (cookie_find(mem, header, NAME, &value)) {
		if (span_is_absent(value) || value.len + sizeof(NAME) > size)
			abort();
		check_set(mem, value);
	}
	check_set(mem, header);
	arena_free(&mem);
	return 0;
}
