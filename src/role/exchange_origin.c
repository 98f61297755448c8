/* SPDX-License-Identifier: MIT */
#include "role/exchange.h"

/* The contract's "general check": requests that carry any cookie must come
 * from a trusted origin. A repeated Origin or Referer is nobody's honest one. */
static bool check_origin_value(struct exchange *x)
{
	const struct request *request = x->request;
	struct span value = span_trim(request->origin.value);
	if (value.len == 0)
		value = span_trim(request->referer.value);
	bool repeated = request->origin.repeated || request->referer.repeated;
	if (span_is(value, "null") && span_is(request->fetch_site.value, "same-origin"))
		return true;
	if (value.len == 0 || span_is(value, "null")) {
		exchange_error(x, ERROR_MISSING_OR_NULL_ORIGIN);
		return false;
	}
	if (repeated || !origin_is_trusted(x->app->origins, x->mem, value)) {
		exchange_error(x, ERROR_INVALID_ORIGIN);
		return false;
	}
	return true;
}

bool exchange_check_origin(struct exchange *x)
{
	if (!span_is(x->request->method, "POST") || span_is_absent(x->request->cookie.value))
		return true;
	return check_origin_value(x);
}

bool exchange_check_login_origin(struct exchange *x)
{
	const struct request *request = x->request;
	if (!(x->route->flags & ROUTE_LOGIN) || !span_is_absent(request->cookie.value))
		return true;
	bool fetch = request->fetch_site.value.len > 0 || request->fetch_mode.value.len > 0 ||
		     request->fetch_dest.value.len > 0;
	if (fetch && span_is(request->fetch_site.value, "cross-site") &&
	    span_is(request->fetch_mode.value, "navigate")) {
		exchange_error(x, ERROR_CROSS_SITE_LOGIN);
		return false;
	}
	bool named = span_trim(request->origin.value).len > 0 ||
		     span_trim(request->referer.value).len > 0;
	return fetch || named ? check_origin_value(x) : true;
}

static const struct redirect_field {
	const char *name, *label;
	enum error error;
} redirect_fields[] = {
	{ "callbackURL", "callbackURL", ERROR_INVALID_CALLBACK_URL },
	{ "redirectTo", "redirectURL", ERROR_INVALID_REDIRECT_URL },
	{ "errorCallbackURL", "errorCallbackURL", ERROR_INVALID_ERROR_CALLBACK_URL },
	{ "newUserCallbackURL", "newUserCallbackURL", ERROR_INVALID_NEW_USER_CALLBACK_URL },
};

/* What JavaScript holds for true: a field that is "falsy" is no field. */
static bool is_truthy(const struct exchange *x, const char *name)
{
	struct span text;
	bool flag;
	int64_t number;
	switch (jdoc_member(x->body, name)) {
	case JDOC_ABSENT:
	case JDOC_NULL:
		return false;
	case JDOC_BOOL:
		return jdoc_bool(x->body, name, &flag) && flag;
	case JDOC_NUMBER:
		return !jdoc_int(x->body, name, &number) || number != 0;
	case JDOC_STRING:
		return jdoc_text(x->body, name, &text) && text.len > 0;
	case JDOC_ARRAY:
	case JDOC_OBJECT:
		return true;
	}
	return true;
}

static bool check_redirect(struct exchange *x, const struct redirect_field *field)
{
	struct span url = SPAN_ABSENT;
	const char *name = field->name;
	bool in_body = x->body != NULL && jdoc_type(x->body) == JDOC_OBJECT && is_truthy(x, name);
	if (in_body && !jdoc_text(x->body, name, &url)) {
		reply_message(x->reply, 400,
			      arena_format(x->mem, "Invalid %s: expected a string", field->label),
			      NULL);
		return false;
	}
	if (!in_body && field->error == ERROR_INVALID_CALLBACK_URL)
		(void)request_query(x->request, name, &url);
	if (url.len == 0 || origin_is_safe_redirect(x->app->origins, x->mem, url))
		return true;
	exchange_error(x, field->error);
	return false;
}

bool exchange_check_redirects(struct exchange *x)
{
	if (!span_is(x->request->method, "POST"))
		return true;
	for (size_t i = 0; i < COUNT_OF(redirect_fields); i++)
		if (!check_redirect(x, &redirect_fields[i]))
			return false;
	return true;
}
