/* SPDX-License-Identifier: MIT */
#include "ctl/ctl.h"

#include "base/jdoc.h"
#include "store/schema.h"

#include <getopt.h>
#include <stdio.h>
#include <sysexits.h>

#define REPORT_MAX 4096

struct progress {
	bool json;
	struct jdoc_writer *steps;
};

static void report(void *state, const char *step, bool fresh)
{
	struct progress *progress = state;
	if (!progress->json) {
		printf("%-12s %s\n", step, fresh ? "applied" : "already there");
		fflush(stdout);
		return;
	}
	jdoc_put_object(progress->steps, NULL);
	jdoc_put_text(progress->steps, "step", span_of(step));
	jdoc_put_bool(progress->steps, "applied", fresh);
	jdoc_end_object(progress->steps);
}

static int migrate(const struct ctl *ctl, const char *role)
{
	struct buf text;
	struct jdoc_writer w;
	buf_init(&text, ctl->mem, REPORT_MAX);
	jdoc_write(&w, &text);
	jdoc_put_object(&w, NULL);
	jdoc_put_int(&w, "level", SCHEMA_LEVEL);
	jdoc_put_array(&w, "steps");
	struct progress progress = { .json = ctl->json, .steps = &w };
	struct schema_migration migration = {
		.url = ctl->config->database_url.text,
		.service_role = role,
		.connect_ms = CTL_CONNECT_MS,
		.report = report,
		.state = &progress,
	};
	char *why = NULL;
	enum status status = schema_migrate(&migration, ctl->mem, &why);
	/* A role that owns nothing cannot mend, but need not either. */
	if (status == STATUS_DENIED && role == NULL && ctl_schema_is_good(ctl, NULL))
		status = STATUS_OK;
	if (status != STATUS_OK)
		return ctl_fail("migrate", why, status);
	jdoc_end_array(&w);
	jdoc_end_object(&w);
	if (ctl->json)
		printf("%.*s\n", SPAN_FMT(buf_span(&text)));
	else
		printf("the database is at migration %d\n", SCHEMA_LEVEL);
	return EX_OK;
}

int ctl_migrate(const struct ctl *ctl)
{
	static const struct option options[] = {
		{ "service-role", required_argument, NULL, 'r' },
		{ NULL, 0, NULL, 0 },
	};
	const char *role = NULL;
	int option;
	while ((option = getopt_long(ctl->argc, ctl->argv, "", options, NULL)) != -1) {
		if (option != 'r')
			return ctl_usage(ctl);
		role = optarg;
	}
	if (optind < ctl->argc)
		return ctl_usage(ctl);
	return migrate(ctl, role);
}
