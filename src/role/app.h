/* SPDX-License-Identifier: MIT */
/*
 * role: what is asked, and how it is answered. RESPONDER: the endpoints of the
 * wire contract (doc/contract.md). AUTHORIZER: the gate's verdict as a reply.
 * Reads http, asks service, writes http; no SQL, no sockets.
 *
 * app: the one entry. A request goes in, a whole reply comes out.
 */
#ifndef ROLE_APP_H
#define ROLE_APP_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/config.h"
#include "http/metrics.h"
#include "base/status.h"
#include "http/origin.h"
#include "http/reply.h"
#include "http/request.h"
#include "service/gate.h"
#include "service/service.h"

#include <stdatomic.h>

enum app_lane { APP_LANE_GATE, APP_LANE_DATABASE, APP_LANE_PASSWORD };

/* What is told apart in the metrics: the gate, what needs no database, what
 * does, what hashes, and the service's own questions. */
enum app_class {
	APP_CLASS_GATE,
	APP_CLASS_LIGHT,
	APP_CLASS_SESSION,
	APP_CLASS_PASSWORD,
	APP_CLASS_OPERATIONS,
	APP_CLASSES
};

/* From 2xx to 5xx. */
#define APP_HUNDREDS 4

/* What is counted, in memory shared by all workers: whichever is asked adds up.
 * Each worker has APP_STRIPES of them, so that threads of the gate do not wait
 * for each other's cache line. They stay when it ends, and its successor goes
 * on counting. */
#define APP_STRIPES 8
struct app_counters {
	_Atomic uint64_t verdicts[GATE_REASONS];
	_Atomic uint64_t replies[APP_CLASSES][APP_HUNDREDS];
	struct metrics_histogram took[APP_CLASSES];   /* from whole to answered */
	struct metrics_histogram waited[APP_CLASSES]; /* of that in a queue */
	_Atomic uint64_t sign_ups, sign_ins, sign_outs, sign_in_refusals, sign_up_refusals;
	_Atomic uint64_t throttled_addresses, throttled_accounts;
	_Atomic uint64_t signatures_computed, signatures_saved;
	/* What app_publish last wrote; in the first of a worker alone. */
	_Atomic uint64_t alive, feed_state, feed_known_ms, revocations, revocation_bytes;
	_Atomic uint64_t connections_open, connections_leased;
	_Atomic uint64_t database_failures, database_timeouts, feed_connects;
	_Atomic uint64_t audit_waiting, audit_suppressed;
};

/* Writes what only main.c knows (connections, lanes) as Prometheus text. */
typedef void app_more_metrics(void *state, struct buf *out);

struct app {
	struct service *service; /* borrowed */
	const struct config *config;
	struct origin_list *origins;
	struct arena *mem;
	/* Whole cookie names, with the __Secure- prefix on https. */
	const char *session_cookie, *data_cookie, *remember_cookie, *device_cookie;
	struct app_counters *counters;     /* ours, the first of APP_STRIPES */
	struct app_counters *all_counters; /* borrowed; app_new: some of our own */
	size_t counter_count;
	/* What our predecessors published of what starts anew with us. */
	uint64_t failures_before, timeouts_before, connects_before, suppressed_before;
	app_more_metrics *more_metrics; /* NULL: none */
	void *more_state;
};

/* Also judges trusted_origins: mistakes as config_mistake. `service` NULL: only
 * judge (--check). */
MUST_CHECK enum status app_new(const struct config *config, struct service *service,
			       struct buf *mistakes, struct app **out);
void app_free(struct app **app);

/* `all` has APP_STRIPES for each of `workers`, `index` is ours among them. */
void app_share_counters(struct app *app, struct app_counters *all, size_t workers, size_t index);

/* Makes known to the other workers how this one stands; a few times a second.
 * app_bury, by the parent: it has ended. */
void app_publish(struct app *app);
void app_bury(struct app_counters *first);

/* Which threads a request needs. Pure. */
enum app_lane app_lane_of(const struct app *app, const struct request *request);

/* The whole answer; never leaves the reply empty. */
void app_handle(struct app *app, struct gate_local *local, struct request *request,
		struct reply *reply);

/* The client's address as address_key: REMOTE_ADDR, or the rightmost hop of
 * X-Forwarded-For that no trusted proxy is. "" when unknown. */
struct span app_client_address(const struct app *app, const struct request *request);

#endif
