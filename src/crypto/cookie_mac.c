/* SPDX-License-Identifier: MIT */
#include "crypto/cookie_mac.h"

#include "base/encode.h"
#include "base/secret.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include <stdlib.h>

enum {
	SIGNATURE_LEN = 44, /* base64 of 32 bytes, with its one '=' */
	SIGNATURE_ROOM = ENCODE_BASE64_ROOM(SHA256_DIGEST_LENGTH),
};

static void sign(struct span secret, struct span text, char out[SIGNATURE_ROOM])
{
	unsigned char mac[SHA256_DIGEST_LENGTH];
	unsigned len;

	/* It can only fail for want of a small allocation. */
	if (HMAC(EVP_sha256(), secret.at, (int)secret.len, (const unsigned char *)text.at, text.len,
		 mac, &len) == NULL)
		abort();
	encode_base64(mac, sizeof(mac), out);
}

struct span cookie_sign(struct arena *mem, struct span secret, struct span text)
{
	char *out = arena_alloc(mem, text.len + 1 + SIGNATURE_ROOM);

	if (text.len > 0)
		memcpy(out, text.at, text.len);
	out[text.len] = '.';
	sign(secret, text, out + text.len + 1);
	return span_make(out, text.len + 1 + SIGNATURE_LEN);
}

/* The signatures are compared as text, so that a value has one spelling. */
enum status cookie_verify(const struct span *secrets, size_t count, struct span signed_text,
			  struct span *text_out)
{
	struct span text = span_first(signed_text, span_find_last(signed_text, '.'));
	struct span given = span_from(signed_text, text.len + 1);

	if (given.len != SIGNATURE_LEN)
		return STATUS_DENIED;
	for (size_t i = 0; i < count; i++) {
		char right[SIGNATURE_ROOM];

		sign(secrets[i], text, right);
		if (secret_equal(span_make(right, SIGNATURE_LEN), given)) {
			*text_out = text;
			return STATUS_OK;
		}
	}
	return STATUS_DENIED;
}
