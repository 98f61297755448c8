/* SPDX-License-Identifier: MIT */
/* responder: the route table of the contract's endpoints and its order of
 * checks. */
#ifndef ROLE_RESPONDER_H
#define ROLE_RESPONDER_H

#include "role/app.h"

void responder_handle(struct app *app, struct gate_local *local, struct request *request,
		      struct reply *reply);

enum app_lane responder_lane_of(const struct app *app, const struct request *request);

#endif
