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
#include "base/status.h"
#include "http/origin.h"
#include "http/reply.h"
#include "http/request.h"
#include "service/gate.h"
#include "service/service.h"

#include <stdatomic.h>

enum app_lane { APP_LANE_GATE, APP_LANE_DATABASE, APP_LANE_PASSWORD };

/* What one worker counts; for metrics. In shared memory each worker has its
 * own, and whichever is asked adds them up. */
struct app_counters {
	_Atomic uint64_t outcomes[GATE_OUTCOMES];
	_Atomic uint64_t replies[6]; /* by hundreds of the status; 0 unused */
	_Atomic uint64_t sign_ups, sign_ins, sign_outs, sign_in_refusals, sign_up_refusals;
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
	struct app_counters *counters;     /* ours, among all_counters */
	struct app_counters *all_counters; /* borrowed; app_new: one of our own */
	size_t counter_count;
	app_more_metrics *more_metrics; /* NULL: none */
	void *more_state;
};

/* Also judges trusted_origins: mistakes as config_mistake. `service` NULL: only
 * judge (--check). */
MUST_CHECK enum status app_new(const struct config *config, struct service *service,
			       struct buf *mistakes, struct app **out);
void app_free(struct app **app);

/* Which threads a request needs. Pure. */
enum app_lane app_lane_of(const struct app *app, const struct request *request);

/* The whole answer; never leaves the reply empty. */
void app_handle(struct app *app, struct gate_local *local, struct request *request,
		struct reply *reply);

/* The client's address as address_key: REMOTE_ADDR, or the rightmost hop of
 * X-Forwarded-For that no trusted proxy is. "" when unknown. */
struct span app_client_address(const struct app *app, const struct request *request);

#endif
