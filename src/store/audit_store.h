/* SPDX-License-Identifier: MIT */
/* audit_store: the trail of what users did, which the service adds to and
 * never reads; part of store.h's promise and rules. */
#ifndef STORE_AUDIT_STORE_H
#define STORE_AUDIT_STORE_H

#include "store/store.h"

struct audit_line {
	int64_t at_ms;
	const char *event;
	struct span user_id, address; /* absent when unknown */
	const char *reason;           /* NULL: it was done, not refused */
	int64_t times;
};

#define AUDIT_LINES_MAX 256

/* Adds up to AUDIT_LINES_MAX lines in one statement. When the database left in
 * between, STATUS_UNAVAILABLE may also mean that they were added. */
MUST_CHECK enum status store_audit(struct store *store, struct arena *mem,
				   const struct audit_line *lines, size_t count);

#endif
