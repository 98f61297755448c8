/* SPDX-License-Identifier: MIT */
#include "crypto/token.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/jdoc.h"
#include "base/secret.h"
#include "crypto/jwk.h"

#include <jwt.h>

#include <stdlib.h>

static int64_t expiry_of(const struct token_grant *grant)
{
	int64_t wanted = grant->now + grant->ttl_s, end = grant->session->expires_ms / 1000;

	return wanted < end ? wanted : end;
}

static void put_date(struct jdoc_writer *w, const char *name, int64_t wall_ms)
{
	char text[CLOCK_ISO_ROOM];

	jdoc_put_text(w, name, span_make(text, clock_iso_format(wall_ms, text)));
}

static void put_user(struct jdoc_writer *w, const struct user *user)
{
	jdoc_put_text(w, "name", user->name);
	jdoc_put_text(w, "email", user->email);
	jdoc_put_bool(w, "emailVerified", user->email_verified);
	jdoc_put_text(w, "image", user->image);
	put_date(w, "createdAt", user->created_ms);
	put_date(w, "updatedAt", user->updated_ms);
	jdoc_put_text(w, "id", user->id);
	jdoc_put_text(w, "user_id", user->id);
	jdoc_put_text(w, "sub", user->id);
}

/* The claims in the contract's order. */
static enum status write_claims(const struct token_grant *grant, const struct rng *rng,
				struct arena *mem, struct span *json_out)
{
	char id[RNG_ID_LEN + 1];
	struct jdoc_writer w;
	struct buf out;

	rng_id(rng, id);
	buf_init(&out, mem, JWS_TOKEN_MAX);
	jdoc_write(&w, &out);
	jdoc_put_object(&w, NULL);
	jdoc_put_int(&w, "iat", grant->now);
	put_user(&w, grant->user);
	jdoc_put_text(&w, "sid", grant->session->id);
	jdoc_put_text(&w, "jti", span_make(id, RNG_ID_LEN));
	jdoc_put_int(&w, "exp", expiry_of(grant));
	jdoc_put_text(&w, "iss", grant->issuer);
	jdoc_put_text(&w, "aud", grant->audience);
	jdoc_end_object(&w);
	return buf_finish(&out, json_out);
}

static struct span base64url(struct arena *mem, struct span bytes)
{
	char *text = arena_alloc(mem, ENCODE_BASE64_ROOM(bytes.len));

	return span_make(text, encode_base64url(bytes.at, bytes.len, text));
}

/* The contract's header: no `typ`. */
static enum status write_header(const struct keyring_signer *signer, struct arena *mem,
				struct span *json_out)
{
	struct jdoc_writer w;
	struct buf out;

	buf_init(&out, mem, JWS_TOKEN_MAX);
	jdoc_write(&w, &out);
	jdoc_put_object(&w, NULL);
	jdoc_put_text(&w, "alg", span_of(jws_alg_word(signer->alg)));
	jdoc_put_text(&w, "kid", signer->kid);
	jdoc_end_object(&w);
	return buf_finish(&out, json_out);
}

static enum status sign_by_key(const struct keyring_signer *signer, struct span claims,
			       struct arena *mem, struct span *jwt_out)
{
	unsigned char signature[JWK_SIGNATURE_MAX];
	struct span header;
	struct buf out;
	size_t len;

	TRY(write_header(signer, mem, &header));
	buf_init(&out, mem, (size_t)2 * JWS_TOKEN_MAX);
	buf_add(&out, base64url(mem, header));
	buf_byte(&out, '.');
	buf_add(&out, base64url(mem, claims));
	TRY(jwk_sign(signer->secret, buf_span(&out), signature, &len));
	buf_byte(&out, '.');
	buf_add(&out, base64url(mem, span_make((const char *)signature, len)));
	return buf_finish(&out, jwt_out);
}

static void free_jwt(jwt_t **jwt)
{
	jwt_free(*jwt);
}

static void free_text(char **text)
{
	if (*text != NULL)
		secret_wipe(*text, strlen(*text));
	free(*text);
}

static enum status sign_by_secret(const struct keyring_signer *signer, struct span claims,
				  struct arena *mem, struct span *jwt_out)
{
	CLEANUP(free_jwt) jwt_t *jwt = NULL;

	if (jwt_new(&jwt) != 0 || jwt_add_header(jwt, "kid", arena_text(mem, signer->kid)) != 0 ||
	    jwt_add_grants_json(jwt, arena_text(mem, claims)) != 0 ||
	    jwt_set_alg(jwt, JWT_ALG_HS256, (const unsigned char *)signer->hmac.at,
			(int)signer->hmac.len) != 0)
		return STATUS_INTERNAL;
	CLEANUP(free_text) char *text = jwt_encode_str(jwt);
	if (text == NULL)
		return STATUS_INTERNAL;
	*jwt_out = arena_copy(mem, span_of(text));
	return STATUS_OK;
}

enum status token_issue(const struct keyring *keys, const struct token_grant *grant,
			const struct rng *rng, struct arena *mem, struct span *jwt_out)
{
	const struct keyring_signer *signer = keyring_signer(keys, grant->now * 1000);
	struct span claims, jwt;

	if (signer == NULL)
		return STATUS_UNAVAILABLE;
	if (expiry_of(grant) <= grant->now)
		return STATUS_DENIED;
	TRY(write_claims(grant, rng, mem, &claims));
	TRY(signer->alg == JWS_HS256 ? sign_by_secret(signer, claims, mem, &jwt)
				     : sign_by_key(signer, claims, mem, &jwt));
	if (jwt.len > JWS_TOKEN_MAX)
		return STATUS_TOO_LARGE;
	*jwt_out = jwt;
	return STATUS_OK;
}
