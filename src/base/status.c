/* SPDX-License-Identifier: MIT */
#include "base/status.h"

#include <stddef.h>

static const char *const words[] = {
	[STATUS_OK] = "ok",
	[STATUS_INVALID] = "invalid",
	[STATUS_NOT_FOUND] = "not-found",
	[STATUS_CONFLICT] = "conflict",
	[STATUS_DENIED] = "denied",
	[STATUS_TOO_LARGE] = "too-large",
	[STATUS_NO_MEMORY] = "no-memory",
	[STATUS_BUSY] = "busy",
	[STATUS_UNAVAILABLE] = "unavailable",
	[STATUS_INTERNAL] = "internal",
};

const char *status_word(enum status status)
{
	size_t index = (size_t)status;

	return index < COUNT_OF(words) ? words[index] : "unknown";
}
