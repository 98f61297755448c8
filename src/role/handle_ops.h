/* SPDX-License-Identifier: MIT */
/* handle_ops: metrics, readiness and liveness, over unix sockets only. */
#ifndef ROLE_HANDLE_OPS_H
#define ROLE_HANDLE_OPS_H

#include "role/app.h"

/* On loopback TCP any local user could ask. False: the reply is a 404. */
bool ops_is_local(const struct request *request, struct reply *reply);

/* Prometheus text (handle_metrics.c). */
void ops_metrics(struct app *app, const struct request *request, struct reply *reply);

/* Ready: the database answers and the revocation state may be trusted. Who is
 * not ready is to be left alone; it mends itself. */
void ops_ready(struct app *app, const struct request *request, struct reply *reply);

/* Live: a thread of the gate answers. Asks nobody else, since restarting would
 * mend nobody else. */
void ops_live(const struct request *request, struct reply *reply);

#endif
