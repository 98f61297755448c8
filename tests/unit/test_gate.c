/* SPDX-License-Identifier: MIT */
/* The gate as a whole but for the feed and the database, which are doubles. */
#include "service/gate.h"

#include "base/buf.h"
#include "base/config.h"
#include "base/jdoc.h"
#include "crypto/password.h"
#include "crypto/token.h"
#include "forge.h"
#include "service/keys.h"
#include "service/service.h"
#include "store/key_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define NOW INT64_C(1767225600)
#define BASE "https://app.example.com"
#define ALICE "alicealicealicealicealicealice12"

/* --- doubles --- */

static struct feed_answer feed_says;
static const struct feed_answer *feed_says_later; /* once the database was asked */
static enum status database_says, key_says;
static struct key_row key_row; /* of "jwks"; id absent: the table is empty */
static int database_asked;

struct feed_answer feed_ask(struct feed *feed, struct span session_id, struct span user_id,
			    int64_t issued, int64_t mono_ms)
{
	(void)feed, (void)session_id, (void)user_id, (void)issued, (void)mono_ms;
	return database_asked > 0 && feed_says_later != NULL ? *feed_says_later : feed_says;
}

enum status store_token_is_live(struct store *store, struct span session_id, struct span user_id,
				int64_t issued, int64_t now)
{
	(void)store, (void)session_id, (void)user_id, (void)issued, (void)now;
	database_asked++;
	return database_says;
}

enum status store_keys(struct store *store, struct arena *mem, struct key_row **rows_out,
		       size_t *count_out)
{
	(void)store, (void)mem;
	*rows_out = &key_row;
	*count_out = span_is_absent(key_row.id) ? 0 : 1;
	return STATUS_OK;
}

enum status store_key_is_there(struct store *store, struct span kid)
{
	(void)store;
	assert_true(span_equal(kid, key_row.id));
	return key_says;
}

enum status store_insert_signer(struct store *store, const struct key_row *row, int64_t max_age_ms)
{
	(void)store, (void)row, (void)max_age_ms;
	return STATUS_UNAVAILABLE;
}

enum status store_check_url(const char *url)
{
	(void)url;
	return STATUS_OK;
}

/* --- one gate for all tests --- */

static struct {
	struct arena *mem;
	struct config *config;
	struct service service;
	struct gate_local *local;
} t;

static void open_gate(const char *more)
{
	static char *const no_environment[] = { NULL };
	struct buf mistakes;
	t.mem = arena_new(0);
	buf_init(&mistakes, t.mem, 65536);
	const char *text = arena_format(t.mem,
					"database_url = postgresql:///x\nsecret = %s\n"
					"base_url = " BASE "\n%s",
					FORGE_SECRET, more);
	if (config_parse(span_of(text), "test.conf", no_environment, NULL, &mistakes, &t.config) !=
		    STATUS_OK ||
	    service_plan_make(t.config, &mistakes, &t.service.plan) != STATUS_OK)
		fail_msg("%.*s", SPAN_FMT(buf_span(&mistakes)));
	t.service.config = t.config;
	t.service.rng = &rng_system;
	assert_int_equal(keys_open(&t.service, &t.service.keys), STATUS_OK);
	t.local = gate_local_new();
	feed_says_later = NULL;
	feed_says = (struct feed_answer){ FEED_CURRENT, false };
	database_says = STATUS_UNAVAILABLE;
	database_asked = 0;
	key_row = (struct key_row){ .id = SPAN_ABSENT };
}

static int set_up(void **state)
{
	open_gate(*state != NULL ? *state : "");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	gate_local_free(&t.local);
	keys_close(&t.service.keys);
	service_plan_free(&t.service.plan);
	config_free(&t.config);
	arena_free(&t.mem);
	return 0;
}

/* Claims of a good token; `replace` is a member that takes the place of the
 * one of its name, or drops it when it ends in ':'. */
static struct span claims_with(const char *replace)
{
	static const char *const good[] = {
		"\"sub\":\"" ALICE "\"", "\"sid\":\"sidsidsidsidsidsidsidsidsidsid12\"",
		"\"iss\":\"" BASE "\"",  "\"aud\":\"" BASE "\"",
		"\"exp\":1767226500",    "\"iat\":1767225600",
		"\"email\":\"a@b.de\"",
	};
	struct buf text;
	size_t name = replace != NULL ? (size_t)(strchr(replace, ':') - replace) : 0;
	buf_init(&text, t.mem, 4096);
	buf_byte(&text, '{');
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		bool replaced = name > 0 && strncmp(good[i], replace, name + 1) == 0;
		if (replaced && replace[name + 1] == '\0')
			continue;
		buf_text(&text, text.len > 1 ? "," : "");
		buf_text(&text, replaced ? replace : good[i]);
	}
	buf_byte(&text, '}');
	return buf_span(&text);
}

static const char *bearer(struct span claims)
{
	struct span token = forge_hs256(t.mem, SPAN("{\"alg\":\"HS256\",\"typ\":\"JWT\"}"), claims,
					SPAN(FORGE_SECRET));
	return arena_format(t.mem, "Bearer %.*s", SPAN_FMT(token));
}

static struct gate_answer ask(const char *authorization, const char *path)
{
	struct gate_answer answer;
	const struct gate_question question = {
		.authorization = span_of(authorization),
		.method = SPAN("GET"),
		.path = span_of(path),
	};
	memset(&answer, 0xa5, sizeof(answer));
	gate_judge(&t.service, t.local, &question, NOW * 1000, 1000, &answer);
	return answer;
}

#define OWN "/api/" ALICE "/tasks"

static void expect(struct gate_answer answer, enum gate_outcome outcome, const char *what)
{
	if (answer.outcome != outcome)
		fail_msg("%s: %s (%s), expected %s", what, gate_outcome_word(answer.outcome),
			 gate_reason_word(answer.reason), gate_outcome_word(outcome));
}

static void A_FR_007_a_valid_token_opens_its_own_path(void **state)
{
	(void)state;
	struct span name;
	struct span value;
	struct gate_answer answer = ask(bearer(claims_with(NULL)), OWN);
	expect(answer, GATE_ALLOWED, "own path");
	assert_true(gate_variable(&t.service, 0, &answer, &name, &value));
	assert_true(span_is(name, "User-Id"));
	assert_true(span_is(value, ALICE));
	assert_false(gate_variable(&t.service, 1, &answer, &name, &value));
	assert_int_equal(database_asked, 0);
}

static void A_FR_009_another_users_path_is_403(void **state)
{
	(void)state;
	static const char *const paths[] = {
		"/api/bob/tasks",
		"/api/Alicealicealicealicealicealice12/tasks",
		"/api/alicealicealicealicealicealice1/tasks",
		"/other",
		"/",
		"/api",
		"/api/",
	};
	for (size_t i = 0; i < COUNT_OF(paths); i++)
		expect(ask(bearer(claims_with(NULL)), paths[i]), GATE_FORBIDDEN, paths[i]);
}

static void A_FR_008_authorization_values(void **state)
{
	(void)state;
	const char *good = bearer(claims_with(NULL));
	const struct {
		const char *value;
		enum gate_outcome outcome;
	} rows[] = {
		{ NULL, GATE_NO_TOKEN },
		{ "", GATE_NO_TOKEN },
		{ "   ", GATE_NO_TOKEN },
		{ "Basic YTpi", GATE_NO_TOKEN },
		{ "Bearer", GATE_INVALID_TOKEN },
		{ "Bearer x", GATE_INVALID_TOKEN },
		{ "Bearer a.b.c", GATE_INVALID_TOKEN },
		{ arena_format(t.mem, "%s, %s", good, good), GATE_INVALID_TOKEN },
		{ arena_format(t.mem, "%s,%s", good, "Basic x"), GATE_INVALID_TOKEN },
		{ arena_format(t.mem, "%s x", good), GATE_INVALID_TOKEN },
		{ arena_format(t.mem, "%s.", good), GATE_INVALID_TOKEN },
		{ arena_format(t.mem, "bEARER   %s ", good + 7), GATE_ALLOWED },
		{ good, GATE_ALLOWED },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		expect(ask(rows[i].value, OWN), rows[i].outcome,
		       rows[i].value != NULL ? rows[i].value : "absent");
}

static void a_repeated_authorization_is_refused(void **state)
{
	(void)state;
	struct gate_answer answer;
	const struct gate_question question = {
		.authorization = span_of(bearer(claims_with(NULL))),
		.repeated = true,
		.method = SPAN("GET"),
		.path = SPAN(OWN),
	};
	gate_judge(&t.service, t.local, &question, NOW * 1000, 1000, &answer);
	expect(answer, GATE_INVALID_TOKEN, "repeated");
}

static void B_FR_027_required_claims(void **state)
{
	(void)state;
	static const char *const rows[] = {
		"\"sub\":",           "\"sub\":\"\"",
		"\"sub\":7",          "\"sid\":",
		"\"sid\":\"\"",       "\"sid\":7",
		"\"iss\":",           "\"iss\":\"" BASE "/\"",
		"\"aud\":",           "\"aud\":\"x\"",
		"\"exp\":",           "\"exp\":1767225600",
		"\"exp\":1767225599", "\"exp\":\"1767226500\"",
		"\"exp\":1e400",      "\"exp\":-1",
		"\"iat\":1767225661",
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		expect(ask(bearer(claims_with(rows[i])), OWN), GATE_INVALID_TOKEN, rows[i]);
	expect(ask(bearer(claims_with("\"iat\":1767225660")), OWN), GATE_ALLOWED, "iat 60 s ahead");
	expect(ask(bearer(claims_with("\"aud\":[\"x\",\"" BASE "\"]")), OWN), GATE_ALLOWED,
	       "aud list");
}

static void a_path_that_is_not_canonical_is_403_before_the_token(void **state)
{
	(void)state;
	expect(ask(NULL, "/api/x/../y"), GATE_NOT_CANONICAL, "no token");
	expect(ask("Bearer x", "/api//y"), GATE_NOT_CANONICAL, "bad token");
	expect(ask(bearer(claims_with(NULL)), "/api/" ALICE "/%74asks"), GATE_NOT_CANONICAL, "%");
	expect(ask(NULL, "http://x/api"), GATE_NOT_CANONICAL, "absolute form");
}

static void a_second_path_must_agree(void **state)
{
	(void)state;
	struct gate_answer answer;
	struct gate_question question = {
		.authorization = span_of(bearer(claims_with(NULL))),
		.method = SPAN("GET"),
		.path = SPAN(OWN),
		.second_path = SPAN(OWN),
	};
	gate_judge(&t.service, t.local, &question, NOW * 1000, 1000, &answer);
	expect(answer, GATE_ALLOWED, "same");
	question.second_path = SPAN("/api/bob/tasks");
	gate_judge(&t.service, t.local, &question, NOW * 1000, 1000, &answer);
	expect(answer, GATE_NOT_CANONICAL, "other");
}

/* What memory and the database know decides, row by row. */
static void B_US4_revocation_state_decides(void **state)
{
	(void)state;
	static const struct {
		enum feed_state feed;
		bool revoked;
		enum status database;
		enum gate_outcome outcome;
		int asked;
	} rows[] = {
		{ FEED_CURRENT, false, STATUS_UNAVAILABLE, GATE_ALLOWED, 0 },
		{ FEED_CURRENT, true, STATUS_OK, GATE_INVALID_TOKEN, 0 },
		{ FEED_AGEING, false, STATUS_OK, GATE_ALLOWED, 1 },
		{ FEED_AGEING, false, STATUS_NOT_FOUND, GATE_INVALID_TOKEN, 1 },
		{ FEED_AGEING, false, STATUS_UNAVAILABLE, GATE_ALLOWED, 1 },
		{ FEED_AGEING, true, STATUS_OK, GATE_INVALID_TOKEN, 0 },
		{ FEED_BLIND, false, STATUS_OK, GATE_ALLOWED, 1 },
		{ FEED_BLIND, true, STATUS_OK, GATE_ALLOWED, 1 },
		{ FEED_BLIND, false, STATUS_NOT_FOUND, GATE_INVALID_TOKEN, 1 },
		{ FEED_BLIND, false, STATUS_UNAVAILABLE, GATE_CANNOT_DECIDE, 1 },
		{ FEED_BLIND, false, STATUS_INTERNAL, GATE_CANNOT_DECIDE, 1 },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		feed_says = (struct feed_answer){ rows[i].feed, rows[i].revoked };
		database_says = rows[i].database;
		database_asked = 0;
		expect(ask(bearer(claims_with(NULL)), OWN), rows[i].outcome,
		       arena_format(t.mem, "row %zu", i));
		assert_int_equal(database_asked, rows[i].asked);
	}
}

/* A database that is silent takes its time to fail: what memory knew before that
 * may be too old by then. */
static void memory_is_judged_by_the_time_of_the_answer(void **state)
{
	(void)state;
	static const struct {
		struct feed_answer later;
		enum status database;
		enum gate_outcome outcome;
	} rows[] = {
		{ { FEED_AGEING, false }, STATUS_UNAVAILABLE, GATE_ALLOWED },
		{ { FEED_BLIND, false }, STATUS_UNAVAILABLE, GATE_CANNOT_DECIDE },
		{ { FEED_AGEING, true }, STATUS_UNAVAILABLE, GATE_INVALID_TOKEN },
		{ { FEED_CURRENT, true }, STATUS_UNAVAILABLE, GATE_INVALID_TOKEN },
		{ { FEED_BLIND, false }, STATUS_OK, GATE_ALLOWED },
	};
	feed_says = (struct feed_answer){ FEED_AGEING, false };
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		feed_says_later = &rows[i].later;
		database_says = rows[i].database;
		database_asked = 0;
		expect(ask(bearer(claims_with(NULL)), OWN), rows[i].outcome,
		       arena_format(t.mem, "row %zu", i));
	}
}

/* Who may not pass anyway costs no question to the database. */
static void signatures_come_before_the_database(void **state)
{
	(void)state;
	feed_says = (struct feed_answer){ FEED_BLIND, false };
	struct span forged = forge_hs256(t.mem, SPAN("{\"alg\":\"HS256\"}"), claims_with(NULL),
					 SPAN("another-secret-another-secret-another"));
	expect(ask(arena_format(t.mem, "Bearer %.*s", SPAN_FMT(forged)), OWN), GATE_INVALID_TOKEN,
	       "forged");
	assert_int_equal(database_asked, 0);
}

static void sessionless_tokens_pass_only_where_allowed(void **state)
{
	(void)state;
	expect(ask(bearer(claims_with("\"sid\":")), OWN), GATE_ALLOWED, "sessionless");
}

static void a_variable_that_cannot_be_sent_is_401(void **state)
{
	(void)state;
	expect(ask(bearer(claims_with(NULL)), OWN), GATE_ALLOWED, "with e-mail");
	expect(ask(bearer(claims_with("\"email\":")), OWN), GATE_INVALID_TOKEN, "no e-mail");
	expect(ask(bearer(claims_with("\"email\":\"a b\"")), OWN), GATE_INVALID_TOKEN, "space");
	expect(ask(bearer(claims_with("\"email\":\"\xc3\xa4\"")), OWN), GATE_INVALID_TOKEN,
	       "8-bit");
}

static void every_claim_can_be_a_variable(void **state)
{
	static const char *const values[] = { ALICE, "a@b.de", "sidsidsidsidsidsidsidsidsidsid12",
					      BASE };
	static const char *const names[] = { "User-Id", "Mail", "Sid", "From" };
	struct span name, value;
	(void)state;
	struct gate_answer answer = ask(bearer(claims_with(NULL)), OWN);
	expect(answer, GATE_ALLOWED, "all four");
	for (size_t i = 0; i < COUNT_OF(values); i++) {
		assert_true(gate_variable(&t.service, i, &answer, &name, &value));
		assert_true(span_is(name, names[i]) && span_is(value, values[i]));
	}
	assert_false(gate_variable(&t.service, COUNT_OF(values), &answer, &name, &value));
	answer = ask(NULL, OWN);
	assert_false(gate_variable(&t.service, 0, &answer, &name, &value));
}

static void deny_and_user_routes(void **state)
{
	(void)state;
	expect(ask(bearer(claims_with(NULL)), "/open"), GATE_ALLOWED, "user");
	expect(ask(NULL, "/open"), GATE_NO_TOKEN, "user without token");
	expect(ask(bearer(claims_with(NULL)), "/shut"), GATE_FORBIDDEN, "deny");
	expect(ask(NULL, "/shut"), GATE_NO_TOKEN, "deny without token");
	expect(ask(bearer(claims_with(NULL)), OWN), GATE_FORBIDDEN, "the default is replaced");
}

static const char *own_eddsa_bearer(void)
{
	struct keyring_source source = {
		.secrets = t.service.plan->secrets,
		.secret_versions = t.service.plan->secret_versions,
		.secret_count = t.service.plan->secret_count,
		.now_ms = NOW * 1000,
	};
	const struct user user = { .id = SPAN(ALICE), .name = SPAN("n"), .email = SPAN("a@b.de") };
	const struct session session = { .id = SPAN("s1"), .expires_ms = (NOW + 900) * 1000 };
	const struct token_grant grant = { &user, &session, SPAN(BASE), SPAN(BASE), NOW, 900 };
	struct span jwt;
	assert_int_equal(keyring_generate(JWS_EDDSA, &source, &rng_system, t.mem, &key_row),
			 STATUS_OK);
	assert_int_equal(keys_reload(&t.service, 1), STATUS_OK);
	keys_refresh(&t.service, &t.local->keys);
	assert_int_equal(token_issue(t.local->keys, &grant, &rng_system, t.mem, &jwt), STATUS_OK);
	return arena_format(t.mem, "Bearer %.*s", SPAN_FMT(jwt));
}

/* What removes a key may not be heard either. */
static void a_removed_key_is_asked_for_while_the_feed_is_deaf(void **state)
{
	(void)state;
	static const struct {
		enum feed_state feed;
		enum status key;
		enum gate_outcome outcome;
	} rows[] = {
		{ FEED_CURRENT, STATUS_NOT_FOUND, GATE_ALLOWED },
		{ FEED_AGEING, STATUS_OK, GATE_ALLOWED },
		{ FEED_AGEING, STATUS_NOT_FOUND, GATE_INVALID_TOKEN },
		{ FEED_BLIND, STATUS_OK, GATE_ALLOWED },
		{ FEED_BLIND, STATUS_NOT_FOUND, GATE_INVALID_TOKEN },
		{ FEED_BLIND, STATUS_UNAVAILABLE, GATE_CANNOT_DECIDE },
	};
	const char *good = own_eddsa_bearer();
	database_says = STATUS_OK;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		feed_says = (struct feed_answer){ rows[i].feed, false };
		key_says = rows[i].key;
		expect(ask(good, OWN), rows[i].outcome, arena_format(t.mem, "row %zu", i));
	}
	feed_says = (struct feed_answer){ FEED_CURRENT, false };
	key_row.id = SPAN_ABSENT;
	assert_int_equal(keys_reload(&t.service, 2), STATUS_OK);
	expect(ask(good, OWN), GATE_INVALID_TOKEN, "removed");
}

/* Another host made the key a moment ago: its token is not refused. */
static void an_unknown_key_is_looked_for_first(void **state)
{
	(void)state;
	const char *good = own_eddsa_bearer();
	struct key_row made = key_row;
	key_row.id = SPAN_ABSENT;
	assert_int_equal(keys_reload(&t.service, 2), STATUS_OK);
	key_row = made;
	expect(ask(good, OWN), GATE_ALLOWED, "found by looking");
}

#define FOREIGN "https://id.example.org"
#define ISSUER(claim)                                                                              \
	"issuer = corp url=" FOREIGN " jwks=https://id.example.org/jwks aud=gate alg=EdDSA,ES256 " \
	"subject=" claim "\nroute = * /any user\nroute = * /api/{user_id}/** owner\n"

static EVP_PKEY *foreign_key(struct span *jwks_out)
{
	EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	unsigned char point[32];
	size_t len = sizeof(point);
	forge_must(EVP_PKEY_get_raw_public_key(pkey, point, &len) == 1);
	struct span x = forge_base64url(t.mem, span_make((const char *)point, len));
	*jwks_out = span_of(arena_format(t.mem,
					 "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\","
					 "\"alg\":\"EdDSA\",\"kid\":\"f1\",\"x\":\"%.*s\"}]}",
					 SPAN_FMT(x)));
	return pkey;
}

/* `more` begins with a comma, or is empty. */
static const char *foreign_bearer_with(EVP_PKEY *pkey, const char *kid, const char *iss,
				       const char *more)
{
	struct span header =
		span_of(arena_format(t.mem, "{\"alg\":\"EdDSA\",\"kid\":\"%s\"}", kid));
	struct span claims =
		span_of(arena_format(t.mem,
				     "{\"iss\":\"%s\",\"aud\":\"gate\",\"sub\":\"" ALICE
				     "\",\"exp\":1767226500%s}",
				     iss, more));
	struct span input = forge_input(t.mem, header, claims);
	struct span token = forge_join(t.mem, input, forge_sign(t.mem, pkey, NULL, input));
	return arena_format(t.mem, "Bearer %.*s", SPAN_FMT(token));
}

static const char *foreign_bearer(EVP_PKEY *pkey, const char *kid, const char *iss)
{
	return foreign_bearer_with(pkey, kid, iss, "");
}

/* Where "sub" is one for each application, as some issuers have it. */
static void a_foreign_subject_may_be_another_claim(void **state)
{
	(void)state;
	struct span jwks, name, value;
	EVP_PKEY *pkey = foreign_key(&jwks);
	assert_int_equal(keys_set_issuer(&t.service, 1, jwks), STATUS_OK);
	struct gate_answer answer =
		ask(foreign_bearer_with(pkey, "f1", FOREIGN, ",\"oid\":\"o1\""), "/any");
	expect(answer, GATE_ALLOWED, "named by oid");
	assert_true(gate_variable(&t.service, 0, &answer, &name, &value));
	assert_true(span_is(value, "corp:o1"));
	expect(ask(foreign_bearer(pkey, "f1", FOREIGN), "/any"), GATE_INVALID_TOKEN, "none");
	expect(ask(foreign_bearer_with(pkey, "f1", FOREIGN, ",\"oid\":\"\""), "/any"),
	       GATE_INVALID_TOKEN, "empty");
	EVP_PKEY_free(pkey);
}

static void foreign_subjects_go_under_their_issuers_name(void **state)
{
	(void)state;
	struct span jwks;
	struct span name;
	struct span value;
	EVP_PKEY *pkey = foreign_key(&jwks);
	const char *good = foreign_bearer(pkey, "f1", FOREIGN);
	expect(ask(good, "/any"), GATE_CANNOT_DECIDE, "keys never loaded");
	assert_int_equal(keys_set_issuer(&t.service, 1, SPAN("nonsense")), STATUS_INVALID);
	expect(ask(good, "/any"), GATE_CANNOT_DECIDE, "a lie is no key set");
	assert_int_equal(keys_set_issuer(&t.service, 1, jwks), STATUS_OK);
	struct gate_answer answer = ask(good, "/any");
	expect(answer, GATE_ALLOWED, "foreign token");
	assert_true(gate_variable(&t.service, 0, &answer, &name, &value));
	assert_true(span_is(value, "corp:" ALICE));
	expect(ask(good, OWN), GATE_FORBIDDEN, "a foreign subject is no local user");
	expect(ask(foreign_bearer(pkey, "f1", BASE), "/any"), GATE_INVALID_TOKEN, "as our own");
	expect(ask(foreign_bearer(pkey, "f2", FOREIGN), "/any"), GATE_INVALID_TOKEN, "unknown kid");
	assert_int_equal(keys_reload(&t.service, 2), STATUS_OK);
	expect(ask(good, "/any"), GATE_ALLOWED, "kept over a reload of our own keys");
	assert_int_equal(keys_set_issuer(&t.service, 1, SPAN("{\"keys\":[]}")), STATUS_OK);
	expect(ask(good, "/any"), GATE_INVALID_TOKEN, "removed key");
	EVP_PKEY_free(pkey);
}

#define GATE_TEST(name, more)                        \
	{                                            \
#name, name, set_up, tear_down, more \
	}

int main(void)
{
	static char sessionless[] = "accept_sessionless = on\n";
	static char email[] = "variables = User-Id=sub, Mail=email\n";
	static char routes[] = "route = * /open user\nroute = * /shut deny\n";
	static char eddsa[] = "jwt_alg = EdDSA\n";
	static char issuer[] = ISSUER("sub"), issuer_oid[] = ISSUER("oid");
	static char all[] = "variables = User-Id=sub, Mail=email, Sid=sid, From=iss\n";
	const struct CMUnitTest tests[] = {
		GATE_TEST(A_FR_007_a_valid_token_opens_its_own_path, NULL),
		GATE_TEST(A_FR_009_another_users_path_is_403, NULL),
		GATE_TEST(A_FR_008_authorization_values, NULL),
		GATE_TEST(a_repeated_authorization_is_refused, NULL),
		GATE_TEST(B_FR_027_required_claims, NULL),
		GATE_TEST(a_path_that_is_not_canonical_is_403_before_the_token, NULL),
		GATE_TEST(a_second_path_must_agree, NULL),
		GATE_TEST(B_US4_revocation_state_decides, NULL),
		GATE_TEST(memory_is_judged_by_the_time_of_the_answer, NULL),
		GATE_TEST(signatures_come_before_the_database, NULL),
		GATE_TEST(sessionless_tokens_pass_only_where_allowed, sessionless),
		GATE_TEST(a_variable_that_cannot_be_sent_is_401, email),
		GATE_TEST(every_claim_can_be_a_variable, all),
		GATE_TEST(deny_and_user_routes, routes),
		GATE_TEST(a_removed_key_is_asked_for_while_the_feed_is_deaf, eddsa),
		GATE_TEST(an_unknown_key_is_looked_for_first, eddsa),
		GATE_TEST(foreign_subjects_go_under_their_issuers_name, issuer),
		GATE_TEST(a_foreign_subject_may_be_another_claim, issuer_oid),
	};
	jdoc_start();
	if (password_start() != STATUS_OK)
		return 1;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
