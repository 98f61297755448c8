/* SPDX-License-Identifier: MIT */
#include "server/intake.h"

#include "base/secret.h"

#include <stdlib.h>

enum { ROOM_FIRST = 4096, ROOM_KEPT = 16384 };

static size_t content_len(const struct intake *in)
{
	return in->frames.params_len + in->frames.body_len;
}

/* Not realloc, which leaves the old bytes behind. */
static bool grow(struct intake *in, size_t need)
{
	size_t room = in->room > 0 ? in->room : ROOM_FIRST;
	while (room < need)
		room *= 2;
	if (room == in->room)
		return true;
	char *content = malloc(room);
	if (content == NULL)
		return false;
	if (content_len(in) > 0)
		memcpy(content, in->content, content_len(in));
	struct frames frames = in->frames;
	intake_free(in);
	*in = (struct intake){ frames, content, room };
	return true;
}

enum frames_verdict intake_feed(struct intake *in, struct span bytes, size_t *used_out)
{
	size_t need = content_len(in) + bytes.len;
	*used_out = 0;
	if (!grow(in, need < FRAMES_CONTENT_MAX ? need : FRAMES_CONTENT_MAX)) {
		in->frames.reason = "out of memory";
		return FRAMES_REFUSE;
	}
	return frames_feed(&in->frames, bytes, in->content, used_out);
}

struct span intake_params(const struct intake *in)
{
	return span_make(in->content, in->frames.params_len);
}

struct span intake_body(const struct intake *in)
{
	return span_make(in->content + in->frames.params_len, in->frames.body_len);
}

void intake_clear(struct intake *in)
{
	if (in->room > ROOM_KEPT) {
		intake_free(in);
		return;
	}
	if (in->content != NULL)
		secret_wipe(in->content, content_len(in));
	in->frames = (struct frames){ 0 };
}

void intake_free(struct intake *in)
{
	if (in->content != NULL)
		secret_wipe(in->content, content_len(in));
	free(in->content);
	*in = (struct intake){ 0 };
}

void intake_move(struct intake *to, struct intake *from)
{
	if (content_len(from) == 0) {
		intake_clear(to);
		to->frames = from->frames;
		from->frames = (struct frames){ 0 };
		return;
	}
	intake_free(to);
	*to = *from;
	*from = (struct intake){ 0 };
}
