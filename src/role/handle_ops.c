/* SPDX-License-Identifier: MIT */
#include "role/handle_ops.h"

#include "base/clock.h"
#include "http/error.h"
#include "service/audit.h"
#include "service/hash_lane.h"

#include <stddef.h>
#include <stdio.h>

/* On loopback TCP any local user could ask. */
static bool is_local(const struct request *request, struct reply *reply)
{
	if (request->local)
		return true;
	error_reply(reply, ERROR_NOT_FOUND_EMPTY);
	return false;
}

static void put(struct buf *out, const char *name, const char *labels, uint64_t value)
{
	buf_format(out, "authbridge_%s%s %llu\n", name, labels, (unsigned long long)value);
}

static void head(struct buf *out, const char *name, const char *type, const char *help)
{
	buf_format(out, "# HELP authbridge_%s %s\n# TYPE authbridge_%s %s\n", name, help, name,
		   type);
}

/* A counter, added up over all workers; `offset` is its place. */
static uint64_t sum(const struct app *app, size_t offset)
{
	uint64_t total = 0;
	for (size_t i = 0; i < app->counter_count; i++) {
		const char *base = (const char *)&app->all_counters[i];
		total += atomic_load((const _Atomic uint64_t *)(const void *)(base + offset));
	}
	return total;
}

static void put_gate(const struct app *app, struct buf *out)
{
	char labels[64];
	head(out, "gate_verdicts_total", "counter", "Requests judged by the gate, by outcome.");
	for (size_t i = 0; i < GATE_OUTCOMES; i++) {
		snprintf(labels, sizeof(labels), "{outcome=\"%s\"}",
			 gate_outcome_word((enum gate_outcome)i));
		put(out, "gate_verdicts_total", labels,
		    sum(app, offsetof(struct app_counters, outcomes) + i * sizeof(uint64_t)));
	}
	head(out, "replies_total", "counter", "Replies by hundreds of their status.");
	for (size_t i = 2; i <= 5; i++) {
		snprintf(labels, sizeof(labels), "{status=\"%zuxx\"}", i);
		put(out, "replies_total", labels,
		    sum(app, offsetof(struct app_counters, replies) + i * sizeof(uint64_t)));
	}
}

static const struct {
	const char *name, *help;
	size_t offset;
} account_counters[] = {
	{ "sign_ups_total", "Accounts made.", offsetof(struct app_counters, sign_ups) },
	{ "sign_up_refusals_total", "Sign-ups refused.",
	  offsetof(struct app_counters, sign_up_refusals) },
	{ "sign_ins_total", "Good sign-ins.", offsetof(struct app_counters, sign_ins) },
	{ "sign_in_refusals_total", "Sign-ins refused.",
	  offsetof(struct app_counters, sign_in_refusals) },
	{ "sign_outs_total", "Sign-outs.", offsetof(struct app_counters, sign_outs) },
};

static void put_accounts(const struct app *app, struct buf *out)
{
	for (size_t i = 0; i < COUNT_OF(account_counters); i++) {
		head(out, account_counters[i].name, "counter", account_counters[i].help);
		put(out, account_counters[i].name, "", sum(app, account_counters[i].offset));
	}
}

static void put_feed(const struct app *app, struct buf *out)
{
	struct feed_stats feed;
	feed_read_stats(app->service->feed, clock_mono_ms(), &feed);
	head(out, "feed_age_seconds", "gauge", "Age of the revocation state; -1: never loaded.");
	buf_format(out, "authbridge_feed_age_seconds %.3f\n",
		   feed.age_ms < 0 ? -1.0 : (double)feed.age_ms / 1000.0);
	head(out, "revocations", "gauge", "Ended sessions held in memory.");
	put(out, "revocations", "", feed.revocations);
	head(out, "revocation_bytes", "gauge", "Memory of the revocation state.");
	put(out, "revocation_bytes", "", feed.bytes);
	head(out, "feed_reconnects_total", "counter", "Times the feed connected.");
	put(out, "feed_reconnects_total", "", feed.reconnects);
}

static void put_store(const struct app *app, struct buf *out)
{
	struct store_stats store;
	struct hash_lane_stats hashes;
	store_read_stats(app->service->store, &store);
	hash_lane_read_stats(app->service->shared.hashes, &hashes);
	head(out, "database_connections", "gauge", "Database connections by state.");
	put(out, "database_connections", "{state=\"open\"}", store.open);
	put(out, "database_connections", "{state=\"leased\"}", store.leased);
	head(out, "database_failures_total", "counter", "Database calls that failed.");
	put(out, "database_failures_total", "", store.failures);
	head(out, "database_timeouts_total", "counter", "Waits for a connection that timed out.");
	put(out, "database_timeouts_total", "", store.timeouts);
	head(out, "hash_tickets", "gauge", "Password requests admitted, whole service.");
	put(out, "hash_tickets", "", hashes.tickets);
	head(out, "hashes_running", "gauge", "Password hashes running, whole service.");
	put(out, "hashes_running", "", hashes.running);
}

static void put_audit(const struct app *app, struct buf *out)
{
	struct audit_stats audit;
	audit_read_stats(app->service->audit, &audit);
	head(out, "worker_audit_waiting", "gauge", "Lines not yet in the audit trail.");
	put(out, "worker_audit_waiting", "", audit.waiting);
	head(out, "worker_audit_suppressed_total", "counter",
	     "Events that the audit trail only counts.");
	put(out, "worker_audit_suppressed_total", "", audit.suppressed);
}

void ops_metrics(struct app *app, const struct request *request, struct reply *reply)
{
	if (!is_local(request, reply))
		return;
	reply_status(reply, 200);
	reply_header(reply, "content-type", SPAN("text/plain; version=0.0.4"));
	put_gate(app, &reply->body);
	put_accounts(app, &reply->body);
	put_feed(app, &reply->body);
	put_store(app, &reply->body);
	put_audit(app, &reply->body);
	if (app->more_metrics != NULL)
		app->more_metrics(app->more_state, &reply->body);
}

/* Ready: the database answers and the revocation state may be trusted. */
void ops_ready(struct app *app, const struct request *request, struct reply *reply)
{
	struct feed_stats feed;
	if (!is_local(request, reply))
		return;
	feed_read_stats(app->service->feed, clock_mono_ms(), &feed);
	if (feed.state != FEED_CURRENT || store_ping(app->service->store) != STATUS_OK) {
		error_reply(reply, ERROR_UNAVAILABLE);
		return;
	}
	reply_status(reply, 200);
	reply_json(reply);
	buf_text(&reply->body, "{\"ready\":true}");
}
