/* SPDX-License-Identifier: MIT */
#include "service/cookies.h"

#include "crypto/cookie_mac.h"
#include "service/service.h"

#define DEVICE_AGE_MAX_S (400 * INT64_C(86400))

struct span cookies_seal(const struct service *service, struct arena *mem, struct span text)
{
	return cookie_sign(mem, service->plan->secrets[0], text);
}

enum status cookies_open(const struct service *service, struct span sealed, struct span *text_out)
{
	return cookie_verify(service->plan->secrets, service->plan->secret_count, sealed, text_out);
}

struct span cookies_name_device(const struct service *service, struct arena *mem,
				struct span user_id, int64_t now)
{
	struct span random = service_new_id(service, mem);
	return span_of(arena_format(mem, "%.*s:%lld:%.*s", SPAN_FMT(user_id), (long long)now,
				    SPAN_FMT(random)));
}

bool cookies_is_device_of(struct span device, struct span user_id, int64_t now)
{
	unsigned long long issued;
	struct span part;
	struct span rest = device;
	if (user_id.len == 0 || !span_next(&rest, ':', &part) || !span_equal(part, user_id))
		return false;
	if (!span_next(&rest, ':', &part) || !span_to_uint(part, &issued))
		return false;
	return (int64_t)issued <= now && now - (int64_t)issued <= DEVICE_AGE_MAX_S;
}
