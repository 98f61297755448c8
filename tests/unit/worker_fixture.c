/* SPDX-License-Identifier: MIT */
#include "unit/worker_fixture.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>

static char fixture_filler[200000];

static enum server_lane fixture_lane(void *state, const struct request *request)
{
	(void)state;
	if (span_starts(request->path, SPAN("/db")))
		return SERVER_LANE_DATABASE;
	return span_starts(request->path, SPAN("/pw")) ? SERVER_LANE_PASSWORD : SERVER_LANE_GATE;
}

static bool fixture_enter(void *state, enum server_lane lane)
{
	struct fixture *f = state;
	if (lane == SERVER_LANE_PASSWORD && f->shut)
		return false;
	f->entered++;
	return true;
}

static void fixture_leave(void *state, enum server_lane lane)
{
	struct fixture *f = state;
	(void)lane;
	f->left++;
}

static void fixture_handle(void *state, void *local, struct request *request, struct reply *reply)
{
	struct fixture *f = state;
	assert_ptr_equal(local, f);
	if (fixture_lane(state, request) != SERVER_LANE_GATE)
		sem_wait(&f->gate);
	f->handled++;
	if (span_is(request->path, "/empty"))
		return;
	if (request->body_too_large) {
		reply_message(reply, 413, "Too large", "TOO_LARGE");
		return;
	}
	reply_status(reply, 200);
	reply_header(reply, "Variable-User-Id", SPAN("alice"));
	reply_header(reply, "X-Local", request->local ? SPAN("yes") : SPAN("no"));
	if (span_is(request->path, "/big")) {
		reply_json(reply);
		buf_byte(&reply->body, '{');
		buf_add(&reply->body, span_make(fixture_filler, sizeof(fixture_filler) - 1));
	}
	if (span_is(request->path, "/echo")) {
		reply_json(reply);
		buf_add(&reply->body, request->body);
	}
}

static void *fixture_local(void *state)
{
	return state;
}

static void fixture_local_free(void *state, void *local)
{
	assert_ptr_equal(state, local);
}

void fixture_init(struct fixture *f)
{
	static const char pattern[] = "/tmp/ab-worker-XXXXXX";
	*f = (struct fixture){ 0 };
	memcpy(f->directory, pattern, sizeof(pattern));
	memset(fixture_filler, 'b', sizeof(fixture_filler));
	assert_non_null(mkdtemp(f->directory));
	snprintf(f->path, sizeof(f->path), "%s/s", f->directory);
	sem_init(&f->gate, 0, 0);
	assert_int_equal(pipe(f->ready), 0);
	assert_int_equal(pipe(f->stop), 0);
	f->app = (struct server_app){
		.state = f,
		.lane_of = fixture_lane,
		.enter = fixture_enter,
		.leave = fixture_leave,
		.handle = fixture_handle,
		.thread_new = fixture_local,
		.thread_free = fixture_local_free,
	};
	f->options = (struct worker_options){
		.listeners = &f->listeners,
		.app = &f->app,
		.gate_threads = 3,
		.lane_threads = { [SERVER_LANE_DATABASE] = 2, [SERVER_LANE_PASSWORD] = 1 },
		.lane_queue = { [SERVER_LANE_DATABASE] = 4, [SERVER_LANE_PASSWORD] = 1 },
		.connections_max = 2000,
		.read_ms = PATIENCE_MS,
		.kept_ms = PATIENCE_MS,
		.write_ms = PATIENCE_MS,
		.queue_ms = PATIENCE_MS,
		.stop_ms = PATIENCE_MS,
		.ready_fd = f->ready[1],
		.stop_fd = f->stop[0],
	};
}

uint16_t free_port(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof(at);
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_true(fd >= 0 && bind(fd, (struct sockaddr *)&at, len) == 0 &&
		    getsockname(fd, (struct sockaddr *)&at, &len) == 0);
	close(fd);
	return ntohs(at.sin_port);
}

static void *fixture_main(void *arg)
{
	struct fixture *f = arg;
	f->status = worker_run(&f->options);
	return NULL;
}

void fixture_start(struct fixture *f)
{
	struct arena *mem = arena_new(0);
	struct buf why;
	char address[128], byte;
	buf_init(&why, mem, 1024);
	snprintf(address, sizeof(address), "unix:%s", f->path);
	if (listener_open(&f->listeners, address, 0600, false, &why) != STATUS_OK)
		fail_msg("%.*s", SPAN_FMT(buf_span(&why)));
	f->port = free_port();
	snprintf(address, sizeof(address), "127.0.0.1:%u", f->port);
	if (listener_open(&f->listeners, address, 0600, false, &why) != STATUS_OK)
		fail_msg("%.*s", SPAN_FMT(buf_span(&why)));
	arena_free(&mem);
	assert_int_equal(pthread_create(&f->thread, NULL, fixture_main, f), 0);
	assert_int_equal(read(f->ready[0], &byte, 1), 1);
	f->running = true;
}

void fixture_ask_to_stop(struct fixture *f)
{
	if (f->stop[1] >= 0)
		close(f->stop[1]);
	f->stop[1] = -1;
}

void fixture_join(struct fixture *f)
{
	assert_int_equal(pthread_join(f->thread, NULL), 0);
	f->running = false;
	assert_int_equal(f->status, STATUS_OK);
}

void fixture_end(struct fixture *f)
{
	if (f->running) {
		/* A test that failed may have left requests at the gate. */
		for (size_t i = 0; i < 100; i++)
			sem_post(&f->gate);
		fixture_ask_to_stop(f);
		fixture_join(f);
	}
	assert_int_equal(f->entered, f->left);
	listener_close(&f->listeners);
	close(f->ready[0]);
	close(f->ready[1]);
	close(f->stop[0]);
	rmdir(f->directory);
	sem_destroy(&f->gate);
}

/* --- clients --- */

int client_unix(const struct fixture *f)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	snprintf(at.sun_path, sizeof(at.sun_path), "%s", f->path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof(at)) != 0)
		fail_msg("cannot connect: errno %d", errno);
	return fd;
}

int client_tcp(const struct fixture *f)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(f->port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof(at)) != 0)
		fail_msg("cannot connect: errno %d", errno);
	return fd;
}

bool client_send(int fd, struct span bytes)
{
	while (bytes.len > 0) {
		ssize_t sent = send(fd, bytes.at, bytes.len, MSG_NOSIGNAL);
		if (sent <= 0)
			return false;
		bytes = span_from(bytes, (size_t)sent);
	}
	return true;
}

bool client_receive(int fd, struct wire *block)
{
	struct wire bytes = { 0 };
	bool whole = false, open = true;
	int64_t until = clock_mono_ms() + PATIENCE_MS;
	while (!whole && open) {
		char some[4096];
		struct pollfd at = { .fd = fd, .events = POLLIN };
		if (clock_mono_ms() > until || poll(&at, 1, PATIENCE_MS) <= 0)
			fail_msg("neither an answer nor an end");
		ssize_t got = recv(fd, some, sizeof(some), 0);
		open = got > 0;
		if (open)
			wire_bytes(&bytes, some, (size_t)got);
		whole = wire_answer(wire_span(&bytes), NULL) > 0;
	}
	if (whole && block != NULL)
		wire_answer(wire_span(&bytes), block);
	if (!whole && bytes.len > 0)
		fail_msg("an answer that is not whole: %zu bytes", bytes.len);
	wire_free(&bytes);
	return whole;
}

int client_status(int fd)
{
	struct wire block = { 0 };
	int status = 0;
	if (client_receive(fd, &block)) {
		assert_true(span_starts(wire_span(&block), SPAN("Status: ")));
		assert_true(block.len > 11);
		status = (block.at[8] - '0') * 100 + (block.at[9] - '0') * 10 + block.at[10] - '0';
	}
	wire_free(&block);
	return status;
}

int client_ask(int fd, unsigned role, bool keep, const char *target)
{
	struct wire w = { 0 };
	wire_request(&w, role, keep, target, SPAN(""));
	bool sent = client_send(fd, wire_span(&w));
	wire_free(&w);
	return sent ? client_status(fd) : 0;
}

int client_once(const struct fixture *f, const char *target)
{
	int fd = client_unix(f);
	int status = client_ask(fd, WIRE_AUTHORIZER, false, target);
	close(fd);
	return status;
}

void client_begin(int fd, unsigned role, const char *target)
{
	struct wire w = { 0 };
	wire_request(&w, role, false, target, SPAN(""));
	assert_true(client_send(fd, wire_span(&w)));
	wire_free(&w);
}

bool client_is_closed(int fd)
{
	char byte;
	struct pollfd at = { .fd = fd, .events = POLLIN };
	return poll(&at, 1, PATIENCE_MS) > 0 && recv(fd, &byte, 1, 0) <= 0;
}

uint64_t connections_now(void)
{
	struct worker_stats stats;
	worker_read_stats(&stats);
	return stats.connections;
}

size_t descriptors_now(void)
{
	size_t count = 0;
	DIR *directory = opendir("/proc/self/fd");
	assert_non_null(directory);
	while (readdir(directory) != NULL)
		count++;
	closedir(directory);
	return count;
}
