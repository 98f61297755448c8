/* SPDX-License-Identifier: MIT */
#include "libpq_script.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <sys/socket.h>
#include <cmocka.h>

struct libpq_script libpq;

struct pg_conn {
	int unused;
};

static struct pg_conn the_connection;

void libpq_play(const struct step *steps, size_t count)
{
	libpq.steps = steps;
	libpq.count = count;
	libpq.at = 0;
}

static const struct step *now_at(void)
{
	return &libpq.steps[libpq.at - 1];
}

static int next_send(enum sent sent)
{
	if (libpq.at >= libpq.count)
		fail_msg("send %d was not expected", sent);
	const struct step *step = &libpq.steps[libpq.at++];
	if (step->sent != sent)
		fail_msg("step %zu: sent %d, expected %d", libpq.at - 1, sent, step->sent);
	libpq.results_left = step->how == TWO_RESULTS ? 2 : 1;
	return step->how != REFUSED;
}

int PQsendPrepare(PGconn *c, const char *name, const char *query, int n, const Oid *types)
{
	(void)c, (void)name, (void)query, (void)n, (void)types;
	return next_send(PREPARE);
}

int PQsendQueryPrepared(PGconn *c, const char *name, int n, const char *const *values,
			const int *lengths, const int *formats, int format)
{
	(void)c, (void)name, (void)values, (void)formats;
	libpq.parameters = (size_t)n;
	libpq.first_length = n > 0 ? (size_t)lengths[0] : 0;
	assert_int_equal(format, 1);
	return next_send(PREPARED);
}

int PQsendQueryParams(PGconn *c, const char *command, int n, const Oid *types,
		      const char *const *values, const int *lengths, const int *formats, int format)
{
	(void)c, (void)command, (void)types, (void)values, (void)lengths, (void)formats;
	libpq.parameters = (size_t)n;
	assert_int_equal(format, 1);
	return next_send(PARAMS);
}

int PQsendQuery(PGconn *c, const char *query)
{
	(void)c, (void)query;
	return next_send(QUERY);
}

int PQflush(PGconn *c)
{
	(void)c;
	return now_at()->how == CLOGGED;
}

int PQisBusy(PGconn *c)
{
	(void)c;
	return now_at()->how == SILENT;
}

int PQconsumeInput(PGconn *c)
{
	(void)c;
	char byte;
	return recv(libpq.pair[0], &byte, 1, MSG_DONTWAIT) != 0;
}

PGresult *PQgetResult(PGconn *c)
{
	(void)c;
	if (libpq.results_left == 0)
		return NULL;
	libpq.results_left--;
	libpq.live_results++;
	PGresult *result = calloc(1, sizeof(*result));
	const struct step *step = now_at();
	bool fails = step->how != TWO_RESULTS || libpq.results_left == 1;
	result->state = fails ? step->state : NULL;
	result->constraint = step->constraint;
	if (step->how == DEAD) {
		libpq.status = CONNECTION_BAD;
		result->state = "";
	}
	return result;
}

ExecStatusType PQresultStatus(const PGresult *r)
{
	return r->state == NULL ? PGRES_COMMAND_OK : PGRES_FATAL_ERROR;
}

char *PQresultErrorField(const PGresult *r, int field)
{
	static char state[8], constraint[64];
	if (field == PG_DIAG_SQLSTATE && r->state != NULL && r->state[0] != '\0') {
		snprintf(state, sizeof(state), "%s", r->state);
		return state;
	}
	if (field == PG_DIAG_CONSTRAINT_NAME && r->constraint != NULL) {
		snprintf(constraint, sizeof(constraint), "%s", r->constraint);
		return constraint;
	}
	return NULL;
}

void PQclear(PGresult *r)
{
	libpq.live_results--;
	free(r);
}

ConnStatusType PQstatus(const PGconn *c)
{
	(void)c;
	return libpq.status;
}

PGTransactionStatusType PQtransactionStatus(const PGconn *c)
{
	(void)c;
	return libpq.transaction;
}

int PQsocket(const PGconn *c)
{
	(void)c;
	return libpq.pair[0];
}

int PQbackendPID(const PGconn *c)
{
	(void)c;
	return 1;
}

char *PQerrorMessage(const PGconn *c)
{
	static char text[] = "the server said no\nand more";
	(void)c;
	return text;
}

static PQconninfoOption options[4];

PQconninfoOption *PQconninfoParse(const char *url, char **error)
{
	if (libpq.url_error != NULL) {
		*error = strdup(libpq.url_error);
		return NULL;
	}
	memset(options, 0, sizeof(options));
	static char host[] = "host", hosts[] = "a,b,c", timeout[] = "tcp_user_timeout",
		    seven[] = "7";
	if (strstr(url, "hosts") != NULL)
		options[0] = (PQconninfoOption){ .keyword = host, .val = hosts };
	else
		options[0] = (PQconninfoOption){ .keyword = host };
	options[1] = (PQconninfoOption){ .keyword = timeout };
	if (strstr(url, "timeout") != NULL)
		options[1].val = seven;
	return options;
}

void PQconninfoFree(PQconninfoOption *o)
{
	assert_ptr_equal(o, options);
}

void PQfreemem(void *at)
{
	free(at);
}

PGconn *PQconnectStartParams(const char *const *names, const char *const *values, int expand)
{
	size_t used = 0;
	assert_int_equal(expand, 0);
	libpq.keywords[0] = '\0';
	for (size_t i = 0; names[i] != NULL; i++)
		used += (size_t)snprintf(libpq.keywords + used, sizeof(libpq.keywords) - used,
					 "%s=%s ", names[i], values[i]);
	libpq.status = libpq.connecting == NEVER_STARTS ? CONNECTION_BAD : CONNECTION_STARTED;
	return &the_connection;
}

PostgresPollingStatusType PQconnectPoll(PGconn *c)
{
	(void)c;
	switch (libpq.connecting) {
	case FAILS:
		libpq.status = CONNECTION_BAD;
		return PGRES_POLLING_FAILED;
	case HANGS:
		return PGRES_POLLING_READING;
	default:
		if (libpq.polls++ < 2)
			return PGRES_POLLING_WRITING;
		libpq.status = CONNECTION_OK;
		return PGRES_POLLING_OK;
	}
}

PQnoticeProcessor PQsetNoticeProcessor(PGconn *c, PQnoticeProcessor processor, void *arg)
{
	(void)c;
	processor(arg, "NOTICE: a secret value\n");
	libpq.silenced = true;
	return NULL;
}

int PQsetnonblocking(PGconn *c, int on)
{
	(void)c;
	assert_int_equal(on, 1);
	return 0;
}

void PQfinish(PGconn *c)
{
	assert_ptr_equal(c, &the_connection);
}

PGnotify *PQnotifies(PGconn *c)
{
	(void)c;
	if (libpq.notifies == 0)
		return NULL;
	libpq.notifies--;
	return calloc(1, sizeof(PGnotify));
}

/* One row of canned values, for reading them. */
const unsigned char *cell_at;
int cell_len;

int PQntuples(const PGresult *r)
{
	return r != NULL;
}

char *PQcmdTuples(PGresult *r)
{
	static char text[] = "42";
	(void)r;
	return text;
}

int PQgetisnull(const PGresult *r, int row, int column)
{
	(void)r, (void)row, (void)column;
	return cell_at == NULL;
}

char *PQgetvalue(const PGresult *r, int row, int column)
{
	static char copy[16];
	(void)r, (void)row, (void)column;
	memcpy(copy, cell_at, (size_t)cell_len);
	return copy;
}

int PQgetlength(const PGresult *r, int row, int column)
{
	(void)r, (void)row, (void)column;
	return cell_len;
}
