/* SPDX-License-Identifier: MIT */
#include "server/frames.h"

#include <assert.h>

enum { TYPE_BEGIN = 1, TYPE_END = 3, TYPE_PARAMS = 4, TYPE_STDIN = 5, TYPE_STDOUT = 6 };
enum { ROLE_RESPONDER = 1, ROLE_AUTHORIZER = 2 };
enum { FLAG_KEEP = 1 };

static enum frames_verdict refuse(struct frames *f, const char *reason)
{
	f->reason = reason;
	return FRAMES_REFUSE;
}

/* One or four bytes at *at; false when they are not all there. */
static bool take_length(struct span content, size_t *at, size_t *length_out)
{
	if (*at >= content.len)
		return false;
	const unsigned char *p = (const unsigned char *)content.at + *at;
	size_t size = (p[0] & 0x80) != 0 ? 4 : 1;
	if (content.len - *at < size)
		return false;
	*at += size;
	*length_out = size == 1 ? p[0]
				: ((size_t)(p[0] & 0x7f) << 24) + ((size_t)p[1] << 16) +
					  ((size_t)p[2] << 8) + p[3];
	return true;
}

/* NULL when every name-value pair is inside and can be a C string. */
static const char *judge_params(struct span content)
{
	size_t count = 0;
	for (size_t at = 0; at < content.len; count++) {
		size_t name_len, value_len;
		if (!take_length(content, &at, &name_len) || !take_length(content, &at, &value_len))
			return "a parameter's length is cut";
		if (name_len > content.len - at || value_len > content.len - at - name_len)
			return "a parameter is longer than its record stream";
		struct span name = span_make(content.at + at, name_len);
		struct span pair = span_make(content.at + at, name_len + value_len);
		if (span_find(name, '=') < name.len || span_find(pair, '\0') < pair.len)
			return "a parameter holds a NUL or its name a '='";
		at += name_len + value_len;
	}
	return count <= FRAMES_PARAMS_MAX ? NULL : "too many parameters";
}

static enum frames_verdict open_begin(struct frames *f, unsigned type, uint16_t id)
{
	if (f->stray && type == TYPE_STDIN && id == f->id && f->content_left == 0) {
		f->stray = false;
		return FRAMES_INCOMPLETE;
	}
	if (type != TYPE_BEGIN)
		return refuse(f, "the first record is not BEGIN_REQUEST");
	if (id == 0 || f->content_left != FRAMES_HEADER)
		return refuse(f, "BEGIN_REQUEST is malformed");
	f->id = id;
	f->stray = false;
	return FRAMES_INCOMPLETE;
}

static enum frames_verdict open_params(struct frames *f, const char *content)
{
	if (f->content_left > FRAMES_CONTENT_MAX - f->params_len)
		return refuse(f, "more than 64 KiB of parameters");
	if (f->content_left > 0)
		return content != NULL
			       ? FRAMES_INCOMPLETE
			       : refuse(f, "a request was sent before the last was answered");
	const char *wrong = judge_params(span_make(content, f->params_len));
	if (wrong != NULL)
		return refuse(f, wrong);
	f->stage = f->authorizer ? FRAMES_AT_END : FRAMES_AT_STDIN;
	return FRAMES_INCOMPLETE;
}

static enum frames_verdict open_stdin(struct frames *f)
{
	if (f->content_left > FRAMES_CONTENT_MAX - f->params_len - f->body_len) {
		f->reason = "the body is over the limit";
		return FRAMES_TOO_LARGE;
	}
	if (f->content_left == 0)
		f->stage = FRAMES_AT_END;
	return FRAMES_INCOMPLETE;
}

/* A record's header is whole. */
static enum frames_verdict open_record(struct frames *f, const char *content)
{
	const unsigned char *h = f->header;
	uint16_t id = (uint16_t)(h[2] << 8 | h[3]);
	if (h[0] != 1)
		return refuse(f, "not FastCGI version 1");
	f->content_left = (size_t)h[4] << 8 | h[5];
	f->padding_left = h[6];
	if (f->stage == FRAMES_AT_BEGIN)
		return open_begin(f, h[1], id);
	if (id == 0)
		return refuse(f, "a management record");
	if (id != f->id)
		return refuse(f, "a record of another request");
	if (h[1] != (f->stage == FRAMES_AT_PARAMS ? TYPE_PARAMS : TYPE_STDIN))
		return refuse(f, "a record out of its order");
	return f->stage == FRAMES_AT_PARAMS ? open_params(f, content) : open_stdin(f);
}

static enum frames_verdict close_begin(struct frames *f)
{
	unsigned role = (unsigned)f->begin[0] << 8 | f->begin[1];
	if (role != ROLE_RESPONDER && role != ROLE_AUTHORIZER)
		return refuse(f, "neither responder nor authorizer");
	f->authorizer = role == ROLE_AUTHORIZER;
	f->keep = (f->begin[2] & FLAG_KEEP) != 0;
	f->stage = FRAMES_AT_PARAMS;
	return FRAMES_INCOMPLETE;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static enum frames_verdict take_header(struct frames *f, struct span bytes, const char *content,
				       size_t *used_out)
{
	*used_out = least(FRAMES_HEADER - f->header_len, bytes.len);
	memcpy(f->header + f->header_len, bytes.at, *used_out);
	f->header_len += (unsigned char)*used_out;
	return f->header_len == FRAMES_HEADER ? open_record(f, content) : FRAMES_INCOMPLETE;
}

static enum frames_verdict take_content(struct frames *f, struct span bytes, char *content,
					size_t *used_out)
{
	*used_out = least(f->content_left, bytes.len);
	f->content_left -= *used_out;
	if (f->stage != FRAMES_AT_BEGIN) {
		memcpy(content + f->params_len + f->body_len, bytes.at, *used_out);
		*(f->stage == FRAMES_AT_PARAMS ? &f->params_len : &f->body_len) += *used_out;
		return FRAMES_INCOMPLETE;
	}
	memcpy(f->begin + f->begin_len, bytes.at, *used_out);
	f->begin_len += (unsigned char)*used_out;
	return f->content_left == 0 ? close_begin(f) : FRAMES_INCOMPLETE;
}

enum frames_verdict frames_feed(struct frames *f, struct span bytes, char *content,
				size_t *used_out)
{
	enum frames_verdict verdict = FRAMES_INCOMPLETE;
	size_t at = 0;
	while (verdict == FRAMES_INCOMPLETE) {
		bool inside = f->header_len == FRAMES_HEADER;
		if (inside && f->content_left == 0 && f->padding_left == 0) {
			f->header_len = 0;
			if (f->stage == FRAMES_AT_END)
				verdict = FRAMES_WHOLE;
			continue;
		}
		struct span rest = span_from(bytes, at);
		size_t used = 0;
		if (rest.len == 0)
			break;
		if (!inside) {
			verdict = take_header(f, rest, content, &used);
		} else if (f->content_left > 0) {
			verdict = take_content(f, rest, content, &used);
		} else {
			used = least(f->padding_left, rest.len);
			f->padding_left -= used;
		}
		at += used;
	}
	*used_out = at;
	return verdict;
}

void frames_next(struct frames *f)
{
	*f = (struct frames){ .id = f->id, .stray = f->authorizer };
}

bool frames_is_idle(const struct frames *f)
{
	return f->stage == FRAMES_AT_BEGIN && f->header_len == 0;
}

static void add_part(struct frames_records *r, const void *at, size_t len)
{
	assert(r->count < FRAMES_PARTS);
	/* sendmsg and writev only read, though iov_base is not const. */
	union {
		const void *from;
		void *to;
	} base = { .from = at };
	r->parts[r->count++] = (struct iovec){ .iov_base = base.to, .iov_len = len };
	r->length += len;
}

/* Eight bytes of our own: a header, or the body of BEGIN and END_REQUEST. */
static void add_eight(struct frames_records *r, const unsigned char bytes[FRAMES_HEADER])
{
	assert(r->room_used < sizeof(r->room));
	unsigned char *at = r->room + r->room_used;
	memcpy(at, bytes, FRAMES_HEADER);
	r->room_used += FRAMES_HEADER;
	struct iovec *last = r->count > 0 ? &r->parts[r->count - 1] : NULL;
	if (last != NULL && (unsigned char *)last->iov_base + last->iov_len == at) {
		last->iov_len += FRAMES_HEADER;
		r->length += FRAMES_HEADER;
	} else {
		add_part(r, at, FRAMES_HEADER);
	}
}

static void add_header(struct frames_records *r, unsigned char type, uint16_t id, size_t len)
{
	add_eight(r,
		  (const unsigned char[]){ 1, type, (unsigned char)(id >> 8), (unsigned char)id,
					   (unsigned char)(len >> 8), (unsigned char)len, 0, 0 });
}

/* The content in records, then the empty one that ends its stream. */
static void add_stream(struct frames_records *r, unsigned char type, uint16_t id,
		       struct span content)
{
	while (content.len > 0) {
		struct span piece = span_first(content, FRAMES_RECORD_MAX);
		add_header(r, type, id, piece.len);
		add_part(r, piece.at, piece.len);
		content = span_from(content, piece.len);
	}
	add_header(r, type, id, 0);
}

static void records_start(struct frames_records *r)
{
	r->count = 0;
	r->length = r->room_used = 0;
}

void frames_replay(const struct frames *f, struct span params, struct frames_records *out)
{
	unsigned char role = f->authorizer ? ROLE_AUTHORIZER : ROLE_RESPONDER;
	records_start(out);
	add_header(out, TYPE_BEGIN, f->id, FRAMES_HEADER);
	add_eight(out, (const unsigned char[FRAMES_HEADER]){ 0, role });
	add_stream(out, TYPE_PARAMS, f->id, params);
}

void frames_answer(uint16_t id, struct span block, struct frames_records *out)
{
	records_start(out);
	add_stream(out, TYPE_STDOUT, id, block);
	add_header(out, TYPE_END, id, FRAMES_HEADER);
	add_eight(out, (const unsigned char[FRAMES_HEADER]){ 0 });
}

void frames_copy(const struct frames_records *records, size_t sent, char *to)
{
	for (int i = 0; i < records->count; i++) {
		const struct iovec *part = &records->parts[i];
		size_t skip = least(sent, part->iov_len);
		memcpy(to, (const char *)part->iov_base + skip, part->iov_len - skip);
		to += part->iov_len - skip;
		sent -= skip;
	}
}
