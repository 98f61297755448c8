/* SPDX-License-Identifier: MIT */
#include "role/app.h"

#include "base/clock.h"
#include "http/error.h"
#include "role/authorizer.h"
#include "role/handle_ops.h"
#include "role/responder.h"
#include "service/audit.h"

static enum status read_origin(struct app *app, struct span pattern, const char *where,
			       const char *key, struct buf *mistakes)
{
	struct buf why;
	buf_init(&why, app->mem, 1024);
	if (origin_list_add(&app->origins, app->mem, pattern, &why) == STATUS_OK)
		return STATUS_OK;
	config_mistake(mistakes, where, key, "%.*s", SPAN_FMT(buf_span(&why)));
	return STATUS_INVALID;
}

static enum status read_origins(struct app *app, struct buf *mistakes)
{
	const struct config *config = app->config;
	enum status all = read_origin(app, span_of(config->base_url.text), config->base_url.where,
				      "base_url", mistakes);
	for (size_t i = 0; i < config->trusted_origins.count; i++) {
		const struct config_text *item = &config->trusted_origins.items[i];
		if (read_origin(app, span_of(item->text), item->where, "trusted_origins",
				mistakes) != STATUS_OK)
			all = STATUS_INVALID;
	}
	return all;
}

static const char *cookie_name(const struct app *app, const char *name)
{
	return arena_format(app->mem, "%s%s", app->config->secure ? "__Secure-" : "", name);
}

enum status app_new(const struct config *config, struct service *service, struct buf *mistakes,
		    struct app **out)
{
	struct arena *mem = arena_new(0);
	struct app *app = arena_alloc(mem, sizeof(*app));
	app->mem = mem;
	app->config = config;
	app->service = service;
	app_share_counters(app, arena_alloc(mem, APP_STRIPES * sizeof(*app->counters)), 1, 0);
	app->session_cookie = cookie_name(app, "better-auth.session_token");
	app->data_cookie = cookie_name(app, "better-auth.session_data");
	app->remember_cookie = cookie_name(app, "better-auth.dont_remember");
	app->device_cookie = cookie_name(app, "authbridge.device");
	enum status read = read_origins(app, mistakes);
	if (read != STATUS_OK)
		app_free(&app);
	else
		*out = app;
	return read;
}

void app_free(struct app **app)
{
	if (*app == NULL)
		return;
	struct arena *mem = (*app)->mem;
	arena_free(&mem);
	*app = NULL;
}

void app_share_counters(struct app *app, struct app_counters *all, size_t workers, size_t index)
{
	app->all_counters = all;
	app->counter_count = workers * APP_STRIPES;
	app->counters = &all[index * APP_STRIPES];
	app->failures_before = app->counters->database_failures;
	app->timeouts_before = app->counters->database_timeouts;
	app->connects_before = app->counters->feed_connects;
	app->suppressed_before = app->counters->audit_suppressed;
}

void app_publish(struct app *app)
{
	struct app_counters *ours = app->counters;
	struct feed_stats feed;
	struct store_stats store;
	struct audit_stats audit;
	int64_t mono_ms = clock_mono_ms();
	feed_read_stats(app->service->feed, mono_ms, &feed);
	store_read_stats(app->service->store, &store);
	audit_read_stats(app->service->audit, &audit);
	ours->feed_state = feed.state;
	ours->feed_known_ms = feed.age_ms < 0 ? 0 : (uint64_t)(mono_ms - feed.age_ms);
	ours->revocations = feed.revocations;
	ours->revocation_bytes = feed.bytes;
	ours->connections_open = store.open;
	ours->connections_leased = store.leased;
	ours->database_failures = app->failures_before + store.failures;
	ours->database_timeouts = app->timeouts_before + store.timeouts;
	ours->feed_connects = app->connects_before + feed.reconnects;
	ours->audit_waiting = audit.waiting;
	ours->audit_suppressed = app->suppressed_before + audit.suppressed;
	ours->alive = 1;
}

void app_bury(struct app_counters *first)
{
	first->alive = first->revocations = first->revocation_bytes = 0;
	first->connections_open = first->connections_leased = first->audit_waiting = 0;
}

enum app_lane app_lane_of(const struct app *app, const struct request *request)
{
	switch (request->mode) {
	case REQUEST_RESPOND:
		return responder_lane_of(app, request);
	case REQUEST_READY:
		return APP_LANE_DATABASE;
	case REQUEST_NONE:
	case REQUEST_AUTHORIZE:
	case REQUEST_METRICS:
	case REQUEST_LIVE:
		return APP_LANE_GATE;
	}
	return APP_LANE_GATE;
}

/* The rightmost hop that no trusted proxy is. A repeated header, or anything
 * in it that is not an address, ends the search at the last hop believed. */
static struct span forwarded_client(const struct app *app, const struct request *request)
{
	const struct service_plan *plan = app->service->plan;
	struct span client = request->remote_addr;
	struct span rest = request->forwarded_for.value;
	char key[ADDRESS_KEY_ROOM];
	if (request->forwarded_for.repeated)
		return client;
	while (rest.len > 0 && network_holds(plan->proxies, plan->proxy_count, client)) {
		size_t comma = span_find_last(rest, ',');
		bool first = comma == rest.len;
		struct span hop = span_trim(first ? rest : span_from(rest, comma + 1));
		if (!address_key(hop, key))
			break;
		client = hop;
		rest = first ? SPAN_ABSENT : span_first(rest, comma);
	}
	return client;
}

struct span app_client_address(const struct app *app, const struct request *request)
{
	char *key = arena_alloc(request->mem, ADDRESS_KEY_ROOM);
	if (!address_key(forwarded_client(app, request), key))
		return SPAN("");
	return span_of(key);
}

static enum app_class class_of(const struct app *app, const struct request *request)
{
	static const enum app_class classes[] = {
		[APP_LANE_GATE] = APP_CLASS_LIGHT,
		[APP_LANE_DATABASE] = APP_CLASS_SESSION,
		[APP_LANE_PASSWORD] = APP_CLASS_PASSWORD,
	};
	if (request->mode == REQUEST_AUTHORIZE)
		return APP_CLASS_GATE;
	if (request->mode != REQUEST_RESPOND)
		return APP_CLASS_OPERATIONS;
	return classes[responder_lane_of(app, request)];
}

static void count(struct app_counters *counters, enum app_class class, const struct reply *reply,
		  int64_t us)
{
	size_t hundred = (size_t)(reply->status / 100 - 2);
	if (hundred < APP_HUNDREDS)
		metrics_count(&counters->replies[class][hundred], 1);
	metrics_observe(&counters->took[class], us);
}

void app_handle(struct app *app, struct gate_local *local, struct request *request,
		struct reply *reply)
{
	enum app_class class = class_of(app, request);
	struct app_counters *counters = &app->counters[local->number % APP_STRIPES];
	if (class == APP_CLASS_SESSION || class == APP_CLASS_PASSWORD)
		metrics_observe(&counters->waited[class], clock_mono_us() - request->whole_us);
	switch (request->mode) {
	case REQUEST_RESPOND:
		responder_handle(app, local, request, reply);
		break;
	case REQUEST_AUTHORIZE:
		authorizer_handle(app, local, request, reply);
		break;
	case REQUEST_METRICS:
		ops_metrics(app, request, reply);
		break;
	case REQUEST_READY:
		ops_ready(app, request, reply);
		break;
	case REQUEST_LIVE:
		ops_live(request, reply);
		break;
	case REQUEST_NONE:
		error_reply(reply, ERROR_INTERNAL);
		break;
	}
	count(counters, class, reply, clock_mono_us() - request->whole_us);
}
