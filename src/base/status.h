/* SPDX-License-Identifier: MIT */
/*
 * base: what every layer above stands on. Bytes, memory, text encodings, time,
 * randomness, logging, configuration. No protocol, no database, no policy.
 * Pure but for log, clock and rng.
 *
 * status: the answer to "did it work?". Never the answer to "is it allowed?",
 * which is a verdict (model/policy.h) whose zero is no.
 */
#ifndef BASE_STATUS_H
#define BASE_STATUS_H

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define NORETURN __attribute__((noreturn))

/* Releases a scope handle at the end of its block: `release` gets its address. */
#define CLEANUP(release) __attribute__((cleanup(release)))

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

enum status {
	STATUS_OK = 0,
	STATUS_INVALID,     /* what came in is malformed */
	STATUS_NOT_FOUND,   /* well asked, nothing there */
	STATUS_CONFLICT,    /* a unique constraint or a compare-and-swap lost */
	STATUS_DENIED,      /* a proof (signature, password) does not hold */
	STATUS_TOO_LARGE,   /* over a documented bound */
	STATUS_NO_MEMORY,   /* a large or input-sized allocation was refused */
	STATUS_BUSY,        /* a bounded queue is full, or its wait was too long */
	STATUS_UNAVAILABLE, /* the database or a neighbour is away or too slow */
	STATUS_INTERNAL,    /* our own mistake or a library's; never the input's */
};

/* The one control-flow macro: leave at the first failure. */
#define TRY(expression)                          \
	do {                                     \
		enum status try_ = (expression); \
		if (try_ != STATUS_OK)           \
			return try_;             \
	} while (0)

/* A word for logs and command lines, e.g. "unavailable". Never NULL. */
const char *status_word(enum status status);

#endif
