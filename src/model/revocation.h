/* SPDX-License-Identifier: MIT */
/*
 * revocation: the set of ended sessions whose tokens have not expired yet, and
 * the cut-offs "no token of this user (of anybody) issued before T". Pure data
 * structure; not thread-safe, store/feed.c guards it.
 *
 * A session is kept as a keyed 64-bit hash (SipHash-2-4 of its id under a
 * random key of the process) and its end of interest: 17 bytes a slot, at most
 * three quarters full, so a million cost 34 MiB (51 while it grows to that). No
 * second set ever stands beside it: what can be taken back is kept apart. A
 * hash collision can only refuse a token, never allow; the one exception, two
 * users of whom one is lifted, needs 64 equal bits.
 */
#ifndef MODEL_REVOCATION_H
#define MODEL_REVOCATION_H

#include "base/rng.h"
#include "base/span.h"
#include "base/status.h"

#include <stdint.h>

struct revocation_set;

/* Aborts when the first small table cannot be had. */
struct revocation_set *revocation_new(const struct rng *rng);
void revocation_free(struct revocation_set **set);

/* The session's tokens are refused; the entry may be forgotten after `until`
 * (seconds). Adding again keeps the later `until`. STATUS_NO_MEMORY: the set
 * could not grow, or would pass 2^24 slots (twelve million entries); the
 * caller must then stop trusting it. */
MUST_CHECK enum status revocation_add_session(struct revocation_set *set, struct span session_id,
					      int64_t until);

/* Tokens of `user_id` (empty: of everybody) with iat < not_before are refused.
 * The latest not_before wins, in whatever order they come, and is kept as long
 * as the latest `until` says. A disabled user is a cut-off at INT64_MAX, kept
 * until `revocation_lift_user` takes it back. */
MUST_CHECK enum status revocation_cut_off(struct revocation_set *set, struct span user_id,
					  int64_t not_before, int64_t until);

/* An empty set that keeps ids as `set` does; then: the two exchange their
 * cut-offs. What was taken back is what a second telling does not hold; ended
 * sessions are never taken back. */
struct revocation_set *revocation_new_like(const struct revocation_set *set);
void revocation_swap_cut_offs(struct revocation_set *a, struct revocation_set *b);

/* The user (empty: everybody) is no longer disabled; other cut-offs stay. */
void revocation_lift_user(struct revocation_set *set, struct span user_id);

/* Forgets what ended before `now`. Called by the writer from time to time. */
void revocation_expire(struct revocation_set *set, int64_t now);

/* True when a token of this session (absent: it names none), subject and iat
 * is refused. iat < 0 (absent) counts as 0. */
bool revocation_covers(const struct revocation_set *set, struct span session_id,
		       struct span user_id, int64_t issued);

size_t revocation_count(const struct revocation_set *set);
size_t revocation_bytes(const struct revocation_set *set);

#endif
