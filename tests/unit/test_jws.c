/* SPDX-License-Identifier: MIT */
#include "jws_fixture.h"

/* --- headers --- */

#define KID128                                                                   \
	"0123456789012345678901234567890123456789012345678901234567890123456789" \
	"0123456789012345678901234567890123456789012345678901234567"

static const struct {
	const char *name, *header;
	enum status want;
} headers[] = {
	{ "no typ", "{\"alg\":\"HS256\"}", STATUS_OK },
	{ "typ JWT", "{\"alg\":\"HS256\",\"typ\":\"JWT\"}", STATUS_OK },
	{ "typ jwt", "{\"typ\":\"jwt\",\"alg\":\"HS256\"}", STATUS_OK },
	{ "typ at+jwt", "{\"alg\":\"HS256\",\"typ\":\"at+jwt\"}", STATUS_OK },
	{ "typ AT+JWT", "{\"alg\":\"HS256\",\"typ\":\"AT+JWT\"}", STATUS_OK },
	{ "typ application/jwt", "{\"alg\":\"HS256\",\"typ\":\"application/jwt\"}", STATUS_OK },
	{ "typ Application/at+JWT", "{\"alg\":\"HS256\",\"typ\":\"Application/at+JWT\"}",
	  STATUS_OK },
	{ "spaces", "{ \"alg\" :\r\n \"HS256\" }", STATUS_OK },
	{ "RFC 8725 3.10 jku and x5u are not looked at",
	  "{\"alg\":\"HS256\",\"jku\":\"http://evil\",\"x5u\":\"file:///etc/passwd\",\"jwk\":{}}",
	  STATUS_OK },
	{ "kid of 128", "{\"alg\":\"HS256\",\"kid\":\"" KID128 "\"}", STATUS_OK },
	{ "RFC 8725 3.10 kid with quotes and dots", "{\"alg\":\"HS256\",\"kid\":\"'../..;--\"}",
	  STATUS_OK },
	{ "kid of 129", "{\"alg\":\"HS256\",\"kid\":\"" KID128 "x\"}", STATUS_INVALID },
	{ "kid twice", "{\"alg\":\"HS256\",\"kid\":\"a\",\"kid\":\"a\"}", STATUS_INVALID },
	{ "kid twice, empty", "{\"alg\":\"HS256\",\"kid\":\"\",\"kid\":\"\"}", STATUS_INVALID },
	{ "kid is a number", "{\"alg\":\"HS256\",\"kid\":1}", STATUS_INVALID },
	{ "kid is null", "{\"alg\":\"HS256\",\"kid\":null}", STATUS_INVALID },
	{ "kid with an escape", "{\"alg\":\"HS256\",\"kid\":\"\\u0061\"}", STATUS_INVALID },
	{ "kid with an escaped NUL", "{\"alg\":\"HS256\",\"kid\":\"a\\u0000\"}", STATUS_INVALID },
	{ "alg none", "{\"alg\":\"none\"}", STATUS_INVALID },
	{ "alg None", "{\"alg\":\"None\"}", STATUS_INVALID },
	{ "alg nOnE", "{\"alg\":\"nOnE\"}", STATUS_INVALID },
	{ "alg empty", "{\"alg\":\"\"}", STATUS_INVALID },
	{ "alg absent", "{\"typ\":\"JWT\"}", STATUS_INVALID },
	{ "alg hs256", "{\"alg\":\"hs256\"}", STATUS_INVALID },
	{ "alg Hs256", "{\"alg\":\"Hs256\"}", STATUS_INVALID },
	{ "alg HS256 with a space", "{\"alg\":\"HS256 \"}", STATUS_INVALID },
	{ "alg HS384", "{\"alg\":\"HS384\"}", STATUS_INVALID },
	{ "alg HS512", "{\"alg\":\"HS512\"}", STATUS_INVALID },
	{ "alg RS384", "{\"alg\":\"RS384\"}", STATUS_INVALID },
	{ "alg PS256", "{\"alg\":\"PS256\"}", STATUS_INVALID },
	{ "alg ES512", "{\"alg\":\"ES512\"}", STATUS_INVALID },
	{ "alg eddsa", "{\"alg\":\"eddsa\"}", STATUS_INVALID },
	{ "alg Ed25519", "{\"alg\":\"Ed25519\"}", STATUS_INVALID },
	{ "alg with an escape", "{\"alg\":\"HS25\\u0036\"}", STATUS_INVALID },
	{ "alg in an escaped name", "{\"\\u0061lg\":\"HS256\"}", STATUS_INVALID },
	{ "alg is null", "{\"alg\":null}", STATUS_INVALID },
	{ "alg is an array", "{\"alg\":[\"HS256\"]}", STATUS_INVALID },
	{ "alg twice", "{\"alg\":\"HS256\",\"alg\":\"HS256\"}", STATUS_INVALID },
	{ "alg twice, none last", "{\"alg\":\"HS256\",\"alg\":\"none\"}", STATUS_INVALID },
	{ "alg twice, none first", "{\"alg\":\"none\",\"alg\":\"HS256\"}", STATUS_INVALID },
	{ "ALG alone", "{\"ALG\":\"HS256\"}", STATUS_INVALID },
	{ "crit unknown", "{\"alg\":\"HS256\",\"crit\":[\"x\"],\"x\":1}", STATUS_INVALID },
	{ "crit exp", "{\"alg\":\"HS256\",\"crit\":[\"exp\"],\"exp\":1}", STATUS_INVALID },
	{ "crit empty", "{\"alg\":\"HS256\",\"crit\":[]}", STATUS_INVALID },
	{ "crit null", "{\"crit\":null,\"alg\":\"HS256\"}", STATUS_INVALID },
	{ "crit in an escaped name", "{\"alg\":\"HS256\",\"cr\\u0069t\":[\"x\"]}", STATUS_INVALID },
	{ "b64 false", "{\"alg\":\"HS256\",\"b64\":false}", STATUS_INVALID },
	{ "b64 true", "{\"alg\":\"HS256\",\"b64\":true}", STATUS_INVALID },
	{ "RFC 8725 3.11 typ refresh", "{\"alg\":\"HS256\",\"typ\":\"refresh\"}", STATUS_INVALID },
	{ "typ rt+jwt", "{\"alg\":\"HS256\",\"typ\":\"rt+jwt\"}", STATUS_INVALID },
	{ "typ logout+jwt", "{\"alg\":\"HS256\",\"typ\":\"logout+jwt\"}", STATUS_INVALID },
	{ "typ dpop+jwt", "{\"alg\":\"HS256\",\"typ\":\"dpop+jwt\"}", STATUS_INVALID },
	{ "typ JWS", "{\"alg\":\"HS256\",\"typ\":\"JWS\"}", STATUS_INVALID },
	{ "typ JOSE", "{\"alg\":\"HS256\",\"typ\":\"JOSE\"}", STATUS_INVALID },
	{ "typ JWT with a space", "{\"alg\":\"HS256\",\"typ\":\"JWT \"}", STATUS_INVALID },
	{ "typ empty", "{\"alg\":\"HS256\",\"typ\":\"\"}", STATUS_INVALID },
	{ "typ application/ alone", "{\"alg\":\"HS256\",\"typ\":\"application/\"}",
	  STATUS_INVALID },
	{ "typ application/ twice", "{\"alg\":\"HS256\",\"typ\":\"application/application/jwt\"}",
	  STATUS_INVALID },
	{ "typ a number", "{\"alg\":\"HS256\",\"typ\":1}", STATUS_INVALID },
	{ "typ twice", "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"typ\":\"JWT\"}", STATUS_INVALID },
	{ "an array", "[\"alg\",\"HS256\"]", STATUS_INVALID },
	{ "text after the object", "{\"alg\":\"HS256\"} ", STATUS_INVALID },
	{ "two objects", "{\"alg\":\"HS256\"}{}", STATUS_INVALID },
	{ "space before the object", " {\"alg\":\"HS256\"}", STATUS_INVALID },
	{ "trailing comma", "{\"alg\":\"HS256\",}", STATUS_INVALID },
	{ "single quotes", "{'alg':'HS256'}", STATUS_INVALID },
	{ "empty object", "{}", STATUS_INVALID },
	{ "not JSON", "HS256", STATUS_INVALID },
};

static void headers_are_judged(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(headers); i++) {
		enum status got = check_only(t.hs256, hs256(headers[i].header));

		if (got != headers[i].want)
			fail_msg("case %zu: %s: %s", i, headers[i].name, status_word(got));
	}
}

static void kid_is_absent_or_as_sent(void **state)
{
	struct jws_parts parts;

	(void)state;
	assert_int_equal(jws_split(hs256("{\"alg\":\"HS256\"}"), &parts), STATUS_OK);
	assert_true(span_is_absent(parts.kid));
	assert_int_equal(jws_split(hs256("{\"alg\":\"HS256\",\"kid\":\"\"}"), &parts), STATUS_OK);
	assert_true(!span_is_absent(parts.kid) && parts.kid.len == 0);
	assert_int_equal(jws_split(hs256("{\"kid\":\"a b\",\"alg\":\"HS256\"}"), &parts),
			 STATUS_OK);
	assert_true(span_is(parts.kid, "a b"));
}

/* --- shape --- */

/* eyJhbGciOiJIUzI1NiJ9 is {"alg":"HS256"}; eyJzdWIiOiJhIn0 {"sub":"a"}. */
#define H "eyJhbGciOiJIUzI1NiJ9"
#define P "eyJzdWIiOiJhIn0"
#define S43 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static const struct {
	const char *name;
	struct span token;
	enum status want; /* of split */
} forms[] = {
	{ "well-formed", SPAN(H "." P "." S43), STATUS_OK },
	{ "empty", SPAN(""), STATUS_INVALID },
	{ "one part", SPAN(H), STATUS_INVALID },
	{ "two parts", SPAN(H "." P), STATUS_INVALID },
	{ "two parts and a dot", SPAN(H "." P "."), STATUS_INVALID },
	{ "four parts", SPAN(H "." P "." S43 "." S43), STATUS_INVALID },
	{ "three parts and a dot", SPAN(H "." P "." S43 "."), STATUS_INVALID },
	{ "five parts (JWE)", SPAN(H "." P "." P "." P "." S43), STATUS_INVALID },
	{ "empty header", SPAN("." P "." S43), STATUS_INVALID },
	{ "empty payload", SPAN(H ".." S43), STATUS_INVALID },
	{ "dots alone", SPAN(".."), STATUS_INVALID },
	{ "space before", SPAN(" " H "." P "." S43), STATUS_INVALID },
	{ "padding in the header", SPAN(H "=." P "." S43), STATUS_INVALID },
	{ "junk in the header", SPAN("eyJhbGci!iJIUzI1NiJ9." P "." S43), STATUS_INVALID },
	{ "newline in the header", SPAN("eyJhbGciOiJI\nUzI1NiJ9." P "." S43), STATUS_INVALID },
	{ "standard alphabet", SPAN("eyJhbGciOiJIUzI1Ni+9." P "." S43), STATUS_INVALID },
	{ "NUL in the header", SPAN("eyJhbGciOiJI\0zI1NiJ9." P "." S43), STATUS_INVALID },
	{ "header of length 4n + 1", SPAN(H "e." P "." S43), STATUS_INVALID },
};

static void forms_are_judged(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(forms); i++) {
		struct jws_parts parts;

		if (jws_split(forms[i].token, &parts) != forms[i].want)
			fail_msg("case %zu: %s", i, forms[i].name);
	}
}

static struct span token_of_size(size_t payload_text_len)
{
	struct span p = repeated('A', payload_text_len);
	struct span input = span_of(arena_format(t.mem, H ".%.*s", SPAN_FMT(p)));

	return forge_join(t.mem, input, forge_mac(t.mem, SPAN(FORGE_SECRET), input));
}

static void sizes_are_capped_before_decoding(void **state)
{
	size_t fixed = strlen(H) + 2 + strlen(S43);
	struct span fits = token_of_size(8192 - fixed), over = token_of_size(8193 - fixed);
	struct span header = forge_base64url(t.mem, repeated('{', 513)), payload;
	struct jws_parts parts;

	(void)state;
	assert_int_equal(fits.len, JWS_TOKEN_MAX);
	assert_int_equal(check(t.hs256, fits, &payload), STATUS_OK);
	assert_int_equal(over.len, JWS_TOKEN_MAX + 1);
	assert_int_equal(jws_split(over, &parts), STATUS_INVALID);
	assert_int_equal(jws_split(repeated('A', 16 << 20), &parts), STATUS_INVALID);
	assert_int_equal(jws_split(repeated('.', 16 << 20), &parts), STATUS_INVALID);
	assert_int_equal(
		jws_split(span_of(arena_format(t.mem, "%.*s." P "." S43, SPAN_FMT(header))),
			  &parts),
		STATUS_INVALID);
	/* RFC 8725 3.10: a kid of 10 kB */
	assert_int_equal(check_only(t.hs256, hs256(arena_format(
						     t.mem, "{\"alg\":\"HS256\",\"kid\":\"%.*s\"}",
						     10000, repeated('k', 10000).at))),
			 STATUS_INVALID);
	assert_int_equal(check_only(t.hs256,
				    hs256(arena_format(t.mem, "{\"alg\":\"HS256\",\"x\":\"%.*s\"}",
						       490, repeated('y', 490).at))),
			 STATUS_OK); /* 512 bytes of header */
	assert_int_equal(check_only(t.hs256,
				    hs256(arena_format(t.mem, "{\"alg\":\"HS256\",\"x\":\"%.*s\"}",
						       491, repeated('y', 491).at))),
			 STATUS_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_are_judged),
		cmocka_unit_test(kid_is_absent_or_as_sent),
		cmocka_unit_test(forms_are_judged),
		cmocka_unit_test(sizes_are_capped_before_decoding),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
