/* SPDX-License-Identifier: MIT */
#include "http/reply.h"

#include "base/jdoc.h"

static const char PLAIN_500[] =
	"Status: 500 Internal Server Error\r\n"
	"content-type: application/json\r\n"
	"\r\n"
	"{\"message\":\"Internal Server Error\",\"code\":\"INTERNAL_SERVER_ERROR\"}";

/* The stock client shows the reason phrase as its statusText. */
static const struct {
	int status;
	const char *phrase;
} PHRASES[] = {
	{ 200, "OK" },
	{ 302, "Found" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 413, "Payload Too Large" },
	{ 415, "Unsupported Media Type" },
	{ 422, "Unprocessable Entity" },
	{ 429, "Too Many Requests" },
	{ 500, "Internal Server Error" },
	{ 503, "Service Unavailable" },
	/* by class */
	{ 2, "Success" },
	{ 3, "Redirection" },
	{ 4, "Client Error" },
	{ 5, "Server Error" },
};

static const char *phrase_of(int status)
{
	for (size_t i = 0; i < COUNT_OF(PHRASES); i++) {
		if (PHRASES[i].status == status || PHRASES[i].status == status / 100)
			return PHRASES[i].phrase;
	}
	return "";
}

void reply_init(struct reply *r, struct arena *mem)
{
	*r = (struct reply){ 0 };
	buf_init(&r->head, mem, REPLY_HEAD_MAX);
	buf_init(&r->body, mem, REPLY_BODY_MAX);
}

void reply_restart(struct reply *r)
{
	bool read_body = r->read_body;
	reply_init(r, r->head.mem);
	r->read_body = read_body;
}

static bool is_name_byte(char c)
{
	bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
	return letter || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static bool is_name(struct span name)
{
	for (size_t i = 0; i < name.len; i++) {
		if (!is_name_byte(name.at[i]))
			return false;
	}
	return name.len > 0;
}

static bool is_one_line(struct span value)
{
	return span_find(value, '\r') == value.len && span_find(value, '\n') == value.len &&
	       span_find(value, '\0') == value.len;
}

void reply_header(struct reply *r, const char *name, struct span value)
{
	struct span key = span_of(name);
	if (!is_name(key) || !is_one_line(value) || span_equal_nocase(key, SPAN("status"))) {
		r->failed = true;
		return;
	}
	buf_add(&r->head, key);
	buf_add(&r->head, SPAN(": "));
	buf_add(&r->head, value);
	buf_add(&r->head, SPAN("\r\n"));
}

void reply_json(struct reply *r)
{
	r->json = true;
}

void reply_drop_body(struct reply *r)
{
	buf_init(&r->body, r->head.mem, REPLY_BODY_MAX);
	r->json = false;
}

void reply_message(struct reply *r, int status, const char *message, const char *code)
{
	struct jdoc_writer w;

	reply_status(r, status);
	reply_drop_body(r);
	reply_json(r);
	jdoc_write(&w, &r->body);
	jdoc_put_object(&w, NULL);
	jdoc_put_text(&w, "message", span_of(message));
	if (code != NULL)
		jdoc_put_text(&w, "code", span_of(code));
	jdoc_end_object(&w);
}

/* Apache's authorizer takes a refusal's body that begins with a slash or with
 * "scheme:" for a place to go: it served the victim's data. */
static bool body_is_a_place(struct span body)
{
	if (body.len > 0 && body.at[0] == '/')
		return true;
	size_t end = 0;
	while (end < body.len &&
	       (is_name_byte(body.at[end]) || body.at[end] == '.' || body.at[end] == '+'))
		end++;
	return end > 0 && end < body.len && body.at[end] == ':';
}

static bool is_sound(const struct reply *r)
{
	return !r->failed && !r->head.failed && !r->body.failed && r->status >= 200 &&
	       r->status <= 599 && (r->status == 200 || !body_is_a_place(buf_span(&r->body)));
}

/* The whole block is one piece of memory, so that it can go out in one record. */
static enum status assemble(const struct reply *r, struct span *block_out)
{
	struct buf block;

	buf_init(&block, r->head.mem, REPLY_HEAD_MAX + REPLY_BODY_MAX + 128);
	buf_add(&block, SPAN("Status: "));
	buf_int(&block, r->status);
	buf_byte(&block, ' ');
	buf_text(&block, phrase_of(r->status));
	buf_add(&block, SPAN("\r\n"));
	buf_add(&block, buf_span(&r->head));
	if (r->json)
		buf_add(&block, SPAN("content-type: application/json\r\n"));
	buf_add(&block, SPAN("\r\n"));
	buf_add(&block, buf_span(&r->body));
	return buf_finish(&block, block_out);
}

struct span reply_finish(struct reply *r)
{
	struct span block;
	if (is_sound(r) && assemble(r, &block) == STATUS_OK)
		return block;
	return span_make(PLAIN_500, sizeof(PLAIN_500) - 1);
}
