/* SPDX-License-Identifier: MIT */
/* Any text as a fetched key set, and as a row of "jwks" (public half, a line
 * break, private half): found keys are of the family their name says, and what
 * we publish can be read and holds no private member. */
#include "fuzz/fuzz.h"

#include "base/jdoc.h"
#include "crypto/keyring.h"

#include <stdlib.h>

static const struct span secret = SPAN("conformance-secret-conformance-secret-0123456789");
static const unsigned version;

static void must(bool good)
{
	if (!good)
		abort();
}

static struct keyring *make(const struct key_row *rows, size_t count)
{
	const struct keyring_source source = { .secrets = &secret,
					       .secret_versions = &version,
					       .secret_count = 1,
					       .signing_alg = JWS_EDDSA,
					       .rows = rows,
					       .row_count = count };
	struct keyring *keys = NULL;
	size_t skipped;

	must(keyring_new(&source, &skipped, &keys) == STATUS_OK && skipped <= count);
	return keys;
}

static void check_published(const struct keyring *keys)
{
	static const char *const private_members[] = { "d", "p", "q", "dp", "dq", "qi", "k" };
	CLEANUP(jdoc_free) struct jdoc *doc = NULL;

	must(jdoc_parse_strict(keyring_jwks(keys), &doc) == STATUS_OK);
	const struct jdoc *list = jdoc_child(doc, "keys");
	for (size_t i = 0; i < jdoc_count(list); i++)
		for (size_t j = 0; j < COUNT_OF(private_members); j++)
			must(jdoc_member(jdoc_at(list, i), private_members[j]) == JDOC_ABSENT);
}

static void check_row(struct span text)
{
	struct span public_key = span_first(text, span_find(text, '\n'));
	struct key_row row = { .id = SPAN("k"),
			       .public_key = public_key,
			       .private_key = span_from(text, public_key.len + 1),
			       .expires_ms = -1 };
	CLEANUP(keyring_release) struct keyring *keys = make(&row, 1);

	check_published(keys);
	must(keyring_signer(keys, 0) == NULL || keyring_signer(keys, 0)->alg == JWS_EDDSA);
}

static void check_set(const struct keyring *own, struct span text)
{
	CLEANUP(keyring_release) struct keyring *keys = NULL;
	struct jws_parts parts = { .kid = SPAN("k") };
	const struct jws_key *found;
	size_t skipped;

	if (keyring_with_issuer(own, 1, text, ~0u, &skipped, &keys) != STATUS_OK)
		return;
	for (enum jws_alg alg = JWS_NONE; alg <= JWS_RS256; alg++) {
		parts.alg = alg;
		if (keyring_find(keys, 1, &parts, 0, &found, 1) == 0)
			continue;
		must(alg != JWS_NONE && alg != JWS_HS256 && jws_key_alg(found) == alg);
		must(span_is(jws_key_kid(found), "k"));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_make((const char *)data, size);
	static struct keyring *own;

	if (own == NULL) {
		jdoc_start();
		own = make(NULL, 0);
	}
	check_set(own, text);
	check_row(text);
	return 0;
}
