/* SPDX-License-Identifier: MIT */
#include "role/exchange.h"

#include "base/encode.h"
#include "http/cookie.h"
#include "service/cookies.h"

#define DEVICE_TTL_S (400 * INT64_C(86400))
#define USER_AGENT_MAX 512

/* Header bytes are Latin-1 to the reference; as UTF-8 any of them can be
 * stored. */
static struct span latin1_to_utf8(struct arena *mem, struct span bytes)
{
	char *out = arena_alloc(mem, bytes.len * 2 + 1);
	size_t len = 0;
	for (size_t i = 0; i < bytes.len; i++) {
		unsigned char byte = (unsigned char)bytes.at[i];
		if (byte >= 0x80)
			out[len++] = (char)(0xc0 | byte >> 6);
		out[len++] = (char)(byte >= 0x80 ? 0x80 | (byte & 0x3f) : byte);
	}
	return span_make(out, len);
}

struct client exchange_client(const struct exchange *x)
{
	struct span agent = span_first(x->request->user_agent.value, USER_AGENT_MAX);
	return (struct client){
		.address = x->address,
		.user_agent = latin1_to_utf8(x->mem, agent),
	};
}

/* A bearer without a dot is a bare session token; one with a dot is signed,
 * raw or percent-encoded. */
static bool find_bearer(struct exchange *x)
{
	struct span value = span_trim(x->request->authorization.value);
	if (x->request->authorization.repeated ||
	    !span_equal_nocase(span_first(value, 7), SPAN("Bearer ")))
		return false;
	struct span token = span_trim(span_from(value, 7));
	struct span decoded = token;
	if (token.len == 0)
		return false;
	if (span_find(token, '.') == token.len) {
		x->token = token;
		return true;
	}
	if (span_find(token, '%') < token.len &&
	    decode_percent(x->mem, token, &decoded) != STATUS_OK)
		decoded = token;
	return cookies_open(x->service, decoded, &x->token) == STATUS_OK;
}

static bool find_cookie(struct exchange *x, const char *name, struct span *text_out)
{
	struct span value;
	return cookie_find(x->mem, x->request->cookie.value, name, &value) &&
	       cookies_open(x->service, value, text_out) == STATUS_OK;
}

void exchange_find_token(struct exchange *x)
{
	struct span flag;
	x->token = SPAN_ABSENT;
	x->remember_off = find_cookie(x, x->app->remember_cookie, &flag) && flag.len > 0;
	if (!find_bearer(x) && !find_cookie(x, x->app->session_cookie, &x->token))
		x->token = SPAN_ABSENT;
}

enum status exchange_session(struct exchange *x, bool may_slide)
{
	if (span_is_absent(x->token))
		return STATUS_NOT_FOUND;
	enum status read = sessions_read(x->service, x->mem, x->token,
					 may_slide && !x->remember_off, x->now_ms, &x->view);
	if (read == STATUS_NOT_FOUND)
		exchange_clear_cookies(x);
	if (read == STATUS_OK && x->view.slid)
		exchange_set_session(x, &x->view.session, true);
	return read;
}

/* The clearing cookies that exchange_session set stay in the refusal. */
bool exchange_need_session(struct exchange *x)
{
	enum status read = exchange_session(x, true);
	if (read == STATUS_OK)
		return true;
	if (read == STATUS_NOT_FOUND)
		reply_message(x->reply, 401, "Unauthorized", error_code(ERROR_UNAUTHORIZED));
	else
		exchange_failed(x, read);
	return false;
}

bool exchange_need_fresh(struct exchange *x)
{
	if (session_is_fresh(&x->view.session, &x->service->session_rules, x->now_ms))
		return true;
	exchange_error(x, ERROR_SESSION_NOT_FRESH);
	return false;
}

static void set_cookie(struct exchange *x, const char *name, struct span value, int64_t max_age_s)
{
	const struct cookie cookie = { name, value, max_age_s, x->app->config->secure };
	cookie_set(x->reply, &cookie);
}

void exchange_set_session(struct exchange *x, const struct session *session, bool remember)
{
	int64_t max_age_s = remember ? x->service->session_rules.ttl_s : -1;
	struct span value = cookies_seal(x->service, x->mem, session->token);
	set_cookie(x, x->app->session_cookie, encode_percent(x->mem, value), max_age_s);
	if (!remember) {
		struct span flag = cookies_seal(x->service, x->mem, SPAN("true"));
		set_cookie(x, x->app->remember_cookie, encode_percent(x->mem, flag), -1);
	}
	x->auth_token = value;
}

void exchange_clear_cookies(struct exchange *x)
{
	const char *const names[] = {
		x->app->session_cookie,
		x->app->data_cookie,
		x->app->remember_cookie,
	};
	for (size_t i = 0; i < COUNT_OF(names); i++)
		set_cookie(x, names[i], SPAN(""), 0);
}

void exchange_clear_stale_remember(struct exchange *x)
{
	struct span value;
	if (cookie_find(x->mem, x->request->cookie.value, x->app->remember_cookie, &value))
		set_cookie(x, x->app->remember_cookie, SPAN(""), 0);
}

bool exchange_set_jwt(struct exchange *x, const struct session_view *view)
{
	struct span jwt;
	enum status issued =
		sessions_jwt(x->service, &x->local->keys, x->mem, view, x->now_ms, &jwt);
	if (issued != STATUS_OK) {
		/* No cookie of a session that the client is told it has not. */
		exchange_restart(x);
		exchange_failed(x, issued);
		return false;
	}
	reply_header(x->reply, "set-auth-jwt", jwt);
	x->expose_jwt = true;
	return true;
}

void exchange_expose(struct exchange *x)
{
	bool token = !span_is_absent(x->auth_token);
	if (token)
		reply_header(x->reply, "set-auth-token", x->auth_token);
	if (x->expose_jwt && token)
		reply_header(x->reply, "access-control-expose-headers",
			     SPAN("set-auth-jwt, set-auth-token"));
	else if (x->expose_jwt)
		reply_header(x->reply, "access-control-expose-headers", SPAN("set-auth-jwt"));
	else if (token)
		reply_header(x->reply, "access-control-expose-headers", SPAN("set-auth-token"));
}

void exchange_set_device(struct exchange *x, struct span user_id)
{
	/* Without a throttle there is no allowance to tell apart. */
	if (!x->app->config->rate_limit)
		return;
	struct span name = cookies_name_device(x->service, x->mem, user_id, x->now_ms / 1000);
	struct span value = cookies_seal(x->service, x->mem, name);
	set_cookie(x, x->app->device_cookie, encode_percent(x->mem, value), DEVICE_TTL_S);
}

struct span exchange_device(const struct exchange *x)
{
	struct span value;
	struct span device;
	if (cookie_find(x->mem, x->request->cookie.value, x->app->device_cookie, &value) &&
	    cookies_open(x->service, value, &device) == STATUS_OK)
		return device;
	return SPAN_ABSENT;
}
