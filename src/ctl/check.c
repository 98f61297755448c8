/* SPDX-License-Identifier: MIT */
#include "ctl/ctl.h"

#include "base/jdoc.h"
#include "store/schema.h"
#include "store/store.h"

#include <stdio.h>
#include <sysexits.h>

#define REPORT_MAX 65536
/* Tokens count whole seconds; a clock further off makes them expire early or
 * refuses them as issued ahead. */
#define CLOCK_MAX_MS 2000

struct report {
	bool json, bad;
	struct jdoc_writer *w;
};

static void say(struct report *report, const char *subject, bool good, const char *detail)
{
	report->bad |= !good;
	if (!report->json) {
		printf("%-14s %-4s %s\n", subject, good ? "ok" : "BAD", detail);
		return;
	}
	jdoc_put_object(report->w, NULL);
	jdoc_put_text(report->w, "subject", span_of(subject));
	jdoc_put_bool(report->w, "ok", good);
	jdoc_put_text(report->w, "detail", span_of(detail));
	jdoc_end_object(report->w);
}

/* False when there is no database to look at any further. */
static bool check_server(const struct ctl *ctl, struct report *report)
{
	struct schema_probe probe;
	char *why = NULL;
	if (schema_probe(ctl->config->database_url.text, CTL_CONNECT_MS, ctl->mem, &probe, &why) !=
	    STATUS_OK) {
		say(report, "database", false, why != NULL ? why : "does not answer");
		return false;
	}
	say(report, "database", !probe.standby,
	    arena_format(ctl->mem, "PostgreSQL %s, database %s, role %s%s", probe.server,
			 probe.database, probe.role,
			 probe.standby ? ": a standby, which cannot be written to" : ""));
	bool near = probe.ahead_ms < CLOCK_MAX_MS && probe.ahead_ms > -CLOCK_MAX_MS;
	say(report, "clock", near,
	    arena_format(ctl->mem, "the database is %lld ms %s%s",
			 (long long)(probe.ahead_ms < 0 ? -probe.ahead_ms : probe.ahead_ms),
			 probe.ahead_ms < 0 ? "behind" : "ahead",
			 near ? "" : ": synchronise both machines' clocks"));
	return true;
}

/* What it follows without a key of its own has been judged but for a pooler. */
static void check_feed(const struct ctl *ctl, struct report *report)
{
	struct schema_probe probe;
	char *why = NULL;
	const char *own = ctl->config->feed_database_url.text;
	const char *url = own != NULL ? own : ctl->config->database_url.text;
	enum status status = schema_probe(url, CTL_CONNECT_MS, ctl->mem, &probe, &why);
	bool reached = status == STATUS_OK;
	bool good = reached && !probe.standby && !probe.pooled;
	if (own == NULL && (good || !reached || probe.standby))
		return;
	say(report, "feed database", good,
	    good            ? probe.database
	    : !reached      ? why
	    : probe.standby ? "a standby, which cannot LISTEN"
			    : "a pooler, which loses notifications: name PostgreSQL itself in"
			      " feed_database_url");
}

bool ctl_schema_is_good(const struct ctl *ctl, const char **why_out)
{
	struct store *store = NULL;
	char *why = NULL;
	enum status status = ctl_store_of(ctl, &store);
	if (status == STATUS_OK)
		status = store_check_schema(store, ctl->mem, &why);
	store_close(&store);
	if (why_out != NULL)
		*why_out = why != NULL ? why : status_word(status);
	return status == STATUS_OK;
}

static void check_schema(const struct ctl *ctl, struct report *report)
{
	const char *why = NULL;
	bool good = ctl_schema_is_good(ctl, &why);
	if (good)
		why = arena_format(ctl->mem, "migration %d, all rights", SCHEMA_LEVEL);
	say(report, "schema", good, why);
}

int ctl_check(const struct ctl *ctl)
{
	if (ctl->argc > 1)
		return ctl_check_web(ctl);
	struct buf text;
	struct jdoc_writer w;
	buf_init(&text, ctl->mem, REPORT_MAX);
	jdoc_write(&w, &text);
	jdoc_put_array(&w, NULL);
	struct report report = { .json = ctl->json, .w = &w };
	say(&report, "configuration", true, "no mistakes");
	if (check_server(ctl, &report)) {
		check_feed(ctl, &report);
		check_schema(ctl, &report);
	}
	jdoc_end_array(&w);
	if (ctl->json)
		printf("%.*s\n", SPAN_FMT(buf_span(&text)));
	return report.bad ? 1 : EX_OK;
}
