/* SPDX-License-Identifier: MIT */
/* cookies: signed values under the service's secrets: the first signs, all
 * verify. */
#ifndef SERVICE_COOKIES_H
#define SERVICE_COOKIES_H

#include "base/arena.h"
#include "base/span.h"
#include "base/status.h"

#include <stdint.h>

struct service;

/* `text.signature`, not percent-encoded. */
struct span cookies_seal(const struct service *service, struct arena *mem, struct span text);

/* STATUS_DENIED: no secret of ours signed it. */
MUST_CHECK enum status cookies_open(const struct service *service, struct span sealed,
				    struct span *text_out);

/* What a browser that signed in is known by: USER:ISSUED:RANDOM. The colons
 * keep it apart from session tokens, which are signed with the same key. */
struct span cookies_name_device(const struct service *service, struct arena *mem,
				struct span user_id, int64_t now);

/* A device name of this user, issued not longer than 400 days ago. */
bool cookies_is_device_of(struct span device, struct span user_id, int64_t now);

#endif
