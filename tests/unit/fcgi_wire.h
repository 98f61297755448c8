/* SPDX-License-Identifier: MIT */
/*
 * fcgi_wire: FastCGI records as a web server, or an enemy, would write them.
 */
#ifndef TESTS_UNIT_FCGI_WIRE_H
#define TESTS_UNIT_FCGI_WIRE_H

#include "base/span.h"

#include <stdint.h>
#include <stdlib.h>

enum { WIRE_BEGIN = 1, WIRE_ABORT = 2, WIRE_END = 3, WIRE_PARAMS = 4, WIRE_STDIN = 5 };
enum { WIRE_STDOUT = 6, WIRE_DATA = 8, WIRE_GET_VALUES = 9 };
enum { WIRE_RESPONDER = 1, WIRE_AUTHORIZER = 2, WIRE_FILTER = 3 };

struct wire {
	char *at;
	size_t len, room;
};

static inline void wire_bytes(struct wire *w, const void *at, size_t len)
{
	if (w->len + len > w->room) {
		w->room = (w->len + len) * 2;
		w->at = realloc(w->at, w->room);
		if (w->at == NULL)
			abort();
	}
	if (len > 0)
		memcpy(w->at + w->len, at, len);
	w->len += len;
}

static inline void wire_free(struct wire *w)
{
	free(w->at);
	*w = (struct wire){ 0 };
}

static inline struct span wire_span(const struct wire *w)
{
	return span_make(w->at, w->len);
}

static inline void wire_record(struct wire *w, unsigned type, unsigned id, struct span content,
			       size_t padding)
{
	static const char zeros[255] = { 0 };
	unsigned char header[] = {
		1,
		(unsigned char)type,
		(unsigned char)(id >> 8),
		(unsigned char)id,
		(unsigned char)(content.len >> 8),
		(unsigned char)content.len,
		(unsigned char)padding,
		0,
	};
	wire_bytes(w, header, sizeof(header));
	wire_bytes(w, content.at, content.len);
	wire_bytes(w, zeros, padding);
}

static inline void wire_begin(struct wire *w, unsigned id, unsigned role, bool keep)
{
	char body[8] = { (char)(role >> 8), (char)role, keep };
	wire_record(w, WIRE_BEGIN, id, span_make(body, sizeof(body)), 0);
}

/* As the specification's example: four bytes from 128 on. */
static inline void wire_length(struct wire *w, size_t len)
{
	unsigned char four[] = { (unsigned char)(len >> 24 | 0x80), (unsigned char)(len >> 16),
				 (unsigned char)(len >> 8), (unsigned char)len };
	wire_bytes(w, len < 128 ? four + 3 : four, len < 128 ? 1 : 4);
}

static inline void wire_pair(struct wire *w, struct span name, struct span value)
{
	wire_length(w, name.len);
	wire_length(w, value.len);
	wire_bytes(w, name.at, name.len);
	wire_bytes(w, value.at, value.len);
}

/* The content in records of `piece` bytes, then the empty one. */
static inline void wire_stream(struct wire *w, unsigned type, unsigned id, struct span content,
			       size_t piece, size_t padding)
{
	for (size_t at = 0; at < content.len; at += piece)
		wire_record(w, type, id, span_first(span_from(content, at), piece), padding);
	wire_record(w, type, id, SPAN(""), 0);
}

/* What a web server asks about /api/alice/tasks. */
static inline void wire_params(struct wire *params, const char *target, size_t body_len)
{
	char length[32];
	size_t digits = sizeof(length);
	wire_pair(params, SPAN("REQUEST_METHOD"), body_len > 0 ? SPAN("POST") : SPAN("GET"));
	wire_pair(params, SPAN("REQUEST_URI"), span_of(target));
	wire_pair(params, SPAN("HTTP_ACCEPT"), SPAN("application/json"));
	wire_pair(params, SPAN("REMOTE_ADDR"), SPAN("192.0.2.7"));
	for (size_t rest = body_len; rest > 0; rest /= 10)
		length[--digits] = (char)('0' + rest % 10);
	if (body_len > 0)
		wire_pair(params, SPAN("CONTENT_LENGTH"),
			  span_make(length + digits, sizeof(length) - digits));
}

/* A whole request of role `role`. */
static inline void wire_request(struct wire *w, unsigned role, bool keep, const char *target,
				struct span body)
{
	struct wire params = { 0 };
	wire_params(&params, target, body.len);
	wire_begin(w, 1, role, keep);
	wire_stream(w, WIRE_PARAMS, 1, wire_span(&params), 65535, 0);
	if (role == WIRE_RESPONDER)
		wire_stream(w, WIRE_STDIN, 1, body, 65535, 0);
	wire_free(&params);
}

/* Where END_REQUEST ends, 0 when it has not come. The answer's STDOUT content
 * goes to `out` when given. */
static inline size_t wire_answer(struct span bytes, struct wire *out)
{
	size_t at = 0;
	while (bytes.len - at >= 8) {
		const unsigned char *h = (const unsigned char *)bytes.at + at;
		size_t content = (size_t)h[4] << 8 | h[5], whole = 8 + content + h[6];
		if (bytes.len - at < whole)
			return 0;
		if (h[1] == WIRE_STDOUT && out != NULL)
			wire_bytes(out, bytes.at + at + 8, content);
		at += whole;
		if (h[1] == WIRE_END)
			return at;
	}
	return 0;
}

#endif
