/* SPDX-License-Identifier: MIT */
#include "base/encode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

/* RFC 4648 section 10, and the two characters in which the alphabets differ */
static const struct {
	struct span raw;
	const char *base64, *base64url, *hex;
} known[] = {
	{ { "", 0 }, "", "", "" },
	{ { "f", 1 }, "Zg==", "Zg", "66" },
	{ { "fo", 2 }, "Zm8=", "Zm8", "666f" },
	{ { "foo", 3 }, "Zm9v", "Zm9v", "666f6f" },
	{ { "foob", 4 }, "Zm9vYg==", "Zm9vYg", "666f6f62" },
	{ { "fooba", 5 }, "Zm9vYmE=", "Zm9vYmE", "666f6f6261" },
	{ { "foobar", 6 }, "Zm9vYmFy", "Zm9vYmFy", "666f6f626172" },
	{ { "\xfb\xff\xbf", 3 }, "+/+/", "-_-_", "fbffbf" },
	{ { "\0\0", 2 }, "AAA=", "AAA", "0000" },
};

static void encodes_known_values(void **state)
{
	char text[64];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(known); i++) {
		struct span raw = known[i].raw;

		assert_int_equal(encode_base64(raw.at, raw.len, text), strlen(known[i].base64));
		assert_string_equal(text, known[i].base64);
		encode_base64url(raw.at, raw.len, text);
		assert_string_equal(text, known[i].base64url);
		encode_hex(raw.at, raw.len, text);
		assert_string_equal(text, known[i].hex);
	}
}

typedef enum status decoder(struct span text, void *out, size_t room, size_t *len_out);

static void check_decoded(decoder *decode, const char *text, struct span raw)
{
	char out[64];
	size_t len = 99;

	assert_int_equal(decode(span_of(text), out, sizeof(out), &len), STATUS_OK);
	assert_int_equal(len, raw.len);
	assert_true(span_equal(span_make(out, len), raw));
	if (raw.len > 0)
		assert_int_equal(decode(span_of(text), out, raw.len - 1, &len), STATUS_TOO_LARGE);
	assert_int_equal(decode(span_of(text), out, raw.len, &len), STATUS_OK);
}

static void decodes_known_values(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(known); i++) {
		check_decoded(decode_base64, known[i].base64, known[i].raw);
		check_decoded(decode_base64url, known[i].base64url, known[i].raw);
		check_decoded(decode_hex, known[i].hex, known[i].raw);
	}
	check_decoded(decode_hex, "aAfF09", SPAN("\xaa\xff\x09"));
}

static void survives_the_round_trip(void **state)
{
	unsigned char raw[256], back[256];
	char text[ENCODE_HEX_ROOM(sizeof(raw))];
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(raw); i++)
		raw[i] = (unsigned char)(i * 167 + 13);
	for (size_t n = 0; n <= sizeof(raw); n++) {
		size_t out = encode_base64url(raw, n, text);

		assert_true(out < ENCODE_BASE64_ROOM(n));
		assert_int_equal(decode_base64url(span_of(text), back, n, &len), STATUS_OK);
		assert_true(len == n && memcmp(raw, back, n) == 0);
		out = encode_base64(raw, n, text);
		assert_int_equal(out + 1, ENCODE_BASE64_ROOM(n));
		assert_int_equal(decode_base64(span_of(text), back, n, &len), STATUS_OK);
		assert_true(len == n && memcmp(raw, back, n) == 0);
		out = encode_hex(raw, n, text);
		assert_int_equal(out + 1, ENCODE_HEX_ROOM(n));
		assert_int_equal(decode_hex(span_of(text), back, n, &len), STATUS_OK);
		assert_true(len == n && memcmp(raw, back, n) == 0);
	}
}

static void base64url_has_one_spelling(void **state)
{
	static const char *const bad[] = {
		"A",    "AAAAA", "Zg=",   "Zg==",  "Zh",   "Zm9", "Zm9vYh", "+/+/", "AA A",
		"AAA ", " AAA",  "AA\nA", "AAA\n", "AA.A", "=",   "====",   "Zm-",  "AAAA=",
	};
	char out[64];
	size_t len = 7;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		if (decode_base64url(span_of(bad[i]), out, sizeof(out), &len) != STATUS_INVALID)
			fail_msg("case %zu: %s", i, bad[i]);
	assert_int_equal(decode_base64url(SPAN("AA\0A"), out, sizeof(out), &len), STATUS_INVALID);
	assert_int_equal(len, 7);
}

/* Of all one-byte values exactly the 64 of the alphabet are taken. */
static void base64_alphabets_are_exact(void **state)
{
	unsigned standard = 0, url = 0;
	unsigned char out[3];
	size_t len;

	(void)state;
	for (int byte = 0; byte < 256; byte++)
		for (size_t at = 0; at < 4; at++) {
			char text[4] = { 'A', 'A', 'A', 'A' };

			text[at] = (char)byte;
			standard += decode_base64(span_make(text, 4), out, 3, &len) == STATUS_OK;
			url += decode_base64url(span_make(text, 4), out, 3, &len) == STATUS_OK;
		}
	assert_int_equal(standard, 4 * 64 + 1); /* and "AAA=" */
	assert_int_equal(url, 4 * 64);
}

static void base64_needs_its_padding(void **state)
{
	static const char *const bad[] = {
		"Zg",   "Zg=",  "Zm8",  "Zg===", "=",        "==",   "===",    "====",
		"A===", "Zh==", "Zm9=", "-_-_",  "Zg==Zg==", "Z=g=", "Zm8=\n", "=Zm8",
	};
	char out[64];
	size_t len;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		if (decode_base64(span_of(bad[i]), out, sizeof(out), &len) != STATUS_INVALID)
			fail_msg("case %zu: %s", i, bad[i]);
}

static void hex_takes_hex_alone(void **state)
{
	unsigned char out[2];
	size_t len;
	unsigned taken = 0;

	(void)state;
	for (int byte = 0; byte < 256; byte++)
		for (size_t at = 0; at < 2; at++) {
			char text[2] = { '0', '0' };

			text[at] = (char)byte;
			taken += decode_hex(span_make(text, 2), out, 2, &len) == STATUS_OK;
		}
	assert_int_equal(taken, 2 * 22);
	assert_int_equal(decode_hex(SPAN("abc"), out, 2, &len), STATUS_INVALID);
}

static void percent_encodes_as_javascript(void **state)
{
	static const struct {
		struct span raw;
		const char *text;
	} cases[] = {
		{ { "", 0 }, "" },
		{ { "AZaz09-_.!~*'()", 15 }, "AZaz09-_.!~*'()" },
		{ { " +/=&?#%\"", 9 }, "%20%2B%2F%3D%26%3F%23%25%22" },
		{ { "\xc3\xa9\0\x7f", 4 }, "%C3%A9%00%7F" },
	};
	CLEANUP(arena_free) struct arena *mem = arena_new(0);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct span back = SPAN_ABSENT;
		struct span text = encode_percent(mem, cases[i].raw);

		if (!span_is(text, cases[i].text))
			fail_msg("case %zu", i);
		assert_int_equal(decode_percent(mem, text, &back), STATUS_OK);
		assert_true(span_equal(back, cases[i].raw));
	}
}

static void percent_decoding_refuses_half_escapes(void **state)
{
	static const char *const bad[] = { "%", "%4", "%4g", "%g4", "a%", "%%41", "% 41", "%+4" };
	CLEANUP(arena_free) struct arena *mem = arena_new(0);
	struct span out = SPAN_ABSENT;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		if (decode_percent(mem, span_of(bad[i]), &out) != STATUS_INVALID)
			fail_msg("case %zu", i);
	assert_true(span_is_absent(out));
	assert_int_equal(decode_percent(mem, SPAN("a+%2f%2F%41"), &out), STATUS_OK);
	assert_true(span_is(out, "a+//A"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(encodes_known_values),
		cmocka_unit_test(decodes_known_values),
		cmocka_unit_test(survives_the_round_trip),
		cmocka_unit_test(base64url_has_one_spelling),
		cmocka_unit_test(base64_alphabets_are_exact),
		cmocka_unit_test(base64_needs_its_padding),
		cmocka_unit_test(hex_takes_hex_alone),
		cmocka_unit_test(percent_encodes_as_javascript),
		cmocka_unit_test(percent_decoding_refuses_half_escapes),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("encode", tests, NULL, NULL);
}
