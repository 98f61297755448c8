/* SPDX-License-Identifier: MIT */
/* Any target: what is called canonical has one spelling, by a slower reading
 * of the same rule. */
#include "fuzz/fuzz.h"

#include "model/path.h"

#include <stdlib.h>

static bool is_listed(char c)
{
	static const char listed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				     "0123456789-_.~!$&'()*+,=:@/";
	return memchr(listed, c, sizeof(listed) - 1) != NULL;
}

static bool is_canonical(struct span path)
{
	struct span rest = span_from(path, 1), segment;
	if (path.len == 0 || path.at[0] != '/')
		return false;
	for (size_t i = 0; i < path.len; i++) {
		if (!is_listed(path.at[i]))
			return false;
	}
	while (span_next(&rest, '/', &segment)) {
		if ((segment.len == 0 && !span_is_absent(rest)) || span_is(segment, ".") ||
		    span_is(segment, ".."))
			return false;
	}
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span path = path_of_target(span_make((const char *)data, size));

	if (span_find(path, '?') != path.len || path_is_canonical(path) != is_canonical(path))
		abort();
	if (path_is_user_id(path) && (path.len == 0 || path.len > PATH_USER_ID_MAX))
		abort();
	return 0;
}
