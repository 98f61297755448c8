/* SPDX-License-Identifier: MIT */
#include "store/pg.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#define KNOWN_MAX 64

struct pg {
	PGconn *conn;
	int64_t call_ms;
	int stop_fd;
	bool prepared, broken;
	char state[6]; /* SQLSTATE of the last failure */
	size_t known_count;
	const struct pg_statement *known[KNOWN_MAX]; /* prepared here */
};

/* --- connecting --- */

static void silence(void *arg, const char *message)
{
	(void)arg;
	(void)message;
}

/* What libpq quotes may be a part of the password. */
static void redact(char *text)
{
	bool quoted = false;
	char *to = text;
	for (const char *from = text; *from != '\0' && *from != '\n'; from++) {
		if (*from == '"')
			quoted = !quoted;
		if (!quoted || *from == '"')
			*to++ = *from;
	}
	*to = '\0';
}

static void free_options(PQconninfoOption **options)
{
	if (*options != NULL)
		PQconninfoFree(*options);
}

static enum status parse_url(const char *url, PQconninfoOption **out)
{
	char *error = NULL;
	*out = PQconninfoParse(url, &error);
	if (*out != NULL)
		return STATUS_OK;
	if (error == NULL)
		return STATUS_NO_MEMORY;
	redact(error);
	log_error("database_url is not understood", LOG_TEXT("reason", error));
	PQfreemem(error);
	return STATUS_INVALID;
}

enum status pg_check_url(const char *url)
{
	CLEANUP(free_options) PQconninfoOption *options = NULL;
	return parse_url(url, &options);
}

#define KEYWORDS_MAX 96

struct keywords {
	const char *names[KEYWORDS_MAX + 1], *values[KEYWORDS_MAX + 1];
	size_t count;
};

static void keyword_default(struct keywords *k, const char *name, const char *value)
{
	for (size_t i = 0; i < k->count; i++)
		if (strcmp(k->names[i], name) == 0)
			return;
	if (k->count == KEYWORDS_MAX)
		return;
	k->names[k->count] = name;
	k->values[k->count++] = value;
}

static unsigned host_count(const struct keywords *k)
{
	unsigned hosts = 1;
	for (size_t i = 0; i < k->count; i++)
		if (strcmp(k->names[i], "host") == 0)
			for (const char *at = k->values[i]; *at != '\0'; at++)
				hosts += *at == ',';
	return hosts;
}

/* The URL's own settings win, but for the encoding. */
static void gather(struct keywords *k, const PQconninfoOption *options)
{
	k->count = 0;
	keyword_default(k, "client_encoding", "UTF8");
	for (const PQconninfoOption *o = options; o->keyword != NULL; o++)
		if (o->val != NULL)
			keyword_default(k, o->keyword, o->val);
}

static PGconn *start_connecting(const struct pg_options *options, const PQconninfoOption *parsed)
{
	struct keywords k;
	gather(&k, parsed);
	/* libpq tries the next of several hosts only once one has failed, and
	 * its connect_timeout does not count here: dropped packets must fail
	 * early enough to leave time for the others. */
	char seconds[24], share[24];
	snprintf(seconds, sizeof(seconds), "%lld", (long long)(options->connect_ms + 999) / 1000);
	snprintf(share, sizeof(share), "%lld", (long long)options->connect_ms / host_count(&k));
	keyword_default(&k, "fallback_application_name", options->name);
	keyword_default(&k, "connect_timeout", seconds);
	keyword_default(&k, "tcp_user_timeout", share);
	keyword_default(&k, "keepalives_idle", "5");
	keyword_default(&k, "keepalives_interval", "2");
	keyword_default(&k, "keepalives_count", "3");
	k.names[k.count] = NULL;
	k.values[k.count] = NULL;
	return PQconnectStartParams(k.names, k.values, 0);
}

/* True once the socket is ready; false at the deadline, also for a peer that
 * keeps it ready without end, or when stopped. */
static bool wait_socket(int fd, int stop_fd, short events, int64_t deadline_ms)
{
	for (;;) {
		struct pollfd fds[2] = { { .fd = fd, .events = events },
					 { .fd = stop_fd, .events = POLLIN } };
		int64_t left = deadline_ms - clock_mono_ms();
		if (left <= 0)
			return false;
		int ready = poll(fds, 2, left > 60000 ? 60000 : (int)left);
		if (ready < 0 && errno != EINTR)
			return false;
		if (ready > 0)
			return fds[1].revents == 0;
	}
}

static bool finish_connecting(struct pg *pg, int64_t deadline_ms)
{
	PostgresPollingStatusType step = PGRES_POLLING_WRITING;
	while (step != PGRES_POLLING_OK) {
		if (step == PGRES_POLLING_FAILED || PQsocket(pg->conn) < 0)
			return false;
		short events = step == PGRES_POLLING_READING ? POLLIN : POLLOUT;
		if (!wait_socket(PQsocket(pg->conn), pg->stop_fd, events, deadline_ms))
			return false;
		step = PQconnectPoll(pg->conn);
	}
	return true;
}

static enum status set_up_session(struct pg *pg)
{
	static const struct pg_statement settings = {
		"session settings",
		"SELECT set_config('statement_timeout', $1, false),"
		" set_config('lock_timeout', $1, false),"
		" set_config('idle_in_transaction_session_timeout', $1, false),"
		" set_config('default_transaction_isolation', 'read committed', false),"
		" set_config('timezone', 'UTC', false),"
		" set_config('search_path', '', false)",
	};
	char limit[24];
	snprintf(limit, sizeof(limit), "%lld", (long long)pg->call_ms);
	struct pg_args args = { 0 };
	pg_put_text(&args, span_of(limit));
	bool prepared = pg->prepared;
	pg->prepared = false;
	enum status status = pg_run(pg, &settings, &args, NULL);
	pg->prepared = prepared;
	return status;
}

/* `words`, or libpq's own when NULL. */
static void say_why(const struct pg *pg, const char *words, char *reason)
{
	if (reason == NULL)
		return;
	const char *text = words != NULL ? words : PQerrorMessage(pg->conn);
	snprintf(reason, PG_REASON_ROOM, "%.*s", (int)strcspn(text, "\n"), text);
}

static enum status open_connection(struct pg *pg, const struct pg_options *options,
				   const PQconninfoOption *parsed, char *reason)
{
	int64_t deadline_ms = clock_mono_ms() + options->connect_ms;
	pg->conn = start_connecting(options, parsed);
	if (pg->conn == NULL)
		return STATUS_NO_MEMORY;
	PQsetNoticeProcessor(pg->conn, silence, NULL);
	if (PQstatus(pg->conn) == CONNECTION_BAD || !finish_connecting(pg, deadline_ms)) {
		/* What libpq has said of a connection under way is half a line. */
		bool late = PQstatus(pg->conn) != CONNECTION_BAD;
		say_why(pg, late ? "no answer in time" : NULL, reason);
		return STATUS_UNAVAILABLE;
	}
	if (PQsetnonblocking(pg->conn, 1) != 0)
		return STATUS_NO_MEMORY;
	if (options->prepared && set_up_session(pg) != STATUS_OK) {
		say_why(pg, pg->broken ? "no answer in time" : NULL, reason);
		return STATUS_UNAVAILABLE;
	}
	return STATUS_OK;
}

enum status pg_connect(const struct pg_options *options, char *reason, struct pg **out)
{
	CLEANUP(free_options) PQconninfoOption *parsed = NULL;
	TRY(parse_url(options->url, &parsed));
	struct pg *pg = calloc(1, sizeof(*pg));
	if (pg == NULL)
		return STATUS_NO_MEMORY;
	pg->call_ms = options->call_ms;
	pg->stop_fd = options->stop_fd;
	pg->prepared = options->prepared;
	enum status status = open_connection(pg, options, parsed, reason);
	if (status == STATUS_OK)
		*out = pg;
	else
		pg_close(&pg);
	return status;
}

void pg_close(struct pg **pg)
{
	if (*pg == NULL)
		return;
	if ((*pg)->conn != NULL)
		PQfinish((*pg)->conn);
	free(*pg);
	*pg = NULL;
}

bool pg_is_sound(struct pg *pg)
{
	if (pg->broken || PQstatus(pg->conn) != CONNECTION_OK ||
	    PQtransactionStatus(pg->conn) != PQTRANS_IDLE)
		return false;
	struct pollfd fd = { .fd = PQsocket(pg->conn), .events = POLLIN };
	return poll(&fd, 1, 0) == 0;
}

bool pg_is_broken(const struct pg *pg)
{
	return pg->broken;
}

static bool state_is(const struct pg *pg, const char *state)
{
	return strcmp(pg->state, state) == 0;
}

bool pg_may_repeat(const struct pg *pg)
{
	return state_is(pg, "40001") || state_is(pg, "40P01") || state_is(pg, "26000") ||
	       state_is(pg, "42P05") || state_is(pg, "0A000");
}

bool pg_may_repeat_read(const struct pg *pg)
{
	return pg->broken || pg_may_repeat(pg);
}

const char *pg_state(const struct pg *pg)
{
	return pg->state;
}

int pg_backend(const struct pg *pg)
{
	return PQbackendPID(pg->conn);
}

/* --- failures --- */

struct meaning {
	const char *state; /* a SQLSTATE or its class */
	enum status status;
	bool quiet, breaks;
};

/* The first whose text begins the SQLSTATE. */
static const struct meaning meanings[] = {
	{ "23505", STATUS_CONFLICT, true, false },
	{ "23503", STATUS_NOT_FOUND, true, false },
	{ "22", STATUS_INVALID, true, false },
	{ "40001", STATUS_UNAVAILABLE, true, false },
	{ "40P01", STATUS_UNAVAILABLE, true, false },
	{ "26000", STATUS_UNAVAILABLE, true, false },
	{ "42P05", STATUS_UNAVAILABLE, true, false },
	{ "0A000", STATUS_UNAVAILABLE, false, false },
	{ "55P03", STATUS_UNAVAILABLE, false, false },
	{ "57014", STATUS_UNAVAILABLE, false, false },
	{ "57", STATUS_UNAVAILABLE, false, true },
	{ "25006", STATUS_UNAVAILABLE, false, true },
	{ "08", STATUS_UNAVAILABLE, false, true },
	{ "53", STATUS_UNAVAILABLE, false, false },
	{ "58", STATUS_UNAVAILABLE, false, false },
	{ "", STATUS_INTERNAL, false, false },
};

static const struct meaning *meaning_of(const char *state)
{
	size_t i = 0;
	while (strncmp(state, meanings[i].state, strlen(meanings[i].state)) != 0)
		i++;
	return &meanings[i];
}

static bool is_stopping(const struct pg *pg)
{
	struct pollfd fd = { .fd = pg->stop_fd, .events = POLLIN };
	return poll(&fd, 1, 0) > 0;
}

static enum status break_off(struct pg *pg, const char *what, const char *reason)
{
	pg->broken = true;
	if (is_stopping(pg))
		return STATUS_UNAVAILABLE;
	log_warn("database connection lost", LOG_TEXT("statement", what),
		 LOG_TEXT("reason", reason), LOG_TEXT("sqlstate", pg->state));
	return STATUS_UNAVAILABLE;
}

static enum status judge_failure(struct pg *pg, const char *what, const PGresult *result)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *constraint = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);
	snprintf(pg->state, sizeof(pg->state), "%s", state != NULL ? state : "");
	if (state == NULL || PQstatus(pg->conn) != CONNECTION_OK)
		return break_off(pg, what, "the server went away");
	if (state_is(pg, "23514") && constraint != NULL &&
	    strcmp(constraint, "authbridge_user_disabled") == 0)
		return STATUS_DENIED;
	const struct meaning *meaning = meaning_of(pg->state);
	if (meaning->breaks)
		return break_off(pg, what, "the server refuses");
	if (!meaning->quiet)
		log_warn("database statement failed", LOG_TEXT("statement", what),
			 LOG_TEXT("sqlstate", pg->state), LOG_TEXT("constraint", constraint));
	return meaning->status;
}

/* --- statements --- */

static bool flush_out(struct pg *pg, int64_t deadline_ms)
{
	int left;
	while ((left = PQflush(pg->conn)) == 1) {
		/* The server may be sending: read too, or both sides wait. */
		if (!wait_socket(PQsocket(pg->conn), pg->stop_fd, POLLIN | POLLOUT, deadline_ms) ||
		    PQconsumeInput(pg->conn) == 0)
			return false;
	}
	return left == 0;
}

static bool result_is_ready(struct pg *pg, int64_t deadline_ms)
{
	while (PQisBusy(pg->conn) != 0) {
		if (!wait_socket(PQsocket(pg->conn), pg->stop_fd, POLLIN, deadline_ms))
			return false;
		if (PQconsumeInput(pg->conn) == 0)
			return PQisBusy(pg->conn) == 0;
	}
	return true;
}

void pg_rows_free(struct pg_result **rows)
{
	if (*rows != NULL)
		PQclear(*rows);
	*rows = NULL;
}

static bool is_failure(const PGresult *result)
{
	ExecStatusType kind = PQresultStatus(result);
	return kind != PGRES_COMMAND_OK && kind != PGRES_TUPLES_OK;
}

/* Reads the answer to its end, keeping the first failure or else the last
 * result. */
static enum status read_answer(struct pg *pg, const char *what, int64_t deadline_ms,
			       struct pg_result **rows_out)
{
	CLEANUP(pg_rows_free) PGresult *kept = NULL;
	for (;;) {
		if (!result_is_ready(pg, deadline_ms))
			return break_off(pg, what, "no answer in time");
		PGresult *next = PQgetResult(pg->conn);
		if (next == NULL)
			break;
		if (kept != NULL && is_failure(kept)) {
			PQclear(next);
			continue;
		}
		pg_rows_free(&kept);
		kept = next;
	}
	if (kept == NULL)
		return break_off(pg, what, "no answer");
	if (is_failure(kept))
		return judge_failure(pg, what, kept);
	if (rows_out != NULL) {
		*rows_out = kept;
		kept = NULL;
	}
	return STATUS_OK;
}

static enum status finish(struct pg *pg, const char *what, int sent, int64_t deadline_ms,
			  struct pg_result **rows_out)
{
	pg->state[0] = '\0';
	if (sent == 0 || !flush_out(pg, deadline_ms))
		return break_off(pg, what, sent == 0 ? "cannot send" : "cannot send in time");
	return read_answer(pg, what, deadline_ms, rows_out);
}

static bool is_known(const struct pg *pg, const struct pg_statement *statement)
{
	for (size_t i = 0; i < pg->known_count; i++)
		if (pg->known[i] == statement)
			return true;
	return false;
}

static enum status prepare(struct pg *pg, const struct pg_statement *statement,
			   const struct pg_args *args, int64_t deadline_ms)
{
	if (is_known(pg, statement))
		return STATUS_OK;
	int sent = PQsendPrepare(pg->conn, statement->name, statement->sql, (int)args->count,
				 args->types);
	TRY(finish(pg, statement->name, sent, deadline_ms, NULL));
	if (pg->known_count < KNOWN_MAX)
		pg->known[pg->known_count++] = statement;
	return STATUS_OK;
}

static enum status run_prepared(struct pg *pg, const struct pg_statement *statement,
				const struct pg_args *args, int64_t deadline_ms,
				struct pg_result **rows_out)
{
	TRY(prepare(pg, statement, args, deadline_ms));
	int sent = PQsendQueryPrepared(pg->conn, statement->name, (int)args->count, args->values,
				       args->lengths, args->formats, 1);
	return finish(pg, statement->name, sent, deadline_ms, rows_out);
}

static enum status run_plain(struct pg *pg, const struct pg_statement *statement,
			     const struct pg_args *args, int64_t deadline_ms,
			     struct pg_result **rows_out)
{
	int sent = PQsendQueryParams(pg->conn, statement->sql, (int)args->count, args->types,
				     args->values, args->lengths, args->formats, 1);
	return finish(pg, statement->name, sent, deadline_ms, rows_out);
}

/* A pooler lost our prepared statements, or a migration changed what they
 * return. Inside a failed transaction the caller must begin anew. */
static bool lost_prepared(struct pg *pg)
{
	if (!state_is(pg, "26000") && !state_is(pg, "42P05") && !state_is(pg, "0A000"))
		return false;
	pg->prepared = false;
	return PQtransactionStatus(pg->conn) == PQTRANS_IDLE;
}

enum status pg_run(struct pg *pg, const struct pg_statement *statement, const struct pg_args *args,
		   struct pg_result **rows_out)
{
	static const struct pg_args none = { 0 };
	if (args == NULL)
		args = &none;
	pg->state[0] = '\0';
	if (args->refused)
		return STATUS_INVALID;
	if (pg->broken)
		return STATUS_UNAVAILABLE;
	int64_t deadline_ms = clock_mono_ms() + pg->call_ms;
	if (pg->prepared && pg->known_count < KNOWN_MAX) {
		enum status status = run_prepared(pg, statement, args, deadline_ms, rows_out);
		if (status == STATUS_OK || pg->broken || !lost_prepared(pg))
			return status;
	}
	return run_plain(pg, statement, args, deadline_ms, rows_out);
}

enum status pg_script(struct pg *pg, const char *sql, int64_t wait_ms, char *reason)
{
	if (pg->broken)
		return STATUS_UNAVAILABLE;
	enum status status =
		finish(pg, "script", PQsendQuery(pg->conn, sql), clock_mono_ms() + wait_ms, NULL);
	if (status != STATUS_OK)
		say_why(pg, pg->broken ? "no answer in time" : NULL, reason);
	return status;
}

void pg_roll_back(struct pg *pg, int64_t wait_ms)
{
	char state[sizeof(pg->state)];
	memcpy(state, pg->state, sizeof(state));
	if (pg_script(pg, "ROLLBACK", wait_ms, NULL) == STATUS_OK)
		memcpy(pg->state, state, sizeof(state));
}

/* --- rows --- */

size_t pg_count(const struct pg_result *rows)
{
	return (size_t)PQntuples(rows);
}

size_t pg_changed(struct pg_result *rows)
{
	return (size_t)strtoull(PQcmdTuples(rows), NULL, 10);
}

bool pg_is_null(const struct pg_result *rows, size_t row, int column)
{
	return PQgetisnull(rows, (int)row, column) != 0;
}

struct span pg_text(const struct pg_result *rows, size_t row, int column)
{
	if (pg_is_null(rows, row, column))
		return SPAN_ABSENT;
	return span_make(PQgetvalue(rows, (int)row, column),
			 (size_t)PQgetlength(rows, (int)row, column));
}

int64_t pg_int(const struct pg_result *rows, size_t row, int column)
{
	struct span bytes = pg_text(rows, row, column);
	uint64_t value = 0;
	for (size_t i = 0; i < bytes.len && i < 8; i++)
		value = value << 8 | (unsigned char)bytes.at[i];
	return bytes.len == 4 ? (int32_t)(uint32_t)value : (int64_t)value;
}

bool pg_bool(const struct pg_result *rows, size_t row, int column)
{
	return pg_int(rows, row, column) != 0;
}

int64_t pg_ms(const struct pg_result *rows, size_t row, int column)
{
	if (pg_is_null(rows, row, column))
		return -1;
	int64_t us = pg_int(rows, row, column);
	if (us == INT64_MAX || us == INT64_MIN)
		return us > 0 ? PG_FAR_MS : PG_FIRST_MS;
	int64_t ms = us / 1000 - (us % 1000 < 0);
	return ms + PG_EPOCH_MS;
}

/* --- listening --- */

int pg_socket(const struct pg *pg)
{
	return PQsocket(pg->conn);
}

enum status pg_hear(struct pg *pg, unsigned *count_out)
{
	pg->state[0] = '\0';
	if (pg->broken || PQconsumeInput(pg->conn) == 0)
		return break_off(pg, "listen", "the server went away");
	unsigned count = 0;
	PGnotify *notify;
	while ((notify = PQnotifies(pg->conn)) != NULL) {
		PQfreemem(notify);
		count++;
	}
	*count_out = count;
	return STATUS_OK;
}
