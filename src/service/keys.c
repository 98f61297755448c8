/* SPDX-License-Identifier: MIT */
#include "service/keys.h"

#include "base/clock.h"
#include "base/log.h"
#include "service/service.h"
#include "store/key_store.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define UNKNOWN_PAUSE_MS 100
#define LOOK_TRIES 5
#define LEAD_MAX_MS 600000
#define GRACE_MS (INT64_C(30) * 86400000)
/* Hosts' clocks differ, and a token says whole seconds. */
#define SLACK_MS 60000

struct key_holder {
	pthread_mutex_t changing;     /* one change at a time; guards `texts` */
	pthread_mutex_t lock;         /* guards the swap of `keys` */
	struct keyring *_Atomic keys; /* who holds it may compare without the lock */
	_Atomic bool rows_loaded;
	_Atomic int64_t unknown_due_ms; /* next reload for an unknown kid */
	char *_Atomic *texts;           /* last good key set of each foreign issuer */
	size_t issuer_count;
};

static enum jws_alg signing_alg(const struct config *config)
{
	static const enum jws_alg algs[] = {
		[CONFIG_HS256] = JWS_HS256,
		[CONFIG_EDDSA] = JWS_EDDSA,
		[CONFIG_ES256] = JWS_ES256,
		[CONFIG_RS256] = JWS_RS256,
	};
	return algs[config->jwt_alg];
}

static int64_t max_age_ms(const struct config *config)
{
	return config->jwt_key_max_age_s * 1000;
}

int64_t keys_lead_ms(const struct config *config)
{
	int64_t lead_ms = max_age_ms(config) / 4;
	return lead_ms < LEAD_MAX_MS ? lead_ms : LEAD_MAX_MS;
}

/* Until the last token that a key signed has expired, and with keys that change
 * by themselves no longer: an old one that leaked should be of no use. */
static int64_t grace_ms(const struct config *config)
{
	int64_t needed_ms = (config->jwt_ttl_s + config->jwt_leeway_s) * 1000 + SLACK_MS;
	return max_age_ms(config) > 0 || needed_ms > GRACE_MS ? needed_ms : GRACE_MS;
}

static struct keyring_source source_of(const struct service *service, const struct key_row *rows,
				       size_t count, uint64_t generation)
{
	return (struct keyring_source){
		.secrets = service->plan->secrets,
		.secret_versions = service->plan->secret_versions,
		.secret_count = service->plan->secret_count,
		.signing_alg = signing_alg(service->config),
		.rows = rows,
		.row_count = count,
		.generation = generation,
		.now_ms = clock_wall_ms(),
		.key_max_age_ms = max_age_ms(service->config),
		.grace_ms = grace_ms(service->config),
	};
}

static enum status make_keyring(const struct service *service, const struct key_row *rows,
				size_t count, uint64_t generation, struct keyring **out)
{
	struct keyring_source source = source_of(service, rows, count, generation);
	size_t skipped = 0;
	TRY(keyring_new(&source, &skipped, out));
	if (skipped > 0)
		log_warn("keys skipped", LOG_INT("count", (int64_t)skipped),
			 LOG_TEXT("reason", "row of \"jwks\" cannot be read with our secrets"));
	return STATUS_OK;
}

enum status keys_open(struct service *service, struct key_holder **out)
{
	struct keyring *keys = NULL;
	TRY(make_keyring(service, NULL, 0, 0, &keys));
	struct key_holder *holder = calloc(1, sizeof(*holder));
	size_t issuers = service->plan->issuer_count;
	if (holder == NULL || (holder->texts = calloc(issuers + 1, sizeof(*holder->texts))) == NULL)
		abort();
	holder->issuer_count = issuers;
	pthread_mutex_init(&holder->changing, NULL);
	pthread_mutex_init(&holder->lock, NULL);
	atomic_store(&holder->keys, keys);
	*out = holder;
	return STATUS_OK;
}

void keys_close(struct key_holder **holder)
{
	if (*holder == NULL)
		return;
	struct keyring *keys = atomic_load(&(*holder)->keys);
	keyring_release(&keys);
	for (size_t i = 0; i < (*holder)->issuer_count; i++)
		free(atomic_load(&(*holder)->texts[i]));
	free((*holder)->texts);
	pthread_mutex_destroy(&(*holder)->lock);
	pthread_mutex_destroy(&(*holder)->changing);
	free(*holder);
	*holder = NULL;
}

static void swap(struct key_holder *holder, struct keyring *fresh)
{
	pthread_mutex_lock(&holder->lock);
	struct keyring *old = atomic_exchange(&holder->keys, fresh);
	pthread_mutex_unlock(&holder->lock);
	keyring_release(&old);
}

/* Replaces *keys by a copy that holds the issuer's key set as well. */
static enum status add_issuer(struct service *service, size_t issuer, struct span jwks_json,
			      struct keyring **keys)
{
	const struct foreign_issuer *entry = &service->plan->issuers[issuer - 1];
	struct keyring *wider = NULL;
	size_t skipped = 0;
	TRY(keyring_with_issuer(*keys, issuer, jwks_json, entry->algs, &skipped, &wider));
	if (skipped > 0)
		log_info("issuer keys skipped", LOG_SPAN("issuer", entry->name),
			 LOG_INT("count", (int64_t)skipped));
	keyring_release(keys);
	*keys = wider;
	return STATUS_OK;
}

static enum status read_keyring(struct service *service, uint64_t generation, struct keyring **out)
{
	CLEANUP(arena_free) struct arena *mem = arena_new(0);
	struct key_row *rows = NULL;
	size_t count = 0;
	TRY(store_keys(service->store, mem, &rows, &count));
	return make_keyring(service, rows, count, generation, out);
}

/* Puts *fresh, which it takes, with the other issuers' keys, in force. */
static enum status put_in_force_locked(struct service *service, struct keyring **fresh)
{
	struct key_holder *holder = service->keys;
	for (size_t i = 0; i < holder->issuer_count; i++) {
		const char *text = atomic_load(&holder->texts[i]);
		if (text != NULL)
			TRY(add_issuer(service, i + 1, span_of(text), fresh));
	}
	swap(holder, *fresh);
	*fresh = NULL;
	atomic_store(&holder->rows_loaded, true);
	return STATUS_OK;
}

/* The rows are read before the lock is taken: nobody waits for the database
 * while holding one. */
enum status keys_reload(struct service *service, uint64_t generation)
{
	CLEANUP(keyring_release) struct keyring *fresh = NULL;
	struct key_holder *holder = service->keys;
	TRY(read_keyring(service, generation, &fresh));
	pthread_mutex_lock(&holder->changing);
	enum status put = put_in_force_locked(service, &fresh);
	pthread_mutex_unlock(&holder->changing);
	return put;
}

/* For those whom nobody told of a change. What they have read may be older than
 * what the feed has put in force since; then it must not come back. */
static enum status look_again(struct service *service)
{
	struct key_holder *holder = service->keys;
	enum status put = STATUS_BUSY;
	for (int tries = 0; tries < LOOK_TRIES && put == STATUS_BUSY; tries++) {
		CLEANUP(keyring_release) struct keyring *before = NULL, *fresh = NULL;
		keys_refresh(service, &before);
		uint64_t generation = keyring_generation(before);
		TRY(read_keyring(service, generation, &fresh));
		pthread_mutex_lock(&holder->changing);
		if (keyring_generation(atomic_load(&holder->keys)) == generation)
			put = put_in_force_locked(service, &fresh);
		pthread_mutex_unlock(&holder->changing);
	}
	return put;
}

/* The pause begins when a read has ended: whoever comes while one is under way
 * reads for itself rather than say no too early. */
bool keys_look_for_unknown(struct service *service, const struct keyring *held)
{
	struct key_holder *holder = service->keys;
	if (atomic_load(&holder->keys) != held)
		return true;
	if (clock_mono_ms() < atomic_load(&holder->unknown_due_ms))
		return false;
	enum status reloaded = look_again(service);
	atomic_store(&holder->unknown_due_ms, clock_mono_ms() + UNKNOWN_PAUSE_MS);
	return reloaded == STATUS_OK;
}

enum status keys_set_issuer(struct service *service, size_t issuer, struct span jwks_json)
{
	struct key_holder *holder = service->keys;
	struct keyring *keys = NULL;
	char *text = strndup(jwks_json.at, jwks_json.len);
	if (text == NULL)
		return STATUS_NO_MEMORY;
	pthread_mutex_lock(&holder->changing);
	keys_refresh(service, &keys);
	enum status added = add_issuer(service, issuer, span_of(text), &keys);
	if (added == STATUS_OK) {
		swap(holder, keys);
		free(atomic_exchange(&holder->texts[issuer - 1], text));
	} else {
		keyring_release(&keys);
		free(text);
	}
	pthread_mutex_unlock(&holder->changing);
	return added;
}

bool keys_are_loaded(const struct service *service, size_t issuer)
{
	const struct key_holder *holder = service->keys;
	if (issuer == KEYRING_OWN)
		return atomic_load(&holder->rows_loaded);
	return atomic_load(&holder->texts[issuer - 1]) != NULL;
}

void keys_refresh(struct service *service, struct keyring **held)
{
	struct key_holder *holder = service->keys;
	/* What we hold cannot be freed, so its address cannot be another's. */
	if (*held != NULL && *held == atomic_load(&holder->keys))
		return;
	pthread_mutex_lock(&holder->lock);
	struct keyring *now = keyring_hold(atomic_load(&holder->keys));
	pthread_mutex_unlock(&holder->lock);
	keyring_release(held);
	*held = now;
}

static enum status insert_signer(struct service *service, int64_t from_ms)
{
	CLEANUP(arena_free) struct arena *mem = arena_new(0);
	struct keyring_source source = source_of(service, NULL, 0, 0);
	struct key_row row;
	source.now_ms = from_ms;
	TRY(keyring_generate(source.signing_alg, &source, service->rng, mem, &row));
	enum status inserted = store_insert_signer(service->store, &row, source.key_max_age_ms);
	/* Another worker or host was first: its key serves as well. */
	if (inserted == STATUS_CONFLICT)
		return STATUS_OK;
	if (inserted == STATUS_OK)
		log_info("signing key made", LOG_SPAN("kid", row.id), LOG_SPAN("alg", row.alg));
	return inserted;
}

enum status keys_ensure_signer(struct service *service, struct keyring **held, int64_t ahead_ms)
{
	int64_t now_ms = clock_wall_ms(), beyond_ms = now_ms + ahead_ms;
	keys_refresh(service, held);
	if (keyring_signs_until(*held) > beyond_ms)
		return STATUS_OK;
	TRY(look_again(service));
	keys_refresh(service, held);
	int64_t until_ms = keyring_signs_until(*held);
	if (until_ms <= beyond_ms) {
		/* The next one's time begins where the last one's ends. */
		TRY(insert_signer(service, until_ms > now_ms ? until_ms : now_ms));
		TRY(look_again(service));
		keys_refresh(service, held);
	}
	return keyring_signs_until(*held) > beyond_ms ? STATUS_OK : STATUS_UNAVAILABLE;
}
