/* SPDX-License-Identifier: MIT */
/* handle_ops: metrics and readiness, over unix sockets only. */
#ifndef ROLE_HANDLE_OPS_H
#define ROLE_HANDLE_OPS_H

#include "role/app.h"

void ops_metrics(struct app *app, const struct request *request, struct reply *reply);
void ops_ready(struct app *app, const struct request *request, struct reply *reply);

#endif
