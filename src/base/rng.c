/* SPDX-License-Identifier: MIT */
#include "base/rng.h"

#include "base/secret.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

static void kernel_fill(void *state, void *out, size_t len)
{
	char *at = out;

	(void)state;
	while (len > 0) {
		ssize_t got = getrandom(at, len, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			abort();
		at += got;
		len -= (size_t)got;
	}
}

const struct rng rng_system = { kernel_fill, NULL };

void rng_id(const struct rng *rng, char out[RNG_ID_LEN + 1])
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	unsigned char bytes[RNG_ID_LEN + 8];
	size_t len = 0;

	while (len < RNG_ID_LEN) {
		rng_fill(rng, bytes, sizeof(bytes));
		for (size_t i = 0; i < sizeof(bytes) && len < RNG_ID_LEN; i++)
			if ((bytes[i] & 63) < sizeof(letters) - 1)
				out[len++] = letters[bytes[i] & 63];
	}
	out[len] = '\0';
	secret_wipe(bytes, sizeof(bytes));
}
