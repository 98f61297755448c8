/* SPDX-License-Identifier: MIT */
/* authbridgectl throttle: who was guessed at, and an end to the waiting. The
 * table knows keyed digests, so a user's rows are found and never listed by
 * name. */
#include "ctl/ctl.h"

#include "base/clock.h"
#include "ctl/report.h"
#include "service/accounts.h"
#include "service/service.h"
#include "store/admin.h"
#include "store/admin_trail.h"

#include <string.h>
#include <sysexits.h>

#define LIST_MAX 1000
#define PLAN_ROOM 65536
#define KEYS 2

struct subject {
	struct span keys[KEYS], user_id;
	size_t count; /* 0: everybody */
};

/* Of a user, or of an address that nobody has and that was guessed at. */
static enum status find_subject(const struct ctl *ctl, struct store *store, const char *name,
				struct subject *out)
{
	CLEANUP(service_plan_free) struct service_plan *plan = NULL;
	struct buf mistakes;
	struct user_row row = { .user = { .email = span_of(name) } };
	struct span hash;
	buf_init(&mistakes, ctl->mem, PLAN_ROOM);
	TRY(service_plan_make(ctl->config, &mistakes, &plan));
	enum status found = admin_user(store, ctl->mem, span_of(name), &row, &hash);
	if (found != STATUS_OK && found != STATUS_NOT_FOUND)
		return found;
	const struct service rules = { .config = ctl->config, .plan = plan };
	out->keys[out->count++] = accounts_throttle_key(&rules, ctl->mem, 'a', row.user.email);
	if (found == STATUS_OK)
		out->keys[out->count++] = accounts_throttle_key(&rules, ctl->mem, 'p', row.user.id);
	out->user_id = row.user.id;
	return STATUS_OK;
}

static struct span kind_of(struct span key)
{
	static const struct {
		char letter;
		const char *word;
	} kinds[] = { { 'a', "account" }, { 'd', "known browser" }, { 'p', "signed in" } };
	for (size_t i = 0; i < COUNT_OF(kinds); i++)
		if (key.len > 0 && key.at[0] == kinds[i].letter)
			return span_of(kinds[i].word);
	return key;
}

int ctl_throttle_list(const struct ctl *ctl)
{
	static const char *const names[] = { "kind", "failures", "last", "wait", "key", NULL };
	CLEANUP(store_close) struct store *store = NULL;
	struct subject subject = { 0 };
	struct throttle_row *rows;
	struct report report;
	size_t count;
	int code = ctl_open_store(ctl, &store);
	if (code != EX_OK)
		return code;
	enum status status =
		ctl->argc == 2 ? find_subject(ctl, store, ctl->argv[1], &subject) : STATUS_OK;
	if (status == STATUS_OK)
		status = admin_throttle(store, ctl->mem, subject.keys, subject.count, LIST_MAX,
					&rows, &count);
	if (status != STATUS_OK)
		return ctl_fail("throttle list", NULL, status);
	report_begin(&report, ctl, names);
	for (size_t i = 0; i < count; i++) {
		int64_t wait_ms = throttle_wait_ms(&rows[i].state, clock_wall_ms());
		const struct span values[] = {
			kind_of(rows[i].key),
			span_of(arena_format(ctl->mem, "%u", rows[i].state.failures)),
			report_time(ctl, rows[i].state.last_ms),
			span_of(arena_format(ctl->mem, "%lld s",
					     (long long)(wait_ms + 999) / 1000)),
			rows[i].key,
		};
		report_row(&report, values);
	}
	report_end(&report);
	return EX_OK;
}

int ctl_throttle_clear(const struct ctl *ctl)
{
	CLEANUP(store_close) struct store *store = NULL;
	struct subject subject = { 0 };
	size_t cleared = 0;
	bool all = strcmp(ctl->argv[1], "--all") == 0;
	if (!all && ctl->argv[1][0] == '-')
		return ctl_usage(ctl);
	int code = ctl_open_store(ctl, &store);
	if (code != EX_OK)
		return code;
	enum status status = all ? STATUS_OK : find_subject(ctl, store, ctl->argv[1], &subject);
	if (status == STATUS_OK)
		status = admin_throttle_clear(store, subject.keys, subject.count, subject.user_id,
					      &cleared);
	if (status != STATUS_OK)
		return ctl_fail("throttle clear", NULL, status);
	report_count(ctl, "cleared", "rows cleared", cleared);
	return EX_OK;
}
