/* SPDX-License-Identifier: MIT */
/*
 * metrics: counting in memory that threads and processes share, and the text
 * format of Prometheus (0.0.4). Names are given without the `authbridge_` that
 * each gets, labels ready-made: `{status="2xx"}`, or "" for none.
 */
#ifndef HTTP_METRICS_H
#define HTTP_METRICS_H

#include "base/buf.h"

#include <stdatomic.h>
#include <stdint.h>

/* Upper bounds from 5 us to 10 s, and all above. */
#define METRICS_BOUNDS 20

/* How long things took. All zeros at first. */
struct metrics_histogram {
	_Atomic uint64_t buckets[METRICS_BOUNDS + 1]; /* each of its own, not added up */
	_Atomic uint64_t sum_us;
};

/* Lock-free; a reader may see the one before the other. */
static inline void metrics_count(_Atomic uint64_t *counter, uint64_t more)
{
	atomic_fetch_add_explicit(counter, more, memory_order_relaxed);
}

void metrics_observe(struct metrics_histogram *histogram, int64_t us);

/* `count` counters that lie `stride` bytes apart, added up. */
uint64_t metrics_sum(const _Atomic uint64_t *first, size_t count, size_t stride);

/* Once before the samples of a name; `help` has no backslash or line end. */
void metrics_head(struct buf *out, const char *name, const char *type, const char *help);
void metrics_put(struct buf *out, const char *name, const char *labels, uint64_t value);
/* In seconds; METRICS_FOREVER is +Inf. */
#define METRICS_FOREVER INT64_MAX
void metrics_put_ms(struct buf *out, const char *name, const char *labels, int64_t ms);

/* The sum of `count` histograms `stride` bytes apart. `label`: `class="gate"`. */
void metrics_put_histogram(struct buf *out, const char *name, const char *label,
			   const struct metrics_histogram *first, size_t count, size_t stride);

#endif
