/* SPDX-License-Identifier: MIT */
#include "service/limiter.h"

#include "base/siphash.h"
#include "model/throttle.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#define SETS 8192
#define WAYS 4
#define LOCKS 64
#define KEY_MAX 256

struct entry {
	uint64_t key; /* 0: free */
	struct rate_state state;
};

struct limiter {
	struct siphash_key hash_key;
	pthread_mutex_t locks[LOCKS]; /* each guards the sets equal to it modulo LOCKS */
	struct entry sets[SETS][WAYS];
};

enum status limiter_create(const struct rng *rng, struct limiter **out)
{
	struct limiter *limiter = mmap(NULL, sizeof(*limiter), PROT_READ | PROT_WRITE,
				       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (limiter == MAP_FAILED)
		return STATUS_NO_MEMORY;
	rng_fill(rng, &limiter->hash_key, sizeof(limiter->hash_key));
	pthread_mutexattr_t attr;
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	for (size_t i = 0; i < LOCKS; i++)
		pthread_mutex_init(&limiter->locks[i], &attr);
	pthread_mutexattr_destroy(&attr);
	*out = limiter;
	return STATUS_OK;
}

void limiter_destroy(struct limiter **limiter)
{
	if (*limiter != NULL)
		munmap(*limiter, sizeof(**limiter));
	*limiter = NULL;
}

/* The entry of `key` in its set; when it is not there, the one idle longest,
 * begun anew. */
static struct entry *find_entry(struct entry *set, uint64_t key)
{
	struct entry *oldest = &set[0];
	for (size_t i = 0; i < WAYS; i++) {
		if (set[i].key == key)
			return &set[i];
		if (set[i].state.last_ms < oldest->state.last_ms)
			oldest = &set[i];
	}
	*oldest = (struct entry){ .key = key };
	return oldest;
}

static uint64_t key_of(const struct limiter *limiter, struct span address, struct span path)
{
	char text[KEY_MAX];
	size_t head = address.len < KEY_MAX / 2 ? address.len : KEY_MAX / 2 - 1;
	size_t tail = path.len < KEY_MAX / 2 ? path.len : KEY_MAX / 2;
	memcpy(text, address.at, head);
	text[head] = '|';
	memcpy(text + head + 1, path.at, tail);
	uint64_t key = siphash(&limiter->hash_key, span_make(text, head + 1 + tail));
	return key != 0 ? key : 1;
}

int64_t limiter_check(struct limiter *limiter, struct span address, struct span path,
		      int64_t now_ms)
{
	if (path.len > 1 && path.at[path.len - 1] == '/')
		path.len--;
	struct rate_rule rule = rate_rule_for(path);
	uint64_t key = key_of(limiter, address, path);
	size_t set = key % SETS;
	pthread_mutex_t *lock = &limiter->locks[set % LOCKS];
	/* A dead owner leaves at worst one counter half written: mend and go on. */
	if (pthread_mutex_lock(lock) == EOWNERDEAD)
		pthread_mutex_consistent(lock);
	struct entry *entry = find_entry(limiter->sets[set], key);
	int64_t wait = rate_check(&rule, &entry->state, now_ms);
	pthread_mutex_unlock(lock);
	return wait;
}
