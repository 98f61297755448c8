/* SPDX-License-Identifier: MIT */
/* stats: what the server counted, as Prometheus text. */
#ifndef SERVER_STATS_H
#define SERVER_STATS_H

#include "base/buf.h"
#include "server/app.h"
#include "server/supervisor.h"

/* Of `count` workers, added up, and of their parent. */
void stats_write(struct buf *out, const struct server_counters *workers, size_t count,
		 const struct supervisor_counters *parent);

/* A worker has ended: nothing is open or waiting there any more. */
void stats_bury(struct server_counters *worker);

#endif
