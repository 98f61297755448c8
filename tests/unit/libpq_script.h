/* SPDX-License-Identifier: MIT */
/* libpq_script: a libpq that follows a script: expected sends, canned answers,
 * silences and losses. Linked in place of the real one. */
#ifndef UNIT_LIBPQ_SCRIPT_H
#define UNIT_LIBPQ_SCRIPT_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>

enum sent { NOTHING, PREPARE, PREPARED, PARAMS, QUERY };

/* One expected send and what follows it. */
struct step {
	enum sent sent;
	const char *state; /* SQLSTATE of the answer; NULL: success */
	const char *constraint;
	enum {
		ANSWERED,
		SILENT,     /* never an answer */
		DEAD,       /* the connection goes, without a SQLSTATE */
		REFUSED,    /* the send itself fails */
		CLOGGED,    /* the send never leaves */
		TWO_RESULTS /* a failure, then a success */
	} how;
};

struct pg_result {
	const char *state, *constraint;
};

extern struct libpq_script {
	const struct step *steps;
	size_t count, at;
	int pair[2]; /* the "socket" and the server's end */
	unsigned results_left;
	ConnStatusType status;
	PGTransactionStatusType transaction;
	enum { CONNECTS, FAILS, HANGS, NEVER_STARTS } connecting;
	unsigned polls, live_results;
	unsigned notifies;
	bool silenced;
	char keywords[2048];
	const char *url_error;
	size_t parameters, first_length;
} libpq;

/* What a cell of the one row holds; NULL is NULL. */
extern const unsigned char *cell_at;
extern int cell_len;

/* The sends to come; `steps` must outlive them. */
void libpq_play(const struct step *steps, size_t count);

#endif
