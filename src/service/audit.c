/* SPDX-License-Identifier: MIT */
#include "service/audit.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/siphash.h"
#include "store/audit_store.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define ROOM 1024
#define WRITE_EVERY_MS 1000
#define USER_MAX 64
#define ADDRESS_MAX 63

static const char *const event_words[AUDIT_EVENTS] = {
	[AUDIT_SIGN_UP] = "sign-up",
	[AUDIT_SIGN_UP_REFUSED] = "sign-up refused",
	[AUDIT_SIGN_IN] = "sign-in",
	[AUDIT_SIGN_IN_REFUSED] = "sign-in refused",
	[AUDIT_SIGN_OUT] = "sign-out",
	[AUDIT_SESSIONS_REVOKED] = "sessions revoked",
	[AUDIT_PASSWORD_CHANGED] = "password changed",
	[AUDIT_PASSWORD_CHANGE_REFUSED] = "password change refused",
	[AUDIT_PASSWORD_REFUSED] = "password refused",
	[AUDIT_USER_DELETED] = "user deleted",
	[AUDIT_USER_DELETION_REFUSED] = "user deletion refused",
};

struct entry {
	uint64_t digest; /* of what makes two refusals the same */
	enum audit_event event;
	const char *reason;
	int64_t at_ms, times;
	size_t user_len, address_len;
	char user[USER_MAX], address[ADDRESS_MAX];
};

/* What has happened and is not written. */
struct page {
	struct entry entries[ROOM];
	size_t count;
	int64_t suppressed[AUDIT_EVENTS], suppressed_at_ms;
};

struct audit {
	struct store *store; /* borrowed */
	struct siphash_key key;
	pthread_t thread;
	pthread_mutex_t lock; /* guards all below but for `writing`, the thread's own */
	pthread_cond_t wake;
	bool stopping;
	struct page *filling, *writing;
	size_t writing_count;    /* for the statistics */
	int64_t refusals_due_ms; /* monotonic: the bucket's level, as a time */
	uint64_t suppressed_total;
};

const char *audit_event_word(enum audit_event event)
{
	return event_words[event];
}

/* --- noting --- */

static size_t copy(char *to, size_t room, struct span from)
{
	size_t len = from.len < room ? from.len : room;
	if (len > 0)
		memcpy(to, from.at, len);
	return len;
}

static struct entry entry_of(const struct audit *audit, enum audit_event event, struct span user_id,
			     struct span address, const char *reason)
{
	struct entry e = { .event = event, .reason = reason, .at_ms = clock_wall_ms(), .times = 1 };
	e.user_len = copy(e.user, sizeof(e.user), user_id);
	e.address_len = copy(e.address, sizeof(e.address), address);
	e.digest = siphash(&audit->key, span_make(e.user, sizeof(e.user))) ^
		   siphash(&audit->key, span_make(e.address, sizeof(e.address))) * 3;
	return e;
}

static struct entry *find_same(struct page *page, const struct entry *e)
{
	for (size_t i = 0; i < page->count; i++) {
		struct entry *old = &page->entries[i];
		if (old->digest == e->digest && old->event == e->event && old->reason == e->reason)
			return old;
	}
	return NULL;
}

/* A bucket of AUDIT_BURST that fills by AUDIT_RATE a second. */
static bool may_refuse(struct audit *audit)
{
	int64_t now_ms = clock_mono_ms();
	int64_t empty_ms = now_ms - AUDIT_BURST * 1000 / AUDIT_RATE;
	if (audit->refusals_due_ms < empty_ms)
		audit->refusals_due_ms = empty_ms;
	if (audit->refusals_due_ms > now_ms)
		return false;
	audit->refusals_due_ms += 1000 / AUDIT_RATE;
	return true;
}

static void suppress(struct audit *audit, const struct entry *e)
{
	struct page *page = audit->filling;
	if (page->suppressed_at_ms == 0)
		page->suppressed_at_ms = e->at_ms;
	page->suppressed[e->event]++;
	audit->suppressed_total++;
}

static void note_locked(struct audit *audit, const struct entry *e)
{
	struct page *page = audit->filling;
	struct entry *same = e->reason != NULL ? find_same(page, e) : NULL;
	if (same != NULL) {
		same->times++;
		return;
	}
	if (page->count == ROOM || (e->reason != NULL && !may_refuse(audit))) {
		suppress(audit, e);
		return;
	}
	page->entries[page->count++] = *e;
	if (page->count == ROOM / 2)
		pthread_cond_signal(&audit->wake);
}

void audit_note(struct audit *audit, enum audit_event event, struct span user_id,
		struct span address, const char *reason)
{
	if (audit == NULL)
		return;
	struct entry e = entry_of(audit, event, user_id, address, reason);
	pthread_mutex_lock(&audit->lock);
	note_locked(audit, &e);
	pthread_mutex_unlock(&audit->lock);
}

/* --- writing --- */

static struct span text_or_absent(const char *at, size_t len)
{
	return len > 0 ? span_make(at, len) : SPAN_ABSENT;
}

static struct audit_line line_of(const struct entry *e)
{
	return (struct audit_line){
		.at_ms = e->at_ms,
		.event = event_words[e->event],
		.user_id = text_or_absent(e->user, e->user_len),
		.address = text_or_absent(e->address, e->address_len),
		.reason = e->reason,
		.times = e->times,
	};
}

static enum status write_entries(struct audit *audit, struct arena *mem)
{
	struct page *page = audit->writing;
	struct audit_line lines[AUDIT_LINES_MAX];
	while (page->count > 0) {
		size_t first = page->count > AUDIT_LINES_MAX ? page->count - AUDIT_LINES_MAX : 0;
		size_t count = page->count - first;
		for (size_t i = 0; i < count; i++)
			lines[i] = line_of(&page->entries[first + i]);
		TRY(store_audit(audit->store, mem, lines, count));
		page->count = first;
	}
	return STATUS_OK;
}

static enum status write_suppressed(struct audit *audit, struct arena *mem)
{
	struct page *page = audit->writing;
	struct audit_line lines[AUDIT_EVENTS];
	size_t count = 0;
	for (size_t i = 0; i < AUDIT_EVENTS; i++)
		if (page->suppressed[i] > 0)
			lines[count++] = (struct audit_line){
				.at_ms = page->suppressed_at_ms,
				.event = event_words[i],
				.reason = "suppressed",
				.times = page->suppressed[i],
			};
	return count > 0 ? store_audit(audit->store, mem, lines, count) : STATUS_OK;
}

/* Writes the page, whose last rows go first: in the order of their numbers
 * would need them moved, and who reads sorts by time. */
static enum status write_page(struct audit *audit)
{
	CLEANUP(arena_free) struct arena *mem = arena_new(0);
	TRY(write_entries(audit, mem));
	TRY(write_suppressed(audit, mem));
	memset(audit->writing->suppressed, 0, sizeof(audit->writing->suppressed));
	audit->writing->suppressed_at_ms = 0;
	return STATUS_OK;
}

/* Takes the lock's page for the thread, once its own is written. */
static void turn_page(struct audit *audit)
{
	struct page *written = audit->writing;
	audit->writing = audit->filling;
	audit->filling = written;
	audit->writing_count = audit->writing->count;
}

static void wait_locked(struct audit *audit)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += WRITE_EVERY_MS / 1000;
	pthread_cond_timedwait(&audit->wake, &audit->lock, &until);
}

/* Says it once when writing begins to fail, and not while the database is
 * known to be away, which the pool says. */
static bool write_and_tell(struct audit *audit, bool failed_before)
{
	enum status status = write_page(audit);
	if (status != STATUS_OK && status != STATUS_UNAVAILABLE && !failed_before)
		log_error("audit trail not written", LOG_STATUS(status));
	return status == STATUS_OK;
}

static void *run(void *state)
{
	struct audit *audit = state;
	bool written = true, last = false;
	pthread_mutex_lock(&audit->lock);
	while (!last) {
		if (!audit->stopping)
			wait_locked(audit);
		last = audit->stopping;
		if (written)
			turn_page(audit);
		pthread_mutex_unlock(&audit->lock);
		written = write_and_tell(audit, !written);
		if (written && last) {
			turn_page(audit);
			written = write_and_tell(audit, false);
		}
		pthread_mutex_lock(&audit->lock);
		audit->writing_count = audit->writing->count;
	}
	pthread_mutex_unlock(&audit->lock);
	return NULL;
}

/* --- starting and stopping --- */

static void audit_free(struct audit *audit)
{
	free(audit->filling);
	free(audit->writing);
	free(audit);
}

static void prepare(struct audit *audit, struct store *store, const struct rng *rng)
{
	pthread_condattr_t attr;
	audit->store = store;
	audit->refusals_due_ms = INT64_MIN / 2;
	rng_fill(rng, &audit->key, sizeof(audit->key));
	pthread_mutex_init(&audit->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&audit->wake, &attr);
	pthread_condattr_destroy(&attr);
}

enum status audit_start(struct store *store, const struct rng *rng, struct audit **out)
{
	struct audit *audit = calloc(1, sizeof(*audit));
	if (audit == NULL)
		abort();
	audit->filling = calloc(1, sizeof(*audit->filling));
	audit->writing = calloc(1, sizeof(*audit->writing));
	if (audit->filling == NULL || audit->writing == NULL)
		abort();
	prepare(audit, store, rng);
	if (pthread_create(&audit->thread, NULL, run, audit) != 0) {
		audit_free(audit);
		return STATUS_UNAVAILABLE;
	}
	*out = audit;
	return STATUS_OK;
}

void audit_stop(struct audit **audit)
{
	if (*audit == NULL)
		return;
	pthread_mutex_lock(&(*audit)->lock);
	(*audit)->stopping = true;
	pthread_cond_signal(&(*audit)->wake);
	pthread_mutex_unlock(&(*audit)->lock);
	pthread_join((*audit)->thread, NULL);
	pthread_cond_destroy(&(*audit)->wake);
	pthread_mutex_destroy(&(*audit)->lock);
	audit_free(*audit);
	*audit = NULL;
}

void audit_read_stats(struct audit *audit, struct audit_stats *out)
{
	*out = (struct audit_stats){ 0 };
	if (audit == NULL)
		return;
	pthread_mutex_lock(&audit->lock);
	out->waiting = audit->filling->count + audit->writing_count;
	out->suppressed = audit->suppressed_total;
	pthread_mutex_unlock(&audit->lock);
}
