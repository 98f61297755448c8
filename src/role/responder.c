/* SPDX-License-Identifier: MIT */
#include "role/responder.h"

#include "base/clock.h"
#include "role/exchange.h"
#include "role/handlers.h"
#include "service/limiter.h"

#define TARGET_MAX 1024

#define REQUIRED(name, type, form, max)               \
	{                                             \
		name, type, FIELD_REQUIRED, form, max \
	}
#define OPTIONAL(name, type)                             \
	{                                                \
		name, type, FIELD_OPTIONAL, FIELD_ANY, 0 \
	}
#define END_OF_FIELDS                                           \
	{                                                       \
		NULL, JDOC_ABSENT, FIELD_OPTIONAL, FIELD_ANY, 0 \
	}

static const struct field sign_up_fields[] = {
	REQUIRED("name", JDOC_STRING, FIELD_ANY, USER_NAME_MAX),
	REQUIRED("email", JDOC_STRING, FIELD_EMAIL, USER_EMAIL_MAX),
	REQUIRED("password", JDOC_STRING, FIELD_NOT_EMPTY, 0),
	{ "image", JDOC_STRING, FIELD_OPTIONAL, FIELD_ANY, USER_IMAGE_MAX },
	OPTIONAL("callbackURL", JDOC_STRING),
	OPTIONAL("rememberMe", JDOC_BOOL),
	END_OF_FIELDS,
};
static const struct field sign_in_fields[] = {
	REQUIRED("email", JDOC_STRING, FIELD_ANY, 0),
	REQUIRED("password", JDOC_STRING, FIELD_ANY, 0),
	OPTIONAL("callbackURL", JDOC_STRING),
	OPTIONAL("rememberMe", JDOC_BOOL),
	END_OF_FIELDS,
};
static const struct field sign_out_fields[] = {
	OPTIONAL("callbackURL", JDOC_STRING),
	END_OF_FIELDS,
};
static const struct field change_password_fields[] = {
	REQUIRED("newPassword", JDOC_STRING, FIELD_ANY, 0),
	REQUIRED("currentPassword", JDOC_STRING, FIELD_ANY, 0),
	OPTIONAL("revokeOtherSessions", JDOC_BOOL),
	END_OF_FIELDS,
};
static const struct field verify_password_fields[] = {
	REQUIRED("password", JDOC_STRING, FIELD_ANY, 0),
	END_OF_FIELDS,
};
static const struct field revoke_session_fields[] = {
	REQUIRED("token", JDOC_STRING, FIELD_ANY, 0),
	END_OF_FIELDS,
};
static const struct field delete_user_fields[] = {
	OPTIONAL("callbackURL", JDOC_STRING),
	OPTIONAL("password", JDOC_STRING),
	OPTIONAL("token", JDOC_STRING),
	END_OF_FIELDS,
};
static const struct field change_email_fields[] = {
	REQUIRED("newEmail", JDOC_STRING, FIELD_EMAIL, USER_EMAIL_MAX),
	OPTIONAL("callbackURL", JDOC_STRING),
	END_OF_FIELDS,
};
static const struct field request_reset_fields[] = {
	REQUIRED("email", JDOC_STRING, FIELD_EMAIL, 0),
	OPTIONAL("redirectTo", JDOC_STRING),
	END_OF_FIELDS,
};
static const struct field reset_fields[] = {
	REQUIRED("newPassword", JDOC_STRING, FIELD_ANY, 0),
	OPTIONAL("token", JDOC_STRING),
	END_OF_FIELDS,
};
static const struct field send_verification_fields[] = {
	REQUIRED("email", JDOC_STRING, FIELD_EMAIL, 0),
	OPTIONAL("callbackURL", JDOC_STRING),
	END_OF_FIELDS,
};
static const struct field social_fields[] = {
	REQUIRED("provider", JDOC_STRING, FIELD_ANY, 0),
	END_OF_FIELDS,
};

#define S ROUTE_SESSION
#define B ROUTE_BODY
#define P ROUTE_PASSWORD
#define O ROUTE_OFFLINE

static const struct route routes[] = {
	{ "POST", "/sign-in/email", B | P | ROUTE_FORM | ROUTE_LOGIN, sign_in_fields,
	  handle_sign_in },
	{ "POST", "/sign-up/email", B | P | ROUTE_FORM | ROUTE_LOGIN | ROUTE_RECORD, sign_up_fields,
	  handle_sign_up },
	{ "GET", "/get-session", 0, NULL, handle_get_session },
	{ "POST", "/get-session", O, NULL, handle_post_get_session },
	{ "GET", "/token", S, NULL, handle_token },
	{ "POST", "/sign-out", ROUTE_MAYBE_BODY, sign_out_fields, handle_sign_out },
	{ "GET", "/jwks", 0, NULL, handle_jwks },
	{ "GET", "/list-sessions", S | ROUTE_FRESH, NULL, handle_list_sessions },
	{ "POST", "/revoke-session", S | B, revoke_session_fields, handle_revoke_session },
	{ "POST", "/revoke-sessions", S, NULL, handle_revoke_sessions },
	{ "POST", "/revoke-other-sessions", S, NULL, handle_revoke_other_sessions },
	{ "POST", "/change-password", S | B | P, change_password_fields, handle_change_password },
	{ "POST", "/verify-password", S | B | P, verify_password_fields, handle_verify_password },
	{ "POST", "/update-user", S | B, NULL, handle_update_user },
	{ "POST", "/update-session", S | B, NULL, handle_update_session },
	{ "POST", "/delete-user", S | B | P, delete_user_fields, handle_delete_user },
	{ "POST", "/change-email", S | B, change_email_fields, handle_change_email },
	{ "GET", "/list-accounts", S, NULL, handle_list_accounts },
	{ "GET", "/ok", O, NULL, handle_ok },
	{ "GET", "/error", O, NULL, handle_error_page },
	{ "POST", "/request-password-reset", B | O, request_reset_fields,
	  handle_request_password_reset },
	{ "POST", "/reset-password", B | O, reset_fields, handle_reset_password },
	{ "POST", "/send-verification-email", B | O, send_verification_fields,
	  handle_send_verification_email },
	{ "GET", "/verify-email", O, NULL, handle_verify_email },
	{ "POST", "/sign-in/social", B | O, social_fields, handle_sign_in_social },
	{ "GET", "/delete-user/callback", S, NULL, handle_delete_user_callback },
};

static bool is_dots(struct span segment, const char *dots)
{
	char plain[8];
	size_t len = 0;
	while (segment.len > 0 && len < sizeof(plain) - 1) {
		bool escaped =
			segment.len >= 3 && span_equal_nocase(span_first(segment, 3), SPAN("%2e"));
		plain[len++] = escaped ? '.' : segment.at[0];
		segment = span_from(segment, escaped ? 3 : 1);
	}
	return segment.len == 0 && span_equal(span_make(plain, len), span_of(dots));
}

/* Dot segments resolved as in a WHATWG URL, nothing else changed. */
static struct span resolve_dots(struct span path, char out[TARGET_MAX])
{
	struct span segment;
	size_t len = 0;
	if (path.len >= TARGET_MAX)
		return path;
	struct span rest = span_from(path, 1);
	while (span_next(&rest, '/', &segment)) {
		bool last = span_is_absent(rest);
		if (is_dots(segment, "..")) {
			size_t slash = span_find_last(span_make(out, len), '/');
			len = slash < len ? slash : 0;
		} else if (!is_dots(segment, ".")) {
			out[len++] = '/';
			memcpy(out + len, segment.at, segment.len);
			len += segment.len;
			continue;
		}
		if (last)
			out[len++] = '/';
	}
	return span_make(out, len);
}

/* The part of the path below the base path; false when it is not there. */
static bool endpoint_path(const struct app *app, const struct request *request,
			  char out[TARGET_MAX], struct span *endpoint_out)
{
	struct span base = span_of(app->config->base_path.text);
	struct span path = request->path;
	if (path.len == 0 || path.at[0] != '/')
		return false;
	path = resolve_dots(path, out);
	if (!span_starts(path, base))
		return false;
	*endpoint_out = span_from(path, base.len);
	return endpoint_out->len > 0 && endpoint_out->at[0] == '/';
}

static const struct route *find_route(struct span method, struct span endpoint)
{
	for (size_t i = 0; i < COUNT_OF(routes); i++)
		if (span_is(endpoint, routes[i].path) && span_is(method, routes[i].method))
			return &routes[i];
	return NULL;
}

enum app_lane responder_lane_of(const struct app *app, const struct request *request)
{
	char room[TARGET_MAX];
	struct span endpoint;
	if (!endpoint_path(app, request, room, &endpoint))
		return APP_LANE_GATE;
	const struct route *route = find_route(request->method, endpoint);
	if (route == NULL || (route->flags & ROUTE_OFFLINE))
		return APP_LANE_GATE;
	return route->flags & ROUTE_PASSWORD ? APP_LANE_PASSWORD : APP_LANE_DATABASE;
}

/* The windows count every request, also one that ends in 404. An address that
 * is none cannot have a window of its own and is not put in one with others. */
static bool check_rate(struct exchange *x, struct span endpoint)
{
	const struct service *service = x->service;
	if (!service->config->rate_limit || x->address.len == 0 ||
	    network_holds(service->plan->unlimited, service->plan->unlimited_count, x->address))
		return true;
	int64_t wait_ms = limiter_check(service->shared.limiter, x->address, endpoint, x->now_ms);
	if (wait_ms == 0)
		return true;
	metrics_count(&x->app->counters->throttled_addresses, 1);
	exchange_too_many(x, wait_ms);
	return false;
}

/* The contract's order, after rate limit and routing. */
static bool run_checks(struct exchange *x)
{
	if (!exchange_read_body(x) || !exchange_check_origin(x) || !exchange_check_redirects(x))
		return false;
	exchange_find_token(x);
	if (!exchange_check_schema(x) || !exchange_check_login_origin(x))
		return false;
	if ((x->route->flags & ROUTE_SESSION) && !exchange_need_session(x))
		return false;
	return !(x->route->flags & ROUTE_FRESH) || exchange_need_fresh(x);
}

/* A sign-up or sign-in that came no further than the checks has failed too. */
static void tell_early_refusal(const struct exchange *x)
{
	if (x->route == NULL || !(x->route->flags & ROUTE_LOGIN))
		return;
	exchange_tell(x,
		      x->route->handle == handle_sign_in ? AUDIT_SIGN_IN_REFUSED
							 : AUDIT_SIGN_UP_REFUSED,
		      SPAN_ABSENT, "request_refused");
}

void responder_handle(struct app *app, struct gate_local *local, struct request *request,
		      struct reply *reply)
{
	char room[TARGET_MAX];
	struct span endpoint;
	struct exchange x = {
		.app = app,
		.service = app->service,
		.local = local,
		.request = request,
		.reply = reply,
		.mem = request->mem,
		.now_ms = clock_wall_ms(),
		.address = app_client_address(app, request),
	};
	if (!endpoint_path(app, request, room, &endpoint)) {
		error_reply(reply, ERROR_NOT_FOUND_EMPTY);
		return;
	}
	x.route = find_route(request->method, endpoint);
	if (!check_rate(&x, endpoint))
		tell_early_refusal(&x);
	else if (x.route == NULL)
		error_reply(reply, ERROR_NOT_FOUND_EMPTY);
	else if (run_checks(&x))
		x.route->handle(&x);
	else
		tell_early_refusal(&x);
	exchange_expose(&x);
	jdoc_free(&x.body);
	if (x.route != NULL && !(x.route->flags & ROUTE_OFFLINE))
		service_tidy_when_due(app->service);
}
