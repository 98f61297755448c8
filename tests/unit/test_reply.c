/* SPDX-License-Identifier: MIT */
#include "http/reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define INTERNAL                                 \
	"Status: 500 Internal Server Error\r\n"  \
	"content-type: application/json\r\n\r\n" \
	"{\"message\":\"Internal Server Error\",\"code\":\"INTERNAL_SERVER_ERROR\"}"

static struct arena *mem;

static int set_up(void **state)
{
	(void)state;
	mem = arena_new(0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(&mem);
	return 0;
}

static void check_block(struct reply *r, const char *want, const char *row)
{
	struct span block = reply_finish(r);
	if (!span_is(block, want))
		fail_msg("%s:\n%.*s", row, SPAN_FMT(block));
}

static void reply_is_status_headers_blank_line_body(void **state)
{
	(void)state;
	struct reply r;
	reply_init(&r, mem);
	reply_header(&r, "Variable-User-Id", SPAN("alice"));
	reply_header(&r, "set-cookie", SPAN("a=b"));
	reply_header(&r, "set-cookie", SPAN(""));
	reply_json(&r);
	buf_text(&r.body, "{\"ok\":true}");
	reply_status(&r, 200);
	check_block(&r,
		    "Status: 200 OK\r\nVariable-User-Id: alice\r\nset-cookie: a=b\r\n"
		    "set-cookie: \r\ncontent-type: application/json\r\n\r\n{\"ok\":true}",
		    "whole");
	reply_json(&r);
	reply_message(&r, 401, "No", NULL);
	check_block(&r,
		    "Status: 401 Unauthorized\r\nVariable-User-Id: alice\r\nset-cookie: a=b\r\n"
		    "set-cookie: \r\ncontent-type: application/json\r\n\r\n{\"message\":\"No\"}",
		    "body replaced");
	reply_drop_body(&r);
	check_block(&r,
		    "Status: 401 Unauthorized\r\nVariable-User-Id: alice\r\nset-cookie: a=b\r\n"
		    "set-cookie: \r\n\r\n",
		    "body dropped");
	reply_init(&r, mem);
	reply_status(&r, 404);
	check_block(&r, "Status: 404 Not Found\r\n\r\n", "empty");
}

static void reply_phrases_are_the_standard_ones(void **state)
{
	(void)state;
	static const struct {
		int status;
		const char *line;
	} rows[] = {
		{ 200, "Status: 200 OK\r\n\r\n" },
		{ 302, "Status: 302 Found\r\n\r\n" },
		{ 400, "Status: 400 Bad Request\r\n\r\n" },
		{ 401, "Status: 401 Unauthorized\r\n\r\n" },
		{ 403, "Status: 403 Forbidden\r\n\r\n" },
		{ 404, "Status: 404 Not Found\r\n\r\n" },
		{ 405, "Status: 405 Method Not Allowed\r\n\r\n" },
		{ 413, "Status: 413 Payload Too Large\r\n\r\n" },
		{ 415, "Status: 415 Unsupported Media Type\r\n\r\n" },
		{ 422, "Status: 422 Unprocessable Entity\r\n\r\n" },
		{ 429, "Status: 429 Too Many Requests\r\n\r\n" },
		{ 500, "Status: 500 Internal Server Error\r\n\r\n" },
		{ 503, "Status: 503 Service Unavailable\r\n\r\n" },
		{ 299, "Status: 299 Success\r\n\r\n" },
		{ 307, "Status: 307 Redirection\r\n\r\n" },
		{ 418, "Status: 418 Client Error\r\n\r\n" },
		{ 599, "Status: 599 Server Error\r\n\r\n" },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct reply r;
		reply_init(&r, mem);
		reply_status(&r, rows[i].status);
		check_block(&r, rows[i].line, rows[i].line);
	}
}

/* lighttpd takes an answer without a status for "allowed". */
static void A_FR_008_reply_without_status_is_a_500(void **state)
{
	(void)state;
	static const int rows[] = { 0, -1, 1, 99, 100, 199, 600, 999, 1200, 20000 };
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct reply r;
		reply_init(&r, mem);
		reply_header(&r, "Variable-User-Id", SPAN("alice"));
		reply_status(&r, rows[i]);
		check_block(&r, INTERNAL, "status");
	}
}

static void reply_refuses_headers_that_would_make_others(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		struct span value;
	} rows[] = {
		{ "x", { "a\r\nb: c", 7 } }, { "x", { "a\nb", 3 } },     { "x", { "a\r", 2 } },
		{ "x", { "a\0b", 3 } },      { "x\r\ny", { "a", 1 } },   { "x:", { "a", 1 } },
		{ "x y", { "a", 1 } },       { "", { "a", 1 } },         { "x\xff", { "a", 1 } },
		{ "Status", { "200", 3 } },  { "status", { "200", 3 } },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct reply r;
		reply_init(&r, mem);
		reply_status(&r, 200);
		reply_header(&r, rows[i].name, rows[i].value);
		if (!r.failed)
			fail_msg("row %zu", i);
		check_block(&r, INTERNAL, rows[i].name);
	}
}

static void reply_over_its_bounds_is_a_500(void **state)
{
	(void)state;
	static char big[REPLY_BODY_MAX + 1];
	struct reply r;

	memset(big, 'a', sizeof(big));
	reply_init(&r, mem);
	reply_status(&r, 200);
	reply_header(&r, "x", span_make(big, REPLY_HEAD_MAX));
	check_block(&r, INTERNAL, "head");

	reply_init(&r, mem);
	reply_status(&r, 200);
	buf_add(&r.body, span_make(big, sizeof(big)));
	check_block(&r, INTERNAL, "body");

	reply_init(&r, mem);
	reply_status(&r, 200);
	reply_header(&r, "x", span_make(big, REPLY_HEAD_MAX - 5));
	buf_add(&r.body, span_make(big, sizeof(big) - 1));
	assert_int_equal(reply_finish(&r).len,
			 sizeof("Status: 200 OK\r\n\r\n") - 1 + REPLY_HEAD_MAX + REPLY_BODY_MAX);
}

/* Apache served the victim's data for a 403 whose body began with its path. */
static void A_FR_009_refusal_body_is_never_a_place(void **state)
{
	(void)state;
	static const struct {
		int status;
		const char *body;
		bool place;
	} rows[] = {
		{ 403, "/api/victim/tasks", true },
		{ 403, "http://evil/", true },
		{ 401, "HTTPS://evil/", true },
		{ 503, "x-y+z.0:q", true },
		{ 429, "javascript:1", true },
		{ 403, "{\"message\":\"http://evil/\"}", false },
		{ 403, "", false },
		{ 403, "not ready", false },
		{ 403, "# metrics", false },
		{ 403, ":", false },
		{ 403, "plain", false },
		{ 200, "/path", false },
		{ 200, "a:b", false },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct reply r;
		reply_init(&r, mem);
		reply_status(&r, rows[i].status);
		buf_text(&r.body, rows[i].body);
		if (span_is(reply_finish(&r), INTERNAL) != rows[i].place)
			fail_msg("row %zu: %s", i, rows[i].body);
	}
}

static void reply_message_is_the_contracts_shape(void **state)
{
	(void)state;
	struct reply r;
	reply_init(&r, mem);
	reply_header(&r, "x-retry-after", SPAN("7"));
	reply_message(&r, 429, "Too many requests.", NULL);
	check_block(&r,
		    "Status: 429 Too Many Requests\r\nx-retry-after: 7\r\n"
		    "content-type: application/json\r\n\r\n{\"message\":\"Too many requests.\"}",
		    "no code");
	reply_init(&r, mem);
	reply_message(&r, 415, "Content-Type \"text/plain\" is not allowed", "UNSUPPORTED");
	check_block(&r,
		    "Status: 415 Unsupported Media Type\r\ncontent-type: application/json\r\n\r\n"
		    "{\"message\":\"Content-Type \\\"text/plain\\\" is not allowed\","
		    "\"code\":\"UNSUPPORTED\"}",
		    "code");
}

static void reply_restart_forgets_all_but_the_drain(void **state)
{
	(void)state;
	struct reply r;
	reply_init(&r, mem);
	assert_false(r.read_body);
	r.read_body = true;
	reply_status(&r, 200);
	reply_header(&r, "set-cookie", SPAN("secret"));
	reply_header(&r, "bad", SPAN("a\nb"));
	buf_text(&r.body, "old");
	reply_restart(&r);
	assert_true(r.read_body);
	check_block(&r, INTERNAL, "nothing set");
	reply_status(&r, 401);
	check_block(&r, "Status: 401 Unauthorized\r\n\r\n", "begun anew");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reply_is_status_headers_blank_line_body),
		cmocka_unit_test(reply_phrases_are_the_standard_ones),
		cmocka_unit_test(A_FR_008_reply_without_status_is_a_500),
		cmocka_unit_test(reply_refuses_headers_that_would_make_others),
		cmocka_unit_test(reply_over_its_bounds_is_a_500),
		cmocka_unit_test(A_FR_009_refusal_body_is_never_a_place),
		cmocka_unit_test(reply_message_is_the_contracts_shape),
		cmocka_unit_test(reply_restart_forgets_all_but_the_drain),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("reply", tests, set_up, tear_down);
}
