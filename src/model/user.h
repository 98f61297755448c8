/* SPDX-License-Identifier: MIT */
/*
 * model: the types of the field and the rules about them. No I/O, no library:
 * time and text come in as arguments, verdicts go out. Sits below the store,
 * which returns these types, and below the services, which ask these rules.
 */
#ifndef MODEL_USER_H
#define MODEL_USER_H

#include "base/span.h"

#include <stdint.h>

/* Bounds in bytes. The reference has none; but these go into a JWT, and the
 * JWT into a header (doc/differences.md). */
#define USER_NAME_MAX 512
#define USER_IMAGE_MAX 2048
#define USER_EMAIL_MAX 320

/* A row of "user". Spans live in the arena of whoever asked. */
struct user {
	struct span id, name, email; /* email in lower case */
	struct span image;           /* absent when NULL */
	bool email_verified;
	int64_t created_ms, updated_ms; /* wall clock */
};

/* The credential account of a user ("account" with provider `credential`). */
struct credential {
	struct span account_id; /* "account".id; absent: the user has none */
	struct span hash;       /* stored password hash; absent when NULL */
	bool disabled;          /* by an administrator: sign-in is refused */
};

#endif
