/* SPDX-License-Identifier: MIT */
#include "server/supervisor.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

/* Who lived shorter has died young. The first such death in a row is mended at
 * once, the next ones after a pause that doubles. */
enum { YOUNG_MS = 1000, PAUSE_FIRST_MS = 100, PAUSE_MAX_MS = 10000 };
enum { IDLE_MS = 60000 };

struct child {
	pid_t pid; /* 0: none */
	bool ready;
	int ready_fd; /* -1 once it has spoken */
	int stop_fd;  /* closing it means stop; -1 once said */
	int64_t born_ms;
	int64_t kill_ms; /* once told to stop */
	/* Of the place rather than the process: */
	unsigned young_deaths;
	int64_t start_ms; /* when the successor is due; 0: no one is */
};

/* Half of the children are of the generation in use, the others of the last
 * one, ending, or of the next one, starting. */
struct supervisor {
	const struct supervisor_options *options;
	struct child *children; /* 2 * workers */
	struct pollfd *polls;   /* one more */
	size_t now;             /* 0 or 1: which half is in use */
	sigset_t before;
	int signals;
	int64_t ready_by_ms; /* while the next generation starts, else 0 */
	bool reload_wanted, proven;
	bool stopping;
	int code;
};

static struct child *half(struct supervisor *s, size_t which)
{
	return s->children + which * s->options->workers;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* In the child: one descriptor for "the parent says stop, or is gone" and for
 * the signals that say so. */
static int stop_descriptor(const struct supervisor *s, int parent_fd)
{
	struct epoll_event event = { .events = EPOLLIN };
	sigset_t stop;
	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	sigaddset(&stop, SIGINT);
	int both = epoll_create1(EPOLL_CLOEXEC);
	int signals = signalfd(-1, &stop, SFD_CLOEXEC | SFD_NONBLOCK);
	close(s->signals);
	if (both < 0 || signals < 0 || epoll_ctl(both, EPOLL_CTL_ADD, parent_fd, &event) != 0 ||
	    epoll_ctl(both, EPOLL_CTL_ADD, signals, &event) != 0)
		_exit(EX_OSERR);
	return both;
}

static NORETURN void be_child(struct supervisor *s, size_t index, int ready_fd, int parent_fd,
			      pid_t parent)
{
	/* The others' ends too, or they would outlive the parent unawares. */
	for (size_t i = 0; i < 2 * s->options->workers; i++) {
		close_fd(&s->children[i].stop_fd);
		close_fd(&s->children[i].ready_fd);
	}
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(EX_OK);
	int stop_fd = stop_descriptor(s, parent_fd);
	free(s->children);
	free(s->polls);
	exit(s->options->run(s->options->state, index, ready_fd, stop_fd));
}

/* At once, or after a pause when too many have died young. */
static void start_later(struct child *child)
{
	int64_t pause_ms = 0;
	for (unsigned i = 1; i < child->young_deaths && pause_ms < PAUSE_MAX_MS; i++)
		pause_ms = pause_ms > 0 ? pause_ms * 2 : PAUSE_FIRST_MS;
	child->start_ms = clock_mono_ms() + (pause_ms < PAUSE_MAX_MS ? pause_ms : PAUSE_MAX_MS);
}

static bool open_pipes(int ready[2], int stop[2])
{
	if (pipe2(ready, O_CLOEXEC | O_NONBLOCK) != 0)
		return false;
	if (pipe2(stop, O_CLOEXEC) == 0)
		return true;
	close(ready[0]);
	close(ready[1]);
	return false;
}

/* The child's pid, and our ends of its pipes; -1: nothing is left open. */
static pid_t fork_child(struct supervisor *s, size_t index, int *ready_out, int *stop_out)
{
	int ready[2], stop[2];
	pid_t parent = getpid();
	if (!open_pipes(ready, stop))
		return -1;
	pid_t pid = fork();
	int failure = errno;
	if (pid == 0) {
		close(ready[0]);
		close(stop[1]);
		be_child(s, index, ready[1], stop[0], parent);
	}
	close(ready[1]);
	close(stop[0]);
	if (pid < 0) {
		close(ready[0]);
		close(stop[1]);
		errno = failure;
		return -1;
	}
	*ready_out = ready[0];
	*stop_out = stop[1];
	return pid;
}

static void start(struct supervisor *s, struct child *child)
{
	child->start_ms = 0;
	pid_t pid = fork_child(s, (size_t)(child - s->children), &child->ready_fd, &child->stop_fd);
	if (pid < 0) {
		log_error("a worker cannot be started", LOG_ERRNO(errno));
		child->young_deaths += 2;
		start_later(child);
		return;
	}
	child->pid = pid;
	child->ready = false;
	child->born_ms = clock_mono_ms();
	child->kill_ms = 0;
}

static void start_half(struct supervisor *s, size_t which)
{
	for (size_t i = 0; i < s->options->workers; i++) {
		struct child *child = half(s, which) + i;
		*child = (struct child){ .ready_fd = -1, .stop_fd = -1 };
		start(s, child);
	}
}

static void stop_half(struct supervisor *s, size_t which)
{
	for (size_t i = 0; i < s->options->workers; i++) {
		struct child *child = half(s, which) + i;
		child->start_ms = 0;
		if (child->pid == 0 || child->stop_fd < 0)
			continue;
		close_fd(&child->stop_fd);
		child->kill_ms = clock_mono_ms() + s->options->stop_ms;
	}
}

static size_t alive(struct supervisor *s, size_t which)
{
	size_t count = 0;
	for (size_t i = 0; i < s->options->workers; i++)
		count += half(s, which)[i].pid != 0;
	return count;
}

static bool is_ready(struct supervisor *s, size_t which)
{
	for (size_t i = 0; i < s->options->workers; i++) {
		const struct child *child = half(s, which) + i;
		if (child->pid == 0 || !child->ready)
			return false;
	}
	return true;
}

/* --- reload: the next generation answers before the last one ends --- */

static void begin_reload(struct supervisor *s)
{
	if (!s->reload_wanted || s->stopping || s->ready_by_ms != 0 || alive(s, 1 - s->now) > 0)
		return;
	s->reload_wanted = false;
	if (!s->options->reload(s->options->state, 1 - s->now)) {
		s->options->counters->reloads_refused++;
		return;
	}
	s->ready_by_ms = clock_mono_ms() + s->options->ready_ms;
	start_half(s, 1 - s->now);
}

static void give_up_reload(struct supervisor *s, const char *why)
{
	s->ready_by_ms = 0;
	stop_half(s, 1 - s->now);
	s->options->counters->reloads_failed++;
	log_error("reload failed: the old workers stay", LOG_TEXT("reason", why));
}

static void finish_reload(struct supervisor *s)
{
	if (s->ready_by_ms == 0)
		return;
	if (is_ready(s, 1 - s->now)) {
		s->ready_by_ms = 0;
		s->now = 1 - s->now;
		stop_half(s, 1 - s->now);
		s->options->counters->reloads_done++;
		log_info("reloaded");
	} else if (clock_mono_ms() >= s->ready_by_ms) {
		give_up_reload(s, "the new workers are not ready in time");
	}
}

/* --- what happens to children --- */

static void take_ready(struct child *child)
{
	char byte;
	if (child->ready_fd < 0)
		return;
	ssize_t got = read(child->ready_fd, &byte, 1);
	if (got < 0)
		return;
	child->ready = got == 1;
	close_fd(&child->ready_fd);
}

static void stop_all(struct supervisor *s, int code)
{
	if (s->stopping)
		return;
	s->stopping = true;
	s->code = code;
	s->ready_by_ms = 0;
	stop_half(s, 0);
	stop_half(s, 1);
}

static bool is_sysexit(int status)
{
	return WIFEXITED(status) && WEXITSTATUS(status) >= EX__BASE &&
	       WEXITSTATUS(status) <= EX__MAX;
}

/* A worker has ended that was not told to by us. */
static void replace(struct supervisor *s, struct child *child, int status)
{
	bool orderly = child->ready && WIFEXITED(status) && WEXITSTATUS(status) == 0;
	if (!child->ready && !s->proven && is_sysexit(status)) {
		stop_all(s, WEXITSTATUS(status));
		return;
	}
	if (!orderly) {
		s->options->counters->restarts++;
		log_error("a worker has died",
			  LOG_INT("signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0),
			  LOG_INT("code", WIFEXITED(status) ? WEXITSTATUS(status) : 0));
	}
	if (orderly || clock_mono_ms() - child->born_ms >= YOUNG_MS)
		child->young_deaths = 0;
	else
		child->young_deaths++;
	start_later(child);
}

static void bury(struct supervisor *s, struct child *child, int status)
{
	size_t index = (size_t)(child - s->children);
	bool current = index / s->options->workers == s->now;
	bool told = child->stop_fd < 0;
	take_ready(child);
	close_fd(&child->ready_fd);
	close_fd(&child->stop_fd);
	child->pid = 0;
	if (s->options->reap != NULL)
		s->options->reap(s->options->state, index);
	if (told || s->stopping)
		return;
	if (current)
		replace(s, child, status);
	else
		give_up_reload(s, "a new worker has died");
}

static void bury_dead(struct supervisor *s)
{
	int status;
	for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
		for (size_t i = 0; i < 2 * s->options->workers; i++) {
			if (s->children[i].pid == pid)
				bury(s, &s->children[i], status);
		}
	}
}

static void start_due(struct supervisor *s, int64_t now_ms)
{
	for (size_t i = 0; i < s->options->workers; i++) {
		struct child *child = half(s, s->now) + i;
		if (!s->stopping && child->start_ms != 0 && child->start_ms <= now_ms)
			start(s, child);
	}
}

static void kill_late(struct supervisor *s, int64_t now_ms)
{
	for (size_t i = 0; i < 2 * s->options->workers; i++) {
		struct child *child = &s->children[i];
		if (child->pid != 0 && child->kill_ms != 0 && child->kill_ms <= now_ms) {
			log_error("a worker does not stop: killed", LOG_INT("pid", child->pid));
			kill(child->pid, SIGKILL);
			child->kill_ms = now_ms + s->options->stop_ms;
		}
	}
}

/* --- the loop --- */

static void take_signals(struct supervisor *s)
{
	struct signalfd_siginfo signal;
	while (read(s->signals, &signal, sizeof(signal)) == (ssize_t)sizeof(signal)) {
		if (signal.ssi_signo == SIGHUP)
			s->reload_wanted = true;
		else if (signal.ssi_signo == SIGTERM || signal.ssi_signo == SIGINT)
			stop_all(s, 0);
	}
}

/* Milliseconds until something is due without a signal. */
static int64_t due_ms(const struct supervisor *s, int64_t now_ms)
{
	int64_t due = now_ms + IDLE_MS;
	if (s->ready_by_ms != 0 && s->ready_by_ms < due)
		due = s->ready_by_ms;
	for (size_t i = 0; i < 2 * s->options->workers; i++) {
		const struct child *child = &s->children[i];
		int64_t at = child->pid != 0 ? child->kill_ms : child->start_ms;
		if (at != 0 && at < due)
			due = at;
	}
	return due > now_ms ? due - now_ms : 0;
}

/* Until a signal comes, a worker is ready, or something is due. */
static void await(struct supervisor *s)
{
	size_t count = 1;
	s->polls[0] = (struct pollfd){ .fd = s->signals, .events = POLLIN };
	for (size_t i = 0; i < 2 * s->options->workers; i++) {
		if (s->children[i].ready_fd >= 0)
			s->polls[count++] =
				(struct pollfd){ .fd = s->children[i].ready_fd, .events = POLLIN };
	}
	poll(s->polls, count, (int)due_ms(s, clock_mono_ms()));
}

static void step(struct supervisor *s)
{
	await(s);
	int64_t now_ms = clock_mono_ms();
	take_signals(s);
	bury_dead(s);
	for (size_t i = 0; i < 2 * s->options->workers; i++)
		take_ready(&s->children[i]);
	s->proven |= is_ready(s, s->now);
	finish_reload(s);
	begin_reload(s);
	start_due(s, now_ms);
	kill_late(s, now_ms);
}

static bool open_supervisor(struct supervisor *s)
{
	static const int taken[] = { SIGTERM, SIGINT, SIGHUP, SIGCHLD };
	const struct sigaction standard = { .sa_handler = SIG_DFL };
	size_t count = 2 * s->options->workers;
	sigset_t blocked;
	sigemptyset(&blocked);
	for (size_t i = 0; i < COUNT_OF(taken); i++)
		sigaddset(&blocked, taken[i]);
	sigprocmask(SIG_BLOCK, &blocked, &s->before);
	/* An ignored signal, as nohup leaves HUP, would not reach a descriptor. */
	for (size_t i = 0; i < COUNT_OF(taken); i++)
		sigaction(taken[i], &standard, NULL);
	s->signals = signalfd(-1, &blocked, SFD_CLOEXEC | SFD_NONBLOCK);
	s->children = calloc(count, sizeof(*s->children));
	s->polls = calloc(count + 1, sizeof(*s->polls));
	if (s->signals < 0 || s->children == NULL || s->polls == NULL)
		return false;
	for (size_t i = 0; i < count; i++)
		s->children[i].stop_fd = s->children[i].ready_fd = -1;
	return true;
}

int supervisor_run(const struct supervisor_options *options)
{
	struct supervisor s = { .options = options };
	options->counters->started_ms = clock_wall_ms();
	if (open_supervisor(&s)) {
		start_half(&s, s.now);
		while (!s.stopping || alive(&s, 0) + alive(&s, 1) > 0)
			step(&s);
	} else {
		log_error("the supervisor cannot start", LOG_ERRNO(errno));
		s.code = EX_OSERR;
	}
	close_fd(&s.signals);
	free(s.children);
	free(s.polls);
	sigprocmask(SIG_SETMASK, &s.before, NULL);
	return s.code;
}
