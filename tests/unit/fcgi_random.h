/* SPDX-License-Identifier: MIT */
/*
 * fcgi_random: numbers for generated streams.
 */
#ifndef TESTS_UNIT_FCGI_RANDOM_H
#define TESTS_UNIT_FCGI_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* Deterministic: the same seed, the same stream. */
static inline uint64_t wire_random(uint64_t *seed)
{
	uint64_t z = (*seed += UINT64_C(0x9e3779b97f4a7c15));
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static inline size_t wire_below(uint64_t *seed, size_t limit)
{
	return (size_t)(wire_random(seed) % limit);
}

#endif
