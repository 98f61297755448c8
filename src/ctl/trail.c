/* SPDX-License-Identifier: MIT */
/* authbridgectl audit: the trail of what users and administrators did. */
#include "ctl/ctl.h"

#include "base/clock.h"
#include "ctl/report.h"
#include "store/admin_trail.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define COUNT_DEFAULT 20
#define COUNT_MAX 100000
/* Followed by looking at this many again: rows are not committed in the order
 * of their ids. */
#define WINDOW 2000
#define LOOK_US 1000000
#define DAYS_MAX 36500

static const char *const names[] = { "at",    "event", "user",   "address", "reason",
				     "times", "actor", "detail", NULL };
enum { COLUMNS = COUNT_OF(names) - 1 };

static void values_of(const struct ctl *ctl, const struct trail_row *row,
		      struct span values[COLUMNS])
{
	const struct span made[COLUMNS] = {
		report_time(ctl, row->at_ms),
		row->event,
		row->user_id,
		row->address,
		row->reason,
		span_of(arena_format(ctl->mem, "%lld", (long long)row->times)),
		row->actor,
		row->detail,
	};
	memcpy(values, made, sizeof(made));
}

/* Ids that were printed; the smallest goes when it is full. */
struct seen {
	int64_t ids[2 * WINDOW];
	size_t count;
};

static bool is_new(struct seen *seen, int64_t id)
{
	for (size_t i = 0; i < seen->count; i++)
		if (seen->ids[i] == id)
			return false;
	if (seen->count == COUNT_OF(seen->ids)) {
		memmove(seen->ids, seen->ids + WINDOW, WINDOW * sizeof(seen->ids[0]));
		seen->count = WINDOW;
	}
	seen->ids[seen->count++] = id;
	return true;
}

/* A line, or a JSON object, for each; never a table, whose widths are known
 * at the end alone. */
static void print_row(const struct ctl *ctl, const struct trail_row *row)
{
	struct span values[COLUMNS];
	values_of(ctl, row, values);
	report_line(ctl, names, values);
}

static int follow(const struct ctl *ctl, struct store *store, size_t count)
{
	struct seen *seen = arena_alloc(ctl->mem, sizeof(*seen));
	for (bool first = true;; first = false) {
		CLEANUP(arena_free) struct arena *mem = arena_new(0);
		struct ctl round = *ctl;
		struct trail_row *rows;
		size_t found;
		round.mem = mem;
		enum status status = admin_trail(store, mem, WINDOW, &rows, &found);
		if (status != STATUS_OK && (first || status != STATUS_UNAVAILABLE))
			return ctl_fail("audit tail", NULL, status);
		for (size_t i = 0; status == STATUS_OK && i < found; i++)
			if (is_new(seen, rows[i].id) && (!first || i + count >= found))
				print_row(&round, &rows[i]);
		if (fflush(stdout) != 0)
			return EX_IOERR;
		usleep(LOOK_US);
	}
}

static int tail(const struct ctl *ctl, struct store *store, size_t count)
{
	struct report report;
	struct trail_row *rows;
	size_t found;
	enum status status = admin_trail(store, ctl->mem, count, &rows, &found);
	if (status != STATUS_OK)
		return ctl_fail("audit tail", NULL, status);
	report_begin(&report, ctl, names);
	for (size_t i = 0; i < found; i++) {
		struct span values[COLUMNS];
		values_of(ctl, &rows[i], values);
		report_row(&report, values);
	}
	report_end(&report);
	return EX_OK;
}

static bool read_number(const char *text, unsigned long long most, int64_t *out)
{
	unsigned long long value;
	if (!span_to_uint(span_of(text), &value) || value < 1 || value > most)
		return false;
	*out = (int64_t)value;
	return true;
}

int ctl_audit_tail(const struct ctl *ctl)
{
	static const struct option none[] = { { NULL, 0, NULL, 0 } };
	CLEANUP(store_close) struct store *store = NULL;
	int64_t count = COUNT_DEFAULT;
	bool follows = false;
	int option;
	while ((option = getopt_long(ctl->argc, ctl->argv, "fn:", none, NULL)) != -1) {
		if (option == '?' || (option == 'n' && !read_number(optarg, COUNT_MAX, &count)))
			return ctl_usage(ctl);
		follows |= option == 'f';
	}
	if (optind < ctl->argc)
		return ctl_usage(ctl);
	int code = ctl_open_store(ctl, &store);
	if (code != EX_OK)
		return code;
	return follows ? follow(ctl, store, (size_t)count) : tail(ctl, store, (size_t)count);
}

int ctl_audit_keep(const struct ctl *ctl)
{
	static const char *const policy_names[] = { "keep", "refused", NULL };
	CLEANUP(store_close) struct store *store = NULL;
	struct trail_policy policy = { 0 };
	if ((ctl->argc > 1 && !read_number(ctl->argv[1], DAYS_MAX, &policy.keep_days)) ||
	    (ctl->argc > 2 && !read_number(ctl->argv[2], DAYS_MAX, &policy.keep_refused_days)))
		return ctl_usage(ctl);
	int code = ctl_open_store(ctl, &store);
	if (code != EX_OK)
		return code;
	enum status status = admin_trail_policy(store, &policy, &policy);
	if (status != STATUS_OK)
		return ctl_fail("audit keep", NULL, status);
	const struct span values[] = {
		span_of(arena_format(ctl->mem, "%lld days", (long long)policy.keep_days)),
		span_of(arena_format(ctl->mem, "%lld days", (long long)policy.keep_refused_days)),
	};
	report_card(ctl, policy_names, values);
	return EX_OK;
}
