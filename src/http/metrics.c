/* SPDX-License-Identifier: MIT */
#include "http/metrics.h"

static const struct {
	int64_t us;
	const char *le;
} bounds[METRICS_BOUNDS] = {
	{ 5, "5e-06" },     { 10, "1e-05" },    { 25, "2.5e-05" },  { 50, "5e-05" },
	{ 100, "0.0001" },  { 250, "0.00025" }, { 500, "0.0005" },  { 1000, "0.001" },
	{ 2500, "0.0025" }, { 5000, "0.005" },  { 10000, "0.01" },  { 25000, "0.025" },
	{ 50000, "0.05" },  { 100000, "0.1" },  { 250000, "0.25" }, { 500000, "0.5" },
	{ 1000000, "1.0" }, { 2500000, "2.5" }, { 5000000, "5.0" }, { 10000000, "10.0" },
};

void metrics_observe(struct metrics_histogram *histogram, int64_t us)
{
	size_t at = 0;
	while (at < METRICS_BOUNDS && us > bounds[at].us)
		at++;
	metrics_count(&histogram->buckets[at], 1);
	metrics_count(&histogram->sum_us, us > 0 ? (uint64_t)us : 0);
}

uint64_t metrics_sum(const _Atomic uint64_t *first, size_t count, size_t stride)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < count; i++)
		sum += atomic_load_explicit(&first[i * stride / sizeof(*first)],
					    memory_order_relaxed);
	return sum;
}

void metrics_head(struct buf *out, const char *name, const char *type, const char *help)
{
	buf_format(out, "# HELP authbridge_%s %s\n# TYPE authbridge_%s %s\n", name, help, name,
		   type);
}

void metrics_put(struct buf *out, const char *name, const char *labels, uint64_t value)
{
	buf_format(out, "authbridge_%s%s %llu\n", name, labels, (unsigned long long)value);
}

void metrics_put_ms(struct buf *out, const char *name, const char *labels, int64_t ms)
{
	if (ms == METRICS_FOREVER)
		buf_format(out, "authbridge_%s%s +Inf\n", name, labels);
	else
		buf_format(out, "authbridge_%s%s %.3f\n", name, labels, (double)ms / 1000);
}

void metrics_put_histogram(struct buf *out, const char *name, const char *label,
			   const struct metrics_histogram *first, size_t count, size_t stride)
{
	uint64_t total = 0;
	for (size_t i = 0; i <= METRICS_BOUNDS; i++) {
		total += metrics_sum(&first->buckets[i], count, stride);
		buf_format(out, "authbridge_%s_bucket{%s,le=\"%s\"} %llu\n", name, label,
			   i < METRICS_BOUNDS ? bounds[i].le : "+Inf", (unsigned long long)total);
	}
	double seconds = (double)metrics_sum(&first->sum_us, count, stride) / 1e6;
	buf_format(out, "authbridge_%s_sum{%s} %.6f\nauthbridge_%s_count{%s} %llu\n", name, label,
		   seconds, name, label, (unsigned long long)total);
}
