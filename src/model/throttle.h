/* SPDX-License-Identifier: MIT */
/*
 * throttle: the counting rules, as pure functions of a stored state and `now`.
 *
 * rate_*: the contract's per-address windows. throttle_*: password guessing
 * per account, growing and decaying; an account's first ten consecutive
 * failures are never delayed.
 */
#ifndef MODEL_THROTTLE_H
#define MODEL_THROTTLE_H

#include "base/span.h"

#include <stdint.h>

/* --- per address and path (contract, rate limiting) --- */

struct rate_rule {
	int64_t window_ms;
	unsigned max;
};

struct rate_state {
	int64_t last_ms; /* of the last allowed request; 0: never */
	unsigned count;
};

/* The rule for a path below the base path ("/sign-in/email"), dot segments
 * resolved. */
struct rate_rule rate_rule_for(struct span path);

/* 0: allowed, and *state is advanced; else milliseconds until a next try may
 * pass, and *state is left alone (denied requests do not move the window). */
int64_t rate_check(const struct rate_rule *rule, struct rate_state *state, int64_t now_ms);

/* --- per account ---
 *
 * The rule: ten failures in a row are never delayed. After the tenth and each
 * further one the account waits 1 s, 2 s, 4 s ... 512 s and from then on 15
 * minutes, whoever asks and from wherever. One failure is forgotten for every
 * whole hour without another; a success forgets all. However many addresses
 * take part, at most 22 guesses reach a hash in any hour and 114 in any day. A
 * guess is counted before it is hashed, so that simultaneous ones count too.
 */

struct throttle_state {
	int64_t last_ms;   /* of the last counted failure; 0: never */
	unsigned failures; /* consecutive, decayed */
};

#define THROTTLE_FREE_FAILURES 10

/* 0: a guess may be tried now; else milliseconds to wait. */
int64_t throttle_wait_ms(const struct throttle_state *state, int64_t now_ms);

/* Counts a failure. A success is a zeroed state. */
void throttle_fail(struct throttle_state *state, int64_t now_ms);

/* --- the client address as a key --- */

#define ADDRESS_KEY_ROOM 48

/* IPv4 and IPv4-mapped IPv6 as dotted quads; other IPv6 masked to /64 and
 * fully expanded. False: not an address. Also what session.ipAddress holds. */
bool address_key(struct span address, char out[ADDRESS_KEY_ROOM]);

/* "10.0.0.0/8" or "::1"; host bits behind the prefix are dropped. */
struct network {
	unsigned char bytes[16]; /* IPv4 as ::ffff:a.b.c.d */
	unsigned prefix;         /* of the 128 bits */
};
bool network_parse(struct span text, struct network *out);
bool network_holds(const struct network *networks, size_t count, struct span address);

#endif
