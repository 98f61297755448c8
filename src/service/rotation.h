/* SPDX-License-Identifier: MIT */
/*
 * rotation: with jwt_key_max_age, a thread of its own makes the next signing
 * key a quarter of that time (ten minutes at most) before the present one's
 * ends, so that every worker and whoever reads /jwks knows it before it signs.
 * Of all workers of all hosts the first to look makes it; the table "jwks"
 * decides, under a lock.
 */
#ifndef SERVICE_ROTATION_H
#define SERVICE_ROTATION_H

#include "base/status.h"

struct service;
struct rotation;

/* Nothing is started, and *out stays NULL, without jwt_key_max_age and with
 * HS256, whose keys are the secrets of the configuration. */
MUST_CHECK enum status rotation_start(struct service *service, struct rotation **out);
void rotation_stop(struct rotation **rotation);

#endif
