/* SPDX-License-Identifier: MIT */
/*
 * gate: who is asking, and may they? The hot path: no allocation, no system
 * call and no database while the feed is current.
 */
#ifndef SERVICE_GATE_H
#define SERVICE_GATE_H

#include "base/span.h"
#include "base/status.h"
#include "crypto/jws.h"
#include "crypto/keyring.h"
#include "model/claims.h"

struct service;

/* Zero denies. */
enum gate_outcome {
	GATE_FORBIDDEN = 0, /* 403 insufficient_scope: another user's, or deny */
	GATE_NOT_CANONICAL, /* 403: the path has a second spelling */
	GATE_NO_TOKEN,      /* 401, bare challenge */
	GATE_INVALID_TOKEN, /* 401 invalid_token */
	GATE_CANNOT_DECIDE, /* 503 */
	GATE_ALLOWED,       /* 200 + variables */
	GATE_OUTCOMES
};

/* Why, for log and metrics. Zero denies. */
enum gate_reason {
	GATE_DENIED = 0,
	GATE_OTHER_USER,
	GATE_SECOND_SPELLING,
	GATE_NO_AUTHORIZATION,
	GATE_OTHER_SCHEME,
	GATE_SEVERAL_AUTHORIZATIONS,
	GATE_MALFORMED,
	GATE_SIGNATURE,
	GATE_NO_SESSION,
	GATE_REVOKED,
	GATE_CLAIM_CANNOT_BE_SENT,
	GATE_KEYS_UNKNOWN,
	GATE_REVOCATIONS_UNKNOWN,
	GATE_GOOD,
	GATE_CLAIMS, /* and the following: plus enum claims_fault */
	GATE_REASONS = GATE_CLAIMS + CLAIMS_FAULTS
};

/* What one thread keeps warm. */
struct gate_local {
	size_t number; /* of this thread in its process; for counters */
	struct jws_scratch *scratch;
	struct jws_stats counted; /* what the metrics have of the scratch's */
	struct keyring *keys;
	struct jws_parts parts; /* of the token in question */
	char subject[256];      /* NAME:subject of foreign issuers */
};

struct gate_question {
	struct span authorization; /* absent: none was sent */
	bool repeated;             /* sent more than once */
	struct span method, path;
	struct span second_path; /* the server's own normalised path; absent: none */
};

struct gate_answer {
	enum gate_outcome outcome;
	enum gate_reason reason;
	struct span subject;  /* of the verified token; absent without one */
	struct claims claims; /* meaningful when a token was verified */
	struct span kid;      /* of a row of "jwks" that verified it; else absent */
};

struct gate_local *gate_local_new(void);
void gate_local_free(struct gate_local **local);

/* Spans of the answer live in `local` until its next use. */
void gate_judge(struct service *service, struct gate_local *local,
		const struct gate_question *question, int64_t now_ms, int64_t mono_ms,
		struct gate_answer *answer_out);

/* The value of a variable; false when the claim is absent or not visible
 * ASCII (the gate has then already refused). */
bool gate_variable(const struct service *service, size_t index, const struct gate_answer *answer,
		   struct span *name_out, struct span *value_out);

const char *gate_outcome_word(enum gate_outcome outcome);
enum gate_outcome gate_outcome_of(enum gate_reason reason);
/* NULL: a reason that is never given. */
const char *gate_reason_word(enum gate_reason reason);

#endif
