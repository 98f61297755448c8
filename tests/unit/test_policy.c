/* SPDX-License-Identifier: MIT */
#include "model/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define ROUTES_MAX 5

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

static struct policy *policy_of(const char *const *routes)
{
	struct policy *policy = NULL;
	struct buf why;
	buf_init(&why, mem, 500);
	for (; *routes != NULL; routes++) {
		if (policy_add(&policy, mem, span_of(*routes), &why) != STATUS_OK)
			fail_msg("%s: %s", *routes, why.at);
	}
	return policy;
}

static const char *const DEFAULT[] = { POLICY_DEFAULT_ROUTE, NULL };

struct row {
	const char *method, *path;
	enum policy_rule rule;
	const char *user_id; /* NULL: absent */
};

static void check_rows(const struct policy *policy, const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct row *row = &rows[i];
		struct span id = SPAN("untouched");
		enum policy_rule rule =
			policy_match(policy, span_of(row->method), span_of(row->path), &id);
		if (rule != row->rule)
			fail_msg("row %zu: %s %s is %d", i, row->method, row->path, rule);
		if (span_is_absent(id) != (row->user_id == NULL) ||
		    !span_equal(id, span_of(row->user_id)))
			fail_msg("row %zu: %s: id %.*s", i, row->path, SPAN_FMT(id));
	}
}

#define CHECK_ROWS(policy, rows) check_rows(policy, rows, COUNT_OF(rows))

static void A_FR_009_default_route_names_the_owner(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{ "GET", "/api/x", POLICY_OWNER, "x" },
		{ "GET", "/api/x/", POLICY_OWNER, "x" },
		{ "GET", "/api/x/tasks", POLICY_OWNER, "x" },
		{ "GET", "/api/x/tasks/", POLICY_OWNER, "x" },
		{ "DELETE", "/api/x/tasks/7", POLICY_OWNER, "x" },
		{ "PROPFIND", "/api/A-b_9/tasks", POLICY_OWNER, "A-b_9" },
		{ "get", "/api/x", POLICY_OWNER, "x" },

		{ "GET", "/", POLICY_DENY, NULL },
		{ "GET", "/api", POLICY_DENY, NULL },
		{ "GET", "/api/", POLICY_DENY, NULL },
		{ "GET", "/apix/x", POLICY_DENY, NULL },
		{ "GET", "/API/x/tasks", POLICY_DENY, NULL },
		{ "GET", "/other/x", POLICY_DENY, NULL },
		{ "GET", "/v1/api/x/tasks", POLICY_DENY, NULL },
	};
	CHECK_ROWS(policy_of(DEFAULT), rows);
}

/* The request targets that web servers were measured to serve as somebody
 * else's path: none may name an owner, whatever the naive third segment is. */
static void A_FR_009_desynchronised_paths_are_denied(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{ "GET", "/api/me/../victim/tasks", POLICY_DENY, NULL },
		{ "GET", "/api/me/%2e%2e/victim/tasks", POLICY_DENY, NULL },
		{ "GET", "/api/me/..%2fvictim/tasks", POLICY_DENY, NULL },
		{ "GET", "/api//victim/tasks", POLICY_DENY, NULL },
		{ "GET", "//api/victim/tasks", POLICY_DENY, NULL },
		{ "GET", "/./api/victim/tasks", POLICY_DENY, NULL },
		{ "GET", "/api/./victim/tasks", POLICY_DENY, NULL },
		{ "GET", "/x/../api/victim/tasks", POLICY_DENY, NULL },
		{ "GET", "/%61pi/victim/tasks", POLICY_DENY, NULL },
		{ "GET", "/api/%76ictim/tasks", POLICY_DENY, NULL },
		{ "GET", "/api/me;x/tasks", POLICY_DENY, NULL },
		{ "GET", "/api/me/..;/victim/tasks", POLICY_DENY, NULL },
		{ "GET", "/api/victim%00/tasks", POLICY_DENY, NULL },
		{ "GET", "/api/bob%2F..%2Falice/tasks", POLICY_DENY, NULL },
		{ "GET", "/api/alice%2Ftasks", POLICY_DENY, NULL },
		{ "GET", "/api/alice%3Fx/tasks", POLICY_DENY, NULL },
		{ "GET", "/api/%2561lice/tasks", POLICY_DENY, NULL },
		{ "GET", "/api/alice%5Ctasks", POLICY_DENY, NULL },
		{ "GET", "/api\\alice\\tasks", POLICY_DENY, NULL },
		{ "GET", "/api/alice/tasks#frag", POLICY_DENY, NULL },
		{ "GET", "http://evil/api/alice/tasks", POLICY_DENY, NULL },
		{ "GET", "/api/alice/tasks?x", POLICY_DENY, NULL },
		{ "GET", "/api/al ice/tasks", POLICY_DENY, NULL },
		{ "GET", "/api/\xc3\xa9/tasks", POLICY_DENY, NULL },
		{ "OPTIONS", "*", POLICY_DENY, NULL },
		{ "GET", "", POLICY_DENY, NULL },
	};
	CHECK_ROWS(policy_of(DEFAULT), rows);
	static const char *const open[] = { "* /** user", NULL };
	CHECK_ROWS(policy_of(open), rows);
}

static void policy_segments(void **state)
{
	(void)state;
	static const char *const routes[] = {
		"GET,HEAD /public/* user",  "POST /public/*/edit user", "* /files/ user",
		"*\t/u/{user_id}   owner ", "* /rest/** user",          NULL,
	};
	static const struct row rows[] = {
		{ "GET", "/public/a", POLICY_USER, NULL },
		{ "HEAD", "/public/a", POLICY_USER, NULL },
		{ "POST", "/public/a", POLICY_DENY, NULL },
		{ "HEADER", "/public/a", POLICY_DENY, NULL },
		{ "get", "/public/a", POLICY_DENY, NULL },
		{ "", "/public/a", POLICY_DENY, NULL },
		{ "GET", "/public/", POLICY_DENY, NULL },
		{ "GET", "/public", POLICY_DENY, NULL },
		{ "GET", "/public/a/", POLICY_DENY, NULL },
		{ "GET", "/public/a/b", POLICY_DENY, NULL },
		{ "POST", "/public/a/edit", POLICY_USER, NULL },
		{ "POST", "/public/a/edit/", POLICY_DENY, NULL },
		{ "GET", "/files/", POLICY_USER, NULL },
		{ "GET", "/files", POLICY_DENY, NULL },
		{ "GET", "/files/x", POLICY_DENY, NULL },
		{ "GET", "/u/me", POLICY_OWNER, "me" },
		{ "GET", "/u/me/", POLICY_DENY, NULL },
		{ "GET", "/u/", POLICY_DENY, NULL },
		{ "GET", "/rest", POLICY_USER, NULL },
		{ "GET", "/rest/", POLICY_USER, NULL },
		{ "GET", "/rest/a/b/c", POLICY_USER, NULL },
		{ "GET", "/restless", POLICY_DENY, NULL },
	};
	CHECK_ROWS(policy_of(routes), rows);
}

static void policy_first_match_wins(void **state)
{
	(void)state;
	static const char *const routes[] = {
		"* /api/admin/** deny",
		"GET /api/{user_id}/avatar user",
		"* /api/{user_id}/** owner",
		"* /** user",
		NULL,
	};
	static const struct row rows[] = {
		{ "GET", "/api/admin/x", POLICY_DENY, NULL },
		{ "GET", "/api/admin", POLICY_DENY, NULL },
		{ "GET", "/api/administrator/x", POLICY_OWNER, "administrator" },
		{ "GET", "/api/bob/avatar", POLICY_USER, "bob" },
		{ "PUT", "/api/bob/avatar", POLICY_OWNER, "bob" },
		{ "GET", "/", POLICY_USER, NULL },
		{ "GET", "/api", POLICY_USER, NULL },
	};
	CHECK_ROWS(policy_of(routes), rows);
}

/* A later, wider route must not open what an owner's pattern was meant for. */
static void A_FR_009_malformed_user_id_is_denied_at_once(void **state)
{
	(void)state;
	static const char *const routes[] = { "* /api/{user_id}/** owner", "* /** user", NULL };
	static const struct row rows[] = {
		{ "GET", "/api/b.b/tasks", POLICY_DENY, NULL },
		{ "GET", "/api/bob@x/tasks", POLICY_DENY, NULL },
		{ "GET", "/api/b~/tasks", POLICY_DENY, NULL },
		{ "GET", "/api/a:b", POLICY_DENY, NULL },
		{ "GET", "/api/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/x",
		  POLICY_DENY, NULL },
		{ "GET", "/api/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/x",
		  POLICY_OWNER,
		  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" },
		{ "GET", "/else", POLICY_USER, NULL },
	};
	CHECK_ROWS(policy_of(routes), rows);
}

static void policy_without_routes_denies(void **state)
{
	(void)state;
	static const struct row rows[] = { { "GET", "/api/x", POLICY_DENY, NULL } };
	CHECK_ROWS(NULL, rows);
}

static void policy_refuses_bad_routes(void **state)
{
	(void)state;
	static const char *const rows[] = {
		"",
		"   ",
		"*",
		"* /api",
		"* /api user extra",
		"* api user",
		"* /api admin",
		"* /api OWNER",
		"* /api/** owner",
		"get /api user",
		"GET, POST /api user",
		"GET,,POST /api user",
		", /api user",
		"GET,* /api user",
		"G@T /api user",
		"* /**/x user",
		"* /a//b user",
		"* //a user",
		"* /a*b user",
		"* /a/***/ user",
		"* /{id}/x owner",
		"* /{user_id user",
		"* /x{user_id} user",
		"* /{user_id}/{user_id} owner",
		"* /{user_id}/{user_id} user",
		"* /a/./b user",
		"* /a/../b user",
		"* /%61 user",
		"* /a;b user",
		"* /a?b user",
		"* /\xc3\xa9 user",
		"A,B,C,D,E,F,G,H,I,J,K,L,M,N,O,P,Q /a user",
		"* /1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/0/1/2/3 user",
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct policy *policy = NULL;
		struct buf why;
		buf_init(&why, mem, 500);
		if (policy_add(&policy, mem, span_of(rows[i]), &why) != STATUS_INVALID)
			fail_msg("row %zu: %s was taken", i, rows[i]);
		if (why.len == 0 || why.failed || policy != NULL)
			fail_msg("row %zu: %s: no reason, or half added", i, rows[i]);
	}
}

static void A_FR_009_other_user_is_403(void **state)
{
	(void)state;
	static const struct {
		enum policy_rule rule;
		const char *user_id, *subject;
		enum verdict verdict;
	} rows[] = {
		{ POLICY_OWNER, "me", "me", VERDICT_ALLOW },
		{ POLICY_OWNER, "me", "Me", VERDICT_DENY },
		{ POLICY_OWNER, "me", "me2", VERDICT_DENY },
		{ POLICY_OWNER, "me2", "me", VERDICT_DENY },
		{ POLICY_OWNER, "me", "", VERDICT_DENY },
		{ POLICY_OWNER, "", "", VERDICT_DENY },
		{ POLICY_OWNER, NULL, NULL, VERDICT_DENY },
		{ POLICY_OWNER, "me", NULL, VERDICT_DENY },
		{ POLICY_OWNER, NULL, "me", VERDICT_DENY },
		{ POLICY_OWNER, "NAME:me", "NAME:me", VERDICT_DENY },
		{ POLICY_USER, NULL, "me", VERDICT_ALLOW },
		{ POLICY_USER, "other", "me", VERDICT_ALLOW },
		{ POLICY_USER, NULL, "", VERDICT_DENY },
		{ POLICY_USER, NULL, NULL, VERDICT_DENY },
		{ POLICY_DENY, "me", "me", VERDICT_DENY },
		{ (enum policy_rule)7, "me", "me", VERDICT_DENY },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (policy_judge(rows[i].rule, span_of(rows[i].user_id),
				 span_of(rows[i].subject)) != rows[i].verdict)
			fail_msg("row %zu", i);
	}
	assert_int_equal(VERDICT_DENY, 0);
	assert_int_equal(POLICY_DENY, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(A_FR_009_default_route_names_the_owner),
		cmocka_unit_test(A_FR_009_desynchronised_paths_are_denied),
		cmocka_unit_test(policy_segments),
		cmocka_unit_test(policy_first_match_wins),
		cmocka_unit_test(A_FR_009_malformed_user_id_is_denied_at_once),
		cmocka_unit_test(policy_without_routes_denies),
		cmocka_unit_test(policy_refuses_bad_routes),
		cmocka_unit_test(A_FR_009_other_user_is_403),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("policy", tests, set_up, tear_down);
}
