/* SPDX-License-Identifier: MIT */
#include "base/status.h"
#include "server/frames.h"
#include "unit/fcgi_random.h"
#include "unit/fcgi_wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

static char content[FRAMES_CONTENT_MAX];

struct judged {
	enum frames_verdict verdict;
	struct frames frames;
	size_t used;
};

/* In pieces of `piece` bytes, from zero on. */
static struct judged judge(struct span bytes, size_t piece)
{
	struct judged j = { 0 };
	while (j.verdict == FRAMES_INCOMPLETE && j.used < bytes.len) {
		size_t used;
		struct span next = span_first(span_from(bytes, j.used), piece);
		j.verdict = frames_feed(&j.frames, next, content, &used);
		if (j.verdict == FRAMES_INCOMPLETE && used != next.len)
			fail_msg("%zu of %zu bytes taken without an end", used, next.len);
		j.used += used;
	}
	return j;
}

static void assert_verdict(struct span bytes, enum frames_verdict expect, const char *what)
{
	static const size_t pieces[] = { 1, 7, 8, 13, 4096, SIZE_MAX };
	for (size_t i = 0; i < COUNT_OF(pieces); i++) {
		struct judged j = judge(bytes, pieces[i]);
		if (j.verdict != expect)
			fail_msg("%s, in pieces of %zu: %d (%s), not %d", what, pieces[i],
				 j.verdict, j.frames.reason != NULL ? j.frames.reason : "-",
				 expect);
		if (expect == FRAMES_REFUSE && j.frames.reason == NULL)
			fail_msg("%s: refused without a reason", what);
	}
}

/* --- whole requests --- */

static void takes_whole_requests(void **state)
{
	(void)state;
	for (unsigned role = WIRE_RESPONDER; role <= WIRE_AUTHORIZER; role++) {
		struct wire w = { 0 };
		struct span body = role == WIRE_RESPONDER ? SPAN("{\"a\":1}") : SPAN("");
		wire_request(&w, role, role == WIRE_AUTHORIZER, "/api/alice/tasks", body);
		assert_verdict(wire_span(&w), FRAMES_WHOLE, "a plain request");
		struct judged j = judge(wire_span(&w), SIZE_MAX);
		assert_int_equal(j.used, w.len);
		assert_int_equal(j.frames.id, 1);
		assert_int_equal(j.frames.authorizer, role == WIRE_AUTHORIZER);
		assert_int_equal(j.frames.keep, role == WIRE_AUTHORIZER);
		assert_true(span_equal(span_make(content + j.frames.params_len, j.frames.body_len),
				       body));
		wire_free(&w);
	}
}

/* FastCGI 1.0 section 3: cut anywhere, a request is incomplete. */
static void waits_at_every_cut(void **state)
{
	(void)state;
	struct wire w = { 0 };
	wire_request(&w, WIRE_RESPONDER, false, "/x", SPAN("body"));
	for (size_t cut = 0; cut < w.len; cut++) {
		for (size_t piece = 1; piece < 20; piece++) {
			struct judged j = judge(span_first(wire_span(&w), cut), piece);
			if (j.verdict != FRAMES_INCOMPLETE || j.used != cut)
				fail_msg("cut at %zu, pieces of %zu", cut, piece);
			assert_int_equal(frames_is_idle(&j.frames), cut == 0);
		}
	}
	wire_free(&w);
}

/* The most hostile honest peer: each byte in a record of its own, padded. */
static void takes_a_splitter(void **state)
{
	(void)state;
	struct wire params = { 0 }, w = { 0 }, plain = { 0 };
	wire_params(&params, "/api/alice/tasks", 20);
	wire_begin(&w, 700, WIRE_RESPONDER, false);
	wire_stream(&w, WIRE_PARAMS, 700, wire_span(&params), 1, 255);
	wire_stream(&w, WIRE_STDIN, 700, SPAN("12345678901234567890"), 1, 3);
	assert_verdict(wire_span(&w), FRAMES_WHOLE, "a splitter");
	struct judged j = judge(wire_span(&w), 5);
	assert_int_equal(j.frames.id, 700);
	assert_int_equal(j.frames.params_len, params.len);
	assert_memory_equal(content, params.at, params.len);
	assert_memory_equal(content + params.len, "12345678901234567890", 20);
	wire_free(&params);
	wire_free(&plain);
	wire_free(&w);
}

/* Padding belongs to the request: what follows is the next one's. */
static void takes_the_padding_of_the_end(void **state)
{
	(void)state;
	struct wire w = { 0 };
	wire_begin(&w, 1, WIRE_AUTHORIZER, true);
	wire_record(&w, WIRE_PARAMS, 1, SPAN("\1\1ab"), 4);
	wire_record(&w, WIRE_PARAMS, 1, SPAN(""), 200);
	size_t whole = w.len;
	wire_bytes(&w, "next", 4);
	assert_int_equal(judge(span_first(wire_span(&w), whole - 1), SIZE_MAX).verdict,
			 FRAMES_INCOMPLETE);
	struct judged j = judge(wire_span(&w), SIZE_MAX);
	assert_int_equal(j.verdict, FRAMES_WHOLE);
	assert_int_equal(j.used, whole);
	wire_free(&w);
}

/* --- refused --- */

static void record_with(struct wire *w, size_t byte, unsigned char value)
{
	wire_begin(w, 1, WIRE_RESPONDER, false);
	wire_record(w, WIRE_PARAMS, 1, SPAN("\1\1ab"), 0);
	w->at[byte] = (char)value;
}

static void refuses_bad_headers(void **state)
{
	static const struct {
		const char *what;
		size_t byte;
		unsigned char value;
	} cases[] = {
		{ "version 0", 0, 0 },
		{ "version 2", 0, 2 },
		{ "first type 4", 1, WIRE_PARAMS },
		{ "GET_VALUES first", 1, WIRE_GET_VALUES },
		{ "id 0", 3, 0 },
		{ "BEGIN of 7 bytes", 5, 7 },
		{ "BEGIN of 9 bytes", 5, 9 },
		{ "role 0", 9, 0 },
		{ "role 3", 9, WIRE_FILTER },
		{ "role 258", 8, 1 },
		{ "later version 0", 16, 0 },
		{ "nested BEGIN", 17, WIRE_BEGIN },
		{ "ABORT", 17, WIRE_ABORT },
		{ "END_REQUEST", 17, WIRE_END },
		{ "STDIN before the end of PARAMS", 17, WIRE_STDIN },
		{ "STDOUT", 17, WIRE_STDOUT },
		{ "DATA", 17, WIRE_DATA },
		{ "GET_VALUES inside", 17, WIRE_GET_VALUES },
		{ "type 11", 17, 11 },
		{ "type 255", 17, 255 },
		{ "another id", 19, 2 },
		{ "a management record inside", 19, 0 },
	};
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct wire w = { 0 };
		record_with(&w, cases[i].byte, cases[i].value);
		assert_verdict(wire_span(&w), FRAMES_REFUSE, cases[i].what);
		wire_free(&w);
	}
}

static void refuses_bad_parameters(void **state)
{
	static const struct {
		const char *what;
		struct span params;
	} cases[] = {
		{ "a name length without a value length", { "\1", 1 } },
		{ "a name that is cut", { "\2\0a", 3 } },
		{ "a value that is cut", { "\1\2ab", 4 } },
		{ "a four-byte length that is cut", { "\x80\0\0", 3 } },
		{ "0x7fffffff twice (CVE-2025-23016)", { "\xff\xff\xff\xff\xff\xff\xff\xff", 8 } },
		{ "a value of 2 GB",
		  { "\1\xff\xff\xff\xff"
		    "a",
		    6 } },
		{ "a name of 0x7fffffff", { "\xff\xff\xff\xff\1", 5 } },
		{ "a NUL in a name", { "\2\1a\0b", 5 } },
		{ "a NUL in a value", { "\1\2ab\0", 5 } },
		{ "a '=' in a name", { "\3\1a=bc", 6 } },
	};
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct wire w = { 0 };
		wire_begin(&w, 1, WIRE_AUTHORIZER, false);
		wire_stream(&w, WIRE_PARAMS, 1, cases[i].params, 65535, 0);
		assert_verdict(wire_span(&w), FRAMES_REFUSE, cases[i].what);
		wire_free(&w);
	}
}

static void takes_odd_parameters(void **state)
{
	static const struct span cases[] = {
		{ "", 0 },         { "\0\0", 2 }, { "\1\0a", 3 }, { "\x80\0\0\1\x80\0\0\1ab", 10 },
		{ "\1\3a=b=", 6 },
	};
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct wire w = { 0 };
		wire_begin(&w, 65535, WIRE_AUTHORIZER, false);
		wire_stream(&w, WIRE_PARAMS, 65535, cases[i], 3, 1);
		assert_verdict(wire_span(&w), FRAMES_WHOLE, "odd parameters");
		wire_free(&w);
	}
}

/* --- limits --- */

static enum frames_verdict judge_sizes(size_t params_len, size_t body_len, unsigned role)
{
	struct wire w = { 0 }, params = { 0 }, body = { 0 };
	size_t value_len = params_len - 6;
	char *filler = calloc(1, params_len + body_len + 1);
	memset(filler, 'x', params_len + body_len);
	wire_length(&params, 1);
	unsigned char four[] = { (unsigned char)(value_len >> 24 | 0x80),
				 (unsigned char)(value_len >> 16), (unsigned char)(value_len >> 8),
				 (unsigned char)value_len };
	wire_bytes(&params, four, 4);
	wire_bytes(&params, filler, 1 + value_len);
	assert_int_equal(params.len, params_len);
	wire_bytes(&body, filler, body_len);
	wire_begin(&w, 1, role, false);
	wire_stream(&w, WIRE_PARAMS, 1, wire_span(&params), 40000, 0);
	wire_stream(&w, WIRE_STDIN, 1, wire_span(&body), 40000, 0);
	enum frames_verdict verdict = judge(wire_span(&w), 5000).verdict;
	wire_free(&w);
	wire_free(&params);
	wire_free(&body);
	free(filler);
	return verdict;
}

static void keeps_the_limits(void **state)
{
	(void)state;
	assert_int_equal(judge_sizes(65536, 0, WIRE_AUTHORIZER), FRAMES_WHOLE);
	assert_int_equal(judge_sizes(65537, 0, WIRE_AUTHORIZER), FRAMES_REFUSE);
	assert_int_equal(judge_sizes(65536, 0, WIRE_RESPONDER), FRAMES_WHOLE);
	assert_int_equal(judge_sizes(536, 65000, WIRE_RESPONDER), FRAMES_WHOLE);
	assert_int_equal(judge_sizes(536, 65001, WIRE_RESPONDER), FRAMES_TOO_LARGE);
	assert_int_equal(judge_sizes(536, 10000000, WIRE_RESPONDER), FRAMES_TOO_LARGE);
	assert_int_equal(judge_sizes(24000000, 0, WIRE_RESPONDER), FRAMES_REFUSE);
}

static void keeps_the_number_of_parameters(void **state)
{
	(void)state;
	for (size_t count = FRAMES_PARAMS_MAX; count <= FRAMES_PARAMS_MAX + 1; count++) {
		struct wire w = { 0 }, params = { 0 };
		for (size_t i = 0; i < count; i++)
			wire_pair(&params, SPAN("N"), SPAN("v"));
		wire_begin(&w, 1, WIRE_AUTHORIZER, false);
		wire_stream(&w, WIRE_PARAMS, 1, wire_span(&params), 65535, 0);
		assert_verdict(wire_span(&w),
			       count > FRAMES_PARAMS_MAX ? FRAMES_REFUSE : FRAMES_WHOLE,
			       "many parameters");
		wire_free(&params);
		wire_free(&w);
	}
}

/* --- kept connections --- */

static void skips_one_stray_stdin(void **state)
{
	(void)state;
	static const struct {
		unsigned type, id;
		const char *content;
		enum frames_verdict expect;
	} cases[] = {
		{ WIRE_STDIN, 1, "", FRAMES_WHOLE },       { WIRE_STDIN, 2, "", FRAMES_REFUSE },
		{ WIRE_STDIN, 1, "x", FRAMES_REFUSE },     { WIRE_PARAMS, 1, "", FRAMES_REFUSE },
		{ WIRE_GET_VALUES, 0, "", FRAMES_REFUSE },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct wire w = { 0 };
		struct judged j = { .frames = { .id = 1, .authorizer = true } };
		frames_next(&j.frames);
		assert_true(frames_is_idle(&j.frames));
		wire_record(&w, cases[i].type, cases[i].id, span_of(cases[i].content), 3);
		wire_request(&w, WIRE_AUTHORIZER, true, "/x", SPAN(""));
		j.verdict = frames_feed(&j.frames, wire_span(&w), content, &j.used);
		if (j.verdict != cases[i].expect)
			fail_msg("case %zu: %d", i, j.verdict);
		wire_free(&w);
	}
}

static void skips_no_second_stray(void **state)
{
	(void)state;
	struct wire w = { 0 };
	struct frames f = { .id = 1, .authorizer = true };
	size_t used;
	frames_next(&f);
	wire_record(&w, WIRE_STDIN, 1, SPAN(""), 0);
	assert_int_equal(frames_feed(&f, wire_span(&w), NULL, &used), FRAMES_INCOMPLETE);
	assert_true(frames_is_idle(&f));
	assert_int_equal(frames_feed(&f, wire_span(&w), NULL, &used), FRAMES_REFUSE);
	f = (struct frames){ .id = 1 };
	frames_next(&f);
	assert_int_equal(frames_feed(&f, wire_span(&w), NULL, &used), FRAMES_REFUSE);
	wire_free(&w);
}

static void takes_no_content_without_room(void **state)
{
	(void)state;
	struct wire w = { 0 };
	struct frames f = { 0 };
	size_t used;
	wire_request(&w, WIRE_AUTHORIZER, true, "/x", SPAN(""));
	assert_int_equal(frames_feed(&f, wire_span(&w), NULL, &used), FRAMES_REFUSE);
	wire_free(&w);
}

/* --- what we write --- */

static size_t join(const struct frames_records *r, char *to)
{
	frames_copy(r, 0, to);
	return r->length;
}

static void replays_what_it_judged(void **state)
{
	static char bytes[2 * FRAMES_CONTENT_MAX];
	static char large[FRAMES_CONTENT_MAX];
	(void)state;
	memset(large, 'v', sizeof(large));
	memcpy(large, "\1\x80\0\xff\xfa", 5);
	static const size_t sizes[] = { 0, 3, FRAMES_CONTENT_MAX };
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		struct frames f = { .id = 0x1234, .authorizer = i == 1 };
		struct frames_records r;
		struct span params = span_make(sizes[i] == 3 ? "\1\0a" : large, sizes[i]);
		frames_replay(&f, params, &r);
		struct judged j = judge(span_make(bytes, join(&r, bytes)), SIZE_MAX);
		assert_int_equal(j.verdict, i == 1 ? FRAMES_WHOLE : FRAMES_INCOMPLETE);
		assert_int_equal(j.frames.id, 0x1234);
		assert_false(j.frames.keep);
		assert_int_equal(j.frames.params_len, sizes[i]);
		assert_int_equal(j.frames.stage, i == 1 ? FRAMES_AT_END : FRAMES_AT_STDIN);
	}
}

static void answers_in_one_record(void **state)
{
	(void)state;
	struct frames_records r;
	char bytes[256];
	frames_answer(0x0102, SPAN("Status: 200\r\n\r\n"), &r);
	size_t len = join(&r, bytes);
	static const char expect[] = "\1\6\1\2\0\17\0\0Status: 200\r\n\r\n"
				     "\1\6\1\2\0\0\0\0\1\3\1\2\0\10\0\0\0\0\0\0\0\0\0\0";
	assert_int_equal(len, sizeof(expect) - 1);
	assert_memory_equal(bytes, expect, len);
}

static void answers_large_blocks(void **state)
{
	static char block[300000], bytes[sizeof(block) + 200];
	(void)state;
	for (size_t i = 0; i < sizeof(block); i++)
		block[i] = (char)(i % 251);
	static const size_t sizes[] = { 65535, 65536, 131070, 131071, 300000 };
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		struct frames_records r;
		struct wire out = { 0 };
		frames_answer(1, span_make(block, sizes[i]), &r);
		size_t len = join(&r, bytes);
		assert_int_equal(wire_answer(span_make(bytes, len), &out), len);
		assert_int_equal(out.len, sizes[i]);
		assert_memory_equal(out.at, block, out.len);
		wire_free(&out);
		/* The rest after any part sent is the end of the whole. */
		static char rest[sizeof(bytes)];
		for (size_t sent = 0; sent < len; sent += 4001) {
			frames_copy(&r, sent, rest);
			assert_memory_equal(rest, bytes + sent, len - sent);
		}
	}
}

/* --- generated streams --- */

/* Mostly honest records with something wrong somewhere. */
static void generate(struct wire *w, uint64_t *seed)
{
	static const unsigned types[] = { 1, 2, 3, 4, 4, 4, 5, 5, 6, 8, 9, 11 };
	char noise[300];
	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = (char)wire_random(seed);
	bool honest = wire_below(seed, 4) == 0;
	if (!honest && wire_below(seed, 8) > 0)
		wire_begin(w, 1 + (unsigned)wire_below(seed, 2), (unsigned)wire_below(seed, 4),
			   wire_below(seed, 2));
	for (size_t records = honest ? 0 : wire_below(seed, 12); records > 0; records--)
		wire_record(w, types[wire_below(seed, COUNT_OF(types))],
			    (unsigned)wire_below(seed, 3),
			    wire_below(seed, 3) > 0 ? span_make(noise, wire_below(seed, 300))
						    : SPAN("\1\1ab"),
			    wire_below(seed, 20));
	if (honest || wire_below(seed, 3) == 0)
		wire_request(w, 1 + (unsigned)wire_below(seed, 2), false, "/y", SPAN("b"));
	for (size_t flips = wire_below(seed, 3); flips > 0 && w->len > 0; flips--)
		w->at[wire_below(seed, w->len)] ^= (char)(1 << wire_below(seed, 8));
}

/* However the bytes come, the verdict is the same. */
static void judges_alike_in_any_pieces(void **state)
{
	(void)state;
	uint64_t seed = 2;
	size_t counts[4] = { 0 };
	for (size_t i = 0; i < 20000; i++) {
		struct wire w = { 0 };
		generate(&w, &seed);
		struct judged whole = judge(wire_span(&w), SIZE_MAX);
		struct judged pieces = judge(wire_span(&w), 1 + wire_below(&seed, 40));
		counts[whole.verdict]++;
		if (whole.verdict != pieces.verdict || whole.used != pieces.used ||
		    whole.frames.params_len != pieces.frames.params_len ||
		    whole.frames.body_len != pieces.frames.body_len)
			fail_msg("stream %zu", i);
		wire_free(&w);
	}
	/* A generator that only makes one kind proves nothing. */
	assert_true(counts[FRAMES_INCOMPLETE] > 100);
	assert_true(counts[FRAMES_REFUSE] > 100);
	assert_true(counts[FRAMES_WHOLE] > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_whole_requests),
		cmocka_unit_test(waits_at_every_cut),
		cmocka_unit_test(takes_a_splitter),
		cmocka_unit_test(takes_the_padding_of_the_end),
		cmocka_unit_test(refuses_bad_headers),
		cmocka_unit_test(refuses_bad_parameters),
		cmocka_unit_test(takes_odd_parameters),
		cmocka_unit_test(keeps_the_limits),
		cmocka_unit_test(keeps_the_number_of_parameters),
		cmocka_unit_test(skips_one_stray_stdin),
		cmocka_unit_test(skips_no_second_stray),
		cmocka_unit_test(takes_no_content_without_room),
		cmocka_unit_test(replays_what_it_judged),
		cmocka_unit_test(answers_in_one_record),
		cmocka_unit_test(answers_large_blocks),
		cmocka_unit_test(judges_alike_in_any_pieces),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("frames", tests, NULL, NULL);
}
