/* SPDX-License-Identifier: MIT */
/*
 * pg: one PostgreSQL connection; the only file that sees libpq. Every call has
 * a deadline that holds even when packets are dropped, a SQLSTATE becomes a
 * status here and nowhere else, and what the server says about values is never
 * logged (SQLSTATE and constraint are).
 *
 * A connection belongs to one thread at a time. Once broken (deadline passed,
 * peer gone, read-only server) it stays so: close it.
 */
#ifndef STORE_PG_H
#define STORE_PG_H

#include "base/span.h"
#include "base/status.h"

#include <stdint.h>

struct pg;
struct pg_result; /* rows; libpq's own, freed with pg_rows_free */

struct pg_options {
	const char *url;  /* borrowed while connecting; URI or keywords */
	const char *name; /* application_name unless the URL has one */
	bool prepared;    /* false: no prepared statement, no session setting */
	int64_t connect_ms, call_ms;
	int stop_fd; /* readable: give up waiting; -1: none */
};

/* STATUS_INVALID: not a URL; the reason is logged without what it quotes. */
MUST_CHECK enum status pg_check_url(const char *url);

/* Connects and sets up the session. STATUS_UNAVAILABLE: no server within
 * connect_ms; *reason (at least 256 bytes, may be NULL) says why in a line. */
#define PG_REASON_ROOM 256
MUST_CHECK enum status pg_connect(const struct pg_options *options, char *reason, struct pg **out);
/* Closes without waiting, clears. NULL inside is fine. */
void pg_close(struct pg **pg);

/* Fit for a next statement: idle, and nothing to read (a server that left has
 * sent something). One poll(2), no waiting. */
bool pg_is_sound(struct pg *pg);
bool pg_is_broken(const struct pg *pg);
/* After a failure: the statement has surely not happened, or happened to a
 * connection that is gone, so that a read may be asked again. */
bool pg_may_repeat_read(const struct pg *pg);
/* As above, but surely not happened: a write too. */
bool pg_may_repeat(const struct pg *pg);
/* SQLSTATE of the last failure, "" when the server sent none. */
const char *pg_state(const struct pg *pg);

/* The process that the server said serves this connection. A pooler makes one
 * up, so it is not what pg_backend_pid() answers. */
int pg_backend(const struct pg *pg);

/* --- statements: constant text, values apart --- */

struct pg_statement {
	const char *name; /* also in the log */
	const char *sql;
};

#define PG_ARGS_MAX 24

/* Zero it, then add the values in order. They are borrowed until the call;
 * the struct may not be moved in between. An absent span is NULL. A value
 * that cannot be stored (an embedded NUL, a time out of range) is remembered:
 * pg_run then answers STATUS_INVALID. */
struct pg_args {
	size_t count;
	bool refused;
	unsigned types[PG_ARGS_MAX];
	const char *values[PG_ARGS_MAX];
	int lengths[PG_ARGS_MAX], formats[PG_ARGS_MAX];
	unsigned char numbers[PG_ARGS_MAX][8];
};

void pg_put_text(struct pg_args *args, struct span text);
void pg_put_bool(struct pg_args *args, bool value);
void pg_put_int(struct pg_args *args, int64_t value);
void pg_put_ms(struct pg_args *args, int64_t wall_ms); /* timestamptz */
void pg_put_no_ms(struct pg_args *args);               /* its NULL */

/* Runs one statement. `args` and `rows_out` may be NULL. Statuses:
 * CONFLICT: a unique constraint. DENIED: the user is disabled. NOT_FOUND: a
 * foreign key (the user is gone). INVALID: a value. UNAVAILABLE: connection,
 * deadline, deadlock, resources. INTERNAL: anything else. */
MUST_CHECK enum status pg_run(struct pg *pg, const struct pg_statement *statement,
			      const struct pg_args *args, struct pg_result **rows_out);

/* Constant text of several statements without values. `reason` (may be NULL)
 * gets the server's own words on failure: for administrators, not for logs. */
MUST_CHECK enum status pg_script(struct pg *pg, const char *sql, int64_t wait_ms, char *reason);

/* Ends an open transaction, keeping what pg_may_repeat answers. */
void pg_roll_back(struct pg *pg, int64_t wait_ms);

/* --- rows --- */

void pg_rows_free(struct pg_result **rows); /* for CLEANUP */
size_t pg_count(const struct pg_result *rows);
size_t pg_changed(struct pg_result *rows);

bool pg_is_null(const struct pg_result *rows, size_t row, int column);
/* Borrowed from the rows; absent when NULL. */
struct span pg_text(const struct pg_result *rows, size_t row, int column);
bool pg_bool(const struct pg_result *rows, size_t row, int column);
int64_t pg_int(const struct pg_result *rows, size_t row, int column);
/* PostgreSQL counts microseconds from 2000-01-01. An infinity reads as the end
 * of the year 9999, or the start of the year 1. */
#define PG_EPOCH_MS INT64_C(946684800000)
#define PG_FAR_MS INT64_C(253402300799999)
#define PG_FIRST_MS INT64_C(-62135596800000)
/* Milliseconds, cut downwards; -1 when NULL. */
int64_t pg_ms(const struct pg_result *rows, size_t row, int column);

/* --- listening --- */

int pg_socket(const struct pg *pg);
/* Takes what has come in and counts the notifications. */
MUST_CHECK enum status pg_hear(struct pg *pg, unsigned *count_out);

#endif
