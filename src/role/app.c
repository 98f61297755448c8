/* SPDX-License-Identifier: MIT */
#include "role/app.h"

#include "http/error.h"
#include "role/authorizer.h"
#include "role/handle_ops.h"
#include "role/responder.h"

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
	app->counters = app->all_counters = arena_alloc(mem, sizeof(*app->counters));
	app->counter_count = 1;
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

void app_handle(struct app *app, struct gate_local *local, struct request *request,
		struct reply *reply)
{
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
	case REQUEST_NONE:
		error_reply(reply, ERROR_INTERNAL);
		break;
	}
	if (reply->status >= 200 && reply->status < 600)
		atomic_fetch_add_explicit(&app->counters->replies[reply->status / 100], 1,
					  memory_order_relaxed);
}
