/* SPDX-License-Identifier: MIT */
/*
 * Generated enemies: record streams cut, flipped, interleaved, aborted, padded
 * and answered to nobody. The worker's process survives them, keeps no
 * descriptor and no memory, and answers honest requests beside them.
 * AB_HOSTILE_STREAMS sets how many; 1,000,000 before a release.
 */
#include "unit/fcgi_random.h"
#include "unit/worker_fixture.h"

enum { BATCH = 64 };

/* A sanitizer keeps what is freed, and looks for leaks itself. */
#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
enum { GROWTH_MAX_KIB = 1024 * 1024 };
#else
enum { GROWTH_MAX_KIB = 32 * 1024 };
#endif

static size_t streams_wanted(void)
{
	unsigned long long wanted = 4000;
	const char *given = getenv("AB_HOSTILE_STREAMS");
	if (given != NULL && !span_to_uint(span_of(given), &wanted))
		fail_msg("AB_HOSTILE_STREAMS is not a number");
	return (size_t)wanted;
}

static size_t resident_kib(void)
{
	unsigned long pages = 0;
	FILE *statm = fopen("/proc/self/statm", "r");
	assert_non_null(statm);
	assert_int_equal(fscanf(statm, "%*u %lu", &pages), 1);
	fclose(statm);
	return pages * (size_t)sysconf(_SC_PAGESIZE) / 1024;
}

static void add_noise(struct wire *w, uint64_t *seed)
{
	static const unsigned types[] = { 0, 1, 2, 3, 4, 4, 5, 5, 6, 7, 8, 9, 10, 11, 255 };
	char noise[600];
	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = (char)wire_random(seed);
	for (size_t records = wire_below(seed, 6); records > 0; records--)
		wire_record(w, types[wire_below(seed, COUNT_OF(types))],
			    (unsigned)wire_below(seed, 3),
			    span_make(noise, wire_below(seed, sizeof(noise))),
			    wire_below(seed, 256));
}

static void add_lengths(struct wire *w, uint64_t *seed)
{
	static const char giant[] = "\xff\xff\xff\xff\xff\xff\xff\xff\x80\0\0\0\x7f\xff";
	wire_begin(w, 1, WIRE_AUTHORIZER, false);
	wire_stream(w, WIRE_PARAMS, 1,
		    span_make(giant + wire_below(seed, 8), 1 + wire_below(seed, 6)), 2, 0);
}

static void add_split(struct wire *w, uint64_t *seed)
{
	struct wire params = { 0 };
	wire_params(&params, "/api/alice/tasks", 0);
	wire_begin(w, 1, 1 + (unsigned)wire_below(seed, 2), wire_below(seed, 2));
	wire_stream(w, WIRE_PARAMS, 1, wire_span(&params), 1 + wire_below(seed, 9),
		    wire_below(seed, 256));
	wire_stream(w, WIRE_STDIN, 1, SPAN("body"), 1, wire_below(seed, 3));
	wire_free(&params);
}

static void add_nested(struct wire *w, uint64_t *seed)
{
	struct wire inner = { 0 };
	wire_request(&inner, WIRE_AUTHORIZER, true, "/ok", SPAN(""));
	wire_begin(w, 1, WIRE_RESPONDER, true);
	wire_record(w, wire_below(seed, 2) ? WIRE_PARAMS : WIRE_STDIN, 1, wire_span(&inner),
		    wire_below(seed, 256));
	wire_request(w, WIRE_RESPONDER, true, "/ok", SPAN("x"));
	wire_free(&inner);
}

static void add_large(struct wire *w, uint64_t *seed)
{
	static char zeros[65535];
	wire_request(w, WIRE_RESPONDER, wire_below(seed, 2), "/big", SPAN("x"));
	w->len -= wire_below(seed, 9);
	for (size_t records = wire_below(seed, 4); records > 0; records--)
		wire_record(w, WIRE_STDIN, 1, span_make(zeros, sizeof(zeros)), 255);
}

static void generate(struct wire *w, uint64_t *seed)
{
	static const char *const targets[] = { "/ok", "/big", "/empty", "/db", "/pw", "" };
	w->len = 0;
	for (size_t parts = 1 + wire_below(seed, 3); parts > 0; parts--) {
		switch (wire_below(seed, 8)) {
		case 0:
			add_noise(w, seed);
			break;
		case 1:
			add_lengths(w, seed);
			break;
		case 2:
			add_split(w, seed);
			break;
		case 3:
			add_nested(w, seed);
			break;
		case 4:
			if (wire_below(seed, 16) == 0)
				add_large(w, seed);
			break;
		case 5:
			wire_record(w, WIRE_ABORT, 1, SPAN(""), wire_below(seed, 4));
			break;
		default:
			wire_request(w, 1 + (unsigned)wire_below(seed, 2), wire_below(seed, 2),
				     targets[wire_below(seed, COUNT_OF(targets))],
				     wire_below(seed, 2) ? SPAN("") : SPAN("{}"));
		}
	}
	for (size_t flips = wire_below(seed, 4) == 0 ? 1 + wire_below(seed, 4) : 0;
	     flips > 0 && w->len > 0; flips--)
		w->at[wire_below(seed, w->len)] ^= (char)(1 << wire_below(seed, 8));
	if (wire_below(seed, 2) == 0 && w->len > 0)
		w->len = wire_below(seed, w->len + 1);
}

/* Sends the stream in one to three pieces; reads the answer, or not. */
static void attack(const struct fixture *f, const struct wire *w, uint64_t *seed, int *fd_out)
{
	char some[2048];
	int fd = wire_below(seed, 4) == 0 ? client_tcp(f) : client_unix(f);
	for (size_t at = 0; at < w->len;) {
		size_t piece =
			wire_below(seed, 3) == 0 ? 1 + wire_below(seed, w->len - at) : w->len - at;
		if (send(fd, w->at + at, piece, MSG_NOSIGNAL | MSG_DONTWAIT) <= 0)
			break;
		at += piece;
	}
	if (wire_below(seed, 4) == 0)
		shutdown(fd, SHUT_WR);
	if (wire_below(seed, 4) == 0)
		(void)!recv(fd, some, sizeof(some), MSG_DONTWAIT);
	*fd_out = fd;
}

static void survives_generated_streams(void **state)
{
	static struct fixture f;
	(void)state;
	fixture_init(&f);
	f.options.read_ms = f.options.kept_ms = f.options.write_ms = 200;
	fixture_start(&f);
	/* The lanes let all pass. */
	for (size_t i = 0; i < 1000; i++)
		sem_post(&f.gate);
	assert_int_equal(client_once(&f, "/ok"), 200);
	WAIT_UNTIL(connections_now() == 0);
	size_t descriptors = descriptors_now(), before_kib = 0, wanted = streams_wanted();
	int fds[BATCH];
	struct wire w = { 0 };
	for (size_t done = 0; done < wanted; done += BATCH) {
		for (size_t i = 0; i < BATCH; i++) {
			uint64_t seed = done + i;
			generate(&w, &seed);
			attack(&f, &w, &seed, &fds[i]);
			sem_post(&f.gate);
			sem_post(&f.gate);
		}
		if (client_once(&f, "/ok") != 200)
			fail_msg("an honest request beside streams %zu to %zu", done, done + BATCH);
		for (size_t i = 0; i < BATCH; i++)
			close(fds[i]);
		if (done == wanted / 2 / BATCH * BATCH)
			before_kib = resident_kib();
	}
	WAIT_UNTIL(connections_now() == 0);
	assert_int_equal(descriptors_now(), descriptors);
	size_t after_kib = resident_kib();
	if (after_kib > before_kib + GROWTH_MAX_KIB)
		fail_msg("memory grew from %zu to %zu KiB", before_kib, after_kib);
	struct worker_stats stats;
	worker_read_stats(&stats);
	/* A generator that is always refused proves nothing. */
	assert_true(stats.refused_streams > wanted / 20);
	assert_true(stats.requests > wanted / 20);
	wire_free(&w);
	fixture_end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(survives_generated_streams),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("hostile", tests, NULL, NULL);
}
