/* SPDX-License-Identifier: MIT */
/*
 * report: rows for people as a table, for scripts as one JSON array of
 * objects. Control bytes never reach the terminal.
 */
#ifndef CTL_REPORT_H
#define CTL_REPORT_H

#include "base/jdoc.h"
#include "ctl/ctl.h"

#define REPORT_COLUMNS 9

struct report {
	const struct ctl *ctl;
	const char *const *names; /* of the columns, NULL at the end */
	struct buf text;          /* the JSON, or the table's lines */
	struct jdoc_writer w;
	size_t widths[REPORT_COLUMNS];
	size_t rows;
};

void report_begin(struct report *r, const struct ctl *ctl, const char *const *names);
/* One value for each column; absent ones are "-" and null. */
void report_row(struct report *r, const struct span *values);
/* Prints it. */
void report_end(struct report *r);

/* One row, a line for each value; or one JSON object. */
void report_card(const struct ctl *ctl, const char *const *names, const struct span *values);

/* One row at once: a line of name=value, or one JSON object. */
void report_line(const struct ctl *ctl, const char *const *names, const struct span *values);

/* A wall time as a value: ISO, or absent when negative. */
struct span report_time(const struct ctl *ctl, int64_t wall_ms);

/* {"ended":3} or "3 sessions ended". */
void report_count(const struct ctl *ctl, const char *name, const char *sentence, size_t count);

#endif
