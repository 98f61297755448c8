/* SPDX-License-Identifier: MIT */
#include "role/exchange.h"
#include "role/handlers.h"

#include "model/email.h"
#include "service/accounts.h"

static const enum error sign_up_errors[] = {
	[ACCOUNT_REFUSED] = ERROR_INTERNAL,
	[ACCOUNT_PASSWORD_SHORT] = ERROR_PASSWORD_TOO_SHORT,
	[ACCOUNT_PASSWORD_LONG] = ERROR_PASSWORD_TOO_LONG,
	[ACCOUNT_PASSWORD_BLOCKED] = ERROR_PASSWORD_BLOCKED,
	[ACCOUNT_EXISTS] = ERROR_USER_ALREADY_EXISTS,
	[ACCOUNT_UNSTORABLE] = ERROR_FAILED_TO_CREATE_USER,
};
static const enum error password_errors[] = {
	[ACCOUNT_REFUSED] = ERROR_INVALID_PASSWORD,
	[ACCOUNT_PASSWORD_SHORT] = ERROR_PASSWORD_TOO_SHORT,
	[ACCOUNT_PASSWORD_LONG] = ERROR_PASSWORD_TOO_LONG,
	[ACCOUNT_PASSWORD_BLOCKED] = ERROR_PASSWORD_BLOCKED,
	[ACCOUNT_EXISTS] = ERROR_INTERNAL,
	[ACCOUNT_UNSTORABLE] = ERROR_INVALID_PASSWORD,
	[ACCOUNT_NO_CREDENTIAL] = ERROR_CREDENTIAL_ACCOUNT_NOT_FOUND,
};

/* True when the operation was done; else the refusal is written and told. */
static bool settle(struct exchange *x, enum status status, const struct account_result *result,
		   enum audit_event event, const enum error *errors)
{
	if (status == STATUS_OK && result->outcome == ACCOUNT_DONE)
		return true;
	const char *reason = status == STATUS_OK ? result->reason : status_word(status);
	exchange_tell(x, event, result->view.user.id, reason);
	if (status != STATUS_OK)
		exchange_failed(x, status);
	else if (result->outcome == ACCOUNT_WAIT)
		exchange_too_many(x, result->wait_ms);
	else
		exchange_error(x, errors[result->outcome]);
	if (status == STATUS_OK && result->outcome == ACCOUNT_WAIT)
		metrics_count(&x->app->counters->throttled_accounts, 1);
	return false;
}

/* Cookie, JWT and device of a session that was just begun. */
static bool begin_session(struct exchange *x, const struct session_view *view, bool remember)
{
	if (remember)
		exchange_clear_stale_remember(x);
	exchange_set_session(x, &view->session, remember);
	exchange_set_device(x, view->user.id);
	reply_header(x->reply, "cache-control", SPAN("no-store"));
	return exchange_set_jwt(x, view);
}

void handle_sign_up(struct exchange *x)
{
	struct account_result result = { 0 };
	struct jdoc_writer w;
	const struct sign_up in = {
		.name = exchange_text(x, "name"),
		.email = exchange_text(x, "email"),
		.password = exchange_text(x, "password"),
		.image = exchange_text(x, "image"),
		.remember = exchange_flag(x, "rememberMe", true),
		.client = exchange_client(x),
	};
	enum status status = accounts_sign_up(x->service, x->mem, &in, x->now_ms, &result);
	if (!settle(x, status, &result, AUDIT_SIGN_UP_REFUSED, sign_up_errors)) {
		metrics_count(&x->app->counters->sign_up_refusals, 1);
		return;
	}
	metrics_count(&x->app->counters->sign_ups, 1);
	exchange_tell(x, AUDIT_SIGN_UP, result.view.user.id, NULL);
	if (!begin_session(x, &result.view, in.remember))
		return;
	exchange_json(x, &w);
	jdoc_put_object(&w, NULL);
	jdoc_put_text(&w, "token", result.view.session.token);
	write_user(&w, "user", &result.view.user);
	jdoc_end_object(&w);
}

static void write_sign_in(struct exchange *x, const struct session_view *view)
{
	struct jdoc_writer w;
	struct span url = exchange_text(x, "callbackURL");
	if (url.len > 0)
		reply_header(x->reply, "location", url);
	exchange_json(x, &w);
	jdoc_put_object(&w, NULL);
	jdoc_put_bool(&w, "redirect", url.len > 0);
	jdoc_put_text(&w, "token", view->session.token);
	if (!span_is_absent(url))
		jdoc_put_text(&w, "url", url);
	write_user(&w, "user", &view->user);
	jdoc_end_object(&w);
}

static const enum error sign_in_errors[] = {
	[ACCOUNT_REFUSED] = ERROR_INVALID_EMAIL_OR_PASSWORD,
	[ACCOUNT_PASSWORD_SHORT] = ERROR_INVALID_EMAIL_OR_PASSWORD,
	[ACCOUNT_PASSWORD_LONG] = ERROR_PASSWORD_TOO_LONG,
	[ACCOUNT_PASSWORD_BLOCKED] = ERROR_INVALID_EMAIL_OR_PASSWORD,
	[ACCOUNT_EXISTS] = ERROR_INVALID_EMAIL_OR_PASSWORD,
	[ACCOUNT_UNSTORABLE] = ERROR_INVALID_EMAIL_OR_PASSWORD,
	[ACCOUNT_NO_CREDENTIAL] = ERROR_INVALID_EMAIL_OR_PASSWORD,
};

void handle_sign_in(struct exchange *x)
{
	struct account_result result = { 0 };
	const struct sign_in in = {
		.email = exchange_text(x, "email"),
		.password = exchange_text(x, "password"),
		.remember = exchange_flag(x, "rememberMe", true),
		.client = exchange_client(x),
		.device = exchange_device(x),
	};
	if (!email_is_valid(in.email)) {
		exchange_tell(x, AUDIT_SIGN_IN_REFUSED, SPAN_ABSENT, "invalid_email");
		metrics_count(&x->app->counters->sign_in_refusals, 1);
		exchange_error(x, ERROR_INVALID_EMAIL);
		return;
	}
	enum status status = accounts_sign_in(x->service, x->mem, &in, x->now_ms, &result);
	if (!settle(x, status, &result, AUDIT_SIGN_IN_REFUSED, sign_in_errors)) {
		metrics_count(&x->app->counters->sign_in_refusals, 1);
		return;
	}
	metrics_count(&x->app->counters->sign_ins, 1);
	exchange_tell(x, AUDIT_SIGN_IN, result.view.user.id, NULL);
	if (begin_session(x, &result.view, in.remember))
		write_sign_in(x, &result.view);
}

void handle_change_password(struct exchange *x)
{
	struct account_result result = { 0 };
	struct jdoc_writer w;
	const struct password_change in = {
		.view = &x->view,
		.current = exchange_text(x, "currentPassword"),
		.renewed = exchange_text(x, "newPassword"),
		.revoke_others = exchange_flag(x, "revokeOtherSessions", false),
		.client = exchange_client(x),
	};
	enum status status = accounts_change_password(x->service, x->mem, &in, x->now_ms, &result);
	if (!settle(x, status, &result, AUDIT_PASSWORD_CHANGE_REFUSED, password_errors))
		return;
	exchange_tell(x, AUDIT_PASSWORD_CHANGED, x->view.user.id, NULL);
	if (in.revoke_others)
		exchange_set_session(x, &result.view.session, !x->remember_off);
	exchange_json(x, &w);
	jdoc_put_object(&w, NULL);
	jdoc_put_text(&w, "token", in.revoke_others ? result.view.session.token : SPAN_ABSENT);
	write_user(&w, "user", &x->view.user);
	jdoc_end_object(&w);
}

void handle_verify_password(struct exchange *x)
{
	struct account_result result = { 0 };
	enum status status =
		accounts_verify_password(x->service, x->mem, &x->view, exchange_text(x, "password"),
					 x->now_ms, &result);
	if (settle(x, status, &result, AUDIT_PASSWORD_REFUSED, password_errors))
		exchange_status_true(x);
}

/* A member of update-user: text, or null which clears (image alone). */
static bool read_change(struct exchange *x, const char *name, size_t max, bool may_clear,
			bool *set_out, struct span *value_out)
{
	enum jdoc_type type = jdoc_member(x->body, name);
	*set_out = type != JDOC_ABSENT;
	*value_out = exchange_text(x, name);
	if (type == JDOC_ABSENT || (type == JDOC_NULL && may_clear) ||
	    (type == JDOC_STRING && value_out->len <= max))
		return true;
	const char *message =
		type == JDOC_STRING
			? arena_format(x->mem,
				       "[body.%s] Too big: expected string to have <=%zu bytes",
				       name, max)
			: arena_format(x->mem,
				       "[body.%s] Invalid input: expected string, received %s",
				       name, jdoc_type_word(type));
	reply_message(x->reply, 400, message, "VALIDATION_ERROR");
	return false;
}

void handle_update_user(struct exchange *x)
{
	struct user_change change = { 0 };
	struct user user;
	enum jdoc_type email = jdoc_member(x->body, "email");
	if (email != JDOC_ABSENT && email != JDOC_NULL &&
	    !(email == JDOC_STRING && exchange_text(x, "email").len == 0)) {
		exchange_error(x, ERROR_EMAIL_CAN_NOT_BE_UPDATED);
		return;
	}
	if (!read_change(x, "name", USER_NAME_MAX, false, &change.name_set, &change.name) ||
	    !read_change(x, "image", USER_IMAGE_MAX, true, &change.image_set, &change.image))
		return;
	if (!change.name_set && !change.image_set) {
		exchange_error(x, ERROR_NO_FIELDS_TO_UPDATE);
		return;
	}
	enum status updated = store_update_user(x->service->store, x->mem, x->view.user.id, &change,
						x->now_ms, &user);
	if (updated != STATUS_OK) {
		exchange_failed(x, updated);
		return;
	}
	exchange_set_session(x, &x->view.session, !x->remember_off);
	exchange_status_true(x);
}

static bool may_delete(struct exchange *x)
{
	struct account_result result = { 0 };
	struct span password = exchange_text(x, "password");
	if (exchange_text(x, "token").len > 0) {
		exchange_error(x, ERROR_INVALID_TOKEN_404);
		return false;
	}
	if (password.len > 0) {
		enum status status = accounts_verify_password(x->service, x->mem, &x->view,
							      password, x->now_ms, &result);
		return settle(x, status, &result, AUDIT_USER_DELETION_REFUSED, password_errors);
	}
	if (session_is_fresh(&x->view.session, &x->service->session_rules, x->now_ms))
		return true;
	exchange_error(x, ERROR_SESSION_EXPIRED);
	return false;
}

void handle_delete_user(struct exchange *x)
{
	struct jdoc_writer w;
	if (!x->app->config->delete_user) {
		exchange_error(x, ERROR_NOT_FOUND_EMPTY);
		return;
	}
	if (!may_delete(x))
		return;
	enum status deleted = store_delete_user(x->service->store, x->view.user.id);
	if (deleted != STATUS_OK) {
		exchange_failed(x, deleted);
		return;
	}
	exchange_tell(x, AUDIT_USER_DELETED, x->view.user.id, NULL);
	exchange_restart(x);
	exchange_clear_cookies(x);
	exchange_json(x, &w);
	jdoc_put_object(&w, NULL);
	jdoc_put_bool(&w, "success", true);
	jdoc_put_text(&w, "message", SPAN("User deleted"));
	jdoc_end_object(&w);
}

void handle_change_email(struct exchange *x)
{
	struct span email = email_lower(x->mem, exchange_text(x, "newEmail"));
	if (!x->app->config->change_email)
		exchange_error(x, ERROR_CHANGE_EMAIL_DISABLED);
	else if (span_equal(email, x->view.user.email))
		exchange_error(x, ERROR_SAME_EMAIL);
	else
		exchange_error(x, ERROR_VERIFICATION_EMAIL_OFF);
}

void handle_list_accounts(struct exchange *x)
{
	struct account_row *rows;
	size_t count;
	struct jdoc_writer w;
	enum status read =
		store_accounts(x->service->store, x->mem, x->view.user.id, &rows, &count);
	if (read != STATUS_OK) {
		exchange_failed(x, read);
		return;
	}
	exchange_json(x, &w);
	jdoc_put_array(&w, NULL);
	for (size_t i = 0; i < count; i++)
		write_account(&w, &rows[i], x->view.user.id);
	jdoc_end_array(&w);
}
