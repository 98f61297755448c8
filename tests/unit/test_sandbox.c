/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "base/status.h"
#include "server/sandbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* In a child inside the sandbox: 0 when it is as it shall be. */
static int in_sandbox(int (*act)(void))
{
	int status;
	pid_t child = fork();
	if (child == 0) {
		if (sandbox_enter() != STATUS_OK)
			_exit(99);
		_exit(act());
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

/* Sanitizers and valgrind make system calls that no worker makes. */
static const char *why_not(void)
{
#if defined(AUTHBRIDGE_SANITIZED) || defined(AUTHBRIDGE_COVERAGE)
	return "built with a sanitizer";
#else
	const char *run = getenv("AB_RUN");
	return run != NULL && strstr(run, "valgrind") != NULL ? "inside valgrind" : NULL;
#endif
}

/* --- what a worker does --- */

static void *think(void *arg)
{
	char *block = malloc(1000000);
	memset(block, 1, 1000000);
	free(block);
	setpriority(PRIO_PROCESS, 0, 5);
	return arg;
}

static int run_threads(void)
{
	pthread_t ids[4];
	for (size_t i = 0; i < 4; i++) {
		if (pthread_create(&ids[i], NULL, think, NULL) != 0)
			return 1;
	}
	for (size_t i = 0; i < 4; i++)
		pthread_join(ids[i], NULL);
	return 0;
}

static int read_files(void)
{
	char byte;
	int fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
	return fd >= 0 && read(fd, &byte, 1) == 1 ? 0 : 1;
}

static int resolve_and_connect(void)
{
	struct addrinfo *list = NULL;
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	if (getaddrinfo("localhost", "5432", &hints, &list) != 0)
		return 1;
	int fd = socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return 2;
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(1) };
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	return connect(fd, (struct sockaddr *)&at, sizeof(at)) != 0 && errno == ECONNREFUSED ? 0
											     : 3;
}

static int abort_is_felt(void)
{
	abort();
}

static void lets_a_worker_work(void **state)
{
	(void)state;
	assert_int_equal(in_sandbox(run_threads), 0);
	assert_int_equal(in_sandbox(read_files), 0);
	assert_int_equal(in_sandbox(resolve_and_connect), 0);
	assert_int_equal(in_sandbox(abort_is_felt), -SIGABRT);
}

/* --- what it must not --- */

static int refused(long result)
{
	return result == -1 && (errno == EPERM || errno == EACCES) ? 0 : 1;
}

static int write_a_file(void)
{
	return refused(open("/tmp/ab-sandbox-file", O_WRONLY | O_CREAT, 0600)) +
	       refused(open("/etc/passwd", O_RDWR)) + refused(unlink("/tmp/ab-sandbox-none")) +
	       refused(mkdir("/tmp/ab-sandbox-directory", 0700)) +
	       refused(rename("/tmp/ab-sandbox-a", "/tmp/ab-sandbox-b")) +
	       refused(truncate("/tmp/ab-sandbox-none", 0)) + refused(chmod("/tmp", 0777));
}

static int start_a_process(void)
{
	return refused(fork());
}

static int listen_somewhere(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	return refused(bind(fd, (struct sockaddr *)&at, sizeof(at))) + refused(listen(fd, 1)) +
	       refused(socket(AF_PACKET, SOCK_RAW, 0));
}

static int write_and_run_memory(void)
{
	void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return refused(mprotect(at, 4096, PROT_READ | PROT_WRITE | PROT_EXEC)) +
	       (mmap(NULL, 4096, PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
		MAP_FAILED);
}

static int type_into_the_terminal(void)
{
	return refused(ioctl(0, TIOCSTI, "x"));
}

static int signal_another(void)
{
	return refused(kill(getppid(), 0));
}

static int be_dumpable(void)
{
	return refused(prctl(PR_SET_DUMPABLE, 1));
}

static void refuses_what_only_an_intruder_wants(void **state)
{
	(void)state;
	assert_int_equal(in_sandbox(write_a_file), 0);
	assert_int_equal(in_sandbox(start_a_process), 0);
	assert_int_equal(in_sandbox(listen_somewhere), 0);
	assert_int_equal(in_sandbox(write_and_run_memory), 0);
	assert_int_equal(in_sandbox(type_into_the_terminal), 0);
	assert_int_equal(in_sandbox(signal_another), 0);
	assert_int_equal(in_sandbox(be_dumpable), 0);
}

static int run_a_program(void)
{
	char *const nothing[] = { NULL };
	return execve("/bin/true", nothing, nothing);
}

static int debug(void)
{
	return (int)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static int become_another(void)
{
	return setuid(0);
}

static void ends_a_process_that_is_taken_over(void **state)
{
	(void)state;
	assert_int_equal(in_sandbox(run_a_program), -SIGSYS);
	assert_int_equal(in_sandbox(debug), -SIGSYS);
	assert_int_equal(in_sandbox(become_another), -SIGSYS);
}

static int leaves_no_core(void)
{
	struct rlimit core;
	return getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_max == 0 ? 0 : 1;
}

static void leaves_no_core_dump(void **state)
{
	(void)state;
	assert_int_equal(in_sandbox(leaves_no_core), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lets_a_worker_work),
		cmocka_unit_test(refuses_what_only_an_intruder_wants),
		cmocka_unit_test(ends_a_process_that_is_taken_over),
		cmocka_unit_test(leaves_no_core_dump),
	};

	if (why_not() != NULL)
		return printf("1..0 # SKIP %s\n", why_not()) < 0;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("sandbox", tests, NULL, NULL);
}
