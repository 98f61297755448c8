/* SPDX-License-Identifier: MIT */
#include "role/exchange.h"

#include "base/clock.h"
#include "base/log.h"

static void put_time(struct jdoc_writer *w, const char *name, int64_t wall_ms)
{
	char text[CLOCK_ISO_ROOM];
	size_t len = clock_iso_format(wall_ms, text);
	jdoc_put_text(w, name, span_make(text, len));
}

void write_user(struct jdoc_writer *w, const char *name, const struct user *user)
{
	jdoc_put_object(w, name);
	jdoc_put_text(w, "name", user->name);
	jdoc_put_text(w, "email", user->email);
	jdoc_put_bool(w, "emailVerified", user->email_verified);
	jdoc_put_text(w, "image", user->image);
	put_time(w, "createdAt", user->created_ms);
	put_time(w, "updatedAt", user->updated_ms);
	jdoc_put_text(w, "id", user->id);
	jdoc_end_object(w);
}

void write_session(struct jdoc_writer *w, const char *name, const struct session *session)
{
	jdoc_put_object(w, name);
	put_time(w, "expiresAt", session->expires_ms);
	jdoc_put_text(w, "token", session->token);
	put_time(w, "createdAt", session->created_ms);
	put_time(w, "updatedAt", session->updated_ms);
	jdoc_put_text(w, "ipAddress", session->ip_address);
	jdoc_put_text(w, "userAgent", session->user_agent);
	jdoc_put_text(w, "userId", session->user_id);
	jdoc_put_text(w, "id", session->id);
	jdoc_end_object(w);
}

void write_account(struct jdoc_writer *w, const struct account_row *account, struct span user_id)
{
	struct span scope = account->scope;
	struct span part;
	jdoc_put_object(w, NULL);
	jdoc_put_text(w, "accountId", account->account_id);
	jdoc_put_text(w, "providerId", account->provider_id);
	jdoc_put_text(w, "userId", user_id);
	put_time(w, "createdAt", account->created_ms);
	put_time(w, "updatedAt", account->updated_ms);
	jdoc_put_text(w, "id", account->id);
	jdoc_put_array(w, "scopes");
	while (scope.len > 0 && span_next(&scope, ',', &part))
		jdoc_put_text(w, NULL, part);
	jdoc_end_array(w);
	jdoc_end_object(w);
}

void exchange_json(struct exchange *x, struct jdoc_writer *w)
{
	if (x->reply->status == 0)
		reply_status(x->reply, 200);
	reply_json(x->reply);
	jdoc_write(w, &x->reply->body);
}

void exchange_status_true(struct exchange *x)
{
	struct jdoc_writer w;
	exchange_json(x, &w);
	jdoc_put_object(&w, NULL);
	jdoc_put_bool(&w, "status", true);
	jdoc_end_object(&w);
}

void exchange_no_store(struct exchange *x)
{
	reply_header(x->reply, "cache-control", SPAN("no-store"));
	reply_header(x->reply, "pragma", SPAN("no-cache"));
}

void exchange_restart(struct exchange *x)
{
	x->expose_jwt = false;
	x->auth_token = SPAN_ABSENT;
	reply_restart(x->reply);
}

void exchange_error(struct exchange *x, enum error error)
{
	error_reply(x->reply, error);
}

void exchange_failed(struct exchange *x, enum status status)
{
	if (status != STATUS_BUSY)
		log_warn("request failed", LOG_TEXT("endpoint", x->route->path),
			 LOG_SPAN("addr", x->address), LOG_STATUS(status));
	exchange_error(x, error_of_status(status));
}

void exchange_too_many(struct exchange *x, int64_t wait_ms)
{
	int64_t seconds = (wait_ms + 999) / 1000;
	exchange_error(x, ERROR_TOO_MANY_REQUESTS);
	reply_header(x->reply, "x-retry-after",
		     span_of(arena_format(x->mem, "%lld", (long long)seconds)));
}

void exchange_tell(const struct exchange *x, enum audit_event event, struct span user_id,
		   const char *reason)
{
	/* A reply that is written already is why it came no further. */
	int written = x->reply->status >= 400 ? x->reply->status : 0;
	const struct log_field fields[] = {
		LOG_SPAN("user", user_id),
		LOG_SPAN("addr", x->address),
		LOG_TEXT("reason", reason),
		{ written > 0 ? "http" : NULL, { NULL, 1 }, written },
		{ 0 },
	};
	log_event(reason == NULL ? LOG_LEVEL_INFO : LOG_LEVEL_WARN, audit_event_word(event),
		  fields);
	audit_note(x->service->audit, event, user_id, x->address, reason);
}
