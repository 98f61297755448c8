/* SPDX-License-Identifier: MIT */
/* authbridgectl session: who is signed in, and the end of it. */
#include "ctl/ctl.h"

#include "base/clock.h"
#include "ctl/report.h"
#include "store/admin.h"

#include <string.h>
#include <sysexits.h>

#define USAGE                                                                      \
	"session list [USER] | session revoke ID | session revoke --user USER |\n" \
	"       authbridgectl session revoke --all"
#define LIST_MAX 1000

static int list(const struct ctl *ctl, struct store *store, const char *user)
{
	static const char *const names[] = { "id",      "user",    "email", "created",
					     "expires", "address", NULL };
	struct session_row *rows;
	size_t count;
	struct report report;
	enum status status =
		admin_sessions(store, ctl->mem, span_of(user), LIST_MAX, &rows, &count);
	if (status != STATUS_OK)
		return ctl_fail("session list", NULL, status);
	report_begin(&report, ctl, names);
	for (size_t i = 0; i < count; i++) {
		const struct session *session = &rows[i].session;
		const struct span values[] = {
			session->id,
			session->user_id,
			rows[i].email,
			report_time(ctl, session->created_ms),
			report_time(ctl, session->expires_ms),
			session->ip_address,
		};
		report_row(&report, values);
	}
	report_end(&report);
	return EX_OK;
}

static int finish(const struct ctl *ctl, enum status status, size_t ended)
{
	if (status != STATUS_OK)
		return ctl_fail("session revoke", NULL, status);
	report_count(ctl, "ended", "sessions ended", ended);
	return ended > 0 ? EX_OK : 1;
}

/* Every token of now is void, whoever issued it; sessions stay and get new
 * ones. A second ahead, since tokens count whole seconds. */
static int revoke_all(const struct ctl *ctl, struct store *store)
{
	enum status status = admin_cut_off(store, SPAN(""), clock_wall_ms() + 1000);
	if (status != STATUS_OK)
		return ctl_fail("session revoke", NULL, status);
	ctl_say(ctl, "cut-off", SPAN("every token issued until now is refused"));
	return EX_OK;
}

static int revoke(const struct ctl *ctl, struct store *store)
{
	size_t ended = 0;
	const char *what = ctl->argv[2];
	if (ctl->argc == 3 && strcmp(what, "--all") == 0)
		return revoke_all(ctl, store);
	enum status status = ctl->argc == 4
				     ? admin_end_sessions_of(store, span_of(ctl->argv[3]), &ended)
				     : admin_end_session(store, span_of(what), &ended);
	return finish(ctl, status, ended);
}

int ctl_session(const struct ctl *ctl)
{
	CLEANUP(store_close) struct store *store = NULL;
	const char *verb = ctl->argc > 1 ? ctl->argv[1] : "";
	bool is_list = strcmp(verb, "list") == 0 && ctl->argc <= 3;
	bool by_user = ctl->argc == 4 && strcmp(ctl->argv[2], "--user") == 0;
	bool by_id =
		ctl->argc == 3 && (ctl->argv[2][0] != '-' || strcmp(ctl->argv[2], "--all") == 0);
	bool is_revoke = strcmp(verb, "revoke") == 0 && (by_user || by_id);
	if (!is_list && !is_revoke)
		return ctl_usage(ctl, USAGE);
	int code = ctl_open_store(ctl, &store);
	if (code != EX_OK)
		return code;
	return is_list ? list(ctl, store, ctl->argc == 3 ? ctl->argv[2] : NULL)
		       : revoke(ctl, store);
}
