/* SPDX-License-Identifier: MIT */
#include "fake.h"

#include <pthread.h>
#include <stdlib.h>

enum { IDS_MAX = 4096, ID_MAX = 80 };

struct feed {
	struct feed_options options;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct feed only;
static enum feed_state state_now;
static bool is_deaf;
static unsigned wakes;
static size_t ended_count, cut_count;
static char ended[IDS_MAX][ID_MAX];
static struct {
	char user_id[ID_MAX];
	int64_t not_before;
} cuts[IDS_MAX];

static void keep(char to[ID_MAX], struct span id)
{
	size_t len = id.len < ID_MAX - 1 ? id.len : ID_MAX - 1;
	if (len > 0)
		memcpy(to, id.at, len);
	to[len] = '\0';
}

enum status feed_start(const struct feed_options *options, struct feed **out)
{
	only.options = *options;
	state_now = FEED_CURRENT;
	is_deaf = false;
	wakes = 0;
	ended_count = cut_count = 0;
	*out = &only;
	return STATUS_OK;
}

void feed_stop(struct feed **feed)
{
	*feed = NULL;
}

static bool covers(struct span session_id, struct span user_id, int64_t issued)
{
	for (size_t i = 0; i < ended_count; i++)
		if (!span_is_absent(session_id) && span_is(session_id, ended[i]))
			return true;
	for (size_t i = 0; i < cut_count; i++)
		if (issued < cuts[i].not_before &&
		    (cuts[i].user_id[0] == '\0' || span_is(user_id, cuts[i].user_id)))
			return true;
	return false;
}

struct feed_answer feed_ask(struct feed *feed, struct span session_id, struct span user_id,
			    int64_t issued, int64_t mono_ms)
{
	(void)feed, (void)mono_ms;
	pthread_mutex_lock(&lock);
	struct feed_answer answer = { .state = state_now };
	if (state_now != FEED_BLIND)
		answer.revoked = covers(session_id, user_id, issued < 0 ? 0 : issued);
	pthread_mutex_unlock(&lock);
	return answer;
}

void feed_wake(struct feed *feed)
{
	(void)feed;
	pthread_mutex_lock(&lock);
	wakes++;
	pthread_mutex_unlock(&lock);
}

void feed_read_stats(struct feed *feed, int64_t mono_ms, struct feed_stats *out)
{
	(void)feed, (void)mono_ms;
	*out = (struct feed_stats){
		.state = state_now,
		.age_ms = state_now == FEED_BLIND ? -1 : 0,
		.revocations = ended_count,
		.reads = 1,
	};
}

void fake_feed_set(enum feed_state state)
{
	state_now = state;
}

void fake_feed_deaf(bool deaf)
{
	is_deaf = deaf;
}

void fake_feed_revoke(struct span session_id)
{
	pthread_mutex_lock(&lock);
	if (ended_count < IDS_MAX)
		keep(ended[ended_count++], session_id);
	pthread_mutex_unlock(&lock);
}

void fake_feed_cut_off(struct span user_id, int64_t not_before)
{
	pthread_mutex_lock(&lock);
	if (cut_count < IDS_MAX) {
		keep(cuts[cut_count].user_id, user_id);
		cuts[cut_count++].not_before = not_before;
	}
	pthread_mutex_unlock(&lock);
}

void fake_feed_new_keys(uint64_t generation)
{
	if (only.options.keys_changed != NULL)
		only.options.keys_changed(only.options.state, generation);
}

unsigned fake_feed_wakes(void)
{
	return wakes;
}

void fake_feed_heard(struct span session_id)
{
	if (!is_deaf)
		fake_feed_revoke(session_id);
}
