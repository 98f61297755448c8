/* SPDX-License-Identifier: MIT */
#include "server/stats.h"

#include "http/metrics.h"

#define SUM(member) metrics_sum(&workers->member, count, sizeof(*workers))

static const char *const lanes[SERVER_LANES] = {
	[SERVER_LANE_GATE] = "{lane=\"gate\"}",
	[SERVER_LANE_DATABASE] = "{lane=\"database\"}",
	[SERVER_LANE_PASSWORD] = "{lane=\"password\"}",
};

static void put_requests(struct buf *out, const struct server_counters *workers, size_t count)
{
	metrics_head(out, "requests_read_total", "counter", "Whole requests read.");
	metrics_put(out, "requests_read_total", "", SUM(requests));
	metrics_head(out, "requests_answered_total", "counter", "Requests answered.");
	metrics_put(out, "requests_answered_total", "", SUM(replies));
	metrics_head(out, "busy_total", "counter", "Requests answered 503 by a full queue.");
	for (size_t i = 0; i < SERVER_LANES; i++)
		metrics_put(out, "busy_total", lanes[i], SUM(busy[i]));
	metrics_head(out, "queue_waiting", "gauge", "Requests that wait for a thread.");
	for (size_t i = SERVER_LANE_GATE + 1; i < SERVER_LANES; i++)
		metrics_put(out, "queue_waiting", lanes[i], SUM(queued[i]));
	metrics_head(out, "queue_running", "gauge", "Queued requests that a thread is at.");
	for (size_t i = SERVER_LANE_GATE + 1; i < SERVER_LANES; i++)
		metrics_put(out, "queue_running", lanes[i], SUM(running[i]));
}

static void put_connections(struct buf *out, const struct server_counters *workers, size_t count)
{
	metrics_head(out, "connections", "gauge", "FastCGI connections open.");
	metrics_put(out, "connections", "", SUM(connections));
	metrics_head(out, "connections_accepted_total", "counter", "FastCGI connections accepted.");
	metrics_put(out, "connections_accepted_total", "", SUM(accepted));
	metrics_head(out, "connections_over_limit_total", "counter",
		     "Connections beyond the limit.");
	metrics_put(out, "connections_over_limit_total", "", SUM(over_limit));
	metrics_head(out, "connections_timed_out_total", "counter",
		     "Connections closed at a deadline.");
	metrics_put(out, "connections_timed_out_total", "", SUM(timeouts));
	metrics_head(out, "connections_refused_total", "counter",
		     "Connections closed for malformed FastCGI or a foreign peer.");
	metrics_put(out, "connections_refused_total", "", SUM(refused_streams));
}

static void put_processes(struct buf *out, const struct supervisor_counters *parent)
{
	metrics_head(out, "worker_restarts_total", "counter", "Workers replaced after they died.");
	metrics_put(out, "worker_restarts_total", "", parent->restarts);
	metrics_head(out, "reloads_total", "counter", "Reloads, by how they ended.");
	metrics_put(out, "reloads_total", "{result=\"done\"}", parent->reloads_done);
	metrics_put(out, "reloads_total", "{result=\"refused\"}", parent->reloads_refused);
	metrics_put(out, "reloads_total", "{result=\"failed\"}", parent->reloads_failed);
	metrics_head(out, "start_time_seconds", "gauge", "When the service started, Unix time.");
	metrics_put_ms(out, "start_time_seconds", "", parent->started_ms);
}

void stats_write(struct buf *out, const struct server_counters *workers, size_t count,
		 const struct supervisor_counters *parent)
{
	put_requests(out, workers, count);
	put_connections(out, workers, count);
	put_processes(out, parent);
}

void stats_bury(struct server_counters *worker)
{
	worker->connections = 0;
	for (size_t i = 0; i < SERVER_LANES; i++)
		worker->queued[i] = worker->running[i] = 0;
}
