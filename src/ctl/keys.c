/* SPDX-License-Identifier: MIT */
/* authbridgectl key: the rows of "jwks". HS256 has none: its keys are the
 * secrets of the configuration. */
#include "ctl/ctl.h"

#include "base/clock.h"
#include "base/rng.h"
#include "crypto/keyring.h"
#include "crypto/password.h"
#include "ctl/report.h"
#include "store/admin.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define SLACK_MS 500

static const enum jws_alg config_algs[] = {
	[CONFIG_HS256] = JWS_HS256,
	[CONFIG_EDDSA] = JWS_EDDSA,
	[CONFIG_ES256] = JWS_ES256,
	[CONFIG_RS256] = JWS_RS256,
};

static int64_t max_age_ms(const struct ctl *ctl)
{
	return ctl->config->jwt_key_max_age_s * 1000;
}

static bool is_old(const struct ctl *ctl, const struct key_row *row, int64_t now_ms)
{
	return max_age_ms(ctl) > 0 && row->created_ms + max_age_ms(ctl) <= now_ms;
}

/* `signs`: it would, were its time begun. */
static const char *state_of(const struct key_row *row, int64_t now_ms, bool signs)
{
	if (row->expires_ms >= 0 && row->expires_ms <= now_ms)
		return "retired";
	if (!signs)
		return "verifies";
	return row->created_ms > now_ms ? "next" : "signs";
}

int ctl_key_list(const struct ctl *ctl)
{
	CLEANUP(store_close) struct store *store = NULL;
	int code = ctl_open_store(ctl, &store);
	if (code != EX_OK)
		return code;
	static const char *const names[] = { "kid", "alg", "state", "created", "expires", NULL };
	struct key_row *rows;
	size_t count;
	struct report report;
	int64_t now_ms = clock_wall_ms();
	bool signer_seen = false;
	enum status status = store_keys(store, ctl->mem, &rows, &count);
	if (status != STATUS_OK)
		return ctl_fail("key list", NULL, status);
	report_begin(&report, ctl, names);
	for (size_t i = 0; i < count; i++) {
		struct span alg = span_is_absent(rows[i].alg) ? SPAN("EdDSA") : rows[i].alg;
		bool ours = jws_alg_named(alg) == config_algs[ctl->config->jwt_alg];
		bool live = rows[i].expires_ms < 0 || rows[i].expires_ms > now_ms;
		bool signs = ours && live && !signer_seen && !is_old(ctl, &rows[i], now_ms);
		signer_seen |= signs && rows[i].created_ms <= now_ms;
		const struct span values[] = {
			rows[i].id,
			alg,
			span_of(state_of(&rows[i], now_ms, signs)),
			report_time(ctl, rows[i].created_ms),
			report_time(ctl, rows[i].expires_ms),
		};
		report_row(&report, values);
	}
	report_end(&report);
	return EX_OK;
}

static struct keyring_source source_of(const struct ctl *ctl)
{
	size_t count = ctl->config->secret_count;
	struct span *secrets = arena_alloc(ctl->mem, count * sizeof(*secrets));
	unsigned *versions = arena_alloc(ctl->mem, count * sizeof(*versions));
	for (size_t i = 0; i < count; i++) {
		secrets[i] = secret_span(&ctl->config->secrets[i].secret);
		versions[i] = ctl->config->secrets[i].version;
	}
	return (struct keyring_source){
		.secrets = secrets,
		.secret_versions = versions,
		.secret_count = count,
		.now_ms = clock_wall_ms(),
		.key_max_age_ms = max_age_ms(ctl),
	};
}

int ctl_key_new(const struct ctl *ctl)
{
	CLEANUP(store_close) struct store *store = NULL;
	const char *name = ctl->argv[1];
	enum jws_alg alg =
		name != NULL ? jws_alg_named(span_of(name)) : config_algs[ctl->config->jwt_alg];
	struct keyring_source source = source_of(ctl);
	struct key_row row;
	if (alg == JWS_NONE || alg == JWS_HS256)
		return ctl_usage(ctl); /* HS256 keys are the secrets of the configuration */
	int code = ctl_open_store(ctl, &store);
	if (code != EX_OK)
		return code;
	enum status status = password_start();
	if (status == STATUS_OK)
		status = keyring_generate(alg, &source, &rng_system, ctl->mem, &row);
	if (status == STATUS_OK)
		status = admin_insert_key(store, &row);
	if (status != STATUS_OK)
		return ctl_fail("key new", NULL, status);
	ctl_say(ctl, "kid", row.id);
	return EX_OK;
}

/* A worker that has heard nothing for revocation_max_age asks the database, so
 * after that time no worker anywhere can hold the key for good. */
static void wait_until_dead(const struct ctl *ctl)
{
	int64_t wait_ms = ctl->config->revocation_max_age_ms + SLACK_MS;
	if (!ctl->json)
		fprintf(stderr, "removed; waiting %.1f s until no worker can hold it\n",
			(double)wait_ms / 1000.0);
	usleep((useconds_t)(wait_ms * 1000));
}

static int change(const struct ctl *ctl, const char *done,
		  enum status (*run)(struct store *store, struct span kid))
{
	CLEANUP(store_close) struct store *store = NULL;
	struct span kid = span_of(ctl->argv[1]);
	int code = ctl_open_store(ctl, &store);
	if (code != EX_OK)
		return code;
	enum status status = run(store, kid);
	if (status != STATUS_OK)
		return ctl_fail(ctl->argv[0],
				status == STATUS_NOT_FOUND
					? "no such key (see: authbridgectl key list)"
					: NULL,
				status);
	if (run == admin_remove_key)
		wait_until_dead(ctl);
	ctl_say(ctl, done, kid);
	return EX_OK;
}

static enum status retire_now(struct store *store, struct span kid)
{
	return admin_retire_key(store, kid, clock_wall_ms());
}

int ctl_key_retire(const struct ctl *ctl)
{
	return change(ctl, "retired", retire_now);
}

int ctl_key_remove(const struct ctl *ctl)
{
	return change(ctl, "removed", admin_remove_key);
}
