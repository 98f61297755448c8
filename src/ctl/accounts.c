/* SPDX-License-Identifier: MIT */
/* authbridgectl user create and set-password, with the service's own rules. */
#include "ctl/ctl.h"

#include "base/clock.h"
#include "base/rng.h"
#include "ctl/ask.h"
#include "model/email.h"
#include "service/accounts.h"
#include "service/service.h"
#include "store/admin_accounts.h"

#include <getopt.h>
#include <string.h>
#include <sysexits.h>

#define PLAN_ROOM 65536

static const char *refusal_of(const struct ctl *ctl, struct service_plan *plan,
			      struct span password)
{
	const struct service rules = { .config = ctl->config, .plan = plan };
	switch (accounts_judge_password(&rules, password)) {
	case ACCOUNT_DONE:
		return NULL;
	case ACCOUNT_PASSWORD_SHORT:
		return "the password is shorter than password_min";
	case ACCOUNT_PASSWORD_LONG:
		return "the password is longer than password_max";
	default:
		return "the password is on the block list";
	}
}

/* The stored form of a password that was asked for; EX_OK, or the exit code
 * after saying why. */
static int ask_hash(const struct ctl *ctl, const char *file, struct span *hash_out)
{
	CLEANUP(service_plan_free) struct service_plan *plan = NULL;
	struct password_params params = service_password_params(ctl->config);
	struct buf mistakes;
	struct span password;
	const char *why = NULL;
	buf_init(&mistakes, ctl->mem, PLAN_ROOM);
	if (service_plan_make(ctl->config, &mistakes, &plan) != STATUS_OK)
		return ctl_fail("configuration", arena_text(ctl->mem, buf_span(&mistakes)),
				STATUS_INVALID);
	if (ask_password(ctl->mem, file, &password, &why))
		why = refusal_of(ctl, plan, password);
	if (why != NULL) {
		(void)ctl_fail(ctl->argv[0], why, STATUS_INVALID);
		return EX_DATAERR;
	}
	enum status status = password_start();
	if (status == STATUS_OK)
		status = password_hash(&params, password, &rng_system, ctl->mem, hash_out);
	return status == STATUS_OK ? EX_OK : ctl_fail(ctl->argv[0], NULL, status);
}

static struct span new_id(const struct ctl *ctl)
{
	char *id = arena_alloc(ctl->mem, RNG_ID_LEN + 1);
	rng_id(&rng_system, id);
	return span_make(id, RNG_ID_LEN);
}

/* --- create --- */

struct wish {
	const char *name, *password_file;
	bool verified, no_password;
};

static bool read_wish(const struct ctl *ctl, struct wish *wish)
{
	static const struct option options[] = {
		{ "name", required_argument, NULL, 'n' },
		{ "password-file", required_argument, NULL, 'f' },
		{ "verified", no_argument, NULL, 'v' },
		{ "no-password", no_argument, NULL, 'N' },
		{ NULL, 0, NULL, 0 },
	};
	int option;
	*wish = (struct wish){ .name = "" };
	while ((option = getopt_long(ctl->argc, ctl->argv, "", options, NULL)) != -1) {
		if (option == 'n')
			wish->name = optarg;
		else if (option == 'f')
			wish->password_file = optarg;
		else if (option == 'v')
			wish->verified = true;
		else if (option == 'N')
			wish->no_password = true;
		else
			return false;
	}
	return optind == ctl->argc - 1 && !(wish->no_password && wish->password_file != NULL) &&
	       strlen(wish->name) <= USER_NAME_MAX;
}

static int create(const struct ctl *ctl, struct new_user *user)
{
	CLEANUP(store_close) struct store *store = NULL;
	int code = ctl_open_store(ctl, &store);
	if (code != EX_OK)
		return code;
	enum status status = admin_create_user(store, ctl->mem, user);
	if (status == STATUS_OK && user->fate != NEW_USER_MADE)
		status = STATUS_CONFLICT;
	if (status == STATUS_CONFLICT) {
		(void)ctl_fail("user create", "the address is taken", status);
		return EX_DATAERR;
	}
	if (status != STATUS_OK)
		return ctl_fail("user create", NULL, status);
	ctl_say(ctl, "id", user->user.id);
	return EX_OK;
}

int ctl_user_create(const struct ctl *ctl)
{
	struct wish wish;
	if (!read_wish(ctl, &wish))
		return ctl_usage(ctl);
	struct span email = span_of(ctl->argv[optind]);
	if (!email_is_valid(email) || email.len > USER_EMAIL_MAX) {
		(void)ctl_fail("user create", "that is no address", STATUS_INVALID);
		return EX_DATAERR;
	}
	struct new_user user = {
		.user = {
			.id = new_id(ctl),
			.name = span_of(wish.name),
			.email = email_lower(ctl->mem, email),
			.email_verified = wish.verified,
			.created_ms = clock_wall_ms(),
		},
		.account_id = new_id(ctl),
	};
	int code = wish.no_password ? EX_OK : ask_hash(ctl, wish.password_file, &user.hash);
	return code == EX_OK ? create(ctl, &user) : code;
}

/* --- set-password --- */

int ctl_user_set_password(const struct ctl *ctl)
{
	static const struct option options[] = {
		{ "password-file", required_argument, NULL, 'f' },
		{ "keep-sessions", no_argument, NULL, 'k' },
		{ NULL, 0, NULL, 0 },
	};
	CLEANUP(store_close) struct store *store = NULL;
	const char *file = NULL;
	bool keep = false;
	struct span hash;
	int option;
	while ((option = getopt_long(ctl->argc, ctl->argv, "", options, NULL)) != -1) {
		if (option == '?')
			return ctl_usage(ctl);
		if (option == 'f')
			file = optarg;
		keep |= option == 'k';
	}
	if (optind != ctl->argc - 1)
		return ctl_usage(ctl);
	int code = ask_hash(ctl, file, &hash);
	if (code == EX_OK)
		code = ctl_open_store(ctl, &store);
	if (code != EX_OK)
		return code;
	const char *user = ctl->argv[optind];
	enum status status = admin_set_password(store, span_of(user), new_id(ctl), hash, keep);
	if (status != STATUS_OK)
		return ctl_fail(user, status == STATUS_NOT_FOUND ? "no such user" : NULL, status);
	ctl_say(ctl, user, keep ? SPAN("password set") : SPAN("password set, sessions ended"));
	return EX_OK;
}
