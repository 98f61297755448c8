/* SPDX-License-Identifier: MIT */
#include "http/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define PARAMS_MAX 12
#define BODY_BYTES 7
#define BODY SPAN("{\"a\":1}")

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

static enum status parse(const char *const *params, bool authorizer, struct span body,
			 struct request *out)
{
	return request_parse(mem, params, authorizer, body, out);
}

static void request_mode_is_the_servers_alone(void **state)
{
	(void)state;
	static const struct {
		const char *params[4];
		bool authorizer;
		enum request_mode mode;
	} rows[] = {
		{ { NULL }, false, REQUEST_RESPOND },
		{ { NULL }, true, REQUEST_AUTHORIZE },
		{ { "AUTHBRIDGE_MODE=authorize" }, false, REQUEST_AUTHORIZE },
		{ { "AUTHBRIDGE_MODE=metrics" }, false, REQUEST_METRICS },
		{ { "AUTHBRIDGE_MODE=ready" }, false, REQUEST_READY },
		{ { "AUTHBRIDGE_MODE=live" }, false, REQUEST_LIVE },
		/* a header called Authbridge-Mode, and other spellings */
		{ { "HTTP_AUTHBRIDGE_MODE=authorize" }, false, REQUEST_RESPOND },
		{ { "HTTP_AUTHBRIDGE_MODE=metrics" }, true, REQUEST_AUTHORIZE },
		{ { "authbridge_mode=metrics" }, false, REQUEST_RESPOND },
		{ { "AUTHBRIDGE_MODE" }, false, REQUEST_RESPOND },
		{ { "AUTHBRIDGE-MODE=metrics" }, false, REQUEST_RESPOND },
		{ { "FCGI_ROLE=AUTHORIZER" }, false, REQUEST_RESPOND },
		/* unknown words */
		{ { "AUTHBRIDGE_MODE=" }, false, REQUEST_NONE },
		{ { "AUTHBRIDGE_MODE=Authorize" }, false, REQUEST_NONE },
		{ { "AUTHBRIDGE_MODE=authorize " }, false, REQUEST_NONE },
		{ { "AUTHBRIDGE_MODE=respond" }, false, REQUEST_NONE },
		/* said twice */
		{ { "AUTHBRIDGE_MODE=authorize", "AUTHBRIDGE_MODE=authorize" },
		  false,
		  REQUEST_AUTHORIZE },
		{ { "AUTHBRIDGE_MODE=authorize", "AUTHBRIDGE_MODE=ready" }, false, REQUEST_NONE },
		{ { "AUTHBRIDGE_MODE=ready", "AUTHBRIDGE_MODE=authorize" }, false, REQUEST_NONE },
		{ { "AUTHBRIDGE_MODE=authorize", "AUTHBRIDGE_MODE=" }, false, REQUEST_NONE },
		/* no word opens the authorizer's role */
		{ { "AUTHBRIDGE_MODE=metrics" }, true, REQUEST_AUTHORIZE },
		{ { "AUTHBRIDGE_MODE=ready" }, true, REQUEST_AUTHORIZE },
		{ { "AUTHBRIDGE_MODE=x", "AUTHBRIDGE_MODE=y" }, true, REQUEST_AUTHORIZE },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const char *params[8] = { "REQUEST_METHOD=GET", "REQUEST_URI=/" };
		for (size_t j = 0; j < 4 && rows[i].params[j] != NULL; j++)
			params[2 + j] = rows[i].params[j];
		if (request_mode_of(params, rows[i].authorizer) != rows[i].mode)
			fail_msg("row %zu alone", i);
		struct request r;
		assert_int_equal(parse(params, rows[i].authorizer, SPAN_ABSENT, &r), STATUS_OK);
		if (r.mode != rows[i].mode)
			fail_msg("row %zu parsed", i);
	}
	assert_int_equal(REQUEST_NONE, 0);
}

static void request_body_length_is_declared_once(void **state)
{
	(void)state;
	static const struct {
		const char *params[4];
		enum status status;
		size_t length;
	} rows[] = {
		{ { NULL }, STATUS_OK, 0 },
		{ { "CONTENT_LENGTH=" }, STATUS_OK, 0 },
		{ { "CONTENT_LENGTH=0" }, STATUS_OK, 0 },
		{ { "CONTENT_LENGTH=7" }, STATUS_OK, 7 },
		{ { "CONTENT_LENGTH=007" }, STATUS_OK, 7 },
		{ { "CONTENT_LENGTH=65537" }, STATUS_OK, 65537 },
		{ { "CONTENT_LENGTH=18446744073709551615" }, STATUS_OK, SIZE_MAX },
		{ { "CONTENT_LENGTH=18446744073709551616" }, STATUS_OK, SIZE_MAX },
		{ { "CONTENT_LENGTH=99999999999999999999999999" }, STATUS_OK, SIZE_MAX },
		{ { "HTTP_CONTENT_LENGTH=7" }, STATUS_OK, 0 },
		{ { "CONTENT_LENGTH=7", "HTTP_CONTENT_LENGTH=9" }, STATUS_OK, 7 },
		{ { "CONTENT_LENGTH=7", "CONTENT_LENGTH=" }, STATUS_OK, 7 },
		{ { "CONTENT_LENGTH=", "CONTENT_LENGTH=7" }, STATUS_OK, 7 },
		{ { "CONTENT_LENGTH=7", "CONTENT_LENGTH=7" }, STATUS_OK, 7 },
		{ { "CONTENT_LENGTH=7", "CONTENT_LENGTH=8" }, STATUS_INVALID, 0 },
		{ { "CONTENT_LENGTH=7", "CONTENT_LENGTH=", "CONTENT_LENGTH=0" },
		  STATUS_INVALID,
		  0 },
		{ { "CONTENT_LENGTH=+7" }, STATUS_INVALID, 0 },
		{ { "CONTENT_LENGTH=-1" }, STATUS_INVALID, 0 },
		{ { "CONTENT_LENGTH= 7" }, STATUS_INVALID, 0 },
		{ { "CONTENT_LENGTH=7 " }, STATUS_INVALID, 0 },
		{ { "CONTENT_LENGTH=7, 7" }, STATUS_INVALID, 0 },
		{ { "CONTENT_LENGTH=0x7" }, STATUS_INVALID, 0 },
		{ { "CONTENT_LENGTH=7e1" }, STATUS_INVALID, 0 },
		{ { "CONTENT_LENGTH=abc" }, STATUS_INVALID, 0 },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		size_t length = 12345;
		if (request_body_length(rows[i].params, &length) != rows[i].status)
			fail_msg("row %zu", i);
		if (length != (rows[i].status == STATUS_OK ? rows[i].length : 12345))
			fail_msg("row %zu: %zu", i, length);
	}
}

static void request_body_is_as_long_as_declared(void **state)
{
	(void)state;
	static const struct {
		const char *length, *mode;
		enum status status;
		bool body, too_large;
	} rows[] = {
		{ "CONTENT_LENGTH=7", NULL, STATUS_OK, true, false },
		{ "CONTENT_LENGTH=6", NULL, STATUS_INVALID, false, false },
		{ "CONTENT_LENGTH=8", NULL, STATUS_INVALID, false, false },
		{ "CONTENT_LENGTH=65536", NULL, STATUS_INVALID, false, false },
		{ "CONTENT_LENGTH=65537", NULL, STATUS_OK, false, true },
		{ "CONTENT_LENGTH=10000000", NULL, STATUS_OK, false, true },
		{ "CONTENT_LENGTH=x", NULL, STATUS_INVALID, false, false },
		{ "CONTENT_LENGTH=", NULL, STATUS_OK, false, false },
		{ "X=", NULL, STATUS_OK, false, false },
		/* the gate never has one, whatever is declared */
		{ "CONTENT_LENGTH=7", "AUTHBRIDGE_MODE=authorize", STATUS_OK, false, false },
		{ "CONTENT_LENGTH=10000000", "AUTHBRIDGE_MODE=authorize", STATUS_OK, false, false },
		{ "CONTENT_LENGTH=x", "AUTHBRIDGE_MODE=authorize", STATUS_OK, false, false },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const char *params[] = { "REQUEST_METHOD=POST", "REQUEST_URI=/", rows[i].length,
					 rows[i].mode, NULL };
		struct request r = { .body_too_large = false };
		if (parse(params, false, BODY, &r) != rows[i].status)
			fail_msg("row %zu", i);
		if (rows[i].status != STATUS_OK)
			continue;
		if (span_is_absent(r.body) == rows[i].body || r.body_too_large != rows[i].too_large)
			fail_msg("row %zu: body", i);
		if (rows[i].body && r.body.len != BODY_BYTES)
			fail_msg("row %zu: %zu", i, r.body.len);
	}
}

static void request_holds_every_parameter(void **state)
{
	(void)state;
	static const char *const params[] = {
		"FCGI_ROLE=RESPONDER",
		"REQUEST_METHOD=POST",
		"REQUEST_URI=/a/b?c=d?e",
		"REDIRECT_URI=/a/b",
		"REMOTE_ADDR=192.0.2.1",
		"CONTENT_TYPE=text/plain",
		"HTTP_AUTHORIZATION=Bearer x=y",
		"HTTP_COOKIE=a=b",
		"HTTP_ORIGIN=null",
		"HTTP_REFERER=http://r/",
		"HTTP_USER_AGENT=ua",
		"HTTP_X_FORWARDED_FOR=1.2.3.4",
		"HTTP_SEC_FETCH_SITE=cross-site",
		"HTTP_SEC_FETCH_MODE=navigate",
		"HTTP_SEC_FETCH_DEST=document",
		"broken",
		"",
		"=",
		"HTTP_X_USER_ID=me",
		NULL,
	};
	struct request r;
	assert_int_equal(parse(params, false, SPAN_ABSENT, &r), STATUS_OK);
	assert_true(span_is(r.method, "POST"));
	assert_true(span_is(r.target, "/a/b?c=d?e"));
	assert_true(span_is(r.path, "/a/b"));
	assert_true(span_is(r.query, "c=d?e"));
	assert_true(span_is(r.remote_addr, "192.0.2.1"));
	const struct {
		const struct request_field *field;
		const char *value;
	} rows[] = {
		{ &r.redirect_uri, "/a/b" },
		{ &r.authorization, "Bearer x=y" },
		{ &r.cookie, "a=b" },
		{ &r.origin, "null" },
		{ &r.referer, "http://r/" },
		{ &r.content_type, "text/plain" },
		{ &r.user_agent, "ua" },
		{ &r.forwarded_for, "1.2.3.4" },
		{ &r.fetch_site, "cross-site" },
		{ &r.fetch_mode, "navigate" },
		{ &r.fetch_dest, "document" },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (!span_is(rows[i].field->value, rows[i].value) || rows[i].field->repeated)
			fail_msg("row %zu", i);
	}
	assert_true(r.mem == mem);
	assert_false(r.local);
	assert_int_equal(arena_used(mem), 0);
}

static void request_absent_is_not_empty(void **state)
{
	(void)state;
	static const char *const bare[] = { "REQUEST_METHOD=GET", "REQUEST_URI=/x", NULL };
	static const char *const empty[] = { "REQUEST_METHOD=GET", "REQUEST_URI=/x?",
					     "HTTP_COOKIE=", "HTTP_ORIGIN=", NULL };
	struct request r;
	assert_int_equal(parse(bare, false, SPAN_ABSENT, &r), STATUS_OK);
	assert_true(span_is_absent(r.query));
	assert_true(span_is_absent(r.cookie.value));
	assert_true(span_is_absent(r.authorization.value));
	assert_true(span_is_absent(r.remote_addr));
	assert_int_equal(parse(empty, false, SPAN_ABSENT, &r), STATUS_OK);
	assert_false(span_is_absent(r.query));
	assert_false(span_is_absent(r.cookie.value));
	assert_false(span_is_absent(r.origin.value));
}

static void request_keeps_the_first_and_tells_of_the_second(void **state)
{
	(void)state;
	static const char *const params[] = {
		"REQUEST_METHOD=GET",
		"REQUEST_URI=/",
		"REMOTE_ADDR=192.0.2.1",
		"HTTP_AUTHORIZATION=Bearer a",
		"HTTP_X_FORWARDED_FOR=1.1.1.1",
		"HTTP_X_FORWARDED_FOR=2.2.2.2",
		"HTTP_AUTHORIZATION=Bearer a",
		"REMOTE_ADDR=10.0.0.1",
		"REQUEST_METHOD=GET",
		"REQUEST_URI=/",
		NULL,
	};
	struct request r;
	assert_int_equal(parse(params, false, SPAN_ABSENT, &r), STATUS_OK);
	/* the same value twice is a repetition too: no client needs that */
	assert_true(r.authorization.repeated);
	assert_true(span_is(r.authorization.value, "Bearer a"));
	assert_true(r.forwarded_for.repeated);
	assert_true(span_is(r.forwarded_for.value, "1.1.1.1"));
	assert_true(span_is(r.remote_addr, "192.0.2.1"));
}

static void request_content_type_is_the_servers_if_it_sends_one(void **state)
{
	(void)state;
	static const struct {
		const char *first, *second, *value; /* value NULL: absent */
		bool repeated;
	} rows[] = {
		{ "CONTENT_TYPE=a/b", "HTTP_CONTENT_TYPE=c/d", "a/b", false },
		{ "HTTP_CONTENT_TYPE=c/d", "CONTENT_TYPE=a/b", "a/b", false },
		{ "HTTP_CONTENT_TYPE=c/d", "X=", "c/d", false },
		{ "CONTENT_TYPE=", "X=", NULL, false },
		{ "CONTENT_TYPE=", "HTTP_CONTENT_TYPE=c/d", NULL, false },
		{ "X=", "Y=", NULL, false },
		{ "CONTENT_TYPE=", "CONTENT_TYPE=a/b", NULL, false },
		{ "CONTENT_TYPE=a/b", "CONTENT_TYPE=a/b", "a/b", false },
		{ "CONTENT_TYPE=a/b", "CONTENT_TYPE=c/d", "a/b", true },
		{ "HTTP_CONTENT_TYPE=c/d", "HTTP_CONTENT_TYPE=c/d", "c/d", true },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const char *params[] = { "REQUEST_METHOD=POST", "REQUEST_URI=/", rows[i].first,
					 rows[i].second, NULL };
		struct request r;
		assert_int_equal(parse(params, false, SPAN_ABSENT, &r), STATUS_OK);
		if (span_is_absent(r.content_type.value) != (rows[i].value == NULL) ||
		    !span_equal(r.content_type.value, span_of(rows[i].value)) ||
		    r.content_type.repeated != rows[i].repeated)
			fail_msg("row %zu", i);
	}
}

static void request_without_method_or_target_is_none(void **state)
{
	(void)state;
	static const char *const rows[][4] = {
		{ NULL },
		{ "REQUEST_METHOD=GET" },
		{ "REQUEST_URI=/" },
		{ "REQUEST_METHOD=", "REQUEST_URI=/" },
		{ "REQUEST_METHOD=GET", "REQUEST_URI=" },
		{ "REQUEST_METHOD=GET", "HTTP_REQUEST_URI=/" },
		{ "REQUEST_METHOD=GET", "REQUEST_URI=/a", "REQUEST_URI=/b" },
		{ "REQUEST_METHOD=GET", "REQUEST_METHOD=POST", "REQUEST_URI=/a" },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct request r = { .mode = REQUEST_NONE };
		if (parse(rows[i], true, SPAN_ABSENT, &r) != STATUS_INVALID ||
		    r.mode != REQUEST_NONE)
			fail_msg("row %zu", i);
	}
}

static void request_query_gives_the_first_value_decoded(void **state)
{
	(void)state;
	static const struct {
		const char *target, *name, *value; /* value NULL: none */
	} rows[] = {
		{ "/?a=b", "a", "b" },
		{ "/?a=b&a=c", "a", "b" },
		{ "/?x=1&callbackURL=%2Fdash+board%21", "callbackURL", "/dash board!" },
		{ "/?%61=b", "a", "b" },
		{ "/?a", "a", "" },
		{ "/?a=", "a", "" },
		{ "/?A=b", "a", NULL },
		{ "/?", "a", NULL },
		{ "/", "a", NULL },
		{ "/?b=a=c", "b", "a=c" },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct request r = { .mem = mem };
		struct span value = SPAN_ABSENT, target = span_of(rows[i].target);
		size_t cut = span_find(target, '?');
		if (cut < target.len)
			r.query = span_from(target, cut + 1);
		bool found = request_query(&r, rows[i].name, &value);
		if (found != (rows[i].value != NULL) || !span_equal(value, span_of(rows[i].value)))
			fail_msg("row %zu: %.*s", i, SPAN_FMT(value));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request_mode_is_the_servers_alone),
		cmocka_unit_test(request_body_length_is_declared_once),
		cmocka_unit_test(request_body_is_as_long_as_declared),
		cmocka_unit_test(request_holds_every_parameter),
		cmocka_unit_test(request_absent_is_not_empty),
		cmocka_unit_test(request_keeps_the_first_and_tells_of_the_second),
		cmocka_unit_test(request_content_type_is_the_servers_if_it_sends_one),
		cmocka_unit_test(request_without_method_or_target_is_none),
		cmocka_unit_test(request_query_gives_the_first_value_decoded),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("request", tests, set_up, tear_down);
}
