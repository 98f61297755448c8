/* SPDX-License-Identifier: MIT */
#include "service/service.h"

#include "base/clock.h"
#include "base/log.h"
#include "service/audit.h"
#include "service/issuer_fetch.h"
#include "service/keys.h"
#include "service/rotation.h"

#include <unistd.h>

#define CONNECT_MS 2000
#define LEASE_MS 1000
#define CALL_MS 2000
/* Per worker: the queued lanes together never run more than 8 statements at
 * once, the audit trail and the witness one each. */
#define CONNECTIONS 10
#define TIDY_EVERY_MS 60000
#define LOAD_WAIT_MS 3000
#define LOAD_LOOK_US 2000

static bool on_keys_changed(void *state, uint64_t generation)
{
	struct service *service = state;
	enum status reloaded = keys_reload(service, generation);
	if (reloaded != STATUS_OK)
		log_warn("keys not reloaded", LOG_STATUS(reloaded));
	return reloaded == STATUS_OK;
}

static enum status open_store(struct service *service)
{
	const struct config *config = service->config;
	struct store_options options = {
		.url = config->database_url.text,
		.prepared = config->prepared,
		.connections = CONNECTIONS,
		.connect_ms = CONNECT_MS,
		.lease_ms = LEASE_MS,
		.call_ms = CALL_MS,
	};
	return store_open(&options, &service->store);
}

/* A database that is away may come back with the right schema; one that is
 * there with the wrong one will not mend itself. */
static enum status check_schema(struct service *service, bool *there_out)
{
	CLEANUP(arena_free) struct arena *mem = arena_new(0);
	char *why = NULL;
	enum status checked = store_check_schema(service->store, mem, &why);
	if (checked == STATUS_INVALID)
		log_error("schema refused", LOG_TEXT("reason", why));
	else if (checked != STATUS_OK)
		log_warn("database away", LOG_TEXT("remedy", "answering 503 until it is back"),
			 LOG_STATUS(checked));
	*there_out = checked == STATUS_OK;
	return checked == STATUS_INVALID ? STATUS_INVALID : STATUS_OK;
}

static enum status start_feed(struct service *service)
{
	const struct config *config = service->config;
	const char *direct = config->feed_database_url.text;
	struct feed_options options = {
		.url = direct != NULL ? direct : config->database_url.text,
		.max_age_ms = config->revocation_max_age_ms,
		.connect_ms = CONNECT_MS,
		.rng = service->rng,
		.requests = service->store,
		.keys_changed = on_keys_changed,
		.state = service,
	};
	return feed_start(&options, &service->feed);
}

struct password_params service_password_params(const struct config *config)
{
	return (struct password_params){
		.kind = config->password_hash == CONFIG_SCRYPT ? PASSWORD_SCRYPT
							       : PASSWORD_ARGON2ID,
		.memory_kib = config->argon2_memory_kib,
		.time = config->argon2_time,
	};
}

/* A new worker beside old ones would answer 503 where they know better. */
static void wait_until_loaded(struct service *service)
{
	struct feed_stats stats = { .age_ms = -1 };
	int64_t until_ms = clock_mono_ms() + LOAD_WAIT_MS;
	while (stats.age_ms < 0 && clock_mono_ms() < until_ms) {
		usleep(LOAD_LOOK_US);
		feed_read_stats(service->feed, clock_mono_ms(), &stats);
	}
}

static enum status open_parts(struct service *service)
{
	bool there = false;
	TRY(password_decoy_make(&service->password_params, service->rng, service->mem,
				&service->decoy));
	TRY(keys_open(service, &service->keys));
	TRY(open_store(service));
	TRY(check_schema(service, &there));
	TRY(issuer_fetch_start(service, &service->issuer_fetch));
	if (service->config->audit)
		TRY(audit_start(service->store, service->rng, &service->audit));
	TRY(start_feed(service));
	if (there)
		wait_until_loaded(service);
	TRY(rotation_start(service, &service->rotation));
	return STATUS_OK;
}

enum status service_open(const struct config *config, struct service_plan *plan,
			 const struct service_shared *shared, const struct rng *rng,
			 struct service **out)
{
	struct arena *mem = arena_new(0);
	struct service *service = arena_alloc(mem, sizeof(*service));
	service->mem = mem;
	service->config = config;
	service->plan = plan;
	service->shared = *shared;
	service->rng = rng;
	service->tidy_due_ms = clock_mono_ms() + TIDY_EVERY_MS;
	service->session_rules = (struct session_rules){
		config->session_ttl_s,
		config->session_update_age_s,
		config->session_fresh_age_s,
	};
	service->password_params = service_password_params(config);
	enum status opened = open_parts(service);
	if (opened != STATUS_OK)
		service_close(&service);
	else
		*out = service;
	return opened;
}

void service_close(struct service **service)
{
	if (*service == NULL)
		return;
	struct arena *mem = (*service)->mem;
	rotation_stop(&(*service)->rotation);
	issuer_fetch_stop(&(*service)->issuer_fetch);
	audit_stop(&(*service)->audit);
	store_stop((*service)->store);
	feed_stop(&(*service)->feed);
	store_close(&(*service)->store);
	keys_close(&(*service)->keys);
	arena_free(&mem);
	*service = NULL;
}

void service_tidy_when_due(struct service *service)
{
	int64_t now_ms = clock_mono_ms();
	int64_t due_ms = atomic_load(&service->tidy_due_ms);
	if (now_ms < due_ms ||
	    !atomic_compare_exchange_strong(&service->tidy_due_ms, &due_ms, now_ms + TIDY_EVERY_MS))
		return;
	enum status tidied = store_tidy(service->store, clock_wall_ms());
	if (tidied != STATUS_OK)
		log_warn("tidying failed", LOG_STATUS(tidied));
}

struct span service_new_id(const struct service *service, struct arena *mem)
{
	char *id = arena_alloc(mem, RNG_ID_LEN + 1);
	rng_id(service->rng, id);
	return span_make(id, RNG_ID_LEN);
}
