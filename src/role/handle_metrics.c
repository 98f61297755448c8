/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "role/handle_ops.h"

#include "base/clock.h"
#include "service/hash_lane.h"

#include <stdio.h>

#define LABELS_ROOM 96

static const char *const class_words[APP_CLASSES] = {
	[APP_CLASS_GATE] = "gate",
	[APP_CLASS_LIGHT] = "light",
	[APP_CLASS_SESSION] = "session",
	[APP_CLASS_PASSWORD] = "password",
	[APP_CLASS_OPERATIONS] = "operations",
};

#define SUM(member) \
	metrics_sum(&app->all_counters->member, app->counter_count, sizeof(struct app_counters))

static void put_gate(const struct app *app, struct buf *out)
{
	char labels[LABELS_ROOM];
	metrics_head(out, "gate_verdicts_total", "counter", "Requests judged by the gate.");
	for (size_t i = 0; i < GATE_REASONS; i++) {
		const char *word = gate_reason_word((enum gate_reason)i);
		if (word == NULL)
			continue;
		snprintf(labels, sizeof(labels), "{outcome=\"%s\",reason=\"%s\"}",
			 gate_outcome_word(gate_outcome_of((enum gate_reason)i)), word);
		metrics_put(out, "gate_verdicts_total", labels, SUM(verdicts[i]));
	}
	metrics_head(out, "verified_tokens_total", "counter",
		     "Signatures of asymmetric tokens, by whether they were remembered.");
	metrics_put(out, "verified_tokens_total", "{cache=\"hit\"}", SUM(signatures_saved));
	metrics_put(out, "verified_tokens_total", "{cache=\"miss\"}", SUM(signatures_computed));
}

static void put_histograms(const struct app *app, struct buf *out, const char *name,
			   const struct metrics_histogram *of_classes, unsigned classes)
{
	char label[LABELS_ROOM];
	for (size_t i = 0; i < APP_CLASSES; i++) {
		if ((classes & 1U << i) == 0)
			continue;
		snprintf(label, sizeof(label), "class=\"%s\"", class_words[i]);
		metrics_put_histogram(out, name, label, &of_classes[i], app->counter_count,
				      sizeof(struct app_counters));
	}
}

static void put_requests(const struct app *app, struct buf *out)
{
	char labels[LABELS_ROOM];
	metrics_head(out, "requests_total", "counter", "Replies, by class and status.");
	for (size_t i = 0; i < APP_CLASSES; i++) {
		for (size_t hundred = 0; hundred < APP_HUNDREDS; hundred++) {
			snprintf(labels, sizeof(labels), "{class=\"%s\",status=\"%zuxx\"}",
				 class_words[i], hundred + 2);
			metrics_put(out, "requests_total", labels, SUM(replies[i][hundred]));
		}
	}
	metrics_head(out, "request_duration_seconds", "histogram",
		     "From a whole request to its reply.");
	put_histograms(app, out, "request_duration_seconds", app->all_counters->took, ~0U);
	metrics_head(out, "queue_duration_seconds", "histogram", "Of that, the wait for a thread.");
	put_histograms(app, out, "queue_duration_seconds", app->all_counters->waited,
		       1U << APP_CLASS_SESSION | 1U << APP_CLASS_PASSWORD);
}

#define OFFSET(member) offsetof(struct app_counters, member)

/* Samples without a head of their own follow one that has it. */
static const struct {
	const char *name, *labels, *type, *help;
	size_t offset;
} plain[] = {
	{ "sign_ups_total", "", "counter", "Accounts made.", OFFSET(sign_ups) },
	{ "sign_up_refusals_total", "", "counter", "Sign-ups refused.", OFFSET(sign_up_refusals) },
	{ "sign_ins_total", "", "counter", "Good sign-ins.", OFFSET(sign_ins) },
	{ "sign_in_refusals_total", "", "counter", "Sign-ins refused.", OFFSET(sign_in_refusals) },
	{ "sign_outs_total", "", "counter", "Sign-outs.", OFFSET(sign_outs) },
	{ "throttled_total", "{by=\"address\"}", "counter", "Requests answered 429.",
	  OFFSET(throttled_addresses) },
	{ "throttled_total", "{by=\"account\"}", NULL, NULL, OFFSET(throttled_accounts) },
	{ "revocation_bytes", "", "gauge", "Memory of the revocation state.",
	  OFFSET(revocation_bytes) },
	{ "feed_connects_total", "", "counter", "Times the feed connected.",
	  OFFSET(feed_connects) },
	{ "database_connections", "{state=\"open\"}", "gauge", "Database connections.",
	  OFFSET(connections_open) },
	{ "database_connections", "{state=\"leased\"}", NULL, NULL, OFFSET(connections_leased) },
	{ "database_failures_total", "", "counter", "Database connections that broke.",
	  OFFSET(database_failures) },
	{ "database_timeouts_total", "", "counter", "Waits for a connection that timed out.",
	  OFFSET(database_timeouts) },
	{ "audit_waiting", "", "gauge", "Lines not yet in the audit trail.",
	  OFFSET(audit_waiting) },
	{ "audit_suppressed_total", "", "counter", "Events that the audit trail only counts.",
	  OFFSET(audit_suppressed) },
	{ "workers", "", "gauge", "Workers that answer.", OFFSET(alive) },
};

static void put_plain(const struct app *app, struct buf *out)
{
	for (size_t i = 0; i < COUNT_OF(plain); i++) {
		const char *first = (const char *)app->all_counters + plain[i].offset;
		if (plain[i].type != NULL)
			metrics_head(out, plain[i].name, plain[i].type, plain[i].help);
		metrics_put(out, plain[i].name, plain[i].labels,
			    metrics_sum((const _Atomic uint64_t *)(const void *)first,
					app->counter_count, sizeof(struct app_counters)));
	}
}

/* The worst of the workers: what one does not know yet it lets pass. */
static void put_feed(const struct app *app, struct buf *out)
{
	uint64_t most = 0;
	uint64_t states[FEED_CURRENT + 1] = { 0 };
	int64_t age_ms = 0;
	int64_t now_ms = clock_mono_ms();
	for (size_t i = 0; i < app->counter_count; i += APP_STRIPES) {
		const struct app_counters *worker = &app->all_counters[i];
		if (worker->alive == 0)
			continue;
		int64_t known_ms = (int64_t)worker->feed_known_ms;
		int64_t its_ms = known_ms == 0 ? METRICS_FOREVER : now_ms - known_ms;
		age_ms = its_ms > age_ms ? its_ms : age_ms;
		most = worker->revocations > most ? worker->revocations : most;
		states[worker->feed_state]++;
	}
	metrics_head(out, "feed_age_seconds", "gauge", "Age of the oldest revocation state.");
	metrics_put_ms(out, "feed_age_seconds", "", age_ms);
	metrics_head(out, "feed_workers", "gauge", "Workers by the state of their feed.");
	metrics_put(out, "feed_workers", "{state=\"current\"}", states[FEED_CURRENT]);
	metrics_put(out, "feed_workers", "{state=\"ageing\"}", states[FEED_AGEING]);
	metrics_put(out, "feed_workers", "{state=\"blind\"}", states[FEED_BLIND]);
	metrics_head(out, "revocations", "gauge", "Ended sessions a worker holds in memory.");
	metrics_put(out, "revocations", "", most);
}

static void put_hashes(const struct app *app, struct buf *out)
{
	struct hash_lane_stats hashes;
	const struct config *config = app->config;
	hash_lane_read_stats(app->service->shared.hashes, &hashes);
	metrics_head(out, "hash_tickets", "gauge", "Password requests admitted.");
	metrics_put(out, "hash_tickets", "", hashes.tickets);
	metrics_head(out, "hash_tickets_limit", "gauge", "hash_concurrency + hash_queue.");
	metrics_put(out, "hash_tickets_limit", "",
		    (uint64_t)(config->hash_concurrency + config->hash_queue));
	metrics_head(out, "hashes_running", "gauge", "Password hashes running.");
	metrics_put(out, "hashes_running", "", hashes.running);
	metrics_head(out, "build_info", "gauge", "1, labelled with the version.");
	metrics_put(out, "build_info", "{version=\"" PACKAGE_VERSION "\"}", 1);
}

void ops_metrics(struct app *app, const struct request *request, struct reply *reply)
{
	if (!ops_is_local(request, reply))
		return;
	app_publish(app);
	reply_status(reply, 200);
	reply_header(reply, "content-type", SPAN("text/plain; version=0.0.4; charset=utf-8"));
	put_gate(app, &reply->body);
	put_requests(app, &reply->body);
	put_plain(app, &reply->body);
	put_feed(app, &reply->body);
	put_hashes(app, &reply->body);
	if (app->more_metrics != NULL)
		app->more_metrics(app->more_state, &reply->body);
}
