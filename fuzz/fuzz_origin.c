/* SPDX-License-Identifier: MIT */
/* A pattern on the first line, a URL behind it. An origin is its own origin,
 * and only its pattern or the base makes a URL trusted. */
#include "fuzz/fuzz.h"

#include "http/origin.h"

#include <stdlib.h>

#define BASE "https://auth.example.test"

static void check_base_alone(struct arena *mem, struct span url)
{
	struct origin_list *list = NULL;
	struct buf why;
	struct span origin = SPAN_ABSENT, again;

	buf_init(&why, mem, 4096);
	if (origin_list_add(&list, mem, SPAN(BASE), &why) != STATUS_OK)
		abort();
	bool has = origin_of_url(mem, url, &origin);
	if (has && (!origin_of_url(mem, origin, &again) || !span_equal(origin, again)))
		abort();
	if (origin_is_trusted(list, mem, url) != (has && span_is(origin, BASE)))
		abort();
	if (!origin_is_safe_redirect(list, mem, url))
		return;
	if (url.at[0] == '/' ? url.len > 1 && (url.at[1] == '/' || url.at[1] == '\\')
			     : !span_is(origin, BASE))
		abort();
	if (span_find(url, '\n') != url.len || span_find(url, '\\') != url.len)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *mem = arena_new(0);
	struct origin_list *list = NULL;
	struct buf why;
	struct span input = span_make((const char *)data, size);
	size_t line = span_find(input, '\n');
	struct span url = span_from(input, line + 1);

	buf_init(&why, mem, 1 << 16);
	if (size > 0) {
		if (origin_list_add(&list, mem, span_first(input, line), &why) != STATUS_OK &&
		    why.len == 0)
			abort();
		(void)origin_is_safe_redirect(list, mem, url);
		(void)origin_is_trusted(list, mem, url);
		check_base_alone(mem, url);
	}
	arena_free(&mem);
	return 0;
}
