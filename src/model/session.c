/* SPDX-License-Identifier: MIT */
#include "model/session.h"

bool session_is_live(const struct session *s, int64_t now_ms)
{
	return s->expires_ms >= now_ms;
}

bool session_is_due(const struct session *s, const struct session_rules *rules, int64_t now_ms)
{
	return s->expires_ms - (rules->ttl_s - rules->update_age_s) * 1000 <= now_ms;
}

bool session_is_fresh(const struct session *s, const struct session_rules *rules, int64_t now_ms)
{
	return rules->fresh_age_s == 0 || now_ms - s->created_ms < rules->fresh_age_s * 1000;
}
