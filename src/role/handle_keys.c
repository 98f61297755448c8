/* SPDX-License-Identifier: MIT */
#include "role/exchange.h"
#include "role/handlers.h"

#include "service/keys.h"

enum { FRESH_S = 60 };

/* Whoever keeps the list so long has the next key before it signs. */
static struct span freshness(const struct exchange *x)
{
	int64_t age_s = keys_lead_ms(x->app->config) / 1000;
	if (x->app->config->jwt_key_max_age_s == 0 || age_s > FRESH_S)
		age_s = FRESH_S;
	return span_of(arena_format(x->mem, "public, max-age=%d", (int)age_s));
}

/* With HS256 there is no public key to list. Otherwise the first pair is made
 * on demand, as in the reference. */
void handle_jwks(struct exchange *x)
{
	if (x->app->config->jwt_alg != CONFIG_HS256) {
		enum status ready = keys_ensure_signer(x->service, &x->local->keys, 0);
		if (ready != STATUS_OK) {
			exchange_failed(x, ready);
			return;
		}
	} else {
		keys_refresh(x->service, &x->local->keys);
	}
	reply_status(x->reply, 200);
	reply_header(x->reply, "cache-control", freshness(x));
	reply_json(x->reply);
	buf_add(&x->reply->body, keyring_jwks(x->local->keys));
}
