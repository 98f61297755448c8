/* SPDX-License-Identifier: MIT */
/*
 * rng: randomness as an argument. `struct rng` lets a test supply constants;
 * rng_system draws from the kernel and aborts if the kernel has none.
 */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stddef.h>

#define RNG_ID_LEN 32

struct rng {
	void (*fill)(void *state, void *out, size_t len);
	void *state;
};

/* getrandom(2). Thread-safe. */
extern const struct rng rng_system;

static inline void rng_fill(const struct rng *rng, void *out, size_t len)
{
	rng->fill(rng->state, out, len);
}

/* 32 characters of [a-zA-Z0-9], uniform (rejection, no modulo), and a NUL. */
void rng_id(const struct rng *rng, char out[RNG_ID_LEN + 1]);

#endif
