/* SPDX-License-Identifier: MIT */
#include "model/claims.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#define NOW 1767225600
#define ISS "http://127.0.0.1:3100"

static enum status parse(struct span text, struct span subject_claim, struct claims *out)
{
	return claims_parse(text, subject_claim, out);
}

/* The payload of the contract's test vector. */
#define CONTRACT                                                                                  \
	"{\"iat\":1767225600,\"name\":\"Ann\",\"email\":\"ann@example.com\","                     \
	"\"emailVerified\":false,\"image\":null,\"createdAt\":\"2026-01-01T00:00:00.123Z\","      \
	"\"updatedAt\":\"2026-01-01T00:00:00.123Z\",\"id\":\"uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu\"," \
	"\"sub\":\"uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu\",\"exp\":1767226500,"                        \
	"\"iss\":\"" ISS "\",\"aud\":\"" ISS "\"}"

static void the_contracts_claims_are_read(void **state)
{
	struct claims c;

	(void)state;
	assert_int_equal(parse(SPAN(CONTRACT), SPAN_ABSENT, &c), STATUS_OK);
	assert_true(span_is(c.subject, "uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu"));
	assert_true(span_is(c.email, "ann@example.com"));
	assert_true(span_is(c.issuer, ISS));
	assert_int_equal(c.audience_count, 1);
	assert_true(span_is(c.audience[0], ISS));
	assert_int_equal(c.issued, 1767225600);
	assert_int_equal(c.expires, 1767226500);
	assert_int_equal(c.not_before, -1);
	assert_true(span_is_absent(c.session));
	assert_true(span_is_absent(c.custom));
}

#define EIGHT "\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\""

static const struct {
	const char *name;
	struct span payload;
	enum status want;
} shapes[] = {
	{ "empty object", SPAN("{}"), STATUS_OK },
	{ "spaces between", SPAN("{ \"exp\" : 1 , \"sub\" : \"a\" }"), STATUS_OK },
	{ "member without a name", SPAN("{\"\":1,\"\":2}"), STATUS_OK },
	{ "unread members twice", SPAN("{\"x\":1,\"x\":2}"), STATUS_OK },
	{ "escape in an unread value", SPAN("{\"name\":\"\\u00e4\\\"\"}"), STATUS_OK },
	{ "names that begin alike",
	  SPAN("{\"su\":1,\"subj\":2,\"ex\":\"\",\"expi\":\"\",\"ia\":1,\"iatt\":\"\"}"),
	  STATUS_OK },
	{ "names of another case", SPAN("{\"EXP\":\"x\",\"Sub\":7}"), STATUS_OK },
	{ "audience array", SPAN("{\"aud\":[\"a\",\"b\"]}"), STATUS_OK },
	{ "empty audience array", SPAN("{\"aud\":[]}"), STATUS_OK },
	{ "eight audiences", SPAN("{\"aud\":[" EIGHT "]}"), STATUS_OK },
	{ "nine audiences", SPAN("{\"aud\":[" EIGHT ",\"9\"]}"), STATUS_INVALID },
	{ "payload is an array", SPAN("[]"), STATUS_INVALID },
	{ "payload is a string", SPAN("\"a\""), STATUS_INVALID },
	{ "payload is empty", SPAN(""), STATUS_INVALID },
	{ "text after the object", SPAN("{\"exp\":1}x"), STATUS_INVALID },
	{ "space after the object", SPAN("{\"exp\":1}\n"), STATUS_INVALID },
	{ "NUL after the object", SPAN("{\"exp\":1}\0"), STATUS_INVALID },
	{ "second object", SPAN("{\"exp\":1}{}"), STATUS_INVALID },
	{ "duplicate sub", SPAN("{\"sub\":\"a\",\"sub\":\"b\"}"), STATUS_INVALID },
	{ "duplicate sub, same value", SPAN("{\"sub\":\"a\",\"sub\":\"a\"}"), STATUS_INVALID },
	{ "duplicate iss", SPAN("{\"iss\":\"a\",\"iss\":\"b\"}"), STATUS_INVALID },
	{ "duplicate sid", SPAN("{\"sid\":\"a\",\"sid\":\"b\"}"), STATUS_INVALID },
	{ "duplicate email", SPAN("{\"email\":\"a\",\"email\":\"b\"}"), STATUS_INVALID },
	{ "duplicate aud", SPAN("{\"aud\":\"a\",\"aud\":[\"b\"]}"), STATUS_INVALID },
	{ "duplicate aud arrays", SPAN("{\"aud\":[],\"aud\":[\"b\"]}"), STATUS_INVALID },
	{ "duplicate exp", SPAN("{\"exp\":1,\"exp\":99}"), STATUS_INVALID },
	{ "duplicate nbf", SPAN("{\"nbf\":1,\"nbf\":1}"), STATUS_INVALID },
	{ "duplicate iat", SPAN("{\"iat\":1,\"iat\":1}"), STATUS_INVALID },
	{ "escape in a name", SPAN("{\"s\\u0075b\":\"a\"}"), STATUS_INVALID },
	{ "escape in sub", SPAN("{\"sub\":\"\\u0061\"}"), STATUS_INVALID },
	{ "escaped NUL in sub", SPAN("{\"sub\":\"a\\u0000\"}"), STATUS_INVALID },
	{ "escaped slash in iss", SPAN("{\"iss\":\"http:\\/\\/a\"}"), STATUS_INVALID },
	{ "escape in aud", SPAN("{\"aud\":\"\\u0061\"}"), STATUS_INVALID },
	{ "escape in an aud of several", SPAN("{\"aud\":[\"a\",\"\\u0061\"]}"), STATUS_INVALID },
	{ "control byte in sub", SPAN("{\"sub\":\"a\x01\"}"), STATUS_INVALID },
	{ "NUL in sub", SPAN("{\"sub\":\"a\0b\"}"), STATUS_INVALID },
	{ "DEL in sub", SPAN("{\"sub\":\"a\x7f\"}"), STATUS_INVALID },
	{ "bad UTF-8 in an unread value", SPAN("{\"name\":\"\xff\"}"), STATUS_INVALID },
	{ "sub is a number", SPAN("{\"sub\":7}"), STATUS_INVALID },
	{ "sub is null", SPAN("{\"sub\":null}"), STATUS_INVALID },
	{ "sub is an array", SPAN("{\"sub\":[\"a\"]}"), STATUS_INVALID },
	{ "sid is a number", SPAN("{\"sid\":7}"), STATUS_INVALID },
	{ "aud is a number", SPAN("{\"aud\":7}"), STATUS_INVALID },
	{ "aud is an object", SPAN("{\"aud\":{\"a\":1}}"), STATUS_INVALID },
	{ "aud holds a number", SPAN("{\"aud\":[\"a\",7]}"), STATUS_INVALID },
	{ "aud holds an array", SPAN("{\"aud\":[[\"a\"]]}"), STATUS_INVALID },
	{ "exp is a string", SPAN("{\"exp\":\"1767226500\"}"), STATUS_INVALID },
	{ "exp is a real", SPAN("{\"exp\":1.5e9}"), STATUS_INVALID },
	{ "exp is 1e400", SPAN("{\"exp\":1e400}"), STATUS_INVALID },
	{ "exp is -1", SPAN("{\"exp\":-1}"), STATUS_INVALID },
	{ "exp is 2^63", SPAN("{\"exp\":9223372036854775808}"), STATUS_INVALID },
	{ "exp has 16 digits", SPAN("{\"exp\":1000000000000000}"), STATUS_INVALID },
	{ "exp with a leading zero", SPAN("{\"exp\":01}"), STATUS_INVALID },
	{ "exp is true", SPAN("{\"exp\":true}"), STATUS_INVALID },
	{ "exp is null", SPAN("{\"exp\":null}"), STATUS_INVALID },
	{ "nbf is a string", SPAN("{\"nbf\":\"1\"}"), STATUS_INVALID },
	{ "nbf is a real", SPAN("{\"nbf\":1.0}"), STATUS_INVALID },
	{ "iat is a string", SPAN("{\"iat\":\"1\"}"), STATUS_INVALID },
	{ "iat is negative", SPAN("{\"iat\":-5}"), STATUS_INVALID },
	{ "seventeen levels", SPAN("{\"x\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}"), STATUS_INVALID },
};

static void shapes_are_judged(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(shapes); i++) {
		struct claims c;

		if (parse(shapes[i].payload, SPAN_ABSENT, &c) != shapes[i].want)
			fail_msg("case %zu: %s", i, shapes[i].name);
	}
}

static void a_refusal_leaves_the_result_alone(void **state)
{
	struct claims c = { .expires = 7 };

	(void)state;
	assert_int_equal(parse(SPAN("{\"exp\":1,\"exp\":2}"), SPAN_ABSENT, &c), STATUS_INVALID);
	assert_int_equal(c.expires, 7);
}

static const struct {
	const char *name;
	struct span payload;
	const char *claim, *want; /* want NULL: refused; "": absent */
} customs[] = {
	{ "own claim", SPAN("{\"sub\":\"a\",\"uid\":\"b\"}"), "uid", "b" },
	{ "a URL as claim", SPAN("{\"https://x/uid\":\"b\"}"), "https://x/uid", "b" },
	{ "a name of five letters", SPAN("{\"login\":\"b\"}"), "login", "b" },
	{ "sub itself", SPAN("{\"sub\":\"a\"}"), "sub", "a" },
	{ "email", SPAN("{\"sub\":\"a\",\"email\":\"e\"}"), "email", "e" },
	{ "absent", SPAN("{\"sub\":\"a\"}"), "uid", "" },
	{ "a time gives nothing", SPAN("{\"exp\":1}"), "exp", "" },
	{ "the audience gives nothing", SPAN("{\"aud\":\"a\"}"), "aud", "" },
	{ "twice", SPAN("{\"uid\":\"a\",\"uid\":\"a\"}"), "uid", NULL },
	{ "a number", SPAN("{\"uid\":7}"), "uid", NULL },
	{ "null", SPAN("{\"uid\":null}"), "uid", NULL },
	{ "escape in the value", SPAN("{\"uid\":\"\\u0061\"}"), "uid", NULL },
};

static void custom_subjects_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(customs); i++) {
		struct claims c;
		enum status want = customs[i].want == NULL ? STATUS_INVALID : STATUS_OK;
		enum status got = parse(customs[i].payload, span_of(customs[i].claim), &c);

		if (got != want)
			fail_msg("case %zu: %s", i, customs[i].name);
		if (got == STATUS_OK && !span_is(c.custom, customs[i].want))
			fail_msg("case %zu: %s: %.*s", i, customs[i].name, SPAN_FMT(c.custom));
	}
}

#define REST ",\"iss\":\"i\",\"aud\":\"a\",\"sub\":\"s\"}"

static const struct {
	const char *name;
	struct span payload;
	int64_t leeway_s;
	enum claims_fault want;
} judgements[] = {
	{ "B_FR_027 all there", SPAN("{\"exp\":1767225601" REST), 0, CLAIMS_HOLD },
	{ "B_FR_027 no exp", SPAN("{\"x\":1" REST), 0, CLAIMS_NO_EXPIRY },
	{ "B_FR_027 no iss", SPAN("{\"exp\":1767225601,\"aud\":\"a\",\"sub\":\"s\"}"), 0,
	  CLAIMS_WRONG_ISSUER },
	{ "B_FR_027 no aud", SPAN("{\"exp\":1767225601,\"iss\":\"i\",\"sub\":\"s\"}"), 0,
	  CLAIMS_WRONG_AUDIENCE },
	{ "B_FR_027 no sub", SPAN("{\"exp\":1767225601,\"iss\":\"i\",\"aud\":\"a\"}"), 0,
	  CLAIMS_NO_SUBJECT },
	{ "B_FR_027 empty sub",
	  SPAN("{\"exp\":1767225601,\"iss\":\"i\",\"aud\":\"a\",\"sub\":\"\"}"), 0,
	  CLAIMS_NO_SUBJECT },
	{ "exp is now", SPAN("{\"exp\":1767225600" REST), 0, CLAIMS_EXPIRED },
	{ "exp was a second ago", SPAN("{\"exp\":1767225599" REST), 0, CLAIMS_EXPIRED },
	{ "exp is 0", SPAN("{\"exp\":0" REST), 0, CLAIMS_EXPIRED },
	{ "exp = now - leeway + 1", SPAN("{\"exp\":1767225591" REST), 10, CLAIMS_HOLD },
	{ "exp = now - leeway", SPAN("{\"exp\":1767225590" REST), 10, CLAIMS_EXPIRED },
	{ "exp = now - leeway - 1", SPAN("{\"exp\":1767225589" REST), 10, CLAIMS_EXPIRED },
	{ "exp at the upper end", SPAN("{\"exp\":999999999999999" REST), 10, CLAIMS_HOLD },
	{ "nbf is now", SPAN("{\"exp\":1767225601,\"nbf\":1767225600" REST), 0, CLAIMS_HOLD },
	{ "nbf in a second", SPAN("{\"exp\":1767229999,\"nbf\":1767225601" REST), 0,
	  CLAIMS_NOT_YET },
	{ "nbf = now + leeway", SPAN("{\"exp\":1767229999,\"nbf\":1767225610" REST), 10,
	  CLAIMS_HOLD },
	{ "nbf = now + leeway + 1", SPAN("{\"exp\":1767229999,\"nbf\":1767225611" REST), 10,
	  CLAIMS_NOT_YET },
	{ "iat 60 s ahead", SPAN("{\"exp\":1767229999,\"iat\":1767225660" REST), 0, CLAIMS_HOLD },
	{ "iat 61 s ahead", SPAN("{\"exp\":1767229999,\"iat\":1767225661" REST), 0,
	  CLAIMS_ISSUED_AHEAD },
	{ "leeway is not for iat", SPAN("{\"exp\":1767229999,\"iat\":1767225661" REST), 600,
	  CLAIMS_ISSUED_AHEAD },
	{ "another issuer", SPAN("{\"exp\":1767225601,\"iss\":\"j\",\"aud\":\"a\",\"sub\":\"s\"}"),
	  0, CLAIMS_WRONG_ISSUER },
	{ "issuer with a slash more",
	  SPAN("{\"exp\":1767225601,\"iss\":\"i/\",\"aud\":\"a\",\"sub\":\"s\"}"), 0,
	  CLAIMS_WRONG_ISSUER },
	{ "issuer in upper case",
	  SPAN("{\"exp\":1767225601,\"iss\":\"I\",\"aud\":\"a\",\"sub\":\"s\"}"), 0,
	  CLAIMS_WRONG_ISSUER },
	{ "empty issuer", SPAN("{\"exp\":1767225601,\"iss\":\"\",\"aud\":\"a\",\"sub\":\"s\"}"), 0,
	  CLAIMS_WRONG_ISSUER },
	{ "another audience",
	  SPAN("{\"exp\":1767225601,\"iss\":\"i\",\"aud\":\"b\",\"sub\":\"s\"}"), 0,
	  CLAIMS_WRONG_AUDIENCE },
	{ "no audience in the array",
	  SPAN("{\"exp\":1767225601,\"iss\":\"i\",\"aud\":[],\"sub\":\"s\"}"), 0,
	  CLAIMS_WRONG_AUDIENCE },
	{ "audience among others",
	  SPAN("{\"exp\":1767225601,\"iss\":\"i\",\"aud\":[\"b\",\"a\"],\"sub\":\"s\"}"), 0,
	  CLAIMS_HOLD },
	{ "only other audiences",
	  SPAN("{\"exp\":1767225601,\"iss\":\"i\",\"aud\":[\"b\",\"aa\",\"\"],\"sub\":\"s\"}"), 0,
	  CLAIMS_WRONG_AUDIENCE },
};

static void judgements_hold(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(judgements); i++) {
		struct claims_rules rules = { SPAN("i"), SPAN("a"), judgements[i].leeway_s };
		struct claims c;

		assert_int_equal(parse(judgements[i].payload, SPAN_ABSENT, &c), STATUS_OK);
		enum claims_fault got = claims_judge(&c, &rules, NOW);
		if (got != judgements[i].want)
			fail_msg("case %zu: %s: %s", i, judgements[i].name, claims_fault_word(got));
	}
}

/* Rules that were never filled in must not make absent claims match. */
static void empty_rules_match_nothing(void **state)
{
	static const struct claims_rules no_issuer = { SPAN_ABSENT, SPAN("a"), 0 };
	static const struct claims_rules no_audience = { SPAN("i"), SPAN_ABSENT, 0 };
	static const struct claims_rules nothing;
	struct claims bare = { .subject = SPAN("s"), .expires = NOW + 9, .issued = -1 };
	struct claims full = { .subject = SPAN("s"),
			       .issuer = SPAN("i"),
			       .audience = { SPAN("") },
			       .audience_count = 1,
			       .expires = NOW + 9 };

	(void)state;
	assert_int_equal(claims_judge(&bare, &nothing, NOW), CLAIMS_WRONG_ISSUER);
	assert_int_equal(claims_judge(&bare, &no_issuer, NOW), CLAIMS_WRONG_ISSUER);
	assert_int_equal(claims_judge(&full, &no_audience, NOW), CLAIMS_WRONG_AUDIENCE);
}

static void faults_have_words(void **state)
{
	(void)state;
	for (enum claims_fault f = CLAIMS_HOLD; f <= CLAIMS_NO_SUBJECT; f++)
		assert_true(claims_fault_word(f) != NULL && *claims_fault_word(f) != '\0');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_contracts_claims_are_read),
		cmocka_unit_test(shapes_are_judged),
		cmocka_unit_test(a_refusal_leaves_the_result_alone),
		cmocka_unit_test(custom_subjects_are_read),
		cmocka_unit_test(judgements_hold),
		cmocka_unit_test(empty_rules_match_nothing),
		cmocka_unit_test(faults_have_words),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
