/* SPDX-License-Identifier: MIT */
/*
 * audit: what users did or were refused, on its way to authbridge.audit.
 *
 * Nobody waits for it: an event goes into a bounded table in memory, and a
 * thread of its own writes that to the database every second, also after the
 * database was away. A refusal that repeats one of this moment only raises its
 * number; other refusals are admitted at a rate that a flood cannot turn into a
 * full disk. What is not admitted is counted, and the number written.
 */
#ifndef SERVICE_AUDIT_H
#define SERVICE_AUDIT_H

#include "base/rng.h"
#include "base/span.h"
#include "base/status.h"

#include <stdint.h>

struct audit;
struct store;

enum audit_event {
	AUDIT_SIGN_UP,
	AUDIT_SIGN_UP_REFUSED,
	AUDIT_SIGN_IN,
	AUDIT_SIGN_IN_REFUSED,
	AUDIT_SIGN_OUT,
	AUDIT_SESSIONS_REVOKED,
	AUDIT_PASSWORD_CHANGED,
	AUDIT_PASSWORD_CHANGE_REFUSED,
	AUDIT_PASSWORD_REFUSED,
	AUDIT_USER_DELETED,
	AUDIT_USER_DELETION_REFUSED,
	AUDIT_EVENTS
};

/* As in the log and in the table. */
const char *audit_event_word(enum audit_event event);

/* Of one worker: refusals of different kinds at once, and in each second. */
#define AUDIT_BURST 500
#define AUDIT_RATE 2

/* `store` is borrowed until audit_stop. */
MUST_CHECK enum status audit_start(struct store *store, const struct rng *rng, struct audit **out);
/* Writes what is left, unless the database is away. NULL inside is fine. */
void audit_stop(struct audit **audit);

/* `reason` NULL: it was done; a constant. An unknown user or address is absent
 * or empty. Never waits for the database. NULL `audit` does nothing.
 * Thread-safe. */
void audit_note(struct audit *audit, enum audit_event event, struct span user_id,
		struct span address, const char *reason);

struct audit_stats {
	uint64_t waiting, suppressed; /* lines not written yet; events only counted */
};
void audit_read_stats(struct audit *audit, struct audit_stats *out);

#endif
