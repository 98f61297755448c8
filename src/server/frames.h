/* SPDX-License-Identifier: MIT */
/*
 * frames: is this a whole, honest FastCGI request? A pure walk over records
 * (FastCGI 1.0 section 3.3), fed with bytes as they arrive in pieces of any
 * size, so that libfcgi, which blocks on half requests and overflows on
 * GET_VALUES with many names, only ever sees requests that are whole and valid
 * and that this module has written anew (frames_replay).
 *
 * Whole: version 1 throughout; BEGIN_REQUEST with role 1 or 2 and a non-zero
 * id; PARAMS of the same id to their empty record, every name-value length
 * inside; for a responder STDIN to its empty record. Refused: management
 * records (id 0), another id, a second BEGIN, ABORT, DATA, an unknown type or
 * role, more than 64 KiB of parameters, more than 512 of them, a NUL in one or
 * a '=' in a name (libfcgi makes C strings "NAME=value" of them). Too large:
 * parameters are whole and valid, and the body passes 64 KiB with them.
 */
#ifndef SERVER_FRAMES_H
#define SERVER_FRAMES_H

#include "base/span.h"

#include <stdint.h>
#include <sys/uio.h>

#define FRAMES_HEADER 8
#define FRAMES_CONTENT_MAX 65536 /* parameters and body together */
#define FRAMES_PARAMS_MAX 512
#define FRAMES_RECORD_MAX 65535

enum frames_verdict {
	FRAMES_INCOMPLETE = 0,
	FRAMES_WHOLE,
	FRAMES_TOO_LARGE, /* answer 413 from the parameters alone */
	FRAMES_REFUSE,
};

enum frames_stage { FRAMES_AT_BEGIN = 0, FRAMES_AT_PARAMS, FRAMES_AT_STDIN, FRAMES_AT_END };

/* The state of one walk; all zeros is the start of a connection. */
struct frames {
	uint16_t id;
	bool authorizer;             /* role 2 */
	bool keep;                   /* FCGI_KEEP_CONN */
	const char *reason;          /* why refused, for the log */
	size_t params_len, body_len; /* the content: parameters, then body */

	enum frames_stage stage;
	bool stray; /* `id` was an authorizer's: its late, empty STDIN may come */
	size_t content_left, padding_left;
	unsigned char header_len, begin_len;
	unsigned char header[FRAMES_HEADER], begin[FRAMES_HEADER];
};

/* Feeds bytes. Their content is appended to `content`, which has room for
 * params_len + body_len + bytes.len, or for FRAMES_CONTENT_MAX if that is
 * less; NULL: no content can be taken, any is refused. `used_out` bytes were
 * taken, all of them unless the request ended. */
enum frames_verdict frames_feed(struct frames *f, struct span bytes, char *content,
				size_t *used_out);

/* The walk for the next request of the same connection. */
void frames_next(struct frames *f);

/* True when nothing of a request has come yet. */
bool frames_is_idle(const struct frames *f);

/* Bytes of records around a content, and where they lie. */
#define FRAMES_PARTS 16
struct frames_records {
	struct iovec parts[FRAMES_PARTS];
	int count;
	size_t length;
	unsigned char room[FRAMES_PARTS * FRAMES_HEADER];
	size_t room_used;
};

/* BEGIN_REQUEST and the parameters, as few records as can be, for a reader
 * that shall see the parameters alone. `params` is borrowed. */
void frames_replay(const struct frames *f, struct span params, struct frames_records *out);

/* An answer: STDOUT in one record (per 64 KiB), its empty record, END_REQUEST
 * with application status 0 and REQUEST_COMPLETE. `block` is borrowed and at
 * most 6 * 64 KiB - 6. */
void frames_answer(uint16_t id, struct span block, struct frames_records *out);

/* Copies what is left after the first `sent` bytes. */
void frames_copy(const struct frames_records *records, size_t sent, char *to);

#endif
