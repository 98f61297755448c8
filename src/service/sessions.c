/* SPDX-License-Identifier: MIT */
#include "service/sessions.h"

#include "crypto/token.h"
#include "service/keys.h"
#include "service/service.h"

#define TOKEN_MAX 255

void sessions_make(struct service *service, struct arena *mem, struct span user_id, bool remember,
		   const struct client *client, int64_t now_ms, struct session *out)
{
	int64_t ttl_s = remember ? service->session_rules.ttl_s : SESSION_SHORT_TTL_S;
	*out = (struct session){
		.id = service_new_id(service, mem),
		.token = service_new_id(service, mem),
		.user_id = user_id,
		.ip_address = client->address,
		.user_agent = client->user_agent,
		.expires_ms = now_ms + ttl_s * 1000,
		.created_ms = now_ms,
		.updated_ms = now_ms,
	};
}

/* Anything else cannot be in the table, and some of it could not be asked for. */
static bool could_be_token(struct span token)
{
	for (size_t i = 0; i < token.len; i++)
		if (token.at[i] < 0x21 || token.at[i] > 0x7e)
			return false;
	return token.len > 0 && token.len <= TOKEN_MAX;
}

/* A session that was ended between reading and sliding is not live. */
static enum status slide(struct service *service, struct session_view *view, int64_t now_ms)
{
	int64_t expires_ms = now_ms + service->session_rules.ttl_s * 1000;
	TRY(store_slide_session(service->store, view->session.token, expires_ms, now_ms));
	view->session.expires_ms = expires_ms;
	view->session.updated_ms = now_ms;
	view->slid = true;
	return STATUS_OK;
}

enum status sessions_read(struct service *service, struct arena *mem, struct span token,
			  bool may_slide, int64_t now_ms, struct session_view *out)
{
	struct session_view view = { 0 };
	if (!could_be_token(token))
		return STATUS_NOT_FOUND;
	TRY(store_session_by_token(service->store, mem, token, &view.session, &view.user));
	if (!session_is_live(&view.session, now_ms)) {
		TRY(store_end_session(service->store, token, SPAN_ABSENT));
		return STATUS_NOT_FOUND;
	}
	if (may_slide && session_is_due(&view.session, &service->session_rules, now_ms))
		TRY(slide(service, &view, now_ms));
	*out = view;
	return STATUS_OK;
}

/* Rows of another server may hold more than fits a header: the token then
 * leaves it out (doc/differences.md). */
static struct user bounded(const struct user *user)
{
	struct user copy = *user;
	if (copy.image.len > USER_IMAGE_MAX)
		copy.image = SPAN_ABSENT;
	if (copy.name.len > USER_NAME_MAX)
		copy.name = SPAN("");
	return copy;
}

enum status sessions_jwt(struct service *service, struct keyring **held, struct arena *mem,
			 const struct session_view *view, int64_t now_ms, struct span *jwt_out)
{
	const struct config *config = service->config;
	TRY(keys_ensure_signer(service, held, 0));
	struct user user = bounded(&view->user);
	struct token_grant grant = {
		.user = &user,
		.session = &view->session,
		.issuer = span_of(config->jwt_issuer.text),
		.audience = span_of(config->jwt_audience.text),
		.now = now_ms / 1000,
		.ttl_s = config->jwt_ttl_s,
	};
	return token_issue(*held, &grant, service->rng, mem, jwt_out);
}
