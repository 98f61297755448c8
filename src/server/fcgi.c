/* SPDX-License-Identifier: MIT */
#include "server/fcgi.h"

#include "base/secret.h"

#include <fcgiapp.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

/* The largest replay, 64 KiB and a few headers, fits twice. */
#define PIPE_BYTES (2 * FRAMES_CONTENT_MAX)

struct fcgi {
	FCGX_Request request;
};

enum status fcgi_pipe_open(struct fcgi_pipe *pipe)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
		return STATUS_UNAVAILABLE;
	*pipe = (struct fcgi_pipe){ .in = ends[1], .out = ends[0] };
	if (fcntl(pipe->in, F_SETPIPE_SZ, PIPE_BYTES) >= PIPE_BYTES)
		return STATUS_OK;
	fcgi_pipe_close(pipe);
	return STATUS_UNAVAILABLE;
}

void fcgi_pipe_close(struct fcgi_pipe *pipe)
{
	if (pipe->in >= 0)
		close(pipe->in);
	if (pipe->out >= 0)
		close(pipe->out);
	*pipe = FCGI_PIPE_NONE;
}

struct fcgi *fcgi_new(void)
{
	struct fcgi *fcgi = calloc(1, sizeof(*fcgi));
	/* Never a listening socket: FCGX_Accept_r must not accept. */
	if (fcgi == NULL || FCGX_InitRequest(&fcgi->request, -1, FCGI_FAIL_ACCEPT_ON_INTR) != 0)
		abort();
	return fcgi;
}

void fcgi_free(struct fcgi **fcgi)
{
	if (*fcgi != NULL)
		fcgi_close(*fcgi);
	free(*fcgi);
	*fcgi = NULL;
}

enum status fcgi_open(struct fcgi *fcgi, struct fcgi_pipe *pipe, const struct frames *frames,
		      struct span params)
{
	FCGX_Request *request = &fcgi->request;
	struct frames_records records;
	if (pipe->in < 0)
		TRY(fcgi_pipe_open(pipe));
	frames_replay(frames, params, &records);
	ssize_t written = writev(pipe->in, records.parts, records.count);
	if (written != (ssize_t)records.length) {
		fcgi_pipe_close(pipe);
		return STATUS_UNAVAILABLE;
	}
	/* With a descriptor in ipcFd and keepConnection set, FCGX_Accept_r skips
	 * its accept and reads from what it finds there. */
	request->ipcFd = pipe->out;
	request->keepConnection = 1;
	int failed = FCGX_Accept_r(request);
	/* It closes ipcFd when it fails, and only then. */
	if (failed != 0)
		pipe->out = -1;
	request->ipcFd = -1;
	request->keepConnection = 1;
	if (failed == 0)
		return STATUS_OK;
	fcgi_pipe_close(pipe);
	return STATUS_INTERNAL;
}

const char *const *fcgi_params(const struct fcgi *fcgi)
{
	return (const char *const *)fcgi->request.envp;
}

void fcgi_close(struct fcgi *fcgi)
{
	FCGX_Request *request = &fcgi->request;
	if (request->in == NULL)
		return;
	/* Tokens and cookies are among them, and libfcgi only frees. */
	for (char **param = request->envp; param != NULL && *param != NULL; param++)
		secret_wipe(*param, strlen(*param));
	/* Not FCGX_Finish_r: it would write an answer of its own. */
	FCGX_Free(request, 0);
	request->envp = NULL;
}

static enum status self_test(struct fcgi *fcgi, struct fcgi_pipe *pipe)
{
	static const char params[] = "\4\1TESTx\1\0y";
	static const char *const expect[] = { "FCGI_ROLE=AUTHORIZER", "TEST=x", "y=", NULL };
	struct frames frames = { .id = 258, .authorizer = true };
	TRY(fcgi_open(fcgi, pipe, &frames, span_make(params, sizeof(params) - 1)));
	const char *const *got = fcgi_params(fcgi);
	for (size_t i = 0; expect[i] != NULL || got[i] != NULL; i++) {
		if (expect[i] == NULL || got[i] == NULL || strcmp(expect[i], got[i]) != 0)
			return STATUS_INTERNAL;
	}
	return STATUS_OK;
}

/* FCGX_Init takes PIPE, USR1 and TERM where they have their default action. */
static bool init_keeping_signals(void)
{
	static const int taken[] = { SIGPIPE, SIGUSR1, SIGTERM };
	struct sigaction before[COUNT_OF(taken)];
	for (size_t i = 0; i < COUNT_OF(taken); i++)
		sigaction(taken[i], NULL, &before[i]);
	bool done = FCGX_Init() == 0;
	for (size_t i = 0; i < COUNT_OF(taken); i++)
		sigaction(taken[i], &before[i], NULL);
	return done;
}

enum status fcgi_init(void)
{
	struct fcgi_pipe pipe = FCGI_PIPE_NONE;
	if (!init_keeping_signals())
		return STATUS_INTERNAL;
	TRY(fcgi_pipe_open(&pipe));
	struct fcgi *fcgi = fcgi_new();
	/* Twice: the object and the pipe must survive a request. */
	enum status status = self_test(fcgi, &pipe);
	fcgi_close(fcgi);
	if (status == STATUS_OK)
		status = self_test(fcgi, &pipe);
	fcgi_free(&fcgi);
	fcgi_pipe_close(&pipe);
	return status;
}
