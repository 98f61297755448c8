/* SPDX-License-Identifier: MIT */
#include "model/throttle.h"

#include <arpa/inet.h>
#include <stdio.h>

/* --- per address and path --- */

static const struct {
	struct span start;
	struct rate_rule rule;
} STRICT[] = {
	{ { "/sign-in", 8 }, { 10000, 3 } },
	{ { "/sign-up", 8 }, { 10000, 3 } },
	{ { "/change-password", 16 }, { 10000, 3 } },
	{ { "/change-email", 13 }, { 10000, 3 } },
	{ { "/request-password-reset", 23 }, { 60000, 3 } },
	{ { "/send-verification-email", 24 }, { 60000, 3 } },
};

static const struct rate_rule GENERAL = { 10000, 100 };

struct rate_rule rate_rule_for(struct span path)
{
	for (size_t i = 0; i < sizeof(STRICT) / sizeof(STRICT[0]); i++) {
		if (span_starts(path, STRICT[i].start))
			return STRICT[i].rule;
	}
	return GENERAL;
}

int64_t rate_check(const struct rate_rule *rule, struct rate_state *state, int64_t now_ms)
{
	int64_t passed = now_ms - state->last_ms;
	/* a clock set back begins a window: nobody waits for the old time */
	bool fresh = state->last_ms == 0 || passed >= rule->window_ms || passed < 0;
	if (!fresh && state->count >= rule->max)
		return rule->window_ms - passed;
	state->count = fresh ? 1 : state->count + 1;
	state->last_ms = now_ms;
	return 0;
}

/* --- per account --- */

#define FIRST_DELAY_MS INT64_C(1000)
#define LONGEST_DELAY_MS INT64_C(900000)
#define FORGET_ONE_MS INT64_C(3600000)
/* Doubling this often from the first delay passes the longest one. */
#define COUNTED_MAX (THROTTLE_FREE_FAILURES + 10)

/* A clock set back forgets nothing. */
static unsigned failures_left(const struct throttle_state *state, int64_t now_ms)
{
	int64_t forgotten = (now_ms - state->last_ms) / FORGET_ONE_MS;
	unsigned failures = state->failures < COUNTED_MAX ? state->failures : COUNTED_MAX;
	if (state->last_ms == 0 || forgotten >= failures)
		return 0;
	return forgotten > 0 ? failures - (unsigned)forgotten : failures;
}

static int64_t delay_after(unsigned failures)
{
	if (failures < THROTTLE_FREE_FAILURES)
		return 0;
	int64_t delay = FIRST_DELAY_MS << (failures - THROTTLE_FREE_FAILURES);
	return delay < LONGEST_DELAY_MS ? delay : LONGEST_DELAY_MS;
}

int64_t throttle_wait_ms(const struct throttle_state *state, int64_t now_ms)
{
	int64_t delay = delay_after(failures_left(state, now_ms));
	int64_t passed = now_ms > state->last_ms ? now_ms - state->last_ms : 0;
	return passed < delay ? delay - passed : 0;
}

void throttle_fail(struct throttle_state *state, int64_t now_ms)
{
	unsigned failures = failures_left(state, now_ms);
	state->failures = failures < COUNTED_MAX ? failures + 1 : COUNTED_MAX;
	state->last_ms = now_ms;
}

/* --- addresses --- */

static const unsigned char MAPPED[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

/* IPv4 as ::ffff:a.b.c.d, so that one form has one spelling. */
static bool address_parse(struct span text, unsigned char out[16])
{
	char copy[INET6_ADDRSTRLEN];
	if (text.len == 0 || text.len >= sizeof(copy) || span_find(text, '\0') != text.len)
		return false;
	memcpy(copy, text.at, text.len);
	copy[text.len] = '\0';
	if (inet_pton(AF_INET6, copy, out) == 1)
		return true;
	memcpy(out, MAPPED, sizeof(MAPPED));
	return inet_pton(AF_INET, copy, out + sizeof(MAPPED)) == 1;
}

static bool is_ipv4(const unsigned char bytes[16])
{
	return span_starts(span_make((const char *)bytes, 16),
			   span_make((const char *)MAPPED, sizeof(MAPPED)));
}

bool address_key(struct span address, char out[ADDRESS_KEY_ROOM])
{
	unsigned char b[16];
	if (!address_parse(address, b))
		return false;
	if (is_ipv4(b))
		snprintf(out, ADDRESS_KEY_ROOM, "%u.%u.%u.%u", b[12], b[13], b[14], b[15]);
	else
		snprintf(out, ADDRESS_KEY_ROOM,
			 "%02x%02x:%02x%02x:%02x%02x:%02x%02x:0000:0000:0000:0000", b[0], b[1],
			 b[2], b[3], b[4], b[5], b[6], b[7]);
	return true;
}

static void mask(unsigned char bytes[16], unsigned prefix)
{
	for (unsigned i = 0; i < 16; i++) {
		unsigned keep = prefix > 8 * i ? prefix - 8 * i : 0;
		if (keep < 8)
			bytes[i] = (unsigned char)(bytes[i] & ~(0xffU >> keep));
	}
}

bool network_parse(struct span text, struct network *out)
{
	struct network network = { .prefix = 128 };
	unsigned long long bits;
	size_t slash = span_find(text, '/');
	struct span address = span_first(text, slash);
	if (!address_parse(address, network.bytes))
		return false;
	if (slash < text.len) {
		struct span digits = span_from(text, slash + 1);
		bool dotted = span_find(address, ':') == address.len;
		if (!span_to_uint(digits, &bits) || bits > (dotted ? 32 : 128) ||
		    (digits.len > 1 && digits.at[0] == '0'))
			return false;
		network.prefix = (unsigned)bits + (dotted ? 96 : 0);
	}
	mask(network.bytes, network.prefix);
	*out = network;
	return true;
}

bool network_holds(const struct network *networks, size_t count, struct span address)
{
	unsigned char have[16];
	if (count == 0 || !address_parse(address, have))
		return false;
	for (size_t i = 0; i < count; i++) {
		unsigned char masked[16];
		memcpy(masked, have, sizeof(masked));
		mask(masked, networks[i].prefix);
		if (span_equal(span_make((const char *)masked, 16),
			       span_make((const char *)networks[i].bytes, 16)))
			return true;
	}
	return false;
}
