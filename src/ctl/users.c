/* SPDX-License-Identifier: MIT */
/* authbridgectl user: who there is, and who may not sign in. */
#include "ctl/ctl.h"

#include "ctl/report.h"
#include "store/admin.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#define USAGE "user list [PATTERN] | user disable|enable|delete|revoke USER"
#define LIST_MAX 1000

static int list(const struct ctl *ctl, struct store *store, const char *pattern)
{
	static const char *const names[] = { "id",       "email",    "name", "created",
					     "sessions", "disabled", NULL };
	struct user_row *rows;
	size_t count;
	struct report report;
	enum status status =
		admin_users(store, ctl->mem, span_of(pattern), LIST_MAX, &rows, &count);
	if (status != STATUS_OK)
		return ctl_fail("user list", NULL, status);
	report_begin(&report, ctl, names);
	for (size_t i = 0; i < count; i++) {
		const struct user *user = &rows[i].user;
		const struct span values[] = {
			user->id,
			user->email,
			user->name,
			report_time(ctl, user->created_ms),
			span_of(arena_format(ctl->mem, "%lld", (long long)rows[i].sessions)),
			rows[i].disabled ? SPAN("yes") : SPAN("no"),
		};
		report_row(&report, values);
	}
	report_end(&report);
	return EX_OK;
}

static const struct act {
	const char *name;
	enum status (*run)(struct store *store, struct span user);
	const char *done;
} acts[] = {
	{ "disable", admin_disable_user, "disabled" },
	{ "enable", admin_enable_user, "enabled" },
	{ "delete", admin_delete_user, "deleted" },
	{ "revoke", admin_revoke_user, "tokens issued until now are refused" },
};

static const struct act *find_act(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(acts); i++)
		if (strcmp(acts[i].name, name) == 0)
			return &acts[i];
	return NULL;
}

static int run_act(const struct ctl *ctl, struct store *store, const struct act *act)
{
	enum status status = act->run(store, span_of(ctl->argv[2]));
	if (status != STATUS_OK)
		return ctl_fail(ctl->argv[2], status == STATUS_NOT_FOUND ? "no such user" : NULL,
				status);
	ctl_say(ctl, ctl->argv[2], span_of(act->done));
	return EX_OK;
}

int ctl_user(const struct ctl *ctl)
{
	CLEANUP(store_close) struct store *store = NULL;
	const char *verb = ctl->argc > 1 ? ctl->argv[1] : "";
	bool is_list = strcmp(verb, "list") == 0 && ctl->argc <= 3;
	const struct act *act = ctl->argc == 3 ? find_act(verb) : NULL;
	if (!is_list && act == NULL)
		return ctl_usage(ctl, USAGE);
	int code = ctl_open_store(ctl, &store);
	if (code != EX_OK)
		return code;
	return act != NULL ? run_act(ctl, store, act)
			   : list(ctl, store, ctl->argc == 3 ? ctl->argv[2] : NULL);
}
