/* SPDX-License-Identifier: MIT */
/*
 * ctl: authbridgectl, what an administrator needs: one file per subject. Reads
 * the service's own configuration, asks nothing but passwords, prints tables
 * for people or, with --json, one document for scripts. Exit codes as in
 * sysexits.h, and 1 where what was looked at is not as it should be.
 */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include "base/arena.h"
#include "base/config.h"
#include "base/status.h"

#define CTL_CONNECT_MS 5000
#define CTL_CALL_MS 30000

struct store;
struct verb;

struct ctl {
	const struct config *config;
	struct arena *mem;
	bool json;
	const struct verb *verb;
	int argc; /* the verb's own words, its name first */
	char **argv;
};

int ctl_migrate(const struct ctl *ctl);
int ctl_check(const struct ctl *ctl);
/* Its words --apache FILE, --lighttpd FILE or --nginx FILE. */
int ctl_check_web(const struct ctl *ctl);
int ctl_status(const struct ctl *ctl);
int ctl_user_list(const struct ctl *ctl);
int ctl_user_show(const struct ctl *ctl);
int ctl_user_create(const struct ctl *ctl);
int ctl_user_set_password(const struct ctl *ctl);
int ctl_user_disable(const struct ctl *ctl);
int ctl_user_enable(const struct ctl *ctl);
int ctl_user_delete(const struct ctl *ctl);
int ctl_user_revoke(const struct ctl *ctl);
int ctl_user_import(const struct ctl *ctl);
int ctl_session_list(const struct ctl *ctl);
int ctl_session_revoke(const struct ctl *ctl);
int ctl_key_list(const struct ctl *ctl);
int ctl_key_new(const struct ctl *ctl);
int ctl_key_retire(const struct ctl *ctl);
int ctl_key_remove(const struct ctl *ctl);
int ctl_throttle_list(const struct ctl *ctl);
int ctl_throttle_clear(const struct ctl *ctl);
int ctl_audit_tail(const struct ctl *ctl);
int ctl_audit_keep(const struct ctl *ctl);

/* As store_open, for one connection. */
MUST_CHECK enum status ctl_store_of(const struct ctl *ctl, struct store **store_out);

/* Opens the store of the configuration, on failure says so and returns the exit code. */
int ctl_open_store(const struct ctl *ctl, struct store **store_out);

/* One line `name: value`, or {"name":"value"}. */
void ctl_say(const struct ctl *ctl, const char *name, struct span value);

/* What the service itself would find; `why_out` (may be NULL) gets its reason. */
bool ctl_schema_is_good(const struct ctl *ctl, const char **why_out);

/* Says what went wrong on stderr; the exit code for it. */
int ctl_fail(const char *what, const char *why, enum status status);

/* Wrong words on the command line: says how they should be, EX_USAGE. */
int ctl_usage(const struct ctl *ctl);

#endif
