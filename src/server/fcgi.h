/* SPDX-License-Identifier: MIT */
/*
 * fcgi: all of libfcgi. It reads the parameters of a request that frames.h has
 * judged, out of a pipe of ours and never from a socket: its reads cannot
 * block, its accept and its lingering close are never used, and the paths that
 * overflow or abort on hostile records are out of reach.
 */
#ifndef SERVER_FCGI_H
#define SERVER_FCGI_H

#include "base/span.h"
#include "base/status.h"
#include "server/frames.h"

/* Once per process, before threads. Leaves the signal handlers as they were.
 * STATUS_INTERNAL: this libfcgi does not take a request the way we give it. */
MUST_CHECK enum status fcgi_init(void);

/* What one thread passes requests through; in, out: -1 when not open. */
struct fcgi_pipe {
	int in, out;
};
#define FCGI_PIPE_NONE ((struct fcgi_pipe){ -1, -1 })
MUST_CHECK enum status fcgi_pipe_open(struct fcgi_pipe *pipe);
void fcgi_pipe_close(struct fcgi_pipe *pipe);

/* One request at a time; not bound to a thread. */
struct fcgi;
struct fcgi *fcgi_new(void) __attribute__((returns_nonnull));
void fcgi_free(struct fcgi **fcgi);

/* Reads the parameters (frames_feed's content) of a whole request. After a
 * failure the pipe is closed, and opened again by the next call. */
MUST_CHECK enum status fcgi_open(struct fcgi *fcgi, struct fcgi_pipe *pipe,
				 const struct frames *frames, struct span params);

/* "NAME=value" texts, NULL at the end; live until fcgi_close. */
const char *const *fcgi_params(const struct fcgi *fcgi);

/* Wipes and releases the parameters. Safe when nothing is open. */
void fcgi_close(struct fcgi *fcgi);

#endif
