/* SPDX-License-Identifier: MIT */
/* Lines of routes, then the path on the last line. Whatever is configured, an
 * owner is a whole segment of a canonical path, and nobody else is let in. */
#include "fuzz/fuzz.h"

#include "model/path.h"
#include "model/policy.h"

#include <stdlib.h>

static void check(const struct policy *policy, struct span path)
{
	struct span id;
	enum policy_rule rule = policy_match(policy, SPAN("GET"), path, &id);

	if (rule != POLICY_DENY && !path_is_canonical(path))
		abort();
	if (rule == POLICY_OWNER && span_is_absent(id))
		abort();
	if (span_is_absent(id))
		return;
	size_t start = (size_t)(id.at - path.at), end = start + id.len;
	if (!path_is_user_id(id) || start == 0 || end > path.len || path.at[start - 1] != '/' ||
	    (end < path.len && path.at[end] != '/'))
		abort();
	if (policy_judge(rule, id, SPAN("somebody.else")) != VERDICT_DENY && rule != POLICY_USER)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *mem = arena_new(0);
	struct policy *policy = NULL;
	struct span rest = span_make((const char *)data, size), line;
	struct buf why;

	buf_init(&why, mem, 4096);
	while (size > 0 && span_next(&rest, '\n', &line)) {
		if (span_is_absent(rest))
			check(policy, line);
		else if (policy_add(&policy, mem, line, &why) != STATUS_OK && why.len == 0)
			abort();
	}
	arena_free(&mem);
	return 0;
}
