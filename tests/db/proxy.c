/* SPDX-License-Identifier: MIT */
#include "proxy.h"

#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

enum { PAIRS_MAX = 64, PORT = 5432, TICK_MS = 5 };

static struct {
	pthread_t thread;
	pthread_mutex_t lock; /* guards what follows up to `held` */
	pthread_cond_t changed;
	enum proxy_mode mode;
	bool cut, stop;
	unsigned asked, held; /* changes asked for, changes that hold */

	char dir[64], path[256], upstream[256], url[512];
	int listener;
	struct {
		int client, server;
	} pair[PAIRS_MAX];
	size_t pairs;
} proxy = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

static struct sockaddr_un address(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	memcpy(at.sun_path, path, strnlen(path, sizeof(at.sun_path) - 1));
	return at;
}

static void open_listener(void)
{
	struct sockaddr_un at = address(proxy.path);
	unlink(proxy.path);
	proxy.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(proxy.listener, (struct sockaddr *)&at, sizeof(at)) != 0 ||
	    listen(proxy.listener, 64) != 0)
		abort();
}

static void close_listener(void)
{
	if (proxy.listener >= 0)
		close(proxy.listener);
	proxy.listener = -1;
	unlink(proxy.path);
}

static void drop_pair(size_t i)
{
	close(proxy.pair[i].client);
	close(proxy.pair[i].server);
	proxy.pair[i] = proxy.pair[--proxy.pairs];
}

static void drop_all(void)
{
	while (proxy.pairs > 0)
		drop_pair(0);
}

static void accept_one(void)
{
	int client = accept4(proxy.listener, NULL, NULL, SOCK_CLOEXEC);
	int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un at = address(proxy.upstream);
	if (client < 0 || server < 0 || proxy.pairs == PAIRS_MAX ||
	    connect(server, (struct sockaddr *)&at, sizeof(at)) != 0) {
		close(client);
		close(server);
		return;
	}
	proxy.pair[proxy.pairs].client = client;
	proxy.pair[proxy.pairs++].server = server;
}

/* False when the connection is over. */
static bool copy(int from, int to)
{
	char bytes[16384];
	ssize_t got = recv(from, bytes, sizeof(bytes), MSG_DONTWAIT);
	for (ssize_t done = 0; done < got;) {
		ssize_t sent = send(to, bytes + done, (size_t)(got - done), MSG_NOSIGNAL);
		if (sent < 0)
			return false;
		done += sent;
	}
	return got > 0;
}

static void pass_on(void)
{
	struct pollfd fds[1 + 2 * PAIRS_MAX] = { { .fd = proxy.listener, .events = POLLIN } };
	size_t pairs = proxy.pairs;
	for (size_t i = 0; i < pairs; i++) {
		fds[1 + 2 * i] = (struct pollfd){ .fd = proxy.pair[i].client, .events = POLLIN };
		fds[2 + 2 * i] = (struct pollfd){ .fd = proxy.pair[i].server, .events = POLLIN };
	}
	poll(fds, 1 + 2 * pairs, TICK_MS);
	for (size_t i = pairs; i-- > 0;) {
		bool alive = true;
		if (fds[1 + 2 * i].revents != 0)
			alive = copy(proxy.pair[i].client, proxy.pair[i].server);
		if (alive && fds[2 + 2 * i].revents != 0)
			alive = copy(proxy.pair[i].server, proxy.pair[i].client);
		if (!alive)
			drop_pair(i);
	}
	if (fds[0].revents != 0)
		accept_one();
}

static bool apply(enum proxy_mode *mode)
{
	pthread_mutex_lock(&proxy.lock);
	*mode = proxy.mode;
	if (proxy.cut || *mode == PROXY_REFUSE)
		drop_all();
	if (*mode == PROXY_REFUSE)
		close_listener();
	else if (proxy.listener < 0)
		open_listener();
	proxy.cut = false;
	proxy.held = proxy.asked;
	pthread_cond_broadcast(&proxy.changed);
	bool stop = proxy.stop;
	pthread_mutex_unlock(&proxy.lock);
	return !stop;
}

static void *work(void *state)
{
	enum proxy_mode mode;
	while (apply(&mode)) {
		if (mode == PROXY_PASS)
			pass_on();
		else
			poll(NULL, 0, TICK_MS);
	}
	return state;
}

static void ask(enum proxy_mode mode, bool cut)
{
	pthread_mutex_lock(&proxy.lock);
	proxy.mode = mode;
	proxy.cut = cut;
	unsigned mine = ++proxy.asked;
	while (proxy.held < mine)
		pthread_cond_wait(&proxy.changed, &proxy.lock);
	pthread_mutex_unlock(&proxy.lock);
}

void proxy_set(enum proxy_mode mode)
{
	ask(mode, false);
}

void proxy_cut(void)
{
	ask(PROXY_PASS, true);
}

const char *proxy_url(void)
{
	return proxy.url;
}

static void read_setting(const char *url, const char *name, char out[64])
{
	const char *at = strstr(url, name);
	assert_non_null(at);
	at += strlen(name);
	snprintf(out, 64, "%.*s", (int)strcspn(at, " "), at);
}

void proxy_start(void)
{
	const char *url = getenv("AUTHBRIDGE_TEST_DATABASE_URL");
	char host[64], port[64] = "5432", user[64], name[64];
	read_setting(url, "host=", host);
	read_setting(url, "user=", user);
	read_setting(url, "dbname=", name);
	if (strstr(url, "port=") != NULL)
		read_setting(url, "port=", port);
	snprintf(proxy.dir, sizeof(proxy.dir), "/tmp/authbridge-proxy.XXXXXX");
	assert_non_null(mkdtemp(proxy.dir));
	snprintf(proxy.path, sizeof(proxy.path), "%s/.s.PGSQL.%d", proxy.dir, PORT);
	snprintf(proxy.upstream, sizeof(proxy.upstream), "%s/.s.PGSQL.%s", host, port);
	snprintf(proxy.url, sizeof(proxy.url), "host=%s port=%d user=%s dbname=%s", proxy.dir, PORT,
		 user, name);
	proxy.listener = -1;
	open_listener();
	assert_int_equal(pthread_create(&proxy.thread, NULL, work, NULL), 0);
}

void proxy_stop(void)
{
	pthread_mutex_lock(&proxy.lock);
	proxy.stop = true;
	pthread_mutex_unlock(&proxy.lock);
	pthread_join(proxy.thread, NULL);
	drop_all();
	close_listener();
	rmdir(proxy.dir);
}
