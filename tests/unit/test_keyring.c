/* SPDX-License-Identifier: MIT */
#include "crypto/keyring.h"

#include "forge.h"

#include "base/jdoc.h"
#include "crypto/jwk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#define NOW_MS 1767225600000
#define DAY_MS INT64_C(86400000)
#define OTHER "another secret of the service, long enough"

#define RFC_X "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
#define RFC_D "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"
#define RFC_PUBLIC "{\"crv\":\"Ed25519\",\"x\":\"" RFC_X "\",\"kty\":\"OKP\"}"
#define RFC_PRIVATE "{\"crv\":\"Ed25519\",\"d\":\"" RFC_D "\",\"x\":\"" RFC_X "\",\"kty\":\"OKP\"}"
/* The contract's vector: RFC_PRIVATE sealed with FORGE_SECRET. */
#define SEALED                                                                                     \
	"000102030405060708090a0b0c0d0e0f1011121314151617278a52b325382e2d51039b330c1ab2979374670d" \
	"afb2b84d270ea751e7dc3fff67f0341891f8301ab1f89aec8fe758127ac7154ca11126d3aa8cc1ae14d7957d" \
	"f2bdc09d22b6a01353e041dd18371617047a3b8bdeddb158aba75ade2208bc80c05af73bc534a9ddf9139c43" \
	"6aeacf339ed37114a891dfb71f055bfb6868a025bba78b4717c6d9437429457c0285d1bb0e"

static struct arena *mem;
static const struct span secrets[] = { SPAN(FORGE_SECRET), SPAN(OTHER) };
static const unsigned plain_versions[] = { 0, 0 };

static int setup(void **state)
{
	(void)state;
	jdoc_start();
	mem = arena_new(0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_free(&mem);
	return 0;
}

static struct keyring_source source_of(enum jws_alg alg, const struct key_row *rows, size_t count)
{
	return (struct keyring_source){
		.secrets = secrets,
		.secret_versions = plain_versions,
		.secret_count = 1,
		.signing_alg = alg,
		.rows = rows,
		.row_count = count,
		.generation = 7,
		.now_ms = NOW_MS,
	};
}

static struct keyring *make(const struct keyring_source *source, size_t want_skipped)
{
	struct keyring *keys = NULL;
	size_t skipped = 99;

	assert_int_equal(keyring_new(source, &skipped, &keys), STATUS_OK);
	assert_int_equal(skipped, want_skipped);
	return keys;
}

static struct key_row contract_row(void)
{
	return (struct key_row){ .id = SPAN("kidkidkidkidkidkidkidkidkidkid00"),
				 .public_key = SPAN(RFC_PUBLIC),
				 .private_key = SPAN("\"" SEALED "\""),
				 .alg = SPAN("EdDSA"),
				 .crv = SPAN("Ed25519"),
				 .created_ms = NOW_MS - 1000,
				 .expires_ms = -1 };
}

static struct jws_parts parts_of(enum jws_alg alg, const char *kid)
{
	struct jws_parts parts = { .alg = alg, .kid = span_of(kid) };

	return parts;
}

static size_t find(const struct keyring *keys, size_t issuer, enum jws_alg alg, const char *kid)
{
	const struct jws_key *found[4];
	struct jws_parts parts = parts_of(alg, kid);

	return keyring_find(keys, issuer, &parts, NOW_MS, found, 4);
}

/* --- secrets --- */

static void a_secret_has_a_stable_kid(void **state)
{
	struct keyring_source source = source_of(JWS_HS256, NULL, 0);
	struct keyring *keys = make(&source, 0);
	const struct keyring_signer *signer = keyring_signer(keys, NOW_MS);

	(void)state;
	/* printf 'authbridge kid' | openssl dgst -sha256 -hmac "$SECRET" */
	assert_true(span_is(signer->kid, "hs-966b08726ee8d21c"));
	assert_int_equal(signer->alg, JWS_HS256);
	assert_true(span_is(signer->hmac, FORGE_SECRET));
	assert_int_equal(keyring_generation(keys), 7);
	assert_true(span_is(keyring_jwks(keys), "{\"keys\":[]}"));
	keyring_release(&keys);
	assert_null(keys);
	keyring_release(&keys);
}

/* Rotation: the first signs, all verify, one taken out verifies no more. */
static void secrets_overlap(void **state)
{
	struct keyring_source source = source_of(JWS_HS256, NULL, 0);
	struct keyring *one = make(&source, 0), *both;
	char kid[32];

	(void)state;
	snprintf(kid, sizeof(kid), "%.*s", SPAN_FMT(keyring_signer(one, NOW_MS)->kid));
	source.secrets = (struct span[]){ SPAN(OTHER), SPAN(FORGE_SECRET) };
	source.secret_count = 2;
	both = make(&source, 0);
	assert_false(span_is(keyring_signer(both, NOW_MS)->kid, kid));
	assert_true(span_is(keyring_signer(both, NOW_MS)->hmac, OTHER));
	assert_int_equal(find(both, KEYRING_OWN, JWS_HS256, kid), 1);
	assert_int_equal(find(both, KEYRING_OWN, JWS_HS256, NULL), 2);
	assert_int_equal(find(one, KEYRING_OWN, JWS_HS256, NULL), 1);
	keyring_release(&one);
	source.secret_count = 1;
	one = make(&source, 0);
	assert_int_equal(find(one, KEYRING_OWN, JWS_HS256, kid), 0);
	keyring_release(&one);
	keyring_release(&both);
}

static void a_secret_listed_twice_is_one_key(void **state)
{
	struct keyring_source source = source_of(JWS_HS256, NULL, 0);
	struct keyring *keys;

	(void)state;
	source.secrets = (struct span[]){ SPAN(OTHER), SPAN(OTHER) };
	source.secret_count = 2;
	keys = make(&source, 0);
	assert_int_equal(find(keys, KEYRING_OWN, JWS_HS256, NULL), 1);
	keyring_release(&keys);
}

static void short_or_missing_secrets_are_refused(void **state)
{
	struct keyring_source source = source_of(JWS_HS256, NULL, 0);
	struct keyring *keys = NULL;
	size_t skipped;

	(void)state;
	source.secret_count = 0;
	assert_int_equal(keyring_new(&source, &skipped, &keys), STATUS_INVALID);
	source.secrets = (struct span[]){ SPAN("thirty-one bytes are not enough") };
	source.secret_count = 1;
	assert_int_equal(keyring_new(&source, &skipped, &keys), STATUS_INVALID);
	assert_null(keys);
}

/* --- rows --- */

static void the_contracts_row_signs_and_is_listed(void **state)
{
	struct key_row row = contract_row();
	struct keyring_source source = source_of(JWS_EDDSA, &row, 1);
	struct keyring *keys = make(&source, 0);
	const struct keyring_signer *signer = keyring_signer(keys, NOW_MS);
	(void)state;
	assert_non_null(signer);
	assert_int_equal(signer->alg, JWS_EDDSA);
	assert_true(span_equal(signer->kid, row.id));
	assert_non_null(signer->secret);
	assert_true(span_is(keyring_jwks(keys),
			    "{\"keys\":[{\"alg\":\"EdDSA\",\"crv\":\"Ed25519\",\"x\":\"" RFC_X
			    "\",\"kty\":\"OKP\",\"kid\":\"kidkidkidkidkidkidkidkidkidkid00\"}]}"));
	assert_int_equal(find(keys, KEYRING_OWN, JWS_EDDSA, "kidkidkidkidkidkidkidkidkidkid00"), 1);
	assert_int_equal(find(keys, KEYRING_OWN, JWS_HS256, "kidkidkidkidkidkidkidkidkidkid00"), 0);
	assert_int_equal(find(keys, KEYRING_OWN, JWS_EDDSA, NULL), 1);
	assert_int_equal(find(keys, KEYRING_OWN, JWS_ES256, NULL), 0);
	assert_int_equal(find(keys, 1, JWS_EDDSA, "kidkidkidkidkidkidkidkidkidkid00"), 0);
	keyring_release(&keys);
}

#define ZEROS40                                                                                    \
	"0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000" \
	"00000000"

static const struct {
	const char *name;
	struct span private_key;
	unsigned version; /* of the second secret, FORGE_SECRET; the first has 2 */
	bool signs;
} private_keys[] = {
	{ "sealed with a later secret", SPAN("\"" SEALED "\""), 1, true },
	{ "sealed under its version", SPAN("\"$ba$1$" SEALED "\""), 1, true },
	{ "sealed under the plain secret as version 0", SPAN("\"$ba$0$" SEALED "\""), 0, true },
	{ "under another secret's version", SPAN("\"$ba$2$" SEALED "\""), 1, false },
	{ "under an unknown version", SPAN("\"$ba$3$" SEALED "\""), 1, false },
	{ "version is no number", SPAN("\"$ba$x$" SEALED "\""), 1, false },
	{ "no version", SPAN("\"$ba$$" SEALED "\""), 1, false },
	{ "version without an end", SPAN("\"$ba$1\""), 1, false },
	{ "not encrypted", SPAN(RFC_PRIVATE), 1, true },
	{ "members in another order",
	  SPAN("{\"kty\":\"OKP\",\"x\":\"" RFC_X "\",\"d\":\"" RFC_D "\",\"crv\":\"Ed25519\"}"), 1,
	  true },
	{ "hex without quotes", SPAN(SEALED), 1, false },
	{ "changed tag", SPAN("\"" SEALED "00\""), 1, false },
	{ "odd hex", SPAN("\"" SEALED "0\""), 1, false },
	{ "not hex", SPAN("\"zz\""), 1, false },
	{ "too short for nonce and tag", SPAN("\"0011\""), 1, false },
	{ "zeros", SPAN("\"" ZEROS40 "\""), 1, false },
	{ "empty", SPAN(""), 1, false },
	{ "absent", { NULL, 0 }, 1, false },
	{ "null", SPAN("null"), 1, false },
	{ "an array", SPAN("[]"), 1, false },
	{ "no private member", SPAN(RFC_PUBLIC), 1, false },
	{ "of another public key",
	  SPAN("{\"crv\":\"Ed25519\",\"d\":\"" RFC_D
	       "\",\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\",\"kty\":\"OKP\"}"),
	  1, false },
	{ "another seed",
	  SPAN("{\"crv\":\"Ed25519\",\"d\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\","
	       "\"x\":\"" RFC_X "\",\"kty\":\"OKP\"}"),
	  1, false },
	{ "short seed",
	  SPAN("{\"crv\":\"Ed25519\",\"d\":\"AAAA\",\"x\":\"" RFC_X "\",\"kty\":\"OKP\"}"), 1,
	  false },
	{ "another curve",
	  SPAN("{\"crv\":\"X25519\",\"d\":\"" RFC_D "\",\"x\":\"" RFC_X "\",\"kty\":\"OKP\"}"), 1,
	  false },
};

/* Whatever the private half: the public one verifies, and nothing crashes. */
static void private_keys_are_opened(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(private_keys); i++) {
		struct key_row row = contract_row();
		struct keyring_source source = source_of(JWS_EDDSA, &row, 1);
		struct keyring *keys = NULL;
		size_t skipped;

		row.private_key = private_keys[i].private_key;
		source.secrets = (struct span[]){ SPAN(OTHER), SPAN(FORGE_SECRET) };
		source.secret_versions = (unsigned[]){ 2, private_keys[i].version };
		source.secret_count = 2;
		assert_int_equal(keyring_new(&source, &skipped, &keys), STATUS_OK);
		if ((keyring_signer(keys, NOW_MS) != NULL) != private_keys[i].signs ||
		    skipped != (private_keys[i].signs ? 0 : 1))
			fail_msg("case %zu: %s", i, private_keys[i].name);
		assert_int_equal(find(keys, KEYRING_OWN, JWS_EDDSA, NULL), 1);
		keyring_release(&keys);
	}
}

static const struct {
	const char *name;
	struct span public_key, alg;
	int64_t expires_ms;
	bool verifies;
	size_t skipped;
} rows[] = {
	{ "EdDSA", SPAN(RFC_PUBLIC), SPAN("EdDSA"), -1, true, 0 },
	{ "alg is NULL", SPAN(RFC_PUBLIC), { NULL, 0 }, -1, true, 0 },
	{ "expired yesterday", SPAN(RFC_PUBLIC), SPAN("EdDSA"), NOW_MS - DAY_MS, true, 0 },
	{ "expired 30 days ago", SPAN(RFC_PUBLIC), SPAN("EdDSA"), NOW_MS - 30 * DAY_MS, true, 0 },
	{ "expired more than 30 days ago", SPAN(RFC_PUBLIC), SPAN("EdDSA"),
	  NOW_MS - 30 * DAY_MS - 1, false, 0 },
	{ "alg of another family", SPAN(RFC_PUBLIC), SPAN("ES256"), -1, false, 1 },
	{ "HS256 in a row", SPAN("{\"kty\":\"oct\",\"k\":\"AAAA\"}"), SPAN("HS256"), -1, false, 1 },
	{ "alg we do not know", SPAN(RFC_PUBLIC), SPAN("ES512"), -1, false, 1 },
	{ "alg none", SPAN(RFC_PUBLIC), SPAN("none"), -1, false, 1 },
	{ "alg in another case", SPAN(RFC_PUBLIC), SPAN("eddsa"), -1, false, 1 },
	{ "no JSON", SPAN("x"), SPAN("EdDSA"), -1, false, 1 },
	{ "absent", { NULL, 0 }, SPAN("EdDSA"), -1, false, 1 },
	{ "duplicate member",
	  SPAN("{\"crv\":\"Ed25519\",\"x\":\"" RFC_X "\",\"x\":\"" RFC_X "\",\"kty\":\"OKP\"}"),
	  SPAN("EdDSA"), -1, false, 1 },
	{ "padded x", SPAN("{\"crv\":\"Ed25519\",\"x\":\"" RFC_X "=\",\"kty\":\"OKP\"}"),
	  SPAN("EdDSA"), -1, false, 1 },
	{ "x of small order",
	  SPAN("{\"crv\":\"Ed25519\",\"x\":\"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\","
	       "\"kty\":\"OKP\"}"),
	  SPAN("EdDSA"), -1, false, 1 },
};

static void rows_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct key_row row = contract_row();
		struct keyring_source source = source_of(JWS_HS256, &row, 1);
		struct keyring *keys = NULL;
		size_t skipped;

		row.public_key = rows[i].public_key;
		row.alg = rows[i].alg;
		row.expires_ms = rows[i].expires_ms;
		assert_int_equal(keyring_new(&source, &skipped, &keys), STATUS_OK);
		if ((find(keys, KEYRING_OWN, JWS_EDDSA, NULL) == 1) != rows[i].verifies ||
		    skipped != rows[i].skipped ||
		    span_is(keyring_jwks(keys), "{\"keys\":[]}") == rows[i].verifies)
			fail_msg("case %zu: %s", i, rows[i].name);
		keyring_release(&keys);
	}
}

static void private_members_are_never_published(void **state)
{
	struct key_row row = contract_row();
	struct keyring_source source = source_of(JWS_HS256, &row, 1);
	struct keyring *keys;

	(void)state;
	row.public_key = SPAN(RFC_PRIVATE);
	keys = make(&source, 0);
	assert_null(strstr(arena_text(mem, keyring_jwks(keys)), RFC_D));
	keyring_release(&keys);
}

/* Newest first: the newest of the algorithm that is in force signs. */
static void the_newest_usable_row_signs(void **state)
{
	struct key_row all[4];
	struct keyring_source source = source_of(JWS_EDDSA, all, 4);
	struct keyring *keys;

	(void)state;
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(keyring_generate(i == 0 ? JWS_ES256 : JWS_EDDSA, &source,
						  &rng_system, mem, &all[i]),
				 STATUS_OK);
	keys = make(&source, 0);
	assert_true(span_equal(keyring_signer(keys, NOW_MS)->kid, all[1].id));
	keyring_release(&keys);
	all[1].expires_ms = NOW_MS;
	all[2].private_key = SPAN("\"00\"");
	keys = make(&source, 1);
	assert_true(span_equal(keyring_signer(keys, NOW_MS)->kid, all[3].id));
	assert_int_equal(find(keys, KEYRING_OWN, JWS_EDDSA, NULL), 3);
	keyring_release(&keys);
	source.signing_alg = JWS_ES256;
	keys = make(&source, 0);
	assert_true(span_equal(keyring_signer(keys, NOW_MS)->kid, all[0].id));
	keyring_release(&keys);
	source.signing_alg = JWS_RS256;
	keys = make(&source, 0);
	assert_null(keyring_signer(keys, NOW_MS));
	keyring_release(&keys);
}

static void signs(const struct keyring *keys, int64_t now_ms, const struct key_row *want)
{
	const struct keyring_signer *signer = keyring_signer(keys, now_ms);

	assert_int_equal(signer != NULL, want != NULL);
	assert_true(want == NULL || span_equal(signer->kid, want->id));
}

/* Made ahead, a key waits for its time; each signs at most its age. */
static void keys_follow_each_other(void **state)
{
	struct key_row all[3];
	struct keyring_source source = source_of(JWS_EDDSA, all, 3);
	struct keyring *keys;

	(void)state;
	for (int i = 0; i < 3; i++) {
		source.now_ms = NOW_MS + 10 - 10 * i;
		source.key_max_age_ms = i == 0 ? 10 : 0;
		assert_int_equal(keyring_generate(JWS_EDDSA, &source, &rng_system, mem, &all[i]),
				 STATUS_OK);
	}
	assert_int_equal(all[0].expires_ms, NOW_MS + 20);
	assert_int_equal(all[1].expires_ms, -1);
	source.now_ms = NOW_MS;
	keys = make(&source, 0);
	assert_int_equal(keyring_signs_until(keys), INT64_MAX);
	signs(keys, NOW_MS + 9, &all[1]);
	signs(keys, NOW_MS + 10, &all[0]);
	/* The other has no end, so it goes on when the newer one's has come. */
	signs(keys, NOW_MS + 20, &all[1]);
	keyring_release(&keys);

	source.key_max_age_ms = 10;
	keys = make(&source, 0);
	assert_int_equal(keyring_signs_until(keys), NOW_MS + 20);
	/* All clocks do not agree: better early than none. */
	signs(keys, NOW_MS - 1, &all[1]);
	signs(keys, NOW_MS, &all[1]);
	signs(keys, NOW_MS + 9, &all[1]);
	signs(keys, NOW_MS + 10, &all[0]);
	signs(keys, NOW_MS + 19, &all[0]);
	signs(keys, NOW_MS + 20, NULL);
	keyring_release(&keys);
}

static void an_expired_key_verifies_to_the_end_of_its_grace(void **state)
{
	struct key_row row = contract_row();
	struct keyring_source source = source_of(JWS_EDDSA, &row, 1);
	const struct jws_key *found[2];
	struct keyring *keys;

	(void)state;
	row.expires_ms = NOW_MS;
	source.grace_ms = 100;
	keys = make(&source, 0);
	assert_null(keyring_signer(keys, NOW_MS));
	assert_int_equal(keyring_signs_until(keys), INT64_MIN);
	for (int named = 0; named < 2; named++) {
		struct jws_parts parts = parts_of(JWS_EDDSA, named ? row.id.at : NULL);

		assert_int_equal(keyring_find(keys, KEYRING_OWN, &parts, NOW_MS + 100, found, 2),
				 1);
		/* The snapshot need not be made anew for it to end. */
		assert_int_equal(keyring_find(keys, KEYRING_OWN, &parts, NOW_MS + 101, found, 2),
				 0);
	}
	keyring_release(&keys);
}

static void a_row_twice_is_one_key(void **state)
{
	struct key_row twice[] = { contract_row(), contract_row() };
	struct keyring_source source = source_of(JWS_EDDSA, twice, 2);
	struct keyring *keys = make(&source, 1);

	(void)state;
	assert_int_equal(find(keys, KEYRING_OWN, JWS_EDDSA, NULL), 1);
	keyring_release(&keys);
}

static void found_keys_are_bounded_by_room(void **state)
{
	struct key_row some[3];
	struct keyring_source source = source_of(JWS_EDDSA, some, 3);
	struct jws_parts parts = parts_of(JWS_EDDSA, NULL);
	const struct jws_key *found[2];
	struct keyring *keys;

	(void)state;
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(keyring_generate(JWS_EDDSA, &source, &rng_system, mem, &some[i]),
				 STATUS_OK);
	keys = make(&source, 0);
	assert_int_equal(keyring_find(keys, KEYRING_OWN, &parts, NOW_MS, found, 2), 2);
	assert_int_equal(keyring_find(keys, KEYRING_OWN, &parts, NOW_MS, found, 0), 0);
	keyring_release(&keys);
}

/* --- new keys --- */

static void count_up(void *state, void *out, size_t len)
{
	unsigned char *next = state, *bytes = out;

	for (size_t i = 0; i < len; i++)
		bytes[i] = (*next)++;
}

static void generated_rows_have_the_contracts_form(void **state)
{
	unsigned char counter = 0;
	struct rng rng = { count_up, &counter };
	struct keyring_source source = source_of(JWS_EDDSA, NULL, 0);
	struct key_row row;

	(void)state;
	assert_int_equal(keyring_generate(JWS_EDDSA, &source, &rng, mem, &row), STATUS_OK);
	assert_int_equal(row.id.len, 32);
	assert_true(span_starts(row.public_key, SPAN("{\"crv\":\"Ed25519\",\"x\":\"")));
	assert_int_equal(row.public_key.len, strlen(RFC_PUBLIC));
	assert_true(span_starts(row.private_key, SPAN("\"")));
	assert_int_equal(row.private_key.len, strlen(SEALED) + 2);
	assert_true(span_is(row.alg, "EdDSA"));
	assert_true(span_is(row.crv, "Ed25519"));
	assert_int_equal(row.created_ms, NOW_MS);
	assert_int_equal(row.expires_ms, -1);
	source.secret_versions = (unsigned[]){ 12 };
	assert_int_equal(keyring_generate(JWS_EDDSA, &source, &rng, mem, &row), STATUS_OK);
	assert_true(span_starts(row.private_key, SPAN("\"$ba$12$")));
	assert_int_equal(keyring_generate(JWS_HS256, &source, &rng, mem, &row), STATUS_INVALID);
	assert_int_equal(keyring_generate(JWS_NONE, &source, &rng, mem, &row), STATUS_INVALID);
	source.secret_count = 0;
	assert_int_equal(keyring_generate(JWS_EDDSA, &source, &rng, mem, &row), STATUS_INVALID);
}

static void generated_rows_sign(void **state)
{
	static const enum jws_alg algs[] = { JWS_EDDSA, JWS_ES256, JWS_RS256 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(algs); i++)
		for (unsigned version = 0; version < 2; version++) {
			struct key_row row;
			struct keyring_source source = source_of(algs[i], &row, 1);
			struct keyring *keys;

			source.secret_versions = &version;
			assert_int_equal(keyring_generate(algs[i], &source, &rng_system, mem, &row),
					 STATUS_OK);
			keys = make(&source, 0);
			assert_non_null(keyring_signer(keys, NOW_MS));
			assert_int_equal(keyring_signer(keys, NOW_MS)->alg, algs[i]);
			keyring_release(&keys);
			source.secrets = (struct span[]){ SPAN(OTHER) };
			keys = make(&source, 1);
			assert_null(keyring_signer(keys, NOW_MS));
			keyring_release(&keys);
		}
}

/* A private key whose numbers belong to two pairs must not sign. */
static void mixed_pairs_are_refused(void **state)
{
	static const enum jws_alg algs[] = { JWS_ES256, JWS_RS256 };
	static const char d[] = "\"d\":\"";

	(void)state;
	for (size_t i = 0; i < COUNT_OF(algs); i++) {
		struct key_row row;
		struct keyring_source source = source_of(algs[i], &row, 1);
		struct jwk_pair one, two;
		struct keyring *keys;

		assert_int_equal(jwk_generate(algs[i], &rng_system, mem, &one), STATUS_OK);
		assert_int_equal(jwk_generate(algs[i], &rng_system, mem, &two), STATUS_OK);
		row = (struct key_row){ .id = SPAN("k"),
					.public_key = one.public_json,
					.private_key = one.private_json,
					.alg = span_of(jws_alg_word(algs[i])),
					.expires_ms = -1 };
		keys = make(&source, 0);
		assert_non_null(keyring_signer(keys, NOW_MS));
		keyring_release(&keys);
		row.private_key = two.private_json;
		keys = make(&source, 1);
		assert_null(keyring_signer(keys, NOW_MS));
		keyring_release(&keys);
		/* the public half of one with the private number of two */
		char *mixed = arena_text(mem, one.private_json);
		char *to = strstr(mixed, d), *from = strstr(two.private_json.at, d);
		memcpy(to + 5, from + 5, 40);
		row.private_key = span_of(mixed);
		keys = make(&source, 1);
		assert_null(keyring_signer(keys, NOW_MS));
		keyring_release(&keys);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_secret_has_a_stable_kid),
		cmocka_unit_test(secrets_overlap),
		cmocka_unit_test(a_secret_listed_twice_is_one_key),
		cmocka_unit_test(short_or_missing_secrets_are_refused),
		cmocka_unit_test(the_contracts_row_signs_and_is_listed),
		cmocka_unit_test(private_keys_are_opened),
		cmocka_unit_test(rows_are_read),
		cmocka_unit_test(private_members_are_never_published),
		cmocka_unit_test(the_newest_usable_row_signs),
		cmocka_unit_test(keys_follow_each_other),
		cmocka_unit_test(an_expired_key_verifies_to_the_end_of_its_grace),
		cmocka_unit_test(a_row_twice_is_one_key),
		cmocka_unit_test(found_keys_are_bounded_by_room),
		cmocka_unit_test(generated_rows_have_the_contracts_form),
		cmocka_unit_test(generated_rows_sign),
		cmocka_unit_test(mixed_pairs_are_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
