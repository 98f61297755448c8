/* SPDX-License-Identifier: MIT */
/* siphash: SipHash-2-4 (Aumasson and Bernstein, 2012), a keyed 64-bit hash for
 * tables whose keys a stranger may choose. Not a signature. Pure. */
#ifndef BASE_SIPHASH_H
#define BASE_SIPHASH_H

#include "base/span.h"

#include <stdint.h>

struct siphash_key {
	uint64_t k0, k1;
};

uint64_t siphash(const struct siphash_key *key, struct span bytes);

#endif
