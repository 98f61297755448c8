/* SPDX-License-Identifier: MIT */
#include "role/handle_ops.h"

#include "base/clock.h"
#include "http/error.h"

bool ops_is_local(const struct request *request, struct reply *reply)
{
	if (request->local)
		return true;
	error_reply(reply, ERROR_NOT_FOUND_EMPTY);
	return false;
}

static void put_true(struct reply *reply, const char *what)
{
	reply_status(reply, 200);
	reply_json(reply);
	buf_format(&reply->body, "{\"%s\":true}", what);
}

void ops_ready(struct app *app, const struct request *request, struct reply *reply)
{
	struct feed_stats feed;
	if (!ops_is_local(request, reply))
		return;
	feed_read_stats(app->service->feed, clock_mono_ms(), &feed);
	if (feed.state == FEED_CURRENT && store_ping(app->service->store) == STATUS_OK)
		put_true(reply, "ready");
	else
		error_reply(reply, ERROR_UNAVAILABLE);
}

void ops_live(const struct request *request, struct reply *reply)
{
	if (ops_is_local(request, reply))
		put_true(reply, "live");
}
