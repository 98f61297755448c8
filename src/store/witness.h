/* SPDX-License-Identifier: MIT */
/*
 * witness: asks again and again, in a thread of its own, which database the
 * requests' connections lead to. The feed follows a connection of its own and
 * could not tell otherwise that requests end sessions somewhere else: at
 * another database by mistake, or at a new primary while the old one lives on.
 */
#ifndef STORE_WITNESS_H
#define STORE_WITNESS_H

#include "base/span.h"
#include "base/status.h"
#include "store/store.h"

#include <stdint.h>

/* An SQL expression: this database of this server since its last start. */
#define WITNESS_PLACE                                                    \
	"extract(epoch FROM pg_postmaster_start_time())::text || ' ' ||" \
	" (SELECT oid FROM pg_catalog.pg_database WHERE datname ="       \
	" current_database())::text"

struct witness;

/* Gets each answer, in the witness's thread. Nothing is said while requests
 * cannot reach a database. */
typedef void witness_told(void *state, struct span place);

MUST_CHECK enum status witness_start(struct store *store, int64_t every_ms, witness_told *told,
				     void *state, struct witness **out);
/* Returns once a question under way has its answer or deadline; clears. NULL
 * inside is fine. */
void witness_stop(struct witness **witness);

#endif
