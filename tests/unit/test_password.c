/* SPDX-License-Identifier: MIT */
#include "crypto/password.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct arena *mem;
static bool refuse_large;

/* libsodium's and everybody's mmap: refuses large areas when told to. The
 * thread sanitizer's own start calls it, before it can watch. */
__attribute__((no_sanitize_thread)) void *mmap(void *at, size_t len, int prot, int flags, int fd,
					       off_t offset)
{
	if (refuse_large && len > 1 << 20) {
		errno = ENOMEM;
		return MAP_FAILED;
	}
	return (void *)syscall(SYS_mmap, at, len, prot, flags, fd, offset);
}

/* 1, 2, 3 … so that results can be foretold. */
static void count_up(void *state, void *out, size_t len)
{
	unsigned char *next = state, *bytes = out;

	for (size_t i = 0; i < len; i++)
		bytes[i] = (*next)++;
}

static unsigned char counter;
static const struct rng counting = { count_up, &counter };

static const struct password_params cheap = { PASSWORD_ARGON2ID, 64, 1 };
static const struct password_params usual = { PASSWORD_ARGON2ID, 19456, 2 };
static const struct password_params scrypt = { PASSWORD_SCRYPT, 0, 0 };

static int setup(void **state)
{
	(void)state;
	mem = arena_new(0);
	return password_start() == STATUS_OK && password_start() == STATUS_OK ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	arena_free(&mem);
	return 0;
}

#define SCRYPT_HORSE                                                                       \
	"00112233445566778899aabbccddeeff:267a33c2ae63f1c2d542f84d50b7d87c68900c8b9475f6a" \
	"47ade71cf44b234822e0a34af1d226572b5caf52809319d4c486f3d209cc2fd022fb53bb4eaeb35b1"
#define SCRYPT_FI                                                                          \
	"00112233445566778899aabbccddeeff:5070ad6d443ed5b0c4224551ec19290fbbc557b6ae06ba8" \
	"05ca59c1aeba4c46570c7d3150b17938cf4159105245093129f4d73e6ae725950fa1d92b630d88a13"
/* U+FF30 U+FF41 U+FF53 U+FF53 U+FF57 U+FF4F U+FF52 U+FF44 U+2460 U+FB01 */
#define WIDE_FI                                                                                \
	"\xef\xbc\xb0\xef\xbd\x81\xef\xbd\x93\xef\xbd\x93\xef\xbd\x97\xef\xbd\x8f\xef\xbd\x92" \
	"\xef\xbd\x84\xe2\x91\xa0\xef\xac\x81"
/* Made by the reference command line program `argon2`. */
#define P4 "$argon2id$v=19$m=512,t=3,p=4$c2FsdHNhbHRzYWx0c2FsdA$MrSiRdjR2XmZk8CkZNmOSYPoRRHXTBko"
#define TAG64                                      \
	"$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$" \
	"+jm8xE3lWlwAz5h5tD/f9PBWroy/yKwHgLN/ccFMZ3tepHOrn+in02VPMPiZH71lpP6Tc1OdUa2kqk42UQmeHg"
#define NULBYTE                                               \
	"$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$" \
	"uxzRbJFdy/4kyoZd3fMe/vUBKIgYl53kcpDTKKE8uYU"
#define FI                                                    \
	"$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$" \
	"+jGtA07ZCGQFwKpU7zgXHai0U5hc4F8KmhTpijXzD8E"
/* U+FFFD and A */
#define REPLACED                                              \
	"$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$" \
	"MAWRCGeAn+gLBgcSAs1PRi6jeXJIcrS1fZNI5q/3GZQ"
#define USUAL                                                    \
	"$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$" \
	"AdweBLwcflnNX2HVW8i1Mtu7frrn4Ki7h/rYSGuU7Is"

static const struct {
	const char *name;
	struct span stored, password;
	enum status want;
} verifications[] = {
	{ "scrypt, contract's vector", SPAN(SCRYPT_HORSE), SPAN("correct horse battery"),
	  STATUS_OK },
	{ "scrypt, another password", SPAN(SCRYPT_HORSE), SPAN("correct horse batterz"),
	  STATUS_DENIED },
	{ "scrypt, ASCII of the NFKC vector", SPAN(SCRYPT_FI), SPAN("Password1fi"), STATUS_OK },
	{ "scrypt, wide letters and a ligature", SPAN(SCRYPT_FI), SPAN(WIDE_FI), STATUS_OK },
	{ "argon2id, default cost", SPAN(USUAL), SPAN("correct horse"), STATUS_OK },
	{ "argon2id, last byte changed", SPAN(USUAL), SPAN("correct horsf"), STATUS_DENIED },
	{ "argon2id, a byte more", SPAN(USUAL), SPAN("correct horse "), STATUS_DENIED },
	{ "argon2id, another case", SPAN(USUAL), SPAN("Correct horse"), STATUS_DENIED },
	{ "argon2id, empty", SPAN(USUAL), SPAN(""), STATUS_DENIED },
	{ "argon2id, absent", SPAN(USUAL), { NULL, 0 }, STATUS_DENIED },
	{ "argon2id, four lanes, short tag", SPAN(P4), SPAN("correct horse"), STATUS_OK },
	{ "argon2id, four lanes, wrong", SPAN(P4), SPAN("correct horsf"), STATUS_DENIED },
	{ "argon2id, tag of 64 bytes", SPAN(TAG64), SPAN("correct horse"), STATUS_OK },
	{ "argon2id, NUL in the password", SPAN(NULBYTE), SPAN("nul\0byte"), STATUS_OK },
	{ "argon2id, cut at the NUL", SPAN(NULBYTE), SPAN("nul"), STATUS_DENIED },
	{ "argon2id, other bytes behind the NUL", SPAN(NULBYTE), SPAN("nul\0bytf"), STATUS_DENIED },
	{ "argon2id, ASCII", SPAN(FI), SPAN("Password1fi"), STATUS_OK },
	{ "argon2id, NFKC", SPAN(FI), SPAN(WIDE_FI), STATUS_OK },
	{ "argon2id, U+FFFD", SPAN(REPLACED),
	  SPAN("\xef\xbf\xbd"
	       "A"),
	  STATUS_OK },
	{ "argon2id, a foreign byte", SPAN(REPLACED),
	  SPAN("\xff"
	       "A"),
	  STATUS_OK },
	{ "argon2id, a cut character", SPAN(REPLACED),
	  SPAN("\xf0\x9f\x98"
	       "A"),
	  STATUS_OK },
	{ "argon2id, two foreign bytes", SPAN(REPLACED),
	  SPAN("\xff\xff"
	       "A"),
	  STATUS_DENIED },
};

static void stored_forms_are_verified(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(verifications); i++) {
		enum status got =
			password_verify(verifications[i].stored, verifications[i].password, mem);

		if (got != verifications[i].want)
			fail_msg("case %zu: %s: %s", i, verifications[i].name, status_word(got));
	}
}

#define SALT "c2FsdHNhbHRzYWx0c2FsdA"
#define TAG "AdweBLwcflnNX2HVW8i1Mtu7frrn4Ki7h/rYSGuU7Is"
#define HEAD "$argon2id$v=19$"
#define HEX32 "00112233445566778899aabbccddeeff"
#define HEX128 HEX32 HEX32 HEX32 HEX32

static const struct {
	const char *name;
	struct span stored;
	enum password_kind want;
} kinds[] = {
	{ "argon2id", SPAN(USUAL), PASSWORD_ARGON2ID },
	{ "salt of 8", SPAN(TAG64), PASSWORD_ARGON2ID },
	{ "memory at the cap", SPAN(HEAD "m=262144,t=2,p=1$" SALT "$" TAG), PASSWORD_ARGON2ID },
	{ "memory over the cap", SPAN(HEAD "m=262145,t=2,p=1$" SALT "$" TAG), PASSWORD_UNKNOWN },
	{ "memory of 4 GiB", SPAN(HEAD "m=4194304,t=2,p=1$" SALT "$" TAG), PASSWORD_UNKNOWN },
	{ "memory over 18 digits", SPAN(HEAD "m=9999999999999999999,t=2,p=1$" SALT "$" TAG),
	  PASSWORD_UNKNOWN },
	{ "memory wraps 64 bits", SPAN(HEAD "m=18446744073709551680,t=2,p=1$" SALT "$" TAG),
	  PASSWORD_UNKNOWN },
	{ "memory 0", SPAN(HEAD "m=0,t=2,p=1$" SALT "$" TAG), PASSWORD_UNKNOWN },
	{ "memory 7", SPAN(HEAD "m=7,t=2,p=1$" SALT "$" TAG), PASSWORD_UNKNOWN },
	{ "memory 8", SPAN(HEAD "m=8,t=2,p=1$" SALT "$" TAG), PASSWORD_ARGON2ID },
	{ "memory too small for its lanes", SPAN(HEAD "m=31,t=2,p=4$" SALT "$" TAG),
	  PASSWORD_UNKNOWN },
	{ "time at the cap", SPAN(HEAD "m=64,t=16,p=1$" SALT "$" TAG), PASSWORD_ARGON2ID },
	{ "time over the cap", SPAN(HEAD "m=64,t=17,p=1$" SALT "$" TAG), PASSWORD_UNKNOWN },
	{ "time 0", SPAN(HEAD "m=64,t=0,p=1$" SALT "$" TAG), PASSWORD_UNKNOWN },
	{ "lanes at the cap", SPAN(HEAD "m=128,t=1,p=16$" SALT "$" TAG), PASSWORD_ARGON2ID },
	{ "lanes over the cap", SPAN(HEAD "m=256,t=1,p=17$" SALT "$" TAG), PASSWORD_UNKNOWN },
	{ "lanes 0", SPAN(HEAD "m=64,t=1,p=0$" SALT "$" TAG), PASSWORD_UNKNOWN },
	{ "negative memory", SPAN(HEAD "m=-64,t=1,p=1$" SALT "$" TAG), PASSWORD_UNKNOWN },
	{ "plus sign", SPAN(HEAD "m=+64,t=1,p=1$" SALT "$" TAG), PASSWORD_UNKNOWN },
	{ "leading zero", SPAN(HEAD "m=064,t=1,p=1$" SALT "$" TAG), PASSWORD_UNKNOWN },
	{ "space", SPAN(HEAD "m= 64,t=1,p=1$" SALT "$" TAG), PASSWORD_UNKNOWN },
	{ "no memory", SPAN(HEAD "m=,t=1,p=1$" SALT "$" TAG), PASSWORD_UNKNOWN },
	{ "another order", SPAN(HEAD "t=1,m=64,p=1$" SALT "$" TAG), PASSWORD_UNKNOWN },
	{ "keyid", SPAN(HEAD "m=64,t=1,p=1,keyid=AAAA$" SALT "$" TAG), PASSWORD_UNKNOWN },
	{ "argon2i", SPAN("$argon2i$v=19$m=64,t=1,p=1$" SALT "$" TAG), PASSWORD_UNKNOWN },
	{ "argon2d", SPAN("$argon2d$v=19$m=64,t=1,p=1$" SALT "$" TAG), PASSWORD_UNKNOWN },
	{ "version 16", SPAN("$argon2id$v=16$m=64,t=1,p=1$" SALT "$" TAG), PASSWORD_UNKNOWN },
	{ "no version", SPAN("$argon2id$m=64,t=1,p=1$" SALT "$" TAG), PASSWORD_UNKNOWN },
	{ "no tag", SPAN(HEAD "m=64,t=1,p=1$" SALT), PASSWORD_UNKNOWN },
	{ "empty tag", SPAN(HEAD "m=64,t=1,p=1$" SALT "$"), PASSWORD_UNKNOWN },
	{ "empty salt", SPAN(HEAD "m=64,t=1,p=1$$" TAG), PASSWORD_UNKNOWN },
	{ "no salt, no tag", SPAN(HEAD "m=64,t=1,p=1$"), PASSWORD_UNKNOWN },
	{ "no lanes' end", SPAN(HEAD "m=64,t=1,p=1"), PASSWORD_UNKNOWN },
	{ "salt of 7", SPAN(HEAD "m=64,t=1,p=1$AAAAAAAAAA$" TAG), PASSWORD_UNKNOWN },
	{ "tag of 15", SPAN(HEAD "m=64,t=1,p=1$" SALT "$AAAAAAAAAAAAAAAAAAAA"), PASSWORD_UNKNOWN },
	{ "tag of 16", SPAN(HEAD "m=64,t=1,p=1$" SALT "$AAAAAAAAAAAAAAAAAAAAAA"),
	  PASSWORD_ARGON2ID },
	{ "tag over 64", SPAN(HEAD "m=64,t=1,p=1$" SALT "$" TAG TAG "AA"), PASSWORD_UNKNOWN },
	{ "padded tag", SPAN(HEAD "m=64,t=1,p=1$" SALT "$" TAG "="), PASSWORD_UNKNOWN },
	{ "set unused bits", SPAN(HEAD "m=64,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdB$" TAG),
	  PASSWORD_UNKNOWN },
	{ "a part more", SPAN(USUAL "$AAAA"), PASSWORD_UNKNOWN },
	{ "newline behind", SPAN(USUAL "\n"), PASSWORD_UNKNOWN },
	{ "NUL behind", SPAN(USUAL "\0"), PASSWORD_UNKNOWN },
	{ "scrypt", SPAN(HEX32 ":" HEX128), PASSWORD_SCRYPT },
	{ "scrypt in upper case", SPAN("00112233445566778899AABBCCDDEEFF:" HEX128),
	  PASSWORD_UNKNOWN },
	{ "scrypt without colon", SPAN(HEX32 "0" HEX128), PASSWORD_UNKNOWN },
	{ "scrypt, short key", SPAN(HEX32 ":" HEX32 HEX32), PASSWORD_UNKNOWN },
	{ "scrypt, a digit more", SPAN(HEX32 ":" HEX128 "0"), PASSWORD_UNKNOWN },
	{ "scrypt, not hex", SPAN(HEX32 ":" HEX32 HEX32 HEX32 "00112233445566778899aabbccddeefg"),
	  PASSWORD_UNKNOWN },
	{ "bcrypt", SPAN("$2b$10$abcdefghijklmnopqrstuv"), PASSWORD_UNKNOWN },
	{ "clear text", SPAN("correct horse"), PASSWORD_UNKNOWN },
	{ "empty", SPAN(""), PASSWORD_UNKNOWN },
	{ "absent", { NULL, 0 }, PASSWORD_UNKNOWN },
};

static void kinds_are_told_apart(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		if (password_kind_of(kinds[i].stored) != kinds[i].want)
			fail_msg("case %zu: %s", i, kinds[i].name);
		if (kinds[i].want == PASSWORD_UNKNOWN)
			assert_int_equal(password_verify(kinds[i].stored, SPAN("a"), mem),
					 STATUS_INVALID);
	}
}

static void over_long_forms_are_unknown(void **state)
{
	char *text = arena_alloc(mem, 4096);

	(void)state;
	memset(text, 'A', 4096);
	memcpy(text, USUAL, sizeof(USUAL) - 1);
	assert_int_equal(password_kind_of(span_make(text, 4096)), PASSWORD_UNKNOWN);
}

/* What passes our parser must mean the same to libsodium: verified, not refused. */
static void accepted_forms_can_be_verified(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		if (kinds[i].want == PASSWORD_UNKNOWN)
			continue;
		enum status got = password_verify(kinds[i].stored, SPAN("a"), mem);
		if (got != STATUS_DENIED)
			fail_msg("case %zu: %s: %s", i, kinds[i].name, status_word(got));
	}
}

static void hashes_can_be_foretold(void **state)
{
	struct span stored;

	(void)state;
	counter = 1;
	assert_int_equal(password_hash(&cheap, SPAN("correct horse"), &counting, mem, &stored),
			 STATUS_OK);
	assert_true(span_starts(stored, SPAN("$argon2id$v=19$m=64,t=1,p=1$"
					     "AQIDBAUGBwgJCgsMDQ4PEA$")));
	counter = 1;
	assert_int_equal(password_hash(&scrypt, SPAN("correct horse"), &counting, mem, &stored),
			 STATUS_OK);
	assert_true(span_starts(stored, SPAN("0102030405060708090a0b0c0d0e0f10:")));
}

static void hashes_verify(void **state)
{
	static const struct password_params all[] = { { PASSWORD_ARGON2ID, 64, 1 },
						      { PASSWORD_ARGON2ID, 19456, 2 },
						      { PASSWORD_ARGON2ID, 1024, 16 },
						      { PASSWORD_SCRYPT, 0, 0 } };
	static const struct span passwords[] = {
		SPAN(""),
		SPAN("a\0b"),
		SPAN("  spaces kept  "),
		SPAN(WIDE_FI),
		SPAN("\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80"),
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(all); i++)
		for (size_t j = 0; j < COUNT_OF(passwords); j++) {
			struct span stored;

			assert_int_equal(password_hash(&all[i], passwords[j], &rng_system, mem,
						       &stored),
					 STATUS_OK);
			assert_int_equal(password_kind_of(stored), all[i].kind);
			assert_false(password_needs_rehash(&all[i], stored));
			assert_int_equal(password_verify(stored, passwords[j], mem), STATUS_OK);
			assert_int_equal(password_verify(stored, SPAN("another"), mem),
					 STATUS_DENIED);
		}
}

/* B-FR-005: an argon2id of version 19, at or above a recommended cost, with a
 * salt of 16 and a tag of 32 bytes, never the same twice. */
static void B_FR_005_default_hashes_are_salted_argon2id(void **state)
{
	struct span one, two;

	(void)state;
	assert_int_equal(password_hash(&usual, SPAN("same"), &rng_system, mem, &one), STATUS_OK);
	assert_int_equal(password_hash(&usual, SPAN("same"), &rng_system, mem, &two), STATUS_OK);
	assert_true(span_starts(one, SPAN("$argon2id$v=19$m=19456,t=2,p=1$")));
	assert_int_equal(one.len, strlen(USUAL));
	assert_false(span_equal(one, two));
}

/* Composed and decomposed, as users of two systems type the same word. */
static void normal_forms_are_one_password(void **state)
{
	struct span stored;

	(void)state;
	assert_int_equal(password_hash(&cheap, SPAN("caf\xc3\xa9"), &rng_system, mem, &stored),
			 STATUS_OK);
	assert_int_equal(password_verify(stored, SPAN("cafe\xcc\x81"), mem), STATUS_OK);
	assert_int_equal(password_verify(stored, SPAN("cafe"), mem), STATUS_DENIED);
}

/* U+FDFA grows eighteenfold, the most that NFKC knows. */
static void the_widest_growth_fits(void **state)
{
	char *text = arena_alloc(mem, 3 * 128);
	struct span stored;

	(void)state;
	for (size_t i = 0; i < 128; i++)
		memcpy(text + 3 * i, "\xef\xb7\xba", 3);
	assert_int_equal(password_hash(&cheap, span_make(text, 3 * 128), &rng_system, mem, &stored),
			 STATUS_OK);
	assert_int_equal(password_verify(stored, span_make(text, 3 * 128), mem), STATUS_OK);
	assert_int_equal(password_verify(stored, span_make(text, 3 * 127), mem), STATUS_DENIED);
}

static void a_refused_work_area_is_no_mismatch(void **state)
{
	struct span stored = SPAN_ABSENT;

	(void)state;
	refuse_large = true;
	enum status hash = password_hash(&usual, SPAN("a"), &counting, mem, &stored);
	enum status right = password_verify(SPAN(USUAL), SPAN("correct horse"), mem);
	enum status wrong = password_verify(SPAN(USUAL), SPAN("a"), mem);
	enum status lanes =
		password_verify(SPAN(HEAD "m=19456,t=2,p=4$" SALT "$" TAG), SPAN("a"), mem);
	enum status legacy = password_verify(SPAN(SCRYPT_HORSE), SPAN("a"), mem);
	enum status legacy_hash = password_hash(&scrypt, SPAN("a"), &counting, mem, &stored);
	refuse_large = false;
	assert_int_equal(hash, STATUS_NO_MEMORY);
	assert_int_equal(right, STATUS_NO_MEMORY);
	assert_int_equal(wrong, STATUS_NO_MEMORY);
	assert_int_equal(lanes, STATUS_NO_MEMORY);
	assert_int_equal(legacy, STATUS_NO_MEMORY);
	assert_int_equal(legacy_hash, STATUS_NO_MEMORY);
	assert_true(span_is_absent(stored));
}

static void unsound_parameters_are_refused(void **state)
{
	static const struct password_params bad[] = {
		{ PASSWORD_UNKNOWN, 64, 1 },      { PASSWORD_ARGON2ID, 7, 1 },
		{ PASSWORD_ARGON2ID, 64, 0 },     { PASSWORD_ARGON2ID, 64, 17 },
		{ PASSWORD_ARGON2ID, 262145, 1 }, { PASSWORD_ARGON2ID, -1, 1 },
	};
	struct span stored;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		assert_int_equal(password_hash(&bad[i], SPAN("a"), &counting, mem, &stored),
				 STATUS_INVALID);
		assert_int_equal(password_decoy_make(&bad[i], &counting, mem, &stored),
				 STATUS_INVALID);
	}
}

static const struct {
	const struct password_params *params;
	struct span stored;
	bool want;
} rehashes[] = {
	{ &usual, SPAN(USUAL), false },
	{ &usual, SPAN(HEAD "m=19455,t=2,p=1$" SALT "$" TAG), true },
	{ &usual, SPAN(HEAD "m=19457,t=2,p=1$" SALT "$" TAG), true },
	{ &usual, SPAN(HEAD "m=19456,t=1,p=1$" SALT "$" TAG), true },
	{ &usual, SPAN(HEAD "m=19456,t=2,p=2$" SALT "$" TAG), true },
	{ &usual, SPAN(HEAD "m=19456,t=2,p=1$c29tZXNhbHQ$" TAG), true },
	{ &usual, SPAN(HEAD "m=19456,t=2,p=1$" SALT "$AAAAAAAAAAAAAAAAAAAAAA"), true },
	{ &usual, SPAN(SCRYPT_HORSE), true },
	{ &usual, SPAN("unknown"), true },
	{ &scrypt, SPAN(SCRYPT_HORSE), false },
	{ &scrypt, SPAN(USUAL), true },
};

static void other_costs_are_rehashed(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rehashes); i++)
		if (password_needs_rehash(rehashes[i].params, rehashes[i].stored) !=
		    rehashes[i].want)
			fail_msg("case %zu", i);
}

static void decoys_look_real_and_match_nothing(void **state)
{
	const struct password_params *all[] = { &cheap, &usual, &scrypt };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(all); i++) {
		struct span decoy;

		assert_int_equal(password_decoy_make(all[i], &rng_system, mem, &decoy), STATUS_OK);
		assert_int_equal(password_kind_of(decoy), all[i]->kind);
		assert_false(password_needs_rehash(all[i], decoy));
		assert_int_equal(password_verify(decoy, SPAN(""), mem), STATUS_DENIED);
		assert_int_equal(password_verify(decoy, SPAN("correct horse"), mem), STATUS_DENIED);
	}
}

static const struct {
	struct span password;
	size_t want;
} lengths[] = {
	{ SPAN(""), 0 },
	{ { NULL, 0 }, 0 },
	{ SPAN("12345678"), 8 },
	{ SPAN("a\0b"), 3 },
	{ SPAN("\xc3\xa9"), 1 },
	{ SPAN("e\xcc\x81"), 2 },
	{ SPAN("\xe2\x82\xac"), 1 },
	{ SPAN("\xf0\x9f\x98\x80"), 2 },
	{ SPAN("\xef\xb7\xba"), 1 },
	{ SPAN("\xff\xfe"), 2 },
	{ SPAN("\xf0\x9f\x98"), 1 },
	{ SPAN("\xed\xa0\x80"), 3 },
};

static void lengths_are_utf16_code_units(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(lengths); i++)
		if (password_length(lengths[i].password) != lengths[i].want)
			fail_msg("case %zu", i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stored_forms_are_verified),
		cmocka_unit_test(kinds_are_told_apart),
		cmocka_unit_test(over_long_forms_are_unknown),
		cmocka_unit_test(accepted_forms_can_be_verified),
		cmocka_unit_test(hashes_can_be_foretold),
		cmocka_unit_test(hashes_verify),
		cmocka_unit_test(B_FR_005_default_hashes_are_salted_argon2id),
		cmocka_unit_test(normal_forms_are_one_password),
		cmocka_unit_test(the_widest_growth_fits),
		cmocka_unit_test(a_refused_work_area_is_no_mismatch),
		cmocka_unit_test(unsound_parameters_are_refused),
		cmocka_unit_test(other_costs_are_rehashed),
		cmocka_unit_test(decoys_look_real_and_match_nothing),
		cmocka_unit_test(lengths_are_utf16_code_units),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
