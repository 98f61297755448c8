/* SPDX-License-Identifier: MIT */
#include "role/exchange.h"
#include "role/handlers.h"

#include "http/cookie.h"

static void write_view(struct exchange *x)
{
	struct jdoc_writer w;
	exchange_json(x, &w);
	jdoc_put_object(&w, NULL);
	write_session(&w, "session", &x->view.session);
	write_user(&w, "user", &x->view.user);
	jdoc_end_object(&w);
}

/* The cache of the reference is off here: a cookie of it is cleared. */
static void clear_data_cookie(struct exchange *x)
{
	struct span value;
	const struct cookie cookie = { x->app->data_cookie, SPAN(""), 0, x->app->config->secure };
	if (cookie_find(x->mem, x->request->cookie.value, cookie.name, &value))
		cookie_set(x->reply, &cookie);
}

void handle_get_session(struct exchange *x)
{
	struct span off = SPAN_ABSENT;
	bool may_slide = !request_query(x->request, "disableRefresh", &off) || off.len == 0;
	enum status read = exchange_session(x, may_slide);
	if (read != STATUS_OK && read != STATUS_NOT_FOUND) {
		exchange_failed(x, read);
		return;
	}
	if (read == STATUS_OK && !exchange_set_jwt(x, &x->view))
		return;
	exchange_no_store(x);
	if (read == STATUS_OK || span_is_absent(x->token))
		clear_data_cookie(x);
	if (read == STATUS_OK) {
		write_view(x);
	} else {
		struct jdoc_writer w;
		exchange_json(x, &w);
		jdoc_put_null(&w, NULL);
	}
}

void handle_token(struct exchange *x)
{
	struct span jwt;
	struct jdoc_writer w;
	enum status issued =
		sessions_jwt(x->service, &x->local->keys, x->mem, &x->view, x->now_ms, &jwt);
	if (issued != STATUS_OK) {
		exchange_failed(x, issued);
		return;
	}
	reply_header(x->reply, "cache-control", SPAN("no-store"));
	exchange_json(x, &w);
	jdoc_put_object(&w, NULL);
	jdoc_put_text(&w, "token", jwt);
	jdoc_end_object(&w);
}

/* Always 200 once the session is gone; a database that is away is 503, since
 * the caller would believe a session ended that lives on. */
void handle_sign_out(struct exchange *x)
{
	struct jdoc_writer w;
	struct span user_id = SPAN_ABSENT;
	if (!span_is_absent(x->token)) {
		enum status found = store_session_by_token(x->service->store, x->mem, x->token,
							   &x->view.session, &x->view.user);
		if (found == STATUS_OK)
			found = store_end_session(x->service->store, x->token, SPAN_ABSENT);
		if (found != STATUS_OK && found != STATUS_NOT_FOUND) {
			exchange_failed(x, found);
			return;
		}
		user_id = x->view.user.id;
	}
	metrics_count(&x->app->counters->sign_outs, 1);
	exchange_tell(x, AUDIT_SIGN_OUT, user_id, NULL);
	exchange_clear_cookies(x);
	exchange_json(x, &w);
	jdoc_put_object(&w, NULL);
	jdoc_put_bool(&w, "success", true);
	jdoc_end_object(&w);
}

void handle_list_sessions(struct exchange *x)
{
	struct session *rows;
	size_t count;
	struct jdoc_writer w;
	enum status read = store_sessions(x->service->store, x->mem, x->view.user.id, x->now_ms,
					  &rows, &count);
	if (read != STATUS_OK) {
		exchange_failed(x, read);
		return;
	}
	exchange_json(x, &w);
	jdoc_put_array(&w, NULL);
	for (size_t i = 0; i < count; i++)
		write_session(&w, NULL, &rows[i]);
	jdoc_end_array(&w);
}

static void finish_revoke(struct exchange *x, enum status ended, bool current_is_gone)
{
	if (ended != STATUS_OK) {
		exchange_failed(x, ended);
		return;
	}
	exchange_tell(x, AUDIT_SESSIONS_REVOKED, x->view.user.id, NULL);
	if (current_is_gone) {
		exchange_restart(x);
		exchange_clear_cookies(x);
	}
	exchange_status_true(x);
}

void handle_revoke_session(struct exchange *x)
{
	struct span token = exchange_text(x, "token");
	finish_revoke(x, store_end_session(x->service->store, token, x->view.user.id),
		      span_equal(token, x->view.session.token));
}

void handle_revoke_sessions(struct exchange *x)
{
	finish_revoke(x, store_end_sessions(x->service->store, x->view.user.id, SPAN_ABSENT), true);
}

void handle_revoke_other_sessions(struct exchange *x)
{
	finish_revoke(x,
		      store_end_sessions(x->service->store, x->view.user.id, x->view.session.token),
		      false);
}

void handle_update_session(struct exchange *x)
{
	exchange_error(x, ERROR_NO_FIELDS_TO_UPDATE);
}
