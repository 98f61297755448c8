/* SPDX-License-Identifier: MIT */
/* authbridgectl user: who there is, and who may not sign in. */
#include "ctl/ctl.h"

#include "crypto/password.h"
#include "ctl/report.h"
#include "store/admin.h"

#include <sysexits.h>

#define LIST_MAX 1000

int ctl_user_list(const struct ctl *ctl)
{
	CLEANUP(store_close) struct store *store = NULL;
	static const char *const names[] = { "id",       "email",    "name", "created",
					     "sessions", "disabled", NULL };
	struct user_row *rows;
	size_t count;
	struct report report;
	int code = ctl_open_store(ctl, &store);
	if (code != EX_OK)
		return code;
	enum status status =
		admin_users(store, ctl->mem, span_of(ctl->argv[1]), LIST_MAX, &rows, &count);
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

/* The kind of the stored form, never the form. */
static struct span password_word(struct span hash)
{
	static const char *const words[] = {
		[PASSWORD_UNKNOWN] = "not of a kind that can be verified",
		[PASSWORD_ARGON2ID] = "argon2id",
		[PASSWORD_SCRYPT] = "scrypt",
	};
	return hash.len == 0 ? SPAN("none") : span_of(words[password_kind_of(hash)]);
}

int ctl_user_show(const struct ctl *ctl)
{
	static const char *const names[] = { "id",       "email",   "name",     "verified",
					     "created",  "updated", "password", "sessions",
					     "disabled", NULL };
	CLEANUP(store_close) struct store *store = NULL;
	struct user_row row;
	struct span hash;
	int code = ctl_open_store(ctl, &store);
	if (code != EX_OK)
		return code;
	enum status status = admin_user(store, ctl->mem, span_of(ctl->argv[1]), &row, &hash);
	if (status != STATUS_OK)
		return ctl_fail(ctl->argv[1], status == STATUS_NOT_FOUND ? "no such user" : NULL,
				status);
	const struct span values[] = {
		row.user.id,
		row.user.email,
		row.user.name,
		row.user.email_verified ? SPAN("yes") : SPAN("no"),
		report_time(ctl, row.user.created_ms),
		report_time(ctl, row.user.updated_ms),
		password_word(hash),
		span_of(arena_format(ctl->mem, "%lld", (long long)row.sessions)),
		row.disabled ? SPAN("yes") : SPAN("no"),
	};
	report_card(ctl, names, values);
	return EX_OK;
}

static int act(const struct ctl *ctl, enum status (*run)(struct store *store, struct span user),
	       const char *done)
{
	CLEANUP(store_close) struct store *store = NULL;
	int code = ctl_open_store(ctl, &store);
	if (code != EX_OK)
		return code;
	enum status status = run(store, span_of(ctl->argv[1]));
	if (status != STATUS_OK)
		return ctl_fail(ctl->argv[1], status == STATUS_NOT_FOUND ? "no such user" : NULL,
				status);
	ctl_say(ctl, ctl->argv[1], span_of(done));
	return EX_OK;
}

int ctl_user_disable(const struct ctl *ctl)
{
	return act(ctl, admin_disable_user, "disabled");
}

int ctl_user_enable(const struct ctl *ctl)
{
	return act(ctl, admin_enable_user, "enabled");
}

int ctl_user_delete(const struct ctl *ctl)
{
	return act(ctl, admin_delete_user, "deleted");
}

int ctl_user_revoke(const struct ctl *ctl)
{
	return act(ctl, admin_revoke_user, "tokens issued until now are refused");
}
