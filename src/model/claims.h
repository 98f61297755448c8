/* SPDX-License-Identifier: MIT */
/*
 * claims: what a JWT says, read strictly from its verified payload (RFC 7519),
 * and whether it holds at a given time for a given issuer. Pure, no
 * allocation: spans point into the payload text.
 *
 * Read strictly (base/jscan.h): one JSON object, nothing around it; no member
 * that is read here may occur twice, no name may have an escape; text values
 * that are read may hold no escape and no control byte; times are whole
 * numbers of at most 15 digits, no sign. `aud` is a string or an array of at
 * most CLAIMS_AUDIENCES strings. Anything else is skipped as well-formed JSON,
 * 16 levels deep at most.
 */
#ifndef MODEL_CLAIMS_H
#define MODEL_CLAIMS_H

#include "base/span.h"
#include "base/status.h"

#include <stdint.h>

#define CLAIMS_AUDIENCES 8

/* A claim that may be sent as a variable, by place in `struct claims`. */
struct claims {
	struct span subject; /* sub */
	struct span issuer;  /* iss */
	struct span session; /* sid */
	struct span email;
	struct span custom; /* the text claim named by the issuer's `subject=` */
	struct span audience[CLAIMS_AUDIENCES];
	size_t audience_count;
	int64_t expires, not_before, issued; /* seconds; -1 when absent */
};

/* `subject_claim` names a further claim to read into `custom` (absent: none).
 * STATUS_INVALID for anything not as described above. */
MUST_CHECK enum status claims_parse(struct span payload, struct span subject_claim,
				    struct claims *claims_out);

/* What a verified token must satisfy. */
struct claims_rules {
	struct span issuer, audience; /* both required, byte for byte */
	int64_t leeway_s;             /* for exp and nbf */
};

#define CLAIMS_IAT_AHEAD_S 60

/* Why a token does not hold; the word goes to the log. */
enum claims_fault {
	CLAIMS_HOLD = 0,
	CLAIMS_MALFORMED,
	CLAIMS_NO_EXPIRY,
	CLAIMS_EXPIRED,      /* now > exp + leeway, or now == exp without leeway */
	CLAIMS_NOT_YET,      /* nbf in the future */
	CLAIMS_ISSUED_AHEAD, /* iat more than 60 s ahead */
	CLAIMS_WRONG_ISSUER,
	CLAIMS_WRONG_AUDIENCE,
	CLAIMS_NO_SUBJECT,
	CLAIMS_FAULTS
};

/* Judges exp (required; valid while now < exp + leeway), nbf, iat, iss, aud,
 * sub (required, non-empty). */
enum claims_fault claims_judge(const struct claims *claims, const struct claims_rules *rules,
			       int64_t now);

const char *claims_fault_word(enum claims_fault fault);

#endif
