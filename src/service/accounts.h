/* SPDX-License-Identifier: MIT */
/*
 * accounts: sign-up, sign-in, password change. Hashes run in the hash lane and
 * never while a database connection is held.
 *
 * The status says whether it worked; the outcome, meaningful with STATUS_OK,
 * says what was decided. A zeroed outcome is a refusal.
 */
#ifndef SERVICE_ACCOUNTS_H
#define SERVICE_ACCOUNTS_H

#include "base/arena.h"
#include "base/span.h"
#include "base/status.h"
#include "service/sessions.h"

enum account_outcome {
	ACCOUNT_REFUSED = 0, /* wrong e-mail or password, and nothing more is said */
	ACCOUNT_DONE,
	ACCOUNT_PASSWORD_SHORT,
	ACCOUNT_PASSWORD_LONG,
	ACCOUNT_PASSWORD_BLOCKED, /* on the block list */
	ACCOUNT_EXISTS,           /* the address is taken */
	ACCOUNT_UNSTORABLE,       /* a value that cannot be stored */
	ACCOUNT_NO_CREDENTIAL,    /* the user has no password */
	ACCOUNT_WAIT,             /* guessed too often; wait_ms says how long */
};

struct sign_up {
	struct span name, email, password;
	struct span image; /* absent: none */
	bool remember;
	struct client client;
};

struct sign_in {
	struct span email, password;
	bool remember;
	struct client client;
	struct span device; /* verified "known device" of this browser; absent: none */
};

struct account_result {
	enum account_outcome outcome;
	const char *reason;       /* a word for the log */
	int64_t wait_ms;          /* with ACCOUNT_WAIT */
	struct session_view view; /* user known also for some refusals: id not absent */
};

/* The rules for a new password; ACCOUNT_DONE when it passes. */
enum account_outcome accounts_judge_password(const struct service *service, struct span password);

/* The throttle's row: kind 'a' of a lower-case address, 'p' of a user's id (who
 * proves the password in a session), 'd' of a device. */
struct span accounts_throttle_key(const struct service *service, struct arena *mem, char kind,
				  struct span of);

MUST_CHECK enum status accounts_sign_up(struct service *service, struct arena *mem,
					const struct sign_up *in, int64_t now_ms,
					struct account_result *out);

MUST_CHECK enum status accounts_sign_in(struct service *service, struct arena *mem,
					const struct sign_in *in, int64_t now_ms,
					struct account_result *out);

struct password_change {
	const struct session_view *view;
	struct span current, renewed;
	bool revoke_others;
	struct client client;
};
MUST_CHECK enum status accounts_change_password(struct service *service, struct arena *mem,
						const struct password_change *in, int64_t now_ms,
						struct account_result *out);

/* Is this the user's password? ACCOUNT_DONE or ACCOUNT_REFUSED. */
MUST_CHECK enum status accounts_verify_password(struct service *service, struct arena *mem,
						const struct session_view *view,
						struct span password, int64_t now_ms,
						struct account_result *out);

#endif
