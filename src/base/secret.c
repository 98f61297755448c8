/* SPDX-License-Identifier: MIT */
#include "base/secret.h"

#include <stdlib.h>
#include <sys/mman.h>

void secret_set(struct secret *secret, struct span bytes)
{
	*secret = (struct secret){ NULL, 0 };
	if (bytes.len == 0)
		return;
	void *at =
		mmap(NULL, bytes.len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (at == MAP_FAILED)
		abort();
	/* Refused by kernels built without it; then the process's own refusal
	 * to dump core has to do. */
	(void)madvise(at, bytes.len, MADV_DONTDUMP);
	memcpy(at, bytes.at, bytes.len);
	*secret = (struct secret){ at, bytes.len };
}

void secret_free(struct secret *secret)
{
	if (secret->at != NULL) {
		secret_wipe(secret->at, secret->len);
		munmap(secret->at, secret->len);
	}
	*secret = (struct secret){ NULL, 0 };
}

bool secret_equal(struct span a, struct span b)
{
	/* volatile: each byte is looked at, whatever the compiler can prove */
	const volatile char *left = a.at, *right = b.at;
	unsigned difference = 0;

	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		difference |= (unsigned char)(left[i] ^ right[i]);
	return difference == 0;
}

void secret_wipe(void *at, size_t len)
{
	if (len > 0)
		explicit_bzero(at, len);
}
