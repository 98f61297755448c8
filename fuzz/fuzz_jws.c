/* SPDX-License-Identifier: MIT */
/* Any text as a token: what is split is canonical, and its header says to
 * jansson what it says to us. Any header and payload, signed: the payload comes
 * back as it was. */
#include "fuzz/fuzz.h"

#include "base/encode.h"
#include "base/jdoc.h"
#include "crypto/jws.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <stdlib.h>

#define SECRET "a secret of the fuzz target, long enough for HS256"

static struct jws_scratch *scratch;
static struct jws_key *key;

static void must(bool good)
{
	if (!good)
		abort();
}

static void check_header(struct span header, const struct jws_parts *parts)
{
	CLEANUP(jdoc_free) struct jdoc *doc = NULL;
	struct span alg = SPAN_ABSENT, kid = SPAN_ABSENT;

	must(jdoc_parse(header, &doc) == STATUS_OK && jdoc_text(doc, "alg", &alg));
	must(span_is(alg, jws_alg_word(parts->alg)) && parts->alg != JWS_NONE);
	must(jdoc_member(doc, "crit") == JDOC_ABSENT && jdoc_member(doc, "b64") == JDOC_ABSENT);
	must(jdoc_member(doc, "kid") == JDOC_ABSENT || jdoc_text(doc, "kid", &kid));
	must(span_is_absent(kid) == span_is_absent(parts->kid) && span_equal(kid, parts->kid));
}

static void check_parts(struct span token, const struct jws_parts *parts)
{
	char header[512], again[ENCODE_BASE64_ROOM(sizeof(header))];
	struct span text = span_first(token, span_find(token, '.'));
	size_t len;

	must(decode_base64url(text, header, sizeof(header), &len) == STATUS_OK);
	must(span_equal(span_make(again, encode_base64url(header, len, again)), text));
	must(parts->signing_input.at == token.at &&
	     parts->signing_input.len + 1 + parts->signature_text.len == token.len);
	must(parts->kid.len <= JWS_KID_MAX && token.len <= JWS_TOKEN_MAX);
	check_header(span_make(header, len), parts);
}

static void check_token(struct span token)
{
	struct jws_parts parts;
	struct span payload;

	if (jws_split(token, &parts) != STATUS_OK)
		return;
	check_parts(token, &parts);
	enum status status = jws_verify(scratch, key, &parts, &payload);
	must(status == STATUS_DENIED || status == STATUS_INVALID);
}

static void add_base64url(struct buf *out, struct arena *mem, struct span bytes)
{
	char *text = arena_alloc(mem, ENCODE_BASE64_ROOM(bytes.len));

	buf_add(out, span_make(text, encode_base64url(bytes.at, bytes.len, text)));
}

/* The first line is the header, the rest the payload. */
static void check_signed(struct span data, struct arena *mem)
{
	struct span header = span_first(data, span_find(data, '\n'));
	struct span payload = span_from(data, header.len + 1), again;
	unsigned char mac[32];
	struct jws_parts parts;
	struct buf token;

	buf_init(&token, mem, 1 << 24);
	add_base64url(&token, mem, header);
	buf_byte(&token, '.');
	add_base64url(&token, mem, payload);
	must(HMAC(EVP_sha256(), SECRET, sizeof(SECRET) - 1, (unsigned char *)token.at, token.len,
		  mac, NULL) != NULL);
	buf_byte(&token, '.');
	add_base64url(&token, mem, span_make((const char *)mac, sizeof(mac)));
	if (jws_split(buf_span(&token), &parts) != STATUS_OK)
		return;
	check_parts(buf_span(&token), &parts);
	enum status status = jws_verify(scratch, key, &parts, &again);
	must(status == (parts.alg == JWS_HS256 ? STATUS_OK : STATUS_DENIED));
	must(status != STATUS_OK || span_equal(payload, again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_make((const char *)data, size);

	if (scratch == NULL) {
		jdoc_start();
		scratch = jws_scratch_new();
		must(jws_key_hmac(SPAN_ABSENT, SPAN(SECRET), &key) == STATUS_OK);
	}
	struct arena *mem = arena_new(0);
	check_token(text);
	check_signed(text, mem);
	arena_free(&mem);
	return 0;
}
