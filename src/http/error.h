/* SPDX-License-Identifier: MIT */
/*
 * error: every refusal that the wire contract names, with status, message and
 * code, in one table; and the one place where a status becomes an HTTP code.
 */
#ifndef HTTP_ERROR_H
#define HTTP_ERROR_H

#include "base/status.h"
#include "http/reply.h"

enum error {
	ERROR_NONE = 0,
	ERROR_NOT_FOUND_EMPTY, /* 404, empty body, no content type */
	ERROR_INVALID_JSON,    /* 400 BAD_REQUEST */
	ERROR_INVALID_EMAIL,
	ERROR_PASSWORD_TOO_SHORT,
	ERROR_PASSWORD_TOO_LONG,
	ERROR_PASSWORD_BLOCKED, /* ours: 400 PASSWORD_COMPROMISED */
	ERROR_USER_ALREADY_EXISTS,
	ERROR_FAILED_TO_CREATE_USER,
	ERROR_INVALID_EMAIL_OR_PASSWORD,
	ERROR_INVALID_PASSWORD,
	ERROR_CREDENTIAL_ACCOUNT_NOT_FOUND,
	ERROR_UNAUTHORIZED,
	ERROR_SESSION_NOT_FRESH,
	ERROR_SESSION_EXPIRED,
	ERROR_EMAIL_CAN_NOT_BE_UPDATED,
	ERROR_CHANGE_EMAIL_DISABLED,
	ERROR_SAME_EMAIL,
	ERROR_VERIFICATION_EMAIL_OFF,
	ERROR_DEFER_SESSION_REQUIRED,
	ERROR_MISSING_OR_NULL_ORIGIN,
	ERROR_INVALID_ORIGIN,
	ERROR_CROSS_SITE_LOGIN,
	ERROR_INVALID_CALLBACK_URL,
	ERROR_INVALID_REDIRECT_URL,
	ERROR_INVALID_ERROR_CALLBACK_URL,
	ERROR_INVALID_NEW_USER_CALLBACK_URL,
	ERROR_NO_FIELDS_TO_UPDATE,
	ERROR_TOO_MANY_REQUESTS,
	ERROR_RESET_PASSWORD_DISABLED,
	ERROR_INVALID_TOKEN, /* 400 */
	ERROR_INVALID_TOKEN_401,
	ERROR_INVALID_TOKEN_404,
	ERROR_VERIFICATION_EMAIL_NOT_ENABLED,
	ERROR_PROVIDER_NOT_FOUND,
	ERROR_DELETE_CALLBACK_NOT_FOUND, /* 404 NOT_FOUND */
	ERROR_BODY_TOO_LARGE,            /* 413 */
	ERROR_BAD_REQUEST,               /* 400, a request that is not one */
	ERROR_BUSY,                      /* 503 + Retry-After */
	ERROR_UNAVAILABLE,               /* 503 + Retry-After */
	ERROR_INTERNAL,                  /* 500 */
	ERROR_COUNT_
};

/* Makes the reply this refusal. Headers set before stay: as in the reference, a
 * refusal still carries the cookies that came of reading the session. */
void error_reply(struct reply *r, enum error error);

/* BUSY, UNAVAILABLE, NO_MEMORY -> 503; TOO_LARGE -> 413; INVALID -> 400;
 * everything else -> ERROR_INTERNAL. */
enum error error_of_status(enum status status);

/* The HTTP status and code word of an error; NULL code when it has none. */
int error_http_status(enum error error);
const char *error_code(enum error error);

#endif
