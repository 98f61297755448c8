/* SPDX-License-Identifier: MIT */
#include "server/worker.h"

#include "base/clock.h"
#include "base/log.h"
#include "server/serve.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum { STACK_BYTES = 256 * 1024 };
/* Descriptors beside the connections: pipes, database, log, listeners. */
enum { DESCRIPTORS_BESIDE = 256 };
enum { SPARE_MAX = 16, TICK_MS = 100, STOP_TICK_MS = 10 };
/* Hashing yields to the gate where both want the same core. */
enum { PASSWORD_NICE = 10 };

struct worker;

struct worker_thread {
	pthread_t id;
	struct worker *worker;
	enum server_lane lane;
	/* Of a gate thread: */
	struct door_seat seat;
	struct fcgi_pipe pipe;
};

struct worker {
	const struct worker_options *options;
	struct serve serve;
	struct server_counters own;
	struct worker_thread *threads;
	size_t started;
	pthread_mutex_t lock;   /* guards spare */
	struct lane_job *spare; /* pending without a request */
	size_t spares;
};

static struct worker *_Atomic current;

static struct pending *take_spare(struct worker *worker)
{
	pthread_mutex_lock(&worker->lock);
	struct lane_job *job = worker->spare;
	if (job != NULL) {
		worker->spare = job->next;
		worker->spares--;
	}
	pthread_mutex_unlock(&worker->lock);
	return job != NULL ? (struct pending *)job : pending_new();
}

static void give_spare(struct worker *worker, struct pending *x)
{
	pthread_mutex_lock(&worker->lock);
	bool keep = worker->spares < SPARE_MAX;
	if (keep) {
		x->job.next = worker->spare;
		worker->spare = &x->job;
		worker->spares++;
	}
	pthread_mutex_unlock(&worker->lock);
	if (!keep)
		pending_free(&x);
}

static void *local_new(const struct server_app *app)
{
	return app->thread_new != NULL ? app->thread_new(app->state) : NULL;
}

static void local_free(const struct server_app *app, void *local)
{
	if (app->thread_free != NULL)
		app->thread_free(app->state, local);
}

static void *gate_main(void *arg)
{
	struct worker_thread *thread = arg;
	struct worker *worker = thread->worker;
	struct serve *serve = &worker->serve;
	struct pending *x = take_spare(worker);
	void *local = local_new(serve->app);
	while (door_next(serve->door, &thread->seat, &x->intake, &x->visit)) {
		if (!serve_whole(serve, x, &thread->pipe, local))
			x = take_spare(worker);
	}
	local_free(serve->app, local);
	give_spare(worker, x);
	return NULL;
}

static void *lane_main(void *arg)
{
	struct worker_thread *thread = arg;
	struct worker *worker = thread->worker;
	struct serve *serve = &worker->serve;
	struct lane *lane = serve->lanes[thread->lane];
	void *local = local_new(serve->app);
	/* On Linux the priority is the calling thread's alone. */
	if (thread->lane == SERVER_LANE_PASSWORD)
		setpriority(PRIO_PROCESS, 0, PASSWORD_NICE);
	for (struct lane_job *job; (job = lane_take(lane)) != NULL; lane_done(lane)) {
		struct pending *x = (struct pending *)job;
		serve_queued(serve, x, local);
		give_spare(worker, x);
	}
	local_free(serve->app, local);
	return NULL;
}

static enum status start_thread(struct worker *worker, const pthread_attr_t *attributes,
				enum server_lane lane)
{
	struct worker_thread *thread = &worker->threads[worker->started];
	thread->worker = worker;
	thread->lane = lane;
	thread->pipe = FCGI_PIPE_NONE;
	if (lane == SERVER_LANE_GATE)
		TRY(fcgi_pipe_open(&thread->pipe));
	if (pthread_create(&thread->id, attributes,
			   lane == SERVER_LANE_GATE ? gate_main : lane_main, thread) != 0) {
		fcgi_pipe_close(&thread->pipe);
		return STATUS_UNAVAILABLE;
	}
	worker->started++;
	return STATUS_OK;
}

static size_t threads_of(const struct worker_options *options, size_t lane)
{
	return lane == SERVER_LANE_GATE ? options->gate_threads : options->lane_threads[lane];
}

/* Signals are the main thread's. */
static enum status start_threads(struct worker *worker)
{
	enum status status = STATUS_OK;
	pthread_attr_t attributes;
	sigset_t all, before;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (size_t lane = 0; lane < SERVER_LANES; lane++) {
		for (size_t i = 0; status == STATUS_OK && i < threads_of(worker->options, lane);
		     i++)
			status = start_thread(worker, &attributes, (enum server_lane)lane);
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return status;
}

static void stop_threads(struct worker *worker)
{
	if (worker->serve.door != NULL)
		door_end(worker->serve.door);
	for (size_t lane = 0; lane < SERVER_LANES; lane++) {
		if (worker->serve.lanes[lane] != NULL)
			lane_stop(worker->serve.lanes[lane]);
	}
	for (size_t i = 0; i < worker->started; i++) {
		pthread_join(worker->threads[i].id, NULL);
		fcgi_pipe_close(&worker->threads[i].pipe);
	}
}

/* As many connections as the descriptors allow, if they cannot be raised. */
static size_t raise_descriptors(size_t connections_max)
{
	struct rlimit limit;
	rlim_t need = connections_max + DESCRIPTORS_BESIDE;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= need)
		return connections_max;
	limit.rlim_cur = limit.rlim_max < need ? limit.rlim_max : need;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= need)
		return connections_max;
	size_t possible = limit.rlim_cur > 2 * DESCRIPTORS_BESIDE
				  ? (size_t)limit.rlim_cur - DESCRIPTORS_BESIDE
				  : (size_t)limit.rlim_cur / 2;
	log_warn("fewer connections than wanted: the hard limit of descriptors is low",
		 LOG_INT("connections", (int64_t)possible));
	return possible;
}

static enum status open_worker(struct worker *worker)
{
	const struct worker_options *options = worker->options;
	size_t threads = 0;
	struct door_options door = {
		.listeners = options->listeners,
		.connections_max = raise_descriptors(options->connections_max),
		.read_ms = options->read_ms,
		.kept_ms = options->kept_ms,
		.write_ms = options->write_ms,
		.peer_allowed = options->peer_allowed,
		.peer_state = options->peer_state,
		.counters = worker->serve.counters,
	};
	TRY(fcgi_init());
	TRY(door_open(&door, &worker->serve.door));
	for (size_t lane = 0; lane < SERVER_LANES; lane++) {
		threads += threads_of(options, lane);
		if (lane != SERVER_LANE_GATE)
			worker->serve.lanes[lane] = lane_new(options->lane_queue[lane]);
	}
	worker->threads = calloc(threads, sizeof(*worker->threads));
	return worker->threads != NULL ? start_threads(worker) : STATUS_NO_MEMORY;
}

static void close_worker(struct worker *worker)
{
	stop_threads(worker);
	for (size_t lane = 0; lane < SERVER_LANES; lane++)
		lane_free(&worker->serve.lanes[lane]);
	while (worker->spare != NULL) {
		struct pending *x = take_spare(worker);
		pending_free(&x);
	}
	door_close(&worker->serve.door);
	free(worker->threads);
	pthread_mutex_destroy(&worker->lock);
}

/* Answers what has waited in a lane since before `before_ms`. */
static void expire_lanes(struct worker *worker, int64_t before_ms)
{
	for (size_t lane = SERVER_LANE_GATE + 1; lane < SERVER_LANES; lane++) {
		struct lane_job *job;
		while ((job = lane_expire(worker->serve.lanes[lane], before_ms)) != NULL) {
			serve_expired(&worker->serve, (struct pending *)job);
			give_spare(worker, (struct pending *)job);
		}
	}
}

static void publish(struct worker *worker)
{
	struct server_counters *counters = worker->serve.counters;
	counters->connections = door_connections(worker->serve.door);
	for (size_t lane = SERVER_LANE_GATE + 1; lane < SERVER_LANES; lane++) {
		counters->queued[lane] = lane_waiting(worker->serve.lanes[lane]);
		counters->running[lane] = lane_running(worker->serve.lanes[lane]);
	}
	if (worker->options->app->tick != NULL)
		worker->options->app->tick(worker->options->app->state);
}

static void tick(struct worker *worker)
{
	int64_t now_ms = clock_mono_ms();
	door_tick(worker->serve.door, now_ms);
	publish(worker);
	expire_lanes(worker, now_ms - worker->options->queue_ms);
}

static void say_ready(int fd)
{
	while (fd >= 0 && write(fd, "", 1) < 0 && errno == EINTR)
		;
}

static void run(struct worker *worker)
{
	struct pollfd stop = { .fd = worker->options->stop_fd, .events = POLLIN };
	say_ready(worker->options->ready_fd);
	while (poll(&stop, 1, TICK_MS) <= 0 || stop.revents == 0)
		tick(worker);
	door_stop(worker->serve.door);
	int64_t end_ms = clock_mono_ms() + worker->options->stop_ms;
	while (door_connections(worker->serve.door) > 0 && clock_mono_ms() < end_ms) {
		poll(NULL, 0, STOP_TICK_MS);
		tick(worker);
	}
	/* Whatever still waits in a lane gets its 503. */
	expire_lanes(worker, INT64_MAX);
}

enum status worker_run(const struct worker_options *options)
{
	struct worker worker = {
		.options = options,
		.serve = { .app = options->app, .queue_ms = options->queue_ms },
	};
	worker.serve.counters = options->counters != NULL ? options->counters : &worker.own;
	pthread_mutex_init(&worker.lock, NULL);
	sigaction(SIGPIPE, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);
	enum status status = open_worker(&worker);
	if (status == STATUS_OK) {
		current = &worker;
		run(&worker);
		current = NULL;
	} else {
		log_error("a worker cannot start", LOG_STATUS(status));
	}
	close_worker(&worker);
	return status;
}

void worker_read_stats(struct worker_stats *out)
{
	struct worker *worker = current;
	*out = (struct worker_stats){ 0 };
	if (worker == NULL)
		return;
	publish(worker);
	const struct server_counters *counters = worker->serve.counters;
	out->accepted = counters->accepted;
	out->requests = counters->requests;
	out->refused_streams = counters->refused_streams;
	out->timeouts = counters->timeouts;
	out->over_limit = counters->over_limit;
	out->connections = counters->connections;
	out->replies = counters->replies;
	for (size_t lane = SERVER_LANE_GATE; lane < SERVER_LANES; lane++) {
		out->busy += counters->busy[lane];
		out->queued[lane] = counters->queued[lane];
		out->running[lane] = counters->running[lane];
	}
}
