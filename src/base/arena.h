/* SPDX-License-Identifier: MIT */
/*
 * arena: request-lifetime memory. Everything in it goes at once, and is wiped
 * when it goes, so a request's secrets need no care of their own.
 *
 * One arena belongs to one thread at a time. Small allocations never fail: a
 * refused malloc aborts (sizes are capped at the door). What is sized by
 * input or large goes through arena_try.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/span.h"
#include "base/status.h"

#include <stdarg.h>
#include <stddef.h>

struct arena;

/* `first_bytes` are taken at once and kept over resets (0: 8 KiB). */
struct arena *arena_new(size_t first_bytes);

/* Wipes what was used and gives back all but the first block. */
void arena_reset(struct arena *mem);

/* Wipes, frees and clears *mem. NULL inside is fine. */
void arena_free(struct arena **mem);

/* `len` zeroed bytes, aligned for any type. Never NULL. */
void *arena_alloc(struct arena *mem, size_t len)
	__attribute__((returns_nonnull, malloc, alloc_size(2)));

/* As arena_alloc, but STATUS_NO_MEMORY instead of abort. */
MUST_CHECK enum status arena_try(struct arena *mem, size_t len, void **out);

/* A NUL-terminated copy (bytes after an embedded NUL are copied too). */
char *arena_text(struct arena *mem, struct span s) __attribute__((returns_nonnull));

/* A copy as a span; an absent span stays absent. */
struct span arena_copy(struct arena *mem, struct span s);

/* Formatted, NUL-terminated text. */
char *arena_format(struct arena *mem, const char *format, ...) PRINTF_LIKE(2, 3)
	__attribute__((returns_nonnull));

char *arena_format_list(struct arena *mem, const char *format, va_list args) PRINTF_LIKE(2, 0)
	__attribute__((returns_nonnull));

/* Bytes handed out since the last reset. */
size_t arena_used(const struct arena *mem);

#endif
