/* SPDX-License-Identifier: MIT */
/* A connection's bytes; the first one says in what pieces they come. However
 * they come the verdict is the same, the content stays in its limit, and what
 * is whole is whole again when it is written anew. */
#include "fuzz/fuzz.h"

#include "server/frames.h"

#include <stdlib.h>

struct judged {
	enum frames_verdict verdict;
	struct frames frames;
	size_t used;
	char content[FRAMES_CONTENT_MAX];
};

static void judge(struct judged *j, struct span bytes, size_t piece)
{
	j->verdict = FRAMES_INCOMPLETE;
	j->frames = (struct frames){ 0 };
	j->used = 0;
	while (j->verdict == FRAMES_INCOMPLETE && j->used < bytes.len) {
		size_t used, left = j->frames.params_len + j->frames.body_len;
		struct span next = span_first(span_from(bytes, j->used), piece);
		j->verdict = frames_feed(&j->frames, next, j->content, &used);
		if (used > next.len || (j->verdict == FRAMES_INCOMPLETE && used != next.len))
			abort();
		j->used += used;
		left = j->frames.params_len + j->frames.body_len - left;
		if (left > next.len)
			abort();
	}
	if (j->frames.params_len + j->frames.body_len > FRAMES_CONTENT_MAX)
		abort();
}

static void check_again(const struct judged *j)
{
	static char bytes[2 * FRAMES_CONTENT_MAX];
	static struct judged again;
	struct frames_records records;
	struct span params = span_make(j->content, j->frames.params_len);
	frames_replay(&j->frames, params, &records);
	frames_copy(&records, 0, bytes);
	judge(&again, span_make(bytes, records.length), SIZE_MAX);
	enum frames_stage stage = j->frames.authorizer ? FRAMES_AT_END : FRAMES_AT_STDIN;
	if (again.frames.stage != stage || again.frames.id != j->frames.id ||
	    !span_equal(span_make(again.content, again.frames.params_len), params))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct judged whole, pieces;
	if (size == 0)
		return 0;
	struct span bytes = span_make((const char *)data + 1, size - 1);
	judge(&whole, bytes, SIZE_MAX);
	judge(&pieces, bytes, 1 + data[0]);
	if (whole.verdict != pieces.verdict || whole.used != pieces.used ||
	    whole.frames.params_len != pieces.frames.params_len ||
	    whole.frames.body_len != pieces.frames.body_len)
		abort();
	if (whole.verdict == FRAMES_WHOLE || whole.verdict == FRAMES_TOO_LARGE)
		check_again(&whole);
	return 0;
}
