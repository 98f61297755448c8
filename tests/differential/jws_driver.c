/* SPDX-License-Identifier: MIT */
/*
 * Judges tokens for jws_oracle.py, as the gate does. Lines on stdin:
 *
 *     secret HEX              the secret of HS256
 *     row KID ALG JWK         a public key
 *     rules NOW ISS AUD
 *     token HEX               answered by "accept SUB SID" or "refuse WORD"
 */
#include "base/encode.h"
#include "base/jdoc.h"
#include "crypto/keyring.h"
#include "model/claims.h"

#include <stdio.h>
#include <stdlib.h>

enum { LINE_MAX_BYTES = 1 << 17, ROWS_MAX = 8, FOUND_MAX = 4 };

static struct {
	struct arena *mem;
	struct span secret;
	struct key_row rows[ROWS_MAX];
	size_t row_count;
	struct keyring *keys;
	struct jws_scratch *scratch;
	struct claims_rules rules;
	int64_t now;
} s;

static void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "jws_driver: %s\n", what);
	exit(1);
}

static struct span word(struct span *rest)
{
	struct span part = SPAN_ABSENT;

	must(span_next(rest, ' ', &part), "a word is missing");
	return part;
}

static struct span bytes_of(struct span hex, char *out, size_t room)
{
	size_t len;

	must(decode_hex(hex, out, room, &len) == STATUS_OK, "bad hex");
	return span_make(out, len);
}

static void take_secret(struct span line)
{
	char *room = arena_alloc(s.mem, line.len);

	s.secret = bytes_of(word(&line), room, line.len);
}

static void take_row(struct span line)
{
	struct key_row *row = &s.rows[s.row_count++];

	must(s.row_count <= ROWS_MAX, "too many rows");
	row->id = arena_copy(s.mem, word(&line));
	row->alg = arena_copy(s.mem, word(&line));
	row->public_key = arena_copy(s.mem, line);
	row->expires_ms = -1;
}

static void take_rules(struct span line)
{
	static const unsigned version = 0;
	unsigned long long now;
	size_t skipped;

	must(span_to_uint(word(&line), &now), "bad time");
	s.now = (int64_t)now;
	s.rules.issuer = arena_copy(s.mem, word(&line));
	s.rules.audience = arena_copy(s.mem, word(&line));
	const struct keyring_source source = { .secrets = &s.secret,
					       .secret_versions = &version,
					       .secret_count = 1,
					       .signing_alg = JWS_HS256,
					       .rows = s.rows,
					       .row_count = s.row_count };
	must(keyring_new(&source, &skipped, &s.keys) == STATUS_OK && skipped == 0, "bad keys");
}

static const char *judge(struct span token, struct claims *claims)
{
	const struct jws_key *found[FOUND_MAX];
	enum status status = STATUS_DENIED;
	struct jws_parts parts;
	struct span payload;

	if (jws_split(token, &parts) != STATUS_OK)
		return "malformed";
	size_t count = keyring_find(s.keys, KEYRING_OWN, &parts, 0, found, FOUND_MAX);
	for (size_t i = 0; i < count && status != STATUS_OK; i++)
		status = jws_verify(s.scratch, found[i], &parts, &payload);
	if (status != STATUS_OK)
		return count == 0 ? "no-key" : "signature";
	if (claims_parse(payload, SPAN_ABSENT, claims) != STATUS_OK)
		return "malformed_claims";
	return claims_fault_word(claims_judge(claims, &s.rules, s.now));
}

static void take_token(struct span line)
{
	static char room[LINE_MAX_BYTES];
	struct claims claims = { .subject = SPAN_ABSENT };
	struct span token = bytes_of(line, room, sizeof(room));
	const char *why = judge(token, &claims);

	if (strcmp(why, claims_fault_word(CLAIMS_HOLD)) == 0)
		printf("accept %.*s %.*s\n", SPAN_FMT(claims.subject), SPAN_FMT(claims.session));
	else
		printf("refuse %s\n", why);
}

int main(void)
{
	static char line[LINE_MAX_BYTES];

	jdoc_start();
	s.mem = arena_new(0);
	s.scratch = jws_scratch_new();
	while (fgets(line, sizeof(line), stdin) != NULL) {
		struct span rest = span_first(span_of(line), span_find(span_of(line), '\n'));
		struct span verb = word(&rest);

		if (span_is(verb, "token"))
			take_token(rest);
		else if (span_is(verb, "secret"))
			take_secret(rest);
		else if (span_is(verb, "row"))
			take_row(rest);
		else if (span_is(verb, "rules"))
			take_rules(rest);
		else
			must(false, "unknown line");
	}
	keyring_release(&s.keys);
	jws_scratch_free(&s.scratch);
	arena_free(&s.mem);
	return 0;
}
