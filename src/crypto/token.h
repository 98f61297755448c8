/* SPDX-License-Identifier: MIT */
/*
 * token: claims to a signed JWT. HS256 through libjwt, which only this file
 * sees; EdDSA, ES256 and RS256 by our own encoder and the keys that the keyring
 * holds, because libjwt 1.10 has no EdDSA and parses a PEM for each token (0.3
 * to 0.6 ms). libjwt never verifies (it takes the algorithm from the token and
 * looks at no claim); jws.h does.
 */
#ifndef CRYPTO_TOKEN_H
#define CRYPTO_TOKEN_H

#include "base/arena.h"
#include "base/rng.h"
#include "base/span.h"
#include "base/status.h"
#include "crypto/keyring.h"
#include "model/session.h"
#include "model/user.h"

struct token_grant {
	const struct user *user;
	const struct session *session; /* its id becomes `sid`; exp never passes its end */
	struct span issuer, audience;
	int64_t now, ttl_s;
};

/* iat, the seven user fields, user_id, sub, sid, jti, exp, iss, aud.
 * STATUS_UNAVAILABLE: the keyring has no signing key. STATUS_DENIED: the
 * session has ended. STATUS_TOO_LARGE: the token would be longer than
 * JWS_TOKEN_MAX, so that no gate would take it. */
MUST_CHECK enum status token_issue(const struct keyring *keys, const struct token_grant *grant,
				   const struct rng *rng, struct arena *mem, struct span *jwt_out);

#endif
