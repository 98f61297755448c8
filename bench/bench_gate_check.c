/* SPDX-License-Identifier: MIT */
/*
 * What one bearer token costs the gate, in CPU time of this thread: split, find
 * the key, verify, read and judge the claims, look the session up among the
 * revoked ones. Prints name, n, ns/op. Fails when an HS256 check allocates.
 */
#include "base/clock.h"
#include "base/jdoc.h"
#include "crypto/keyring.h"
#include "crypto/password.h"
#include "crypto/token.h"
#include "model/claims.h"
#include "model/revocation.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define NOW 1767225600
#define ISSUER "https://auth.example.com"

/* Few enough tokens to stay in the second-level cache, as a token that has just
 * come from a socket would; enough sessions not to. */
enum { TOKENS = 256, REVOKED = 1000000, SESSIONS = 65536 };

static size_t allocations;

/* glibc's own entry: counts without a wrapper library. */
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
extern void *__libc_malloc(size_t len);
void *malloc(size_t len);
void *malloc(size_t len)
{
	allocations++;
	return __libc_malloc(len);
}
#endif

struct stage {
	struct arena *mem;
	struct keyring *keys;
	struct jws_scratch *scratch;
	struct revocation_set *revoked;
	struct span tokens[TOKENS];
};

static const struct claims_rules rules = { SPAN(ISSUER), SPAN(ISSUER), 0 };

static void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "bench_gate_check: %s\n", what);
	exit(1);
}

static int64_t cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static bool check(const struct stage *s, struct span token)
{
	const struct jws_key *key;
	struct jws_parts parts;
	struct span payload;
	struct claims claims;

	return jws_split(token, &parts) == STATUS_OK &&
	       keyring_find(s->keys, KEYRING_OWN, &parts, 0, &key, 1) == 1 &&
	       jws_verify(s->scratch, key, &parts, &payload) == STATUS_OK &&
	       claims_parse(payload, SPAN_ABSENT, &claims) == STATUS_OK &&
	       claims_judge(&claims, &rules, NOW) == CLAIMS_HOLD &&
	       !revocation_covers(s->revoked, claims.session, claims.subject, claims.issued);
}

static struct keyring *make_keys(struct arena *mem, enum jws_alg alg)
{
	static const struct span secret = SPAN("a secret of the benchmark, long enough for HS256");
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
		must(keyring_generate(alg, &source, &rng_system, mem, &row) == STATUS_OK, "key");
		source.row_count = 1;
	}
	must(keyring_new(&source, &skipped, &keys) == STATUS_OK && skipped == 0, "keyring");
	return keys;
}

static struct span mint(const struct stage *s, struct arena *mem)
{
	char session_id[RNG_ID_LEN + 1];
	const struct user user = { .id = SPAN("uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu"),
				   .name = SPAN("Ann Example"),
				   .email = SPAN("ann@example.com"),
				   .created_ms = NOW * INT64_C(1000),
				   .updated_ms = NOW * INT64_C(1000) };
	struct session session = { .id = span_make(session_id, RNG_ID_LEN),
				   .expires_ms = (NOW + 604800) * INT64_C(1000) };
	const struct token_grant grant = { &user, &session, SPAN(ISSUER), SPAN(ISSUER), NOW, 900 };
	struct span jwt;

	rng_id(&rng_system, session_id);
	must(token_issue(s->keys, &grant, &rng_system, mem, &jwt) == STATUS_OK, "token");
	return jwt;
}

static void report(const char *name, enum jws_alg alg, size_t n, int64_t ns)
{
	char word[16];
	size_t len = 0;

	for (const char *at = jws_alg_word(alg); *at != '\0'; at++)
		word[len++] = (char)(*at | 0x20);
	word[len] = '\0';
	printf("gate_%s_%s\t%zu\t%.0f\n", name, word, n, (double)ns / (double)n);
}

/* The best of five, so that a neighbour's noise does not count. */
static void time_checks(const struct stage *s, const char *name, enum jws_alg alg, size_t n)
{
	int64_t best = INT64_MAX;
	size_t before = 0;

	for (int round = 0; round < 6; round++) {
		int64_t start = cpu_ns();

		if (round == 1)
			before = allocations;
		for (size_t i = 0; i < n; i++)
			must(check(s, s->tokens[i % TOKENS]), "a good token was refused");
		int64_t spent = cpu_ns() - start;
		if (round > 0 && spent < best)
			best = spent;
	}
	must(alg != JWS_HS256 || allocations == before, "an HS256 check allocated memory");
	report(name, alg, n, best);
}

static void time_mints(const struct stage *s, enum jws_alg alg, size_t n)
{
	struct arena *mem = arena_new(1 << 16);
	int64_t start = cpu_ns();

	for (size_t i = 0; i < n; i++) {
		(void)mint(s, mem);
		arena_reset(mem);
	}
	report("mint", alg, n, cpu_ns() - start);
	arena_free(&mem);
}

static struct span numbered(char id[RNG_ID_LEN + 1], size_t number)
{
	return span_make(id, (size_t)snprintf(id, RNG_ID_LEN + 1, "%032zu", number));
}

static void time_lookups(const struct revocation_set *revoked, const char *name)
{
	static char ids[SESSIONS][RNG_ID_LEN + 1];
	size_t hits = 0;

	for (size_t i = 0; i < SESSIONS; i++)
		(void)numbered(ids[i], REVOKED + i);
	int64_t start = cpu_ns();
	for (size_t i = 0; i < SESSIONS; i++)
		hits += revocation_covers(revoked, span_make(ids[i], RNG_ID_LEN), SPAN("u"), NOW);
	printf("%s\t%d\t%.0f\n", name, SESSIONS, (double)(cpu_ns() - start) / SESSIONS);
	must(hits == 0, "a live session was refused");
}

/* Ends a million other sessions. */
static void revoke_many(struct revocation_set *revoked)
{
	char id[RNG_ID_LEN + 1];
	int64_t start = cpu_ns();

	for (size_t i = 0; i < REVOKED; i++)
		must(revocation_add_session(revoked, numbered(id, i), NOW + 900) == STATUS_OK,
		     "revocation");
	printf("revocation_add\t%d\t%.0f\n", REVOKED, (double)(cpu_ns() - start) / REVOKED);
	fprintf(stderr, "revocation set: %zu entries, %zu KiB\n", revocation_count(revoked),
		revocation_bytes(revoked) >> 10);
}

static void run(struct stage *s, enum jws_alg alg, size_t checks, size_t mints)
{
	s->mem = arena_new(1 << 20);
	s->keys = make_keys(s->mem, alg);
	s->scratch = jws_scratch_new();
	s->revoked = revocation_new(&rng_system);
	for (size_t i = 0; i < TOKENS; i++)
		s->tokens[i] = mint(s, s->mem);
	time_checks(s, "check", alg, checks);
	if (alg == JWS_HS256) {
		must(revocation_add_session(s->revoked, SPAN("another"), NOW) == STATUS_OK, "add");
		time_lookups(s->revoked, "revocation_lookup_1");
		revoke_many(s->revoked);
		time_lookups(s->revoked, "revocation_lookup_1m");
		time_checks(s, "check_1m_revoked", alg, checks);
	}
	time_mints(s, alg, mints);
	revocation_free(&s->revoked);
	jws_scratch_free(&s->scratch);
	keyring_release(&s->keys);
	arena_free(&s->mem);
}

int main(void)
{
	static struct stage stage;

	jdoc_start();
	must(password_start() == STATUS_OK, "libsodium");
	run(&stage, JWS_HS256, 200000, 20000);
	run(&stage, JWS_EDDSA, 5000, 10000);
	run(&stage, JWS_ES256, 5000, 2000);
	run(&stage, JWS_RS256, 5000, 500);
	return 0;
}
