/* SPDX-License-Identifier: MIT */
/*
 * ctl: authbridgectl, what an administrator needs: one file per subject. Reads
 * the service's own configuration, asks nothing, prints tables for people or,
 * with --json, one document for scripts. Exit codes as in sysexits.h, and 1
 * where what was looked at is not as it should be.
 */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include "base/arena.h"
#include "base/config.h"
#include "base/status.h"

#define CTL_CONNECT_MS 5000

struct store;

struct ctl {
	const struct config *config;
	struct arena *mem;
	bool json;
	int argc; /* the command's own words, its name first */
	char **argv;
};

int ctl_migrate(const struct ctl *ctl);
int ctl_check(const struct ctl *ctl);

/* Says what went wrong on stderr; the exit code for it. */
int ctl_fail(const char *what, const char *why, enum status status);

/* Wrong words on the command line: says so, EX_USAGE. */
int ctl_usage(const struct ctl *ctl, const char *line);

#endif
