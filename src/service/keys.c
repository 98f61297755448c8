/* SPDX-License-Identifier: MIT */
#include "service/keys.h"

#include "base/clock.h"
#include "base/log.h"
#include "service/service.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct key_holder {
	pthread_mutex_t lock;            /* guards the swap of `keys` */
	struct keyring *_Atomic keys;    /* a thread that holds it may compare without the lock */
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
	if (holder == NULL)
		abort();
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
	pthread_mutex_destroy(&(*holder)->lock);
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

enum status keys_reload(struct service *service, uint64_t generation)
{
	CLEANUP(arena_free) struct arena *mem = arena_new(0);
	struct key_row *rows = NULL;
	size_t count = 0;
	TRY(store_keys(service->store, mem, &rows, &count));
	struct keyring *fresh = NULL;
	TRY(make_keyring(service, rows, count, generation, &fresh));
	swap(service->keys, fresh);
	return STATUS_OK;
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

static enum status insert_first_key(struct service *service, struct arena *mem)
{
	struct keyring_source source = source_of(service, NULL, 0, 0);
	struct key_row row;
	TRY(keyring_generate(source.signing_alg, &source, service->rng, mem, &row));
	enum status inserted = store_insert_first_key(service->store, &row, source.now_ms);
	/* Another worker or host was first: its key serves as well. */
	return inserted == STATUS_CONFLICT ? STATUS_OK : inserted;
}

enum status keys_ensure_signer(struct service *service, struct keyring **held)
{
	keys_refresh(service, held);
	if (keyring_signer(*held) != NULL)
		return STATUS_OK;
	uint64_t generation = keyring_generation(*held);
	TRY(keys_reload(service, generation));
	keys_refresh(service, held);
	if (keyring_signer(*held) == NULL) {
		CLEANUP(arena_free) struct arena *mem = arena_new(0);
		TRY(insert_first_key(service, mem));
		TRY(keys_reload(service, generation));
		keys_refresh(service, held);
	}
	return keyring_signer(*held) != NULL ? STATUS_OK : STATUS_UNAVAILABLE;
}
