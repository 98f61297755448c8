/* SPDX-License-Identifier: MIT */
/* authbridge: arguments, start order, wiring. No logic. */
#include "config.h"

#include "base/config.h"
#include "base/jdoc.h"
#include "base/log.h"
#include "crypto/password.h"
#include "role/app.h"
#include "server/listener.h"
#include "server/sandbox.h"
#include "server/stats.h"
#include "server/supervisor.h"
#include "server/worker.h"
#include "service/hash_lane.h"
#include "service/limiter.h"
#include "store/schema.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sysexits.h>
#include <unistd.h>

#define MISTAKES_MAX (1u << 20)
#define WORKERS_MAX 64
#define THREADS_MAX 256
#define GATE_THREADS 4
#define DATABASE_THREADS 4
#define DATABASE_QUEUE 256
#define CONNECTIONS 4096

struct arguments {
	const char *config_path;
	const char *listen[LISTENERS_MAX];
	size_t listen_count;
	size_t workers, threads; /* 0: not given */
	bool check;
};

/* What one reading of the configuration gives to a generation of workers. */
struct generation {
	struct config *config;
	struct service_plan *plan;
	struct hash_lane *hashes;
};

/* What is counted, in memory of all processes. */
struct shared {
	struct supervisor_counters supervisor;
	struct server_counters server[HASH_LANE_WORKERS_MAX];
	struct app_counters app[HASH_LANE_WORKERS_MAX][APP_STRIPES];
};

struct process {
	const struct arguments *arguments;
	struct listeners listeners;
	struct generation generations[2]; /* see supervisor.h */
	struct generation *now;           /* a worker's own; the parent's first */
	size_t workers;
	struct limiter *limiter;
	struct shared *shared;
	/* of a worker */
	struct service *service;
	struct app *app;
	size_t index;
	_Atomic size_t threads; /* that were ever made */
};

extern char **environ;

static const struct option long_options[] = {
	{ "config", required_argument, NULL, 'c' },  { "listen", required_argument, NULL, 'l' },
	{ "workers", required_argument, NULL, 'w' }, { "threads", required_argument, NULL, 't' },
	{ "check", no_argument, NULL, 'k' },         { "version", no_argument, NULL, 'V' },
	{ "help", no_argument, NULL, 'h' },          { NULL, 0, NULL, 0 },
};

static void print_help(FILE *to)
{
	fputs("Usage: authbridge [-c FILE] [-l ADDRESS]... [-w WORKERS] [-t THREADS]\n"
	      "                  [--check] [--version] [--help]\n"
	      "\n"
	      "Login and request gate for a web server, over FastCGI.\n"
	      "\n"
	      "  -c, --config FILE     configuration (default " AUTHBRIDGE_CONF ")\n"
	      "  -l, --listen ADDRESS  unix:/path, 127.0.0.1:9010 or [::1]:9010; repeatable.\n"
	      "                        None: systemd's sockets, else descriptor 0\n"
	      "  -w, --workers N       worker processes (default: the number of cores when\n"
	      "                        authbridge opens its own sockets, else 1)\n"
	      "  -t, --threads N       request threads per worker (default 4)\n"
	      "      --check           read the whole configuration, name every mistake, exit\n"
	      "      --version         print the version and exit\n"
	      "  -h, --help            print this and exit\n"
	      "\n"
	      "Exit codes: 0 good, 64 usage, 69 sockets cannot be opened, 78 configuration.\n"
	      "Signals: TERM stops after the requests in flight, HUP reads the configuration\n"
	      "anew. Manuals: authbridge(8), authbridge.conf(5), authbridgectl(1).\n",
	      to);
}

static NORETURN void usage(const char *what, const char *value)
{
	fprintf(stderr, "authbridge: %s%s%s\nTry 'authbridge --help'.\n", what,
		value != NULL ? ": " : "", value != NULL ? value : "");
	exit(EX_USAGE);
}

static size_t read_count(const char *option, const char *text, size_t max)
{
	unsigned long long value;
	if (!span_to_uint(span_of(text), &value) || value == 0 || value > max) {
		fprintf(stderr, "authbridge: %s takes a number from 1 to %zu, not \"%s\"\n", option,
			max, text);
		exit(EX_USAGE);
	}
	return (size_t)value;
}

static void read_option(struct arguments *arguments, int option)
{
	switch (option) {
	case 'c':
		arguments->config_path = optarg;
		break;
	case 'l':
		if (arguments->listen_count == LISTENERS_MAX)
			usage("too many --listen addresses", optarg);
		arguments->listen[arguments->listen_count++] = optarg;
		break;
	case 'w':
		arguments->workers = read_count("--workers", optarg, WORKERS_MAX);
		break;
	case 't':
		arguments->threads = read_count("--threads", optarg, THREADS_MAX);
		break;
	case 'k':
		arguments->check = true;
		break;
	case 'V':
		puts(PACKAGE_STRING);
		exit(EX_OK);
	case 'h':
		print_help(stdout);
		exit(EX_OK);
	default: /* getopt has said what is wrong */
		fputs("Try 'authbridge --help'.\n", stderr);
		exit(EX_USAGE);
	}
}

static void read_arguments(int argc, char **argv, struct arguments *arguments)
{
	int option;
	while ((option = getopt_long(argc, argv, "c:l:w:t:h", long_options, NULL)) != -1)
		read_option(arguments, option);
	if (optind < argc)
		usage("unexpected argument", argv[optind]);
}

/* --- a generation: configuration, judged whole --- */

static void free_generation(struct generation *generation)
{
	service_plan_free(&generation->plan);
	config_free(&generation->config);
	hash_lane_destroy(&generation->hashes);
}

static enum status judge(struct generation *generation, struct buf *mistakes)
{
	struct app *app = NULL;
	enum status planned = service_plan_make(generation->config, mistakes, &generation->plan);
	enum status judged = app_new(generation->config, NULL, mistakes, &app);
	app_free(&app);
	return planned != STATUS_OK ? planned : judged;
}

/* Reads and judges the configuration; every mistake goes to stderr. */
static enum status load(const struct arguments *arguments, struct generation *out)
{
	CLEANUP(arena_free) struct arena *mem = arena_new(0);
	struct generation fresh = { 0 };
	struct buf mistakes;
	bool named = arguments->config_path != NULL;
	buf_init(&mistakes, mem, MISTAKES_MAX);
	enum status loaded = config_load(named ? arguments->config_path : AUTHBRIDGE_CONF, named,
					 environ, &mistakes, &fresh.config);
	if (loaded == STATUS_OK)
		loaded = judge(&fresh, &mistakes);
	if (loaded == STATUS_OK)
		loaded = hash_lane_create((size_t)fresh.config->hash_concurrency,
					  (size_t)fresh.config->hash_queue, &fresh.hashes);
	if (loaded != STATUS_OK) {
		fwrite(mistakes.at, 1, mistakes.len, stderr);
		free_generation(&fresh);
		return loaded;
	}
	*out = fresh;
	return STATUS_OK;
}

static void warn_about(const struct config *config)
{
	log_configure((enum log_level)config->log_level, config->log_json);
	if (!config->rate_limit)
		log_warn("rate_limit is off", LOG_TEXT("effect", "no limit on password guessing"));
	if (geteuid() == 0)
		log_warn("running as root", LOG_TEXT("remedy", "give it a user of its own"));
}

static bool reload(void *state, size_t generation)
{
	struct process *process = state;
	struct generation fresh;
	if (load(process->arguments, &fresh) != STATUS_OK) {
		log_error("reload refused", LOG_TEXT("effect", "the old configuration stays"));
		return false;
	}
	free_generation(&process->generations[generation]);
	process->generations[generation] = fresh;
	warn_about(fresh.config);
	return true;
}

static void reap(void *state, size_t index)
{
	struct process *process = state;
	hash_lane_reap(process->generations[index / process->workers].hashes, index);
	app_bury(process->shared->app[index]);
	stats_bury(&process->shared->server[index]);
}

/* --- a worker: service, app and server wired together --- */

static enum server_lane lane_of(void *state, const struct request *request)
{
	static const enum server_lane lanes[] = {
		[APP_LANE_GATE] = SERVER_LANE_GATE,
		[APP_LANE_DATABASE] = SERVER_LANE_DATABASE,
		[APP_LANE_PASSWORD] = SERVER_LANE_PASSWORD,
	};
	struct process *process = state;
	return lanes[app_lane_of(process->app, request)];
}

static bool enter(void *state, enum server_lane lane)
{
	struct process *process = state;
	return lane != SERVER_LANE_PASSWORD ||
	       hash_lane_enter(process->now->hashes, process->index);
}

static void leave(void *state, enum server_lane lane)
{
	struct process *process = state;
	if (lane == SERVER_LANE_PASSWORD)
		hash_lane_leave(process->now->hashes, process->index);
}

static void handle(void *state, void *local, struct request *request, struct reply *reply)
{
	struct process *process = state;
	app_handle(process->app, local, request, reply);
}

static void *thread_new(void *state)
{
	struct process *process = state;
	struct gate_local *local = gate_local_new();
	local->number = atomic_fetch_add(&process->threads, 1);
	return local;
}

static void thread_free(void *state, void *local)
{
	(void)state;
	struct gate_local *gate = local;
	gate_local_free(&gate);
}

static bool peer_allowed(void *state, const struct sockaddr *peer)
{
	const struct service_plan *plan = ((struct process *)state)->now->plan;
	char text[INET6_ADDRSTRLEN];
	const void *address;
	if (peer->sa_family == AF_INET)
		address = &((const struct sockaddr_in *)(const void *)peer)->sin_addr;
	else if (peer->sa_family == AF_INET6)
		address = &((const struct sockaddr_in6 *)(const void *)peer)->sin6_addr;
	else
		return false;
	return inet_ntop(peer->sa_family, address, text, sizeof(text)) != NULL &&
	       network_holds(plan->peers, plan->peer_count, span_of(text));
}

static void tick(void *state)
{
	app_publish(((struct process *)state)->app);
}

static void more_metrics(void *state, struct buf *out)
{
	const struct process *process = state;
	stats_write(out, process->shared->server, 2 * process->workers,
		    &process->shared->supervisor);
}

static int serve(struct process *process, int ready_fd, int stop_fd)
{
	const struct server_app app = { process, lane_of,    enter,       leave,
					handle,  thread_new, thread_free, tick };
	size_t hashes = (size_t)process->now->config->hash_concurrency;
	const struct worker_options options = {
		.listeners = &process->listeners,
		.app = &app,
		.gate_threads = process->arguments->threads > 0 ? process->arguments->threads
								: GATE_THREADS,
		.lane_threads = { [SERVER_LANE_DATABASE] = DATABASE_THREADS,
				  [SERVER_LANE_PASSWORD] = hashes + 2 },
		.lane_queue = { [SERVER_LANE_DATABASE] = DATABASE_QUEUE,
				[SERVER_LANE_PASSWORD] =
					hashes + (size_t)process->now->config->hash_queue },
		.connections_max = CONNECTIONS,
		.read_ms = 5000,
		.kept_ms = 60000,
		.write_ms = 5000,
		.queue_ms = 10000,
		.stop_ms = 10000,
		.peer_allowed = process->now->plan->peer_count > 0 ? peer_allowed : NULL,
		.peer_state = process,
		.counters = &process->shared->server[process->index],
		.ready_fd = ready_fd,
		.stop_fd = stop_fd,
	};
	enum status ran = worker_run(&options);
	if (ran != STATUS_OK)
		log_error("worker cannot run", LOG_STATUS(ran));
	return ran == STATUS_OK ? EX_OK : EX_OSERR;
}

static int run_worker(void *state, size_t index, int ready_fd, int stop_fd)
{
	struct process *process = state;
	process->now = &process->generations[index / process->workers];
	const struct config *config = process->now->config;
	log_configure((enum log_level)config->log_level, config->log_json);
	struct service_shared shared = { process->now->hashes, process->limiter, index };
	CLEANUP(arena_free) struct arena *mem = arena_new(0);
	struct buf mistakes;
	buf_init(&mistakes, mem, MISTAKES_MAX);
	process->index = index;
	if (sandbox_enter() != STATUS_OK)
		return EX_OSERR;
	enum status opened =
		service_open(config, process->now->plan, &shared, &rng_system, &process->service);
	if (opened == STATUS_INVALID)
		return EX_CONFIG;
	if (opened != STATUS_OK ||
	    app_new(config, process->service, &mistakes, &process->app) != STATUS_OK)
		return EX_SOFTWARE;
	app_share_counters(process->app, process->shared->app[0], 2 * process->workers, index);
	process->app->more_metrics = more_metrics;
	process->app->more_state = process;
	int code = serve(process, ready_fd, stop_fd);
	app_free(&process->app);
	service_close(&process->service);
	return code;
}

/* --- the parent --- */

static int open_listeners(const struct arguments *arguments, struct process *process)
{
	CLEANUP(arena_free) struct arena *mem = arena_new(0);
	const struct config *config = process->now->config;
	enum status opened = STATUS_OK;
	struct buf why;
	buf_init(&why, mem, MISTAKES_MAX);
	if (arguments->listen_count == 0)
		opened = listener_inherit(&process->listeners, &why);
	for (size_t i = 0; i < arguments->listen_count && opened == STATUS_OK; i++)
		opened = listener_open(&process->listeners, arguments->listen[i],
				       config->listen_mode, config->listen_peers.count > 0, &why);
	if (opened == STATUS_OK)
		return EX_OK;
	if (opened == STATUS_NOT_FOUND)
		fputs("authbridge: no socket to listen on: give --listen ADDRESS, or start it "
		      "by systemd, spawn-fcgi or the web server\n",
		      stderr);
	else
		fprintf(stderr, "authbridge: %.*s\n", SPAN_FMT(buf_span(&why)));
	return opened == STATUS_INVALID || opened == STATUS_NOT_FOUND ? EX_USAGE : EX_UNAVAILABLE;
}

static size_t default_workers(const struct listeners *listeners)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	if (listeners->inherited || cores < 1)
		return 1;
	return cores < WORKERS_MAX ? (size_t)cores : WORKERS_MAX;
}

static int share_memory(struct process *process)
{
	void *shared = mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED || limiter_create(&rng_system, &process->limiter) != STATUS_OK)
		return EX_OSERR;
	process->shared = shared;
	return EX_OK;
}

static void report_step(void *state, const char *step, bool fresh)
{
	(void)state;
	log_info(fresh ? "migrated" : "migration checked", LOG_TEXT("step", step));
}

/* For demos. A database that cannot be migrated now is told apart by the
 * workers: away, or of an unknown schema. */
static void migrate(const struct config *config)
{
	CLEANUP(arena_free) struct arena *mem = arena_new(0);
	char *why = NULL;
	const struct schema_migration migration = {
		.url = config->database_url.text,
		.connect_ms = 5000,
		.report = report_step,
	};
	if (config->auto_migrate && schema_migrate(&migration, mem, &why) != STATUS_OK)
		log_warn("auto_migrate failed", LOG_TEXT("reason", why));
}

static int supervise(struct process *process)
{
	process->workers = process->arguments->workers > 0 ? process->arguments->workers
							   : default_workers(&process->listeners);
	const struct supervisor_options options = {
		.workers = process->workers,
		.stop_ms = 15000,
		.counters = &process->shared->supervisor,
		.ready_ms = 10000,
		.state = process,
		.run = run_worker,
		.reload = reload,
		.reap = reap,
	};
	log_info("started", LOG_INT("workers", (int64_t)options.workers),
		 LOG_TEXT("version", PACKAGE_VERSION));
	int code = supervisor_run(&options);
	log_info("stopped", LOG_INT("code", code));
	return code;
}

int main(int argc, char **argv)
{
	struct arguments arguments = { 0 };
	struct process process = { .arguments = &arguments, .now = process.generations };
	read_arguments(argc, argv, &arguments);
	sandbox_harden();
	jdoc_start();
	if (password_start() != STATUS_OK)
		return EX_SOFTWARE;
	if (load(&arguments, process.now) != STATUS_OK)
		return EX_CONFIG;
	if (arguments.check) {
		free_generation(process.now);
		puts("The configuration is good.");
		return EX_OK;
	}
	warn_about(process.now->config);
	int code = open_listeners(&arguments, &process);
	if (code == EX_OK)
		code = share_memory(&process);
	if (code == EX_OK) {
		migrate(process.now->config);
		code = supervise(&process);
	}
	listener_close(&process.listeners);
	limiter_destroy(&process.limiter);
	for (size_t i = 0; i < COUNT_OF(process.generations); i++)
		free_generation(&process.generations[i]);
	return code;
}
