/* SPDX-License-Identifier: MIT */
/*
 * secret: long-lived keys. Wiped when freed, compared in constant time, kept
 * out of core dumps where the kernel allows it.
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include "base/span.h"
#include "base/status.h"

struct secret {
	unsigned char *at;
	size_t len;
};

/* Copies `bytes` into memory of its own (page-aligned, MADV_DONTDUMP). */
void secret_set(struct secret *secret, struct span bytes);

/* Wipes and frees; the struct becomes empty. Safe on an empty one. */
void secret_free(struct secret *secret);

static inline struct span secret_span(const struct secret *secret)
{
	return span_make((const char *)secret->at, secret->len);
}

/* Time depends on the lengths alone. */
bool secret_equal(struct span a, struct span b);

/* A memset the compiler may not drop. */
void secret_wipe(void *at, size_t len);

#endif
