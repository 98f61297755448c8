/* SPDX-License-Identifier: MIT */
#include "role/exchange.h"
#include "role/handlers.h"

#include "service/keys.h"

/* With HS256 there is no public key to list. Otherwise the first pair is made
 * on demand, as in the reference. */
void handle_jwks(struct exchange *x)
{
	if (x->app->config->jwt_alg != CONFIG_HS256) {
		enum status ready = keys_ensure_signer(x->service, &x->local->keys);
		if (ready != STATUS_OK) {
			exchange_failed(x, ready);
			return;
		}
	} else {
		keys_refresh(x->service, &x->local->keys);
	}
	reply_status(x->reply, 200);
	reply_header(x->reply, "cache-control", SPAN("public, max-age=60"));
	reply_json(x->reply);
	buf_add(&x->reply->body, keyring_jwks(x->local->keys));
}
