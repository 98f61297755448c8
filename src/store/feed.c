/* SPDX-License-Identifier: MIT */
#include "store/feed.h"

#include "base/clock.h"
#include "base/log.h"
#include "model/revocation.h"
#include "store/feed_read.h"
#include "store/pg.h"
#include "store/witness.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define RETRY_MS 1000
/* However many notifications come, and any role can send them. */
#define READ_GAP_MS 20
#define EXPIRE_EVERY_S 60
#define PLACE_MAX 64

enum trouble { NO_TROUBLE, CUT_OFF, POOLED };

struct feed {
	struct feed_options options;
	char *url;
	int stop_fd, wake_fd;
	pthread_t thread;

	struct witness *witness;

	pthread_rwlock_t lock; /* guards the seven below */
	struct revocation_set *set;
	int64_t known_ms; /* start of the last good read; -1: blind */
	int64_t floor_s;  /* tokens issued before are refused */
	bool connected;
	/* The database that is followed, and the one that requests go to, ""
	 * while not known; astray: they are known to be two. */
	char place[PLACE_MAX], requests[PLACE_MAX];
	bool astray;

	_Atomic uint64_t reads, reconnects;

	/* The thread's own. */
	struct pg *pg;
	struct feed_mark mark;
	bool whole;    /* `set` holds all up to `mark` */
	bool disarmed; /* the triggers were missing at the last reading */
	uint64_t keys;
	int64_t expired_s;
	enum trouble reported;

	bool astray_reported; /* the witness's own */
};

/* --- asking --- */

static enum feed_state state_at(const struct feed *feed, int64_t mono_ms)
{
	if (feed->astray || feed->known_ms < 0 ||
	    mono_ms - feed->known_ms > feed->options.max_age_ms)
		return FEED_BLIND;
	return feed->connected ? FEED_CURRENT : FEED_AGEING;
}

struct feed_answer feed_ask(struct feed *feed, struct span session_id, struct span user_id,
			    int64_t issued, int64_t mono_ms)
{
	struct feed_answer answer = { 0 };
	pthread_rwlock_rdlock(&feed->lock);
	answer.state = state_at(feed, mono_ms);
	if (answer.state != FEED_BLIND)
		answer.revoked = issued < feed->floor_s ||
				 revocation_covers(feed->set, session_id, user_id, issued);
	pthread_rwlock_unlock(&feed->lock);
	return answer;
}

void feed_read_stats(struct feed *feed, int64_t mono_ms, struct feed_stats *out)
{
	pthread_rwlock_rdlock(&feed->lock);
	int64_t age_ms = mono_ms > feed->known_ms ? mono_ms - feed->known_ms : 0;
	*out = (struct feed_stats){
		.state = state_at(feed, mono_ms),
		.age_ms = feed->known_ms < 0 ? -1 : age_ms,
		.revocations = revocation_count(feed->set),
		.bytes = revocation_bytes(feed->set),
		.reads = feed->reads,
		.reconnects = feed->reconnects,
	};
	pthread_rwlock_unlock(&feed->lock);
}

/* --- learning --- */

static void set_connected(struct feed *feed, bool connected)
{
	pthread_rwlock_wrlock(&feed->lock);
	feed->connected = connected;
	pthread_rwlock_unlock(&feed->lock);
}

/* What was learned is incomplete: nothing may be concluded from it. */
static void go_blind(struct feed *feed)
{
	pthread_rwlock_wrlock(&feed->lock);
	feed->known_ms = -1;
	pthread_rwlock_unlock(&feed->lock);
	feed->whole = false;
}

/* A lock for a few rows: askers do not wait for long, and thousands of rows are
 * not thousands of waits for askers. */
static enum status take_changes(void *state, const struct feed_row *rows, size_t count)
{
	struct feed *feed = state;
	pthread_rwlock_wrlock(&feed->lock);
	enum status status = feed_rows_apply(feed->set, rows, count);
	pthread_rwlock_unlock(&feed->lock);
	return status;
}

static void forget_expired(struct feed *feed, int64_t now_s)
{
	if (now_s - feed->expired_s < EXPIRE_EVERY_S)
		return;
	feed->expired_s = now_s;
	pthread_rwlock_wrlock(&feed->lock);
	revocation_expire(feed->set, now_s);
	pthread_rwlock_unlock(&feed->lock);
}

/* A removed key must not live on because a read of the keys failed once. */
static bool tell_keys(struct feed *feed, uint64_t keys)
{
	if (keys != feed->keys && feed->options.keys_changed != NULL &&
	    !feed->options.keys_changed(feed->options.state, keys))
		return false;
	feed->keys = keys;
	return true;
}

static enum status take_fresh(void *state, const struct feed_row *rows, size_t count)
{
	return feed_rows_apply(state, rows, count);
}

/* The cut-offs alone: a session that has ended never comes back, and a second
 * set of all of them would cost as much memory again. */
static enum status read_cut_offs_afresh(struct feed *feed)
{
	struct revocation_set *fresh = revocation_new_like(feed->set);
	enum status status = feed_read_cut_offs(feed->pg, take_fresh, fresh);
	if (status == STATUS_OK) {
		pthread_rwlock_wrlock(&feed->lock);
		revocation_swap_cut_offs(feed->set, fresh);
		pthread_rwlock_unlock(&feed->lock);
	}
	revocation_free(&fresh);
	return status;
}

static enum status read_tables(struct feed *feed, struct feed_mark *mark)
{
	bool first = feed->mark.reload == 0;
	/* What is known already may be added again... */
	*mark = feed->whole ? feed->mark : (struct feed_mark)FEED_MARK_START;
	TRY(feed_read(feed->pg, mark, take_changes, feed));
	/* ... unless something was taken back, which a set cannot express. */
	return first || mark->reload == feed->mark.reload ? STATUS_OK : read_cut_offs_afresh(feed);
}

/* Sessions may have ended unseen until the triggers were back: no token from
 * before that time is believed. */
static void distrust_before(struct feed *feed, int64_t now_s)
{
	pthread_rwlock_wrlock(&feed->lock);
	feed->floor_s = now_s + 1;
	pthread_rwlock_unlock(&feed->lock);
	feed->disarmed = false;
}

static enum status check_triggers(struct feed *feed, const struct feed_mark *mark)
{
	if (mark->armed && feed->disarmed)
		distrust_before(feed, mark->now_ms / 1000);
	if (mark->armed)
		return STATUS_OK;
	if (!feed->disarmed)
		log_error("triggers are missing: run `authbridgectl migrate`");
	feed->disarmed = true;
	return STATUS_INTERNAL;
}

static enum status learn(struct feed *feed)
{
	int64_t start_ms = clock_mono_ms();
	struct feed_mark mark;
	enum status status = read_tables(feed, &mark);
	if (status == STATUS_OK)
		status = check_triggers(feed, &mark);
	/* A lost connection keeps what is known, which ages; anything else has
	 * left the knowledge incomplete. */
	if (status != STATUS_OK) {
		if (status != STATUS_UNAVAILABLE)
			go_blind(feed);
		return status;
	}
	feed->mark = mark;
	feed->whole = true;
	feed->reads++;
	if (!tell_keys(feed, mark.keys))
		return STATUS_UNAVAILABLE;
	pthread_rwlock_wrlock(&feed->lock);
	feed->known_ms = start_ms;
	feed->connected = true;
	pthread_rwlock_unlock(&feed->lock);
	forget_expired(feed, mark.now_ms / 1000);
	return STATUS_OK;
}

/* --- the thread --- */

static bool is_readable(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	return poll(&poll_fd, 1, 0) > 0;
}

/* Sleeps until `until_ms`, a notification, a wake or the stop. */
static void sleep_until(struct feed *feed, int64_t until_ms, bool wakeable)
{
	struct pollfd fds[3] = {
		{ .fd = feed->stop_fd, .events = POLLIN },
		{ .fd = wakeable ? feed->wake_fd : -1, .events = POLLIN },
		{ .fd = wakeable && feed->pg != NULL ? pg_socket(feed->pg) : -1, .events = POLLIN },
	};
	int64_t left = until_ms - clock_mono_ms();
	while (left > 0 && poll(fds, 3, left > 60000 ? 60000 : (int)left) <= 0)
		left = until_ms - clock_mono_ms();
}

static void drain(int fd)
{
	uint64_t count;
	while (read(fd, &count, sizeof(count)) < 0 && errno == EINTR)
		;
}

static void keep_place(char out[PLACE_MAX], struct span place)
{
	snprintf(out, PLACE_MAX, "%.*s", SPAN_FMT(place));
}

/* With the lock held. */
static void compare_places(struct feed *feed)
{
	feed->astray = feed->place[0] != '\0' && feed->requests[0] != '\0' &&
		       strcmp(feed->place, feed->requests) != 0;
}

static void set_place(struct feed *feed, struct span place)
{
	pthread_rwlock_wrlock(&feed->lock);
	/* A fail-over moves requests, too: the witness must look again. */
	if (feed->place[0] != '\0' && !span_is(place, feed->place))
		feed->requests[0] = '\0';
	keep_place(feed->place, place);
	compare_places(feed);
	pthread_rwlock_unlock(&feed->lock);
}

/* A pooler may hand each reading to another server and loses notifications,
 * neither of which can be seen later: not even a first one is believed. */
static enum status refuse_pooler(struct feed *feed)
{
	static const struct pg_statement who = {
		"feed_backend",
		"SELECT pg_backend_pid(), " WITNESS_PLACE,
	};
	CLEANUP(pg_rows_free) struct pg_result *rows = NULL;
	TRY(pg_run(feed->pg, &who, NULL, &rows));
	if (pg_int(rows, 0, 0) == pg_backend(feed->pg)) {
		set_place(feed, pg_text(rows, 0, 1));
		return STATUS_OK;
	}
	if (feed->reported != POOLED)
		log_error("revocation feed refused",
			  LOG_TEXT("reason", "its connection goes through a pooler"),
			  LOG_TEXT("remedy", "name PostgreSQL itself in feed_database_url"));
	feed->reported = POOLED;
	return STATUS_INVALID;
}

static enum status connect_feed(struct feed *feed)
{
	struct pg_options options = {
		.url = feed->url,
		.name = "authbridge feed",
		.prepared = true,
		.connect_ms = feed->options.connect_ms,
		.call_ms = feed->options.max_age_ms > 1000 ? feed->options.max_age_ms : 1000,
		.stop_fd = feed->stop_fd,
	};
	char reason[PG_REASON_ROOM] = "";
	enum status status = pg_connect(&options, reason, &feed->pg);
	if (status == STATUS_OK)
		status = refuse_pooler(feed);
	if (status == STATUS_OK)
		status = pg_script(feed->pg, "LISTEN authbridge_feed", options.call_ms, reason);
	if (status == STATUS_OK) {
		feed->reconnects++;
		/* Notifications are not kept for those who were away, and the
		 * server may be another one now: everything anew. */
		feed->whole = false;
	} else if (feed->reported == NO_TROUBLE) {
		log_warn("revocation feed is cut off", LOG_TEXT("reason", reason));
		feed->reported = CUT_OFF;
	}
	return status;
}

static void disconnect(struct feed *feed)
{
	pg_close(&feed->pg);
	set_connected(feed, false);
}

/* Connected and up to date, or not connected. */
static bool keep_current(struct feed *feed)
{
	unsigned heard = 0;
	enum status status = feed->pg == NULL ? connect_feed(feed) : pg_hear(feed->pg, &heard);
	if (status == STATUS_OK)
		status = learn(feed);
	if (status != STATUS_OK) {
		disconnect(feed);
		return false;
	}
	if (feed->reported != NO_TROUBLE)
		log_info("revocation feed is back");
	feed->reported = NO_TROUBLE;
	return true;
}

/* Until the next beat is due or somebody calls. A notification that came in
 * beside an answer is with libpq by now, not on the socket. */
static void rest(struct feed *feed, int64_t start_ms, int64_t beat_ms)
{
	unsigned heard = 0;
	sleep_until(feed, start_ms + READ_GAP_MS, false);
	if (pg_hear(feed->pg, &heard) == STATUS_OK && heard == 0)
		sleep_until(feed, start_ms + beat_ms, true);
	drain(feed->wake_fd);
}

static void *follow(void *state)
{
	struct feed *feed = state;
	int64_t beat_ms = feed->options.max_age_ms / 5 > 50 ? feed->options.max_age_ms / 5 : 50;
	bool retried = false;
	while (!is_readable(feed->stop_fd)) {
		int64_t start_ms = clock_mono_ms();
		bool was_connected = feed->pg != NULL;
		if (keep_current(feed)) {
			retried = false;
			rest(feed, start_ms, beat_ms);
		} else if (was_connected && !retried) {
			retried = true; /* at once, the first time */
		} else {
			sleep_until(feed, start_ms + RETRY_MS, false);
		}
	}
	return NULL;
}

/* --- the witness --- */

/* Where requests go, sessions end. While the feed is cut off, its next
 * connection decides which place is compared. */
static void hear_witness(void *state, struct span place)
{
	struct feed *feed = state;
	pthread_rwlock_wrlock(&feed->lock);
	if (feed->connected || feed->place[0] == '\0')
		keep_place(feed->requests, place);
	compare_places(feed);
	bool was_astray = feed->astray_reported;
	bool is_astray = feed->astray;
	pthread_rwlock_unlock(&feed->lock);
	feed->astray_reported = is_astray;
	if (is_astray && !was_astray)
		log_error("revocation feed is astray",
			  LOG_TEXT("reason", "requests go to another database"),
			  LOG_TEXT("remedy", "let database_url and feed_database_url lead to"
					     " one database of one server"));
	else if (was_astray && !is_astray)
		log_info("revocation feed follows the requests' database again");
}

/* --- starting and stopping --- */

static void feed_free(struct feed *feed)
{
	pg_close(&feed->pg);
	if (feed->set != NULL)
		revocation_free(&feed->set);
	if (feed->stop_fd >= 0)
		close(feed->stop_fd);
	if (feed->wake_fd >= 0)
		close(feed->wake_fd);
	pthread_rwlock_destroy(&feed->lock);
	free(feed->url);
	free(feed);
}

static bool start_thread(struct feed *feed)
{
	pthread_attr_t attr;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, (size_t)512 * 1024);
	int failed = pthread_create(&feed->thread, &attr, follow, feed);
	pthread_attr_destroy(&attr);
	return failed == 0;
}

static void init_lock(struct feed *feed)
{
	pthread_rwlockattr_t attr;
	pthread_rwlockattr_init(&attr);
	/* The one writer must not starve under a steady load of askers. */
	pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&feed->lock, &attr);
	pthread_rwlockattr_destroy(&attr);
}

static enum status start_witness(struct feed *feed)
{
	return feed->options.requests == NULL
		       ? STATUS_OK
		       : witness_start(feed->options.requests, feed->options.max_age_ms / 4,
				       hear_witness, feed, &feed->witness);
}

enum status feed_start(const struct feed_options *options, struct feed **out)
{
	TRY(pg_check_url(options->url));
	struct feed *feed = calloc(1, sizeof(*feed));
	if (feed == NULL)
		return STATUS_NO_MEMORY;
	init_lock(feed);
	feed->options = *options;
	feed->url = strdup(options->url);
	feed->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	feed->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	feed->set = revocation_new(options->rng);
	feed->known_ms = -1;
	feed->keys = UINT64_MAX;
	if (feed->url == NULL || feed->stop_fd < 0 || feed->wake_fd < 0 || !start_thread(feed)) {
		feed_free(feed);
		return STATUS_INTERNAL;
	}
	enum status status = start_witness(feed);
	if (status == STATUS_OK)
		*out = feed;
	else
		feed_stop(&feed);
	return status;
}

static void ring(int fd)
{
	uint64_t one = 1;
	while (write(fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

void feed_wake(struct feed *feed)
{
	ring(feed->wake_fd);
}

void feed_stop(struct feed **feed)
{
	if (*feed == NULL)
		return;
	witness_stop(&(*feed)->witness);
	ring((*feed)->stop_fd);
	pthread_join((*feed)->thread, NULL);
	feed_free(*feed);
	*feed = NULL;
}
