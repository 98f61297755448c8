/* SPDX-License-Identifier: MIT */
#include "crypto/token.h"

#include "forge.h"

#include "base/jdoc.h"
#include "crypto/jws.h"
#include "model/claims.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#define NOW 1767225600
#define ISSUER "http://127.0.0.1:3100"
#define UID "uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu"
#define SID "ssssssssssssssssssssssssssssssss"

static struct arena *mem;
static struct jws_scratch *scratch;
static unsigned char counter;

static void count_up(void *state, void *out, size_t len)
{
	unsigned char *next = state, *bytes = out;

	for (size_t i = 0; i < len; i++)
		bytes[i] = (*next)++;
}

static const struct rng counting = { count_up, &counter };

static int setup(void **state)
{
	(void)state;
	jdoc_start();
	mem = arena_new(0);
	scratch = jws_scratch_new();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	jws_scratch_free(&scratch);
	arena_free(&mem);
	return 0;
}

static struct keyring *keyring_for(enum jws_alg alg)
{
	static const struct span secret = SPAN(FORGE_SECRET);
	static const unsigned version = 0;
	struct key_row row;
	struct keyring_source source = { .secrets = &secret,
					 .secret_versions = &version,
					 .secret_count = 1,
					 .signing_alg = alg,
					 .rows = &row,
					 .now_ms = NOW * INT64_C(1000) };
	struct keyring *keys = NULL;
	size_t skipped;

	if (alg != JWS_HS256) {
		assert_int_equal(keyring_generate(alg, &source, &rng_system, mem, &row), STATUS_OK);
		source.row_count = 1;
	}
	assert_int_equal(keyring_new(&source, &skipped, &keys), STATUS_OK);
	return keys;
}

static struct user ann(void)
{
	return (struct user){ .id = SPAN(UID),
			      .name = SPAN("Ann"),
			      .email = SPAN("ann@example.com"),
			      .created_ms = NOW * INT64_C(1000) + 123,
			      .updated_ms = NOW * INT64_C(1000) + 123 };
}

static struct session week(void)
{
	return (struct session){ .id = SPAN(SID),
				 .user_id = SPAN(UID),
				 .token = SPAN("the-session-token-is-not-for-jwts"),
				 .expires_ms = (NOW + 604800) * INT64_C(1000) };
}

static struct token_grant grant_of(const struct user *user, const struct session *session)
{
	return (struct token_grant){ .user = user,
				     .session = session,
				     .issuer = SPAN(ISSUER),
				     .audience = SPAN(ISSUER "/api"),
				     .now = NOW,
				     .ttl_s = 900 };
}

static enum status open_token(const struct keyring *keys, struct span jwt, struct span *payload_out)
{
	const struct jws_key *key;
	struct jws_parts parts;

	TRY(jws_split(jwt, &parts));
	assert_int_equal(keyring_find(keys, KEYRING_OWN, &parts, 0, &key, 1), 1);
	return jws_verify(scratch, key, &parts, payload_out);
}

/* A-FR-004, B-FR-010: user id, e-mail, iat and exp; one row per algorithm. */
static void A_FR_004_B_FR_010_tokens_pass_our_own_gate(void **state)
{
	(void)state;
	for (enum jws_alg alg = JWS_HS256; alg <= JWS_RS256; alg++) {
		struct keyring *keys = keyring_for(alg);
		struct user user = ann();
		struct session session = week();
		struct token_grant grant = grant_of(&user, &session);
		struct claims_rules rules = { SPAN(ISSUER), SPAN(ISSUER "/api"), 0 };
		struct span jwt, payload;
		struct claims claims;

		assert_int_equal(token_issue(keys, &grant, &counting, mem, &jwt), STATUS_OK);
		if (open_token(keys, jwt, &payload) != STATUS_OK)
			fail_msg("alg %s", jws_alg_word(alg));
		assert_int_equal(claims_parse(payload, SPAN("user_id"), &claims), STATUS_OK);
		assert_int_equal(claims_judge(&claims, &rules, NOW), CLAIMS_HOLD);
		assert_int_equal(claims_judge(&claims, &rules, NOW + 899), CLAIMS_HOLD);
		assert_int_equal(claims_judge(&claims, &rules, NOW + 900), CLAIMS_EXPIRED);
		assert_true(span_is(claims.subject, UID));
		assert_true(span_is(claims.custom, UID));
		assert_true(span_is(claims.session, SID));
		assert_true(span_is(claims.email, "ann@example.com"));
		assert_int_equal(claims.issued, NOW);
		assert_int_equal(claims.expires, NOW + 900);
		assert_null(memmem(payload.at, payload.len, "the-session-token", 17));
		keyring_release(&keys);
	}
}

static const char *const texts[][2] = {
	{ "name", "Ann" },
	{ "email", "ann@example.com" },
	{ "createdAt", "2026-01-01T00:00:00.123Z" },
	{ "updatedAt", "2026-01-01T00:00:00.123Z" },
	{ "id", UID },
	{ "user_id", UID },
	{ "sub", UID },
	{ "sid", SID },
	{ "iss", ISSUER },
	{ "aud", ISSUER "/api" },
};

static void claims_are_the_contracts_and_ours(void **state)
{
	struct keyring *keys = keyring_for(JWS_HS256);
	struct user user = ann();
	struct session session = week();
	struct token_grant grant = grant_of(&user, &session);
	struct span jwt, payload, text, id;
	struct jdoc *doc = NULL;
	int64_t number;
	bool truth;

	(void)state;
	assert_int_equal(token_issue(keys, &grant, &rng_system, mem, &jwt), STATUS_OK);
	assert_int_equal(open_token(keys, jwt, &payload), STATUS_OK);
	assert_int_equal(jdoc_parse_strict(payload, &doc), STATUS_OK);
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		if (!jdoc_text(doc, texts[i][0], &text) || !span_is(text, texts[i][1]))
			fail_msg("claim %s", texts[i][0]);
	assert_true(jdoc_int(doc, "iat", &number) && number == NOW);
	assert_true(jdoc_int(doc, "exp", &number) && number == NOW + 900);
	assert_true(jdoc_bool(doc, "emailVerified", &truth) && !truth);
	assert_int_equal(jdoc_member(doc, "image"), JDOC_NULL);
	assert_true(jdoc_text(doc, "jti", &id) && id.len == 32);
	jdoc_free(&doc);
	keyring_release(&keys);
}

static void optional_fields_are_carried(void **state)
{
	struct keyring *keys = keyring_for(JWS_EDDSA);
	struct user user = ann();
	struct session session = week();
	struct token_grant grant = grant_of(&user, &session);
	struct span jwt, payload, text;
	struct jdoc *doc = NULL;
	bool truth;

	(void)state;
	user.image = SPAN("https://example.com/\"a\\b\".png");
	user.name = SPAN("\xc3\x84nn \xf0\x9f\x98\x80 \x01 </script>");
	user.email_verified = true;
	assert_int_equal(token_issue(keys, &grant, &rng_system, mem, &jwt), STATUS_OK);
	assert_int_equal(open_token(keys, jwt, &payload), STATUS_OK);
	assert_int_equal(jdoc_parse_strict(payload, &doc), STATUS_OK);
	assert_true(jdoc_text(doc, "image", &text) && span_equal(text, user.image));
	assert_true(jdoc_text(doc, "name", &text) && span_equal(text, user.name));
	assert_true(jdoc_bool(doc, "emailVerified", &truth) && truth);
	jdoc_free(&doc);
	keyring_release(&keys);
}

/* The contract's vector, down to the bytes: header without `typ`, kid as in the
 * row, and a signature that RFC 8032 determines. */
static void eddsa_headers_are_the_contracts(void **state)
{
	struct keyring *keys = keyring_for(JWS_EDDSA);
	struct user user = ann();
	struct session session = week();
	struct token_grant grant = grant_of(&user, &session);
	struct jws_parts parts;
	struct span jwt;
	char want[128];

	(void)state;
	assert_int_equal(token_issue(keys, &grant, &rng_system, mem, &jwt), STATUS_OK);
	assert_int_equal(jws_split(jwt, &parts), STATUS_OK);
	int len = snprintf(want, sizeof(want), "{\"alg\":\"EdDSA\",\"kid\":\"%.*s\"}",
			   SPAN_FMT(keyring_signer(keys, 0)->kid));
	assert_memory_equal(parts.header, want, (size_t)len);
	keyring_release(&keys);
}

static void two_tokens_of_a_second_differ(void **state)
{
	struct keyring *keys = keyring_for(JWS_HS256);
	struct user user = ann();
	struct session session = week();
	struct token_grant grant = grant_of(&user, &session);
	struct span one, two;

	(void)state;
	assert_int_equal(token_issue(keys, &grant, &rng_system, mem, &one), STATUS_OK);
	assert_int_equal(token_issue(keys, &grant, &rng_system, mem, &two), STATUS_OK);
	assert_false(span_equal(one, two));
	keyring_release(&keys);
}

static const struct {
	int64_t session_left_ms, ttl_s, want_left_s; /* -1: refused */
} lives[] = {
	{ 604800000, 900, 900 }, { 900000, 900, 900 }, { 899999, 900, 899 },
	{ 60000, 900, 60 },      { 1000, 900, 1 },     { 999, 900, -1 },
	{ 0, 900, -1 },          { -1000, 900, -1 },   { 604800000, 0, -1 },
};

/* A JWT never outlives its session. */
static void expiry_is_the_earlier_end(void **state)
{
	struct keyring *keys = keyring_for(JWS_HS256);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(lives); i++) {
		struct user user = ann();
		struct session session = week();
		struct token_grant grant = grant_of(&user, &session);
		struct span jwt, payload;
		struct claims claims = { .expires = -1 };

		session.expires_ms = NOW * INT64_C(1000) + lives[i].session_left_ms;
		grant.ttl_s = lives[i].ttl_s;
		enum status got = token_issue(keys, &grant, &counting, mem, &jwt);
		if (got != (lives[i].want_left_s < 0 ? STATUS_DENIED : STATUS_OK))
			fail_msg("case %zu: %s", i, status_word(got));
		if (got != STATUS_OK)
			continue;
		assert_int_equal(open_token(keys, jwt, &payload), STATUS_OK);
		assert_int_equal(claims_parse(payload, SPAN_ABSENT, &claims), STATUS_OK);
		if (claims.expires != NOW + lives[i].want_left_s)
			fail_msg("case %zu: %lld", i, (long long)claims.expires);
	}
	keyring_release(&keys);
}

static void without_a_signing_key_there_is_no_token(void **state)
{
	static const struct span secret = SPAN(FORGE_SECRET);
	static const unsigned version = 0;
	const struct keyring_source source = { .secrets = &secret,
					       .secret_versions = &version,
					       .secret_count = 1,
					       .signing_alg = JWS_EDDSA };
	struct keyring *keys = NULL;
	struct user user = ann();
	struct session session = week();
	struct token_grant grant = grant_of(&user, &session);
	struct span jwt = SPAN_ABSENT;
	size_t skipped;

	(void)state;
	assert_int_equal(keyring_new(&source, &skipped, &keys), STATUS_OK);
	assert_int_equal(token_issue(keys, &grant, &counting, mem, &jwt), STATUS_UNAVAILABLE);
	assert_true(span_is_absent(jwt));
	keyring_release(&keys);
}

/* What no gate would take is not handed out. */
static void tokens_over_the_gates_limit_are_refused(void **state)
{
	char *name = arena_alloc(mem, 9000);

	(void)state;
	memset(name, 'n', 9000);
	for (enum jws_alg alg = JWS_HS256; alg <= JWS_EDDSA; alg++) {
		struct keyring *keys = keyring_for(alg);
		struct user user = ann();
		struct session session = week();
		struct token_grant grant = grant_of(&user, &session);
		struct span jwt;
		size_t longest = 0;

		for (size_t len = 5000; len < 9000; len += 7) {
			user.name = span_make(name, len);
			enum status got = token_issue(keys, &grant, &counting, mem, &jwt);

			if (got == STATUS_OK && jwt.len > longest)
				longest = jwt.len;
			if (got != STATUS_OK && got != STATUS_TOO_LARGE)
				fail_msg("name of %zu: %s", len, status_word(got));
			arena_reset(mem);
			name = arena_alloc(mem, 9000);
			memset(name, 'n', 9000);
		}
		assert_in_range(longest, JWS_TOKEN_MAX - 20, JWS_TOKEN_MAX);
		keyring_release(&keys);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(A_FR_004_B_FR_010_tokens_pass_our_own_gate),
		cmocka_unit_test(claims_are_the_contracts_and_ours),
		cmocka_unit_test(optional_fields_are_carried),
		cmocka_unit_test(eddsa_headers_are_the_contracts),
		cmocka_unit_test(two_tokens_of_a_second_differ),
		cmocka_unit_test(expiry_is_the_earlier_end),
		cmocka_unit_test(without_a_signing_key_there_is_no_token),
		cmocka_unit_test(tokens_over_the_gates_limit_are_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
