/* SPDX-License-Identifier: MIT */
#include "server/serve.h"

#include "base/clock.h"
#include "base/log.h"
#include "http/metrics.h"
#include "http/error.h"

#include <stdlib.h>

struct pending *pending_new(void)
{
	struct pending *x = calloc(1, sizeof(*x));
	if (x == NULL)
		abort();
	x->mem = arena_new(0);
	x->fcgi = fcgi_new();
	return x;
}

void pending_free(struct pending **x)
{
	if (*x == NULL)
		return;
	fcgi_free(&(*x)->fcgi);
	arena_free(&(*x)->mem);
	intake_free(&(*x)->intake);
	free(*x);
	*x = NULL;
}

static void pending_reset(struct pending *x)
{
	fcgi_close(x->fcgi);
	arena_reset(x->mem);
	intake_clear(&x->intake);
}

static void answer(struct serve *serve, struct pending *x, struct reply *reply)
{
	metrics_count(&serve->counters->replies, 1);
	door_answer(serve->door, &x->visit, x->intake.frames.id, reply_finish(reply));
	pending_reset(x);
}

static void answer_error(struct serve *serve, struct pending *x, enum error error)
{
	struct reply reply;
	reply_init(&reply, x->mem);
	error_reply(&reply, error);
	answer(serve, x, &reply);
}

static void answer_busy(struct serve *serve, struct pending *x, enum server_lane lane)
{
	metrics_count(&serve->counters->busy[lane], 1);
	answer_error(serve, x, ERROR_BUSY);
}

/* A request without a method or a target. */
static void answer_malformed(struct serve *serve, struct pending *x)
{
	struct reply reply;
	if (request_mode_of(fcgi_params(x->fcgi), x->intake.frames.authorizer) !=
	    REQUEST_AUTHORIZE) {
		/* A body that was not read to its end does not have its length. */
		answer_error(serve, x,
			     x->visit.too_large ? ERROR_BODY_TOO_LARGE : ERROR_BAD_REQUEST);
		return;
	}
	reply_init(&reply, x->mem);
	reply_message(&reply, 403, "Forbidden", "FORBIDDEN");
	answer(serve, x, &reply);
}

static void answer_app(struct serve *serve, struct pending *x, void *local)
{
	struct reply reply;
	reply_init(&reply, x->mem);
	serve->app->handle(serve->app->state, local, &x->request, &reply);
	answer(serve, x, &reply);
}

/* True: the lane has it. */
static bool enqueue(struct serve *serve, struct pending *x)
{
	const struct server_app *app = serve->app;
	if (!app->enter(app->state, x->lane))
		return false;
	if (lane_push(serve->lanes[x->lane], &x->job, x->request.whole_us / 1000))
		return true;
	app->leave(app->state, x->lane);
	return false;
}

bool serve_whole(struct serve *serve, struct pending *x, struct fcgi_pipe *pipe, void *local)
{
	struct intake *in = &x->intake;
	if (x->visit.over_limit) {
		answer_busy(serve, x, SERVER_LANE_GATE);
		return true;
	}
	enum status status = fcgi_open(x->fcgi, pipe, &in->frames, intake_params(in));
	if (status != STATUS_OK) {
		log_error("cannot read a request", LOG_STATUS(status));
		answer_error(serve, x, ERROR_UNAVAILABLE);
		return true;
	}
	status = request_parse(x->mem, fcgi_params(x->fcgi), in->frames.authorizer, intake_body(in),
			       &x->request);
	if (status != STATUS_OK) {
		answer_malformed(serve, x);
		return true;
	}
	x->request.local = x->visit.local;
	x->request.whole_us = clock_mono_us();
	/* The gate never reads a body: its size is nothing to it. */
	if (x->visit.too_large && x->request.mode != REQUEST_AUTHORIZE) {
		x->request.body_too_large = true;
		x->request.body = SPAN_ABSENT;
	}
	x->lane = serve->app->lane_of(serve->app->state, &x->request);
	if (x->lane == SERVER_LANE_GATE) {
		answer_app(serve, x, local);
		return true;
	}
	if (enqueue(serve, x))
		return false;
	answer_busy(serve, x, x->lane);
	return true;
}

void serve_queued(struct serve *serve, struct pending *x, void *local)
{
	enum server_lane lane = x->lane;
	if (door_peer_left(&x->visit)) {
		door_drop(serve->door, &x->visit);
		pending_reset(x);
	} else if (clock_mono_ms() - x->job.since_ms > serve->queue_ms) {
		answer_busy(serve, x, lane);
	} else {
		answer_app(serve, x, local);
	}
	serve->app->leave(serve->app->state, lane);
}

void serve_expired(struct serve *serve, struct pending *x)
{
	enum server_lane lane = x->lane;
	answer_busy(serve, x, lane);
	serve->app->leave(serve->app->state, lane);
}
