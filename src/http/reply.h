/* SPDX-License-Identifier: MIT */
/*
 * reply: one whole answer, built in memory and written once. The block begins
 * with "Status: NNN", because lighttpd drops headers before it and treats an
 * answer without it as "allowed" (doc/web-servers.md).
 */
#ifndef HTTP_REPLY_H
#define HTTP_REPLY_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/span.h"
#include "base/status.h"

#define REPLY_HEAD_MAX 16384
#define REPLY_BODY_MAX 262144

struct reply {
	int status; /* 0 until set: reply_finish then gives a 500 */
	struct buf head, body;
	bool failed;    /* a header was refused */
	bool json;      /* the media type goes out, once */
	bool read_body; /* server's: a refused body still has to be drained */
};

void reply_init(struct reply *r, struct arena *mem);

/* Drops status, headers and body: a reply is begun anew. */
void reply_restart(struct reply *r);

static inline void reply_status(struct reply *r, int status)
{
	r->status = status;
}

/* Adds a header. CR, LF or NUL in the value, a name of other than letters,
 * digits, - and _, or a second Status makes the reply fail. */
void reply_header(struct reply *r, const char *name, struct span value);

/* The JSON media type, once however often it is asked for; the body is then
 * written through r->body. */
void reply_json(struct reply *r);

/* {"message":…,"code":…}; code NULL leaves it out. In place of any body begun;
 * headers stay. */
void reply_message(struct reply *r, int status, const char *message, const char *code);

/* Drops the body and its media type; headers stay. */
void reply_drop_body(struct reply *r);

/* The block of bytes: Status, headers, blank line, body. Never fails: a reply
 * that was refused anywhere, whose status is not 200..599, or that refuses with
 * a body beginning like a path or a URL (Apache would go there) becomes a plain
 * 500 with a JSON body. */
struct span reply_finish(struct reply *r);

#endif
