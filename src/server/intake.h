/* SPDX-License-Identifier: MIT */
/*
 * intake: a request on its way in: the walk over its records and the memory of
 * its content. All zeros is an empty one. What it held is wiped.
 */
#ifndef SERVER_INTAKE_H
#define SERVER_INTAKE_H

#include "base/span.h"
#include "server/frames.h"

struct intake {
	struct frames frames;
	char *content; /* parameters, then body */
	size_t room;
};

/* As frames_feed, with memory; out of memory is FRAMES_REFUSE. */
enum frames_verdict intake_feed(struct intake *in, struct span bytes, size_t *used_out);

struct span intake_params(const struct intake *in);
struct span intake_body(const struct intake *in);

/* Wipes and keeps a little memory for the next request. */
void intake_clear(struct intake *in);

/* Wipes and frees all; empty afterwards. */
void intake_free(struct intake *in);

/* `from` is empty afterwards; what `to` held is freed. A walk that has no
 * content yet moves alone, so that each keeps its memory. */
void intake_move(struct intake *to, struct intake *from);

#endif
