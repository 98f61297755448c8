/* SPDX-License-Identifier: MIT */
/* authbridgectl session: who is signed in, and the end of it. */
#include "ctl/ctl.h"

#include "base/clock.h"
#include "ctl/report.h"
#include "store/admin.h"

#include <string.h>
#include <sysexits.h>

#define LIST_MAX 1000

int ctl_session_list(const struct ctl *ctl)
{
	CLEANUP(store_close) struct store *store = NULL;
	static const char *const names[] = { "id",      "user",    "email", "created",
					     "expires", "address", NULL };
	struct session_row *rows;
	size_t count;
	struct report report;
	int code = ctl_open_store(ctl, &store);
	if (code != EX_OK)
		return code;
	enum status status =
		admin_sessions(store, ctl->mem, span_of(ctl->argv[1]), LIST_MAX, &rows, &count);
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

int ctl_session_revoke(const struct ctl *ctl)
{
	CLEANUP(store_close) struct store *store = NULL;
	size_t ended = 0;
	const char *what = ctl->argv[1];
	bool by_user = strcmp(what, "--user") == 0, all = strcmp(what, "--all") == 0;
	if (by_user != (ctl->argc == 3) || (what[0] == '-' && !by_user && !all))
		return ctl_usage(ctl);
	int code = ctl_open_store(ctl, &store);
	if (code != EX_OK)
		return code;
	if (all)
		return revoke_all(ctl, store);
	enum status status = by_user ? admin_end_sessions_of(store, span_of(ctl->argv[2]), &ended)
				     : admin_end_session(store, span_of(what), &ended);
	return finish(ctl, status, ended);
}
