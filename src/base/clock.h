/* SPDX-License-Identifier: MIT */
/*
 * clock: the only reader of time. Everything pure takes `now` as an argument.
 * Wall time is in milliseconds since 1970 UTC (`now_ms`) or in whole seconds
 * (`now`); durations are measured on the monotonic clock (`mono_ms`).
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "base/span.h"
#include "base/status.h"

#include <stdint.h>

#define CLOCK_ISO_ROOM 32

int64_t clock_wall_ms(void);
int64_t clock_mono_ms(void);
int64_t clock_mono_us(void);

/* `2026-11-20T23:54:39.746Z`, always three decimals; NUL-terminated. Years
 * 0000 to 9999; others are clamped. Pure. Returns the length (24). */
size_t clock_iso_format(int64_t wall_ms, char out[CLOCK_ISO_ROOM]);

/* Exactly that form. Pure. */
MUST_CHECK enum status clock_iso_parse(struct span text, int64_t *wall_ms_out);

#endif
