/* SPDX-License-Identifier: MIT */
#include "http/error.h"

struct refusal {
	int status;
	const char *code; /* NULL: the contract gives none */
	const char *message;
};

static const struct refusal REFUSALS[ERROR_COUNT_] = {
	[ERROR_NOT_FOUND_EMPTY] = { 404, NULL, NULL },
	[ERROR_INVALID_JSON] = { 400, "BAD_REQUEST", "Invalid JSON in request body" },
	[ERROR_INVALID_EMAIL] = { 400, "INVALID_EMAIL", "Invalid email" },
	[ERROR_PASSWORD_TOO_SHORT] = { 400, "PASSWORD_TOO_SHORT", "Password too short" },
	[ERROR_PASSWORD_TOO_LONG] = { 400, "PASSWORD_TOO_LONG", "Password too long" },
	[ERROR_PASSWORD_BLOCKED] = { 400, "PASSWORD_COMPROMISED",
				     "The password you entered has been compromised. "
				     "Please choose a different password." },
	[ERROR_USER_ALREADY_EXISTS] = { 422, "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL",
					"User already exists. Use another email." },
	[ERROR_FAILED_TO_CREATE_USER] = { 422, "FAILED_TO_CREATE_USER", "Failed to create user" },
	[ERROR_INVALID_EMAIL_OR_PASSWORD] = { 401, "INVALID_EMAIL_OR_PASSWORD",
					      "Invalid email or password" },
	[ERROR_INVALID_PASSWORD] = { 400, "INVALID_PASSWORD", "Invalid password" },
	[ERROR_CREDENTIAL_ACCOUNT_NOT_FOUND] = { 400, "CREDENTIAL_ACCOUNT_NOT_FOUND",
						 "Credential account not found" },
	[ERROR_UNAUTHORIZED] = { 401, "UNAUTHORIZED", "Unauthorized" },
	[ERROR_SESSION_NOT_FRESH] = { 403, "SESSION_NOT_FRESH", "Session is not fresh" },
	[ERROR_SESSION_EXPIRED] = { 400, "SESSION_EXPIRED",
				    "Session expired. Re-authenticate to perform this action." },
	[ERROR_EMAIL_CAN_NOT_BE_UPDATED] = { 400, "EMAIL_CAN_NOT_BE_UPDATED",
					     "Email can not be updated" },
	[ERROR_CHANGE_EMAIL_DISABLED] = { 400, "CHANGE_EMAIL_DISABLED",
					  "Change email is disabled" },
	[ERROR_SAME_EMAIL] = { 400, NULL, "Email is the same" },
	[ERROR_VERIFICATION_EMAIL_OFF] = { 400, NULL, "Verification email isn't enabled" },
	[ERROR_DEFER_SESSION_REQUIRED] = { 405, "METHOD_NOT_ALLOWED_DEFER_SESSION_REQUIRED",
					   "POST method requires deferSessionRefresh to be "
					   "enabled in session config" },
	[ERROR_MISSING_OR_NULL_ORIGIN] = { 403, "MISSING_OR_NULL_ORIGIN",
					   "Missing or null Origin" },
	[ERROR_INVALID_ORIGIN] = { 403, "INVALID_ORIGIN", "Invalid origin" },
	[ERROR_CROSS_SITE_LOGIN] = { 403, "CROSS_SITE_NAVIGATION_LOGIN_BLOCKED",
				     "Cross-site navigation login blocked. This request appears "
				     "to be a CSRF attack." },
	[ERROR_INVALID_CALLBACK_URL] = { 403, "INVALID_CALLBACK_URL", "Invalid callbackURL" },
	[ERROR_INVALID_REDIRECT_URL] = { 403, "INVALID_REDIRECT_URL", "Invalid redirectURL" },
	[ERROR_INVALID_ERROR_CALLBACK_URL] = { 403, "INVALID_ERROR_CALLBACK_URL",
					       "Invalid errorCallbackURL" },
	[ERROR_INVALID_NEW_USER_CALLBACK_URL] = { 403, "INVALID_NEW_USER_CALLBACK_URL",
						  "Invalid newUserCallbackURL" },
	[ERROR_NO_FIELDS_TO_UPDATE] = { 400, NULL, "No fields to update" },
	[ERROR_TOO_MANY_REQUESTS] = { 429, NULL, "Too many requests. Please try again later." },
	[ERROR_RESET_PASSWORD_DISABLED] = { 400, "RESET_PASSWORD_DISABLED",
					    "Reset password isn't enabled" },
	[ERROR_INVALID_TOKEN] = { 400, "INVALID_TOKEN", "Invalid token" },
	[ERROR_INVALID_TOKEN_401] = { 401, "INVALID_TOKEN", "Invalid token" },
	[ERROR_INVALID_TOKEN_404] = { 404, "INVALID_TOKEN", "Invalid token" },
	[ERROR_VERIFICATION_EMAIL_NOT_ENABLED] = { 400, "VERIFICATION_EMAIL_NOT_ENABLED",
						   "Verification email isn't enabled" },
	[ERROR_PROVIDER_NOT_FOUND] = { 404, "PROVIDER_NOT_FOUND", "Provider not found" },
	[ERROR_DELETE_CALLBACK_NOT_FOUND] = { 404, "NOT_FOUND", "Not found" },
	[ERROR_BODY_TOO_LARGE] = { 413, "PAYLOAD_TOO_LARGE", "Request body is too large" },
	[ERROR_BAD_REQUEST] = { 400, "BAD_REQUEST", "Bad request" },
	[ERROR_BUSY] = { 503, "SERVICE_BUSY", "Service is busy. Please try again." },
	[ERROR_UNAVAILABLE] = { 503, "SERVICE_UNAVAILABLE",
				"Service is unavailable. Please try again." },
	[ERROR_INTERNAL] = { 500, "INTERNAL_SERVER_ERROR", "Internal Server Error" },
};

/* A number that names no refusal is our own mistake: a 500, never a success. */
static const struct refusal *refusal_of(enum error error)
{
	bool known = error > ERROR_NONE && error < ERROR_COUNT_;
	return &REFUSALS[known ? error : ERROR_INTERNAL];
}

void error_reply(struct reply *r, enum error error)
{
	const struct refusal *refusal = refusal_of(error);

	if (refusal->status == 503)
		reply_header(r, "retry-after", SPAN("1"));
	if (refusal->message != NULL) {
		reply_message(r, refusal->status, refusal->message, refusal->code);
		return;
	}
	reply_drop_body(r);
	reply_status(r, refusal->status);
}

enum error error_of_status(enum status status)
{
	switch (status) {
	case STATUS_BUSY:
		return ERROR_BUSY;
	case STATUS_UNAVAILABLE:
	case STATUS_NO_MEMORY:
		return ERROR_UNAVAILABLE;
	case STATUS_TOO_LARGE:
		return ERROR_BODY_TOO_LARGE;
	case STATUS_INVALID:
		return ERROR_BAD_REQUEST;
	default:
		return ERROR_INTERNAL;
	}
}

int error_http_status(enum error error)
{
	return refusal_of(error)->status;
}

const char *error_code(enum error error)
{
	return refusal_of(error)->code;
}
