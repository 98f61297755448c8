/* SPDX-License-Identifier: MIT */
#include "service/issuer_fetch.h"

#include "base/clock.h"
#include "base/log.h"
#include "service/keys.h"
#include "service/service.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#define SET_MAX 262144
#define FETCH_S 5L
#define CONNECT_S 2L
#define REDIRECTS 2L
#define REFRESH_MS 600000
#define WANTED_MS 30000
#define RETRY_MS 5000

struct source {
	int64_t tried_ms; /* -1: never */
	bool good, wanted;
};

struct issuer_fetch {
	struct service *service;
	pthread_t thread;
	pthread_mutex_t lock; /* guards sources and stopping's wake-up */
	pthread_cond_t wake;
	_Atomic bool stopping;
	struct source *sources;
};

struct download {
	struct issuer_fetch *fetch;
	struct buf body;
};

static size_t on_data(char *at, size_t size, size_t count, void *state)
{
	struct download *download = state;
	buf_add(&download->body, span_make(at, size * count));
	return download->body.failed ? 0 : size * count;
}

static int on_progress(void *state, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	(void)a, (void)b, (void)c, (void)d;
	struct download *download = state;
	return atomic_load(&download->fetch->stopping) ? 1 : 0;
}

static void set_options(CURL *curl, const char *url, struct download *download)
{
	bool https = span_starts(span_of(url), SPAN("https://"));
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, https ? "https" : "http");
	curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "https");
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, https ? 1L : 0L);
	curl_easy_setopt(curl, CURLOPT_MAXREDIRS, REDIRECTS);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, FETCH_S);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_S);
	curl_easy_setopt(curl, CURLOPT_MAXFILESIZE, (long)SET_MAX);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, download);
	curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(curl, CURLOPT_XFERINFODATA, download);
	curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "authbridge");
}

static bool is_key_set_type(const char *type)
{
	struct span given = span_of(type);
	struct span bare = span_trim(span_first(given, span_find(given, ';')));
	return span_equal_nocase(bare, SPAN("application/json")) ||
	       span_equal_nocase(bare, SPAN("application/jwk-set+json"));
}

/* NULL: the body is a key set, as far as the answer's head says. */
static const char *judge_answer(CURL *curl, CURLcode code)
{
	long status = 0;
	const char *type = NULL;
	if (code != CURLE_OK)
		return curl_easy_strerror(code);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type);
	if (status != 200)
		return "status is not 200";
	return is_key_set_type(type) ? NULL : "content type is not JSON";
}

static bool fetch_one(struct issuer_fetch *fetch, size_t issuer)
{
	CLEANUP(arena_free) struct arena *mem = arena_new(0);
	const struct foreign_issuer *entry = &fetch->service->plan->issuers[issuer - 1];
	struct download download = { .fetch = fetch };
	CURL *curl = curl_easy_init();
	if (curl == NULL)
		return false;
	buf_init(&download.body, mem, SET_MAX);
	set_options(curl, arena_text(mem, entry->jwks), &download);
	const char *why = judge_answer(curl, curl_easy_perform(curl));
	curl_easy_cleanup(curl);
	if (why == NULL &&
	    keys_set_issuer(fetch->service, issuer, buf_span(&download.body)) != STATUS_OK)
		why = "not a key set";
	if (why != NULL)
		log_warn("issuer keys not fetched", LOG_SPAN("issuer", entry->name),
			 LOG_TEXT("reason", why));
	return why == NULL;
}

static int64_t due_ms(const struct source *source)
{
	if (source->tried_ms < 0)
		return 0;
	int64_t pause = source->good ? REFRESH_MS : RETRY_MS;
	if (source->wanted && source->good)
		pause = WANTED_MS;
	return source->tried_ms + pause;
}

/* The issuer to fetch next and, in *wait_ms_out, when. Under the lock. */
static size_t next_issuer(const struct issuer_fetch *fetch, int64_t now_ms, int64_t *wait_ms_out)
{
	size_t next = 0;
	for (size_t i = 1; i < fetch->service->plan->issuer_count; i++)
		if (due_ms(&fetch->sources[i]) < due_ms(&fetch->sources[next]))
			next = i;
	*wait_ms_out = due_ms(&fetch->sources[next]) - now_ms;
	return next;
}

static void wait_locked(struct issuer_fetch *fetch, int64_t wait_ms)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (time_t)(wait_ms / 1000 + 1);
	pthread_cond_timedwait(&fetch->wake, &fetch->lock, &until);
}

static void *run(void *state)
{
	struct issuer_fetch *fetch = state;
	pthread_mutex_lock(&fetch->lock);
	while (!atomic_load(&fetch->stopping)) {
		int64_t wait_ms;
		size_t next = next_issuer(fetch, clock_mono_ms(), &wait_ms);
		if (wait_ms > 0) {
			wait_locked(fetch, wait_ms);
			continue;
		}
		pthread_mutex_unlock(&fetch->lock);
		bool good = fetch_one(fetch, next + 1);
		pthread_mutex_lock(&fetch->lock);
		fetch->sources[next] = (struct source){ clock_mono_ms(), good, false };
	}
	pthread_mutex_unlock(&fetch->lock);
	return NULL;
}

enum status issuer_fetch_start(struct service *service, struct issuer_fetch **out)
{
	pthread_condattr_t attr;
	size_t count = service->plan->issuer_count;
	if (count == 0)
		return STATUS_OK;
	struct issuer_fetch *fetch = calloc(1, sizeof(*fetch));
	if (fetch == NULL || (fetch->sources = calloc(count, sizeof(*fetch->sources))) == NULL)
		abort();
	fetch->service = service;
	for (size_t i = 0; i < count; i++)
		fetch->sources[i].tried_ms = -1;
	curl_global_init(CURL_GLOBAL_DEFAULT);
	pthread_mutex_init(&fetch->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&fetch->wake, &attr);
	pthread_condattr_destroy(&attr);
	if (pthread_create(&fetch->thread, NULL, run, fetch) != 0) {
		free(fetch->sources);
		free(fetch);
		return STATUS_UNAVAILABLE;
	}
	*out = fetch;
	return STATUS_OK;
}

void issuer_fetch_stop(struct issuer_fetch **fetch)
{
	if (*fetch == NULL)
		return;
	pthread_mutex_lock(&(*fetch)->lock);
	atomic_store(&(*fetch)->stopping, true);
	pthread_cond_signal(&(*fetch)->wake);
	pthread_mutex_unlock(&(*fetch)->lock);
	pthread_join((*fetch)->thread, NULL);
	pthread_cond_destroy(&(*fetch)->wake);
	pthread_mutex_destroy(&(*fetch)->lock);
	free((*fetch)->sources);
	free(*fetch);
	*fetch = NULL;
}

void issuer_fetch_want(struct issuer_fetch *fetch, size_t issuer)
{
	if (fetch == NULL)
		return;
	pthread_mutex_lock(&fetch->lock);
	if (!fetch->sources[issuer - 1].wanted) {
		fetch->sources[issuer - 1].wanted = true;
		pthread_cond_signal(&fetch->wake);
	}
	pthread_mutex_unlock(&fetch->lock);
}
