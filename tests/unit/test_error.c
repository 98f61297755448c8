/* SPDX-License-Identifier: MIT */
#include "http/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

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

struct row {
	enum error error;
	int status;
	const char *code;
	const char *body; /* NULL: empty */
};

#define ROW(error, status, code, message)                                                  \
	{                                                                                  \
		error, status, code, "{\"message\":\"" message "\",\"code\":\"" code "\"}" \
	}
#define BARE(error, status, message)                                 \
	{                                                            \
		error, status, NULL, "{\"message\":\"" message "\"}" \
	}

static const struct row ROWS[] = {
	{ ERROR_NOT_FOUND_EMPTY, 404, NULL, NULL },
	ROW(ERROR_INVALID_JSON, 400, "BAD_REQUEST", "Invalid JSON in request body"),
	ROW(ERROR_INVALID_EMAIL, 400, "INVALID_EMAIL", "Invalid email"),
	ROW(ERROR_PASSWORD_TOO_SHORT, 400, "PASSWORD_TOO_SHORT", "Password too short"),
	ROW(ERROR_PASSWORD_TOO_LONG, 400, "PASSWORD_TOO_LONG", "Password too long"),
	ROW(ERROR_PASSWORD_BLOCKED, 400, "PASSWORD_COMPROMISED",
	    "The password you entered has been compromised. Please choose a different password."),
	ROW(ERROR_USER_ALREADY_EXISTS, 422, "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL",
	    "User already exists. Use another email."),
	ROW(ERROR_FAILED_TO_CREATE_USER, 422, "FAILED_TO_CREATE_USER", "Failed to create user"),
	ROW(ERROR_INVALID_EMAIL_OR_PASSWORD, 401, "INVALID_EMAIL_OR_PASSWORD",
	    "Invalid email or password"),
	ROW(ERROR_INVALID_PASSWORD, 400, "INVALID_PASSWORD", "Invalid password"),
	ROW(ERROR_CREDENTIAL_ACCOUNT_NOT_FOUND, 400, "CREDENTIAL_ACCOUNT_NOT_FOUND",
	    "Credential account not found"),
	ROW(ERROR_UNAUTHORIZED, 401, "UNAUTHORIZED", "Unauthorized"),
	ROW(ERROR_SESSION_NOT_FRESH, 403, "SESSION_NOT_FRESH", "Session is not fresh"),
	ROW(ERROR_SESSION_EXPIRED, 400, "SESSION_EXPIRED",
	    "Session expired. Re-authenticate to perform this action."),
	ROW(ERROR_EMAIL_CAN_NOT_BE_UPDATED, 400, "EMAIL_CAN_NOT_BE_UPDATED",
	    "Email can not be updated"),
	ROW(ERROR_CHANGE_EMAIL_DISABLED, 400, "CHANGE_EMAIL_DISABLED", "Change email is disabled"),
	BARE(ERROR_SAME_EMAIL, 400, "Email is the same"),
	BARE(ERROR_VERIFICATION_EMAIL_OFF, 400, "Verification email isn't enabled"),
	ROW(ERROR_DEFER_SESSION_REQUIRED, 405, "METHOD_NOT_ALLOWED_DEFER_SESSION_REQUIRED",
	    "POST method requires deferSessionRefresh to be enabled in session config"),
	ROW(ERROR_MISSING_OR_NULL_ORIGIN, 403, "MISSING_OR_NULL_ORIGIN", "Missing or null Origin"),
	ROW(ERROR_INVALID_ORIGIN, 403, "INVALID_ORIGIN", "Invalid origin"),
	ROW(ERROR_CROSS_SITE_LOGIN, 403, "CROSS_SITE_NAVIGATION_LOGIN_BLOCKED",
	    "Cross-site navigation login blocked. This request appears to be a CSRF attack."),
	ROW(ERROR_INVALID_CALLBACK_URL, 403, "INVALID_CALLBACK_URL", "Invalid callbackURL"),
	ROW(ERROR_INVALID_REDIRECT_URL, 403, "INVALID_REDIRECT_URL", "Invalid redirectURL"),
	ROW(ERROR_INVALID_ERROR_CALLBACK_URL, 403, "INVALID_ERROR_CALLBACK_URL",
	    "Invalid errorCallbackURL"),
	ROW(ERROR_INVALID_NEW_USER_CALLBACK_URL, 403, "INVALID_NEW_USER_CALLBACK_URL",
	    "Invalid newUserCallbackURL"),
	BARE(ERROR_NO_FIELDS_TO_UPDATE, 400, "No fields to update"),
	BARE(ERROR_TOO_MANY_REQUESTS, 429, "Too many requests. Please try again later."),
	ROW(ERROR_RESET_PASSWORD_DISABLED, 400, "RESET_PASSWORD_DISABLED",
	    "Reset password isn't enabled"),
	ROW(ERROR_INVALID_TOKEN, 400, "INVALID_TOKEN", "Invalid token"),
	ROW(ERROR_INVALID_TOKEN_401, 401, "INVALID_TOKEN", "Invalid token"),
	ROW(ERROR_INVALID_TOKEN_404, 404, "INVALID_TOKEN", "Invalid token"),
	ROW(ERROR_VERIFICATION_EMAIL_NOT_ENABLED, 400, "VERIFICATION_EMAIL_NOT_ENABLED",
	    "Verification email isn't enabled"),
	ROW(ERROR_PROVIDER_NOT_FOUND, 404, "PROVIDER_NOT_FOUND", "Provider not found"),
	ROW(ERROR_DELETE_CALLBACK_NOT_FOUND, 404, "NOT_FOUND", "Not found"),
	ROW(ERROR_BODY_TOO_LARGE, 413, "PAYLOAD_TOO_LARGE", "Request body is too large"),
	ROW(ERROR_BAD_REQUEST, 400, "BAD_REQUEST", "Bad request"),
	ROW(ERROR_BUSY, 503, "SERVICE_BUSY", "Service is busy. Please try again."),
	ROW(ERROR_UNAVAILABLE, 503, "SERVICE_UNAVAILABLE",
	    "Service is unavailable. Please try again."),
	ROW(ERROR_INTERNAL, 500, "INTERNAL_SERVER_ERROR", "Internal Server Error"),
};

static void error_table_is_the_contracts(void **state)
{
	(void)state;
	assert_int_equal(COUNT_OF(ROWS), ERROR_COUNT_ - 1);
	for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
		const struct row *row = &ROWS[i];
		assert_int_equal(row->error, i + 1);
		if (error_http_status(row->error) != row->status)
			fail_msg("row %zu: status", i);
		const char *code = error_code(row->error);
		if ((code == NULL) != (row->code == NULL) ||
		    (code != NULL && strcmp(code, row->code) != 0))
			fail_msg("row %zu: code", i);
	}
}

static void error_reply_is_the_whole_refusal(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
		const struct row *row = &ROWS[i];
		struct reply r;
		reply_init(&r, mem);
		/* a body begun must not go out with it; cookies of the session do */
		reply_status(&r, 200);
		reply_header(&r, "set-cookie", SPAN("cleared="));
		reply_json(&r);
		buf_text(&r.body, "{\"token\":");
		error_reply(&r, row->error);

		struct span block = reply_finish(&r);
		const char *end = strstr(block.at, "\r\n\r\n");
		assert_non_null(end);
		struct span head = span_first(block, (size_t)(end - block.at));
		struct span body = span_from(block, head.len + 4);
		if (r.status != row->status)
			fail_msg("row %zu: status", i);
		if (!span_equal(body, row->body == NULL ? SPAN("") : span_of(row->body)))
			fail_msg("row %zu: %.*s", i, SPAN_FMT(body));
		char *text = arena_text(mem, head);
		assert_non_null(strstr(text, "\r\nset-cookie: cleared="));
		const char *type = strstr(text, "\r\ncontent-type: application/json");
		if ((type == NULL) != (row->body == NULL))
			fail_msg("row %zu: content type", i);
		if (type != NULL && strstr(type + 3, "content-type") != NULL)
			fail_msg("row %zu: two content types", i);
		if ((strstr(text, "\r\nretry-after: 1") != NULL) != (row->status == 503))
			fail_msg("row %zu: retry-after", i);
	}
}

static void error_unknown_number_is_a_500(void **state)
{
	(void)state;
	static const int rows[] = { ERROR_NONE, ERROR_COUNT_, ERROR_COUNT_ + 1, 9999, -1 };
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct reply r;
		reply_init(&r, mem);
		error_reply(&r, (enum error)rows[i]);
		assert_int_equal(r.status, 500);
		assert_int_equal(error_http_status((enum error)rows[i]), 500);
	}
}

static void error_of_status_in_one_place(void **state)
{
	(void)state;
	static const struct {
		enum status status;
		enum error error;
	} rows[] = {
		{ STATUS_INVALID, ERROR_BAD_REQUEST },
		{ STATUS_NOT_FOUND, ERROR_INTERNAL },
		{ STATUS_CONFLICT, ERROR_INTERNAL },
		{ STATUS_DENIED, ERROR_INTERNAL },
		{ STATUS_TOO_LARGE, ERROR_BODY_TOO_LARGE },
		{ STATUS_NO_MEMORY, ERROR_UNAVAILABLE },
		{ STATUS_BUSY, ERROR_BUSY },
		{ STATUS_UNAVAILABLE, ERROR_UNAVAILABLE },
		{ STATUS_INTERNAL, ERROR_INTERNAL },
		{ STATUS_OK, ERROR_INTERNAL },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (error_of_status(rows[i].status) != rows[i].error)
			fail_msg("row %zu", i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(error_table_is_the_contracts),
		cmocka_unit_test(error_reply_is_the_whole_refusal),
		cmocka_unit_test(error_unknown_number_is_a_500),
		cmocka_unit_test(error_of_status_in_one_place),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("error", tests, set_up, tear_down);
}
