/* SPDX-License-Identifier: MIT */
/*
 * buf: growing bytes in an arena, with a hard cap and a remembered error.
 * After the first append that would pass the cap nothing is added any more;
 * ask once at the end with buf_finish.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/arena.h"
#include "base/span.h"
#include "base/status.h"

#include <stdint.h>

struct buf {
	struct arena *mem; /* borrowed; must outlive the buf */
	char *at;          /* len bytes; a NUL always follows once non-NULL */
	size_t len, room, max;
	bool failed;
};

/* An empty buffer that may grow to `max` bytes. */
void buf_init(struct buf *b, struct arena *mem, size_t max);

void buf_add(struct buf *b, struct span s);
void buf_byte(struct buf *b, char byte);
void buf_text(struct buf *b, const char *text);
void buf_int(struct buf *b, int64_t value);
void buf_format(struct buf *b, const char *format, ...) PRINTF_LIKE(2, 3);

static inline struct span buf_span(const struct buf *b)
{
	return span_make(b->at != NULL ? b->at : "", b->len);
}

/* STATUS_TOO_LARGE when an append was refused, else STATUS_OK. */
MUST_CHECK enum status buf_finish(const struct buf *b, struct span *out);

#endif
