/* SPDX-License-Identifier: MIT */
/* authbridgectl user import: batches of users, each all or nothing. Nothing is
 * remembered between runs: who is there already is skipped, so a run that was
 * cut off is begun again and goes on where it was. */
#include "ctl/import.h"

#include "base/clock.h"
#include "base/log.h"
#include "ctl/ctl.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define BATCH 500
#define BATCH_BYTES (16u << 20) /* refused lines fill no batch */
#define TELL_EVERY_MS 1000

struct import {
	const struct ctl *ctl;
	struct store *store;
	struct import_file in;
	FILE *report; /* refused lines */
	bool goes_on; /* who is there is no mistake */
	struct arena *mem;
	struct new_user users[BATCH];
	size_t lines[BATCH];
	size_t count;
	size_t made, there, refused;
	int64_t begun_ms, told_ms;
};

static void close_file(FILE **file)
{
	if (*file != NULL && *file != stdin && *file != stderr)
		fclose(*file);
}

static void refuse(struct import *run, size_t line, const char *why)
{
	run->refused++;
	fprintf(run->report, "%zu: %s\n", line, why);
}

static void tell(struct import *run, bool last)
{
	int64_t now_ms = clock_mono_ms();
	if (!last && now_ms - run->told_ms < TELL_EVERY_MS)
		return;
	run->told_ms = now_ms;
	double seconds = (double)(now_ms - run->begun_ms + 1) / 1000.0;
	size_t done = run->made + run->there + run->refused;
	bool terminal = isatty(STDERR_FILENO) == 1;
	fprintf(stderr,
		"%s%zu users, %zu imported, %zu there already, %zu refused, %.0f a second%s",
		terminal ? "\r" : "", done, run->made, run->there, run->refused,
		(double)done / seconds, terminal && !last ? "" : "\n");
}

static enum status write_batch(struct import *run)
{
	if (run->count > 0)
		TRY(admin_import_users(run->store, run->mem, run->users, run->count));
	for (size_t i = 0; i < run->count; i++) {
		enum new_user_fate fate = run->users[i].fate;
		if (fate == NEW_USER_MADE)
			run->made++;
		else if (fate == NEW_USER_THERE && run->goes_on)
			run->there++;
		else
			refuse(run, run->lines[i],
			       fate == NEW_USER_THERE
				       ? "the address is taken (imported before? --continue)"
				       : "the id or the address is another user's");
	}
	run->count = 0;
	arena_reset(run->mem);
	tell(run, false);
	return STATUS_OK;
}

static enum status read_all(struct import *run)
{
	const char *why;
	while (import_next(&run->in, run->mem, &run->users[run->count], &why)) {
		if (why != NULL)
			refuse(run, run->in.line, why);
		else
			run->lines[run->count++] = run->in.line;
		if (run->count == BATCH || arena_used(run->mem) > BATCH_BYTES)
			TRY(write_batch(run));
	}
	return write_batch(run);
}

static void say_result(const struct import *run)
{
	if (run->ctl->json)
		printf("{\"imported\":%zu,\"there\":%zu,\"refused\":%zu}\n", run->made, run->there,
		       run->refused);
	else
		printf("%zu users imported, %zu there already, %zu lines refused\n", run->made,
		       run->there, run->refused);
}

static int import(struct import *run)
{
	int code = ctl_open_store(run->ctl, &run->store);
	if (code != EX_OK)
		return code;
	run->begun_ms = run->told_ms = clock_mono_ms();
	enum status status = read_all(run);
	tell(run, true);
	if (status != STATUS_OK)
		return ctl_fail("user import", NULL, status);
	if (ferror(run->in.file) != 0 || fflush(run->report) != 0 || ferror(run->report) != 0)
		return EX_IOERR;
	say_result(run);
	return run->refused > 0 ? EX_DATAERR : EX_OK;
}

struct wish {
	const char *path, *report;
	bool goes_on;
};

static bool read_wish(const struct ctl *ctl, struct wish *wish)
{
	static const struct option options[] = {
		{ "continue", no_argument, NULL, 'c' },
		{ "report", required_argument, NULL, 'r' },
		{ NULL, 0, NULL, 0 },
	};
	int option;
	*wish = (struct wish){ 0 };
	while ((option = getopt_long(ctl->argc, ctl->argv, "", options, NULL)) != -1) {
		if (option == '?')
			return false;
		wish->goes_on |= option == 'c';
		if (option == 'r')
			wish->report = optarg;
	}
	if (optind != ctl->argc - 1)
		return false;
	wish->path = ctl->argv[optind];
	return true;
}

int ctl_user_import(const struct ctl *ctl)
{
	CLEANUP(store_close) struct store *store = NULL;
	CLEANUP(close_file) FILE *file = NULL;
	CLEANUP(close_file) FILE *report = NULL;
	CLEANUP(arena_free) struct arena *mem = arena_new(1u << 20);
	struct wish wish;
	if (!read_wish(ctl, &wish))
		return ctl_usage(ctl);
	file = strcmp(wish.path, "-") == 0 ? stdin : fopen(wish.path, "re");
	if (file == NULL) {
		(void)ctl_fail(wish.path, log_errno_word(errno), STATUS_NOT_FOUND);
		return EX_NOINPUT;
	}
	report = wish.report != NULL ? fopen(wish.report, "we") : stderr;
	if (report == NULL) {
		(void)ctl_fail(wish.report, log_errno_word(errno), STATUS_INVALID);
		return EX_CANTCREAT;
	}
	struct import *run = arena_alloc(ctl->mem, sizeof(*run));
	*run = (struct import){
		.ctl = ctl,
		.in = { .file = file, .mem = ctl->mem },
		.report = report,
		.goes_on = wish.goes_on,
		.mem = mem,
	};
	int code = import(run);
	store = run->store;
	return code;
}
