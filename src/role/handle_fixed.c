/* SPDX-License-Identifier: MIT */
/* Endpoints whose answer never changes: what an unconfigured reference says. */
#include "role/exchange.h"
#include "role/handlers.h"

#include "base/encode.h"
#include "service/accounts.h"

void handle_ok(struct exchange *x)
{
	struct jdoc_writer w;
	exchange_json(x, &w);
	jdoc_put_object(&w, NULL);
	jdoc_put_bool(&w, "ok", true);
	jdoc_end_object(&w);
}

static bool is_error_word(struct span word)
{
	for (size_t i = 0; i < word.len; i++) {
		char c = word.at[i];
		bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			    (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '\'';
		if (!fine)
			return false;
	}
	return word.len > 0;
}

/* As the reference in production: back to the site, the error named. */
void handle_error_page(struct exchange *x)
{
	struct span error = SPAN_ABSENT;
	struct span about = SPAN_ABSENT;
	if (!request_query(x->request, "error", &error) || !is_error_word(error))
		error = SPAN("UNKNOWN");
	char *to = arena_format(x->mem, "/?error=%.*s", SPAN_FMT(error));
	if (request_query(x->request, "error_description", &about) && about.len > 0) {
		about = encode_percent(x->mem, about);
		to = arena_format(x->mem, "%s&error_description=%.*s", to, SPAN_FMT(about));
	}
	reply_status(x->reply, 302);
	reply_header(x->reply, "location", span_of(to));
}

void handle_post_get_session(struct exchange *x)
{
	exchange_no_store(x);
	exchange_error(x, ERROR_DEFER_SESSION_REQUIRED);
}

void handle_request_password_reset(struct exchange *x)
{
	exchange_error(x, ERROR_RESET_PASSWORD_DISABLED);
}

/* No token was ever given out; the reference looks at the password first. */
void handle_reset_password(struct exchange *x)
{
	struct span renewed = exchange_text(x, "newPassword");
	enum account_outcome judged = accounts_judge_password(x->service, renewed);
	if (exchange_text(x, "token").len > 0 && judged == ACCOUNT_PASSWORD_SHORT)
		exchange_error(x, ERROR_PASSWORD_TOO_SHORT);
	else if (exchange_text(x, "token").len > 0 && judged == ACCOUNT_PASSWORD_LONG)
		exchange_error(x, ERROR_PASSWORD_TOO_LONG);
	else
		exchange_error(x, ERROR_INVALID_TOKEN);
}

void handle_send_verification_email(struct exchange *x)
{
	exchange_error(x, ERROR_VERIFICATION_EMAIL_NOT_ENABLED);
}

static void refuse_without_token(struct exchange *x)
{
	reply_message(x->reply, 400,
		      "[query.token] Invalid input: expected string, received undefined",
		      "VALIDATION_ERROR");
}

void handle_verify_email(struct exchange *x)
{
	struct span token;
	if (request_query(x->request, "token", &token))
		exchange_error(x, ERROR_INVALID_TOKEN_401);
	else
		refuse_without_token(x);
}

void handle_sign_in_social(struct exchange *x)
{
	exchange_error(x, ERROR_PROVIDER_NOT_FOUND);
}

void handle_delete_user_callback(struct exchange *x)
{
	struct span token;
	if (!request_query(x->request, "token", &token))
		refuse_without_token(x);
	else if (x->app->config->delete_user)
		exchange_error(x, ERROR_INVALID_TOKEN_404);
	else
		exchange_error(x, ERROR_DELETE_CALLBACK_NOT_FOUND);
}
