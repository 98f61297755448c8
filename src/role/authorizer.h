/* SPDX-License-Identifier: MIT */
/* authorizer: the gate's verdict as a reply: 200 with Variable-* headers and
 * nothing else, or 401, 403, 503 with a JSON body. */
#ifndef ROLE_AUTHORIZER_H
#define ROLE_AUTHORIZER_H

#include "role/app.h"

void authorizer_handle(struct app *app, struct gate_local *local, struct request *request,
		       struct reply *reply);

#endif
