/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "server/sandbox.h"

#if defined(AUTHBRIDGE_SANITIZED) || defined(AUTHBRIDGE_COVERAGE)

void sandbox_harden(void)
{
}

enum status sandbox_enter(void)
{
	return STATUS_OK;
}

#else

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

void sandbox_harden(void)
{
	const struct rlimit none = { 0, 0 };
	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

/* --- landlock: no writing, by path or by any other way --- */

/* Headers of Debian 12 end at the second version. */
struct ruleset {
	uint64_t files, network, scopes;
};

enum { FILES_READ = 3 << 2 /* of files and directories */ };
/* Nor do they know of naming memory. */
#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#endif

enum { NETWORK_BIND = 1 << 0, SCOPE_SIGNAL = 1 << 1 };

/* All rights over files that the version knows, but reading. */
static uint64_t files_of(long version)
{
	static const int bits[] = { 0, 13, 14, 15, 15, 16 };
	int known = bits[version < 5 ? version : 5];
	return ((UINT64_C(1) << known) - 1) & ~(uint64_t)FILES_READ;
}

static void forbid_writing(void)
{
	enum { ASK_VERSION = 1 };
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0, ASK_VERSION);
	if (version < 1) {
		log_info("no landlock in this kernel");
		return;
	}
	const struct ruleset rules = {
		.files = files_of(version),
		.network = version >= 4 ? NETWORK_BIND : 0,
		.scopes = version >= 6 ? SCOPE_SIGNAL : 0,
	};
	int fd = (int)syscall(SYS_landlock_create_ruleset, &rules, sizeof(rules), 0);
	if (fd < 0 || syscall(SYS_landlock_restrict_self, fd, 0) != 0)
		log_warn("landlock could not be used", LOG_ERRNO(errno));
	if (fd >= 0)
		close(fd);
}

/* --- seccomp --- */

/* clang-format off */
/* Whatever their arguments. Names that an architecture lacks are skipped. */
static const char *const allowed[] = {
	"accept4", "access", "arch_prctl", "brk", "clock_getres",
	"clock_gettime", "clock_nanosleep", "close", "close_range",
	"connect", "dup", "dup2", "dup3", "epoll_create1", "epoll_ctl",
	"epoll_pwait", "epoll_pwait2", "epoll_wait", "eventfd2", "exit",
	"exit_group", "faccessat", "faccessat2", "fadvise64", "fcntl",
	"fstat", "futex", "futex_wait", "futex_wake", "get_robust_list",
	"getcwd", "getdents64", "getegid", "geteuid", "getgid",
	"getpeername", "getpid", "getppid", "getpriority", "getrandom",
	"getrlimit", "getrusage", "getsockname", "getsockopt", "gettid",
	"gettimeofday", "getuid", "lseek", "lstat", "madvise", "membarrier",
	"mlock", "mlock2", "mremap", "munlock", "munmap", "nanosleep",
	"newfstatat", "pipe", "pipe2", "poll", "ppoll", "pread64", "preadv",
	"prlimit64", "pselect6", "pwrite64", "read", "readlink",
	"readlinkat", "readv", "recvfrom", "recvmmsg", "recvmsg",
	"restart_syscall", "rseq", "rt_sigaction", "rt_sigpending",
	"rt_sigprocmask", "rt_sigreturn", "rt_sigsuspend",
	"rt_sigtimedwait", "sched_getaffinity", "sched_getparam",
	"sched_getscheduler", "sched_yield", "select", "sendmmsg",
	"sendmsg", "sendto", "set_robust_list", "set_tid_address",
	"setpriority", "setrlimit", "setsockopt", "shutdown", "sigaltstack",
	"signalfd4", "socketpair", "stat", "statx", "sysinfo", "time",
	"times", "timerfd_create", "timerfd_settime", "uname", "write",
	"writev",
};

/* What we never do, and neither do the libraries. */
static const char *const deadly[] = {
	"acct", "add_key", "bpf", "chroot", "delete_module", "execve",
	"execveat", "finit_module", "fsopen", "init_module",
	"io_uring_setup", "kexec_file_load", "kexec_load", "keyctl",
	"mount", "move_mount", "open_by_handle_at", "open_tree",
	"perf_event_open", "pidfd_getfd", "pivot_root", "process_vm_readv",
	"process_vm_writev", "ptrace", "reboot", "request_key", "setgid",
	"setgroups", "setns", "setresgid", "setresuid", "setuid", "swapoff",
	"swapon", "umount2", "unshare", "userfaultfd",
};
/* clang-format on */

static bool add_names(scmp_filter_ctx filter, uint32_t action, const char *const *names,
		      size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int number = seccomp_syscall_resolve_name(names[i]);
		if (number >= 0 && seccomp_rule_add(filter, action, number, 0) != 0)
			return false;
	}
	return true;
}

/* Allowed where the bits of argument `at` under `mask` are `value`. */
static bool add_masked(scmp_filter_ctx filter, const char *name, unsigned at, uint64_t mask,
		       uint64_t value)
{
	int number = seccomp_syscall_resolve_name(name);
	return number < 0 || seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 1,
					      SCMP_CMP(at, SCMP_CMP_MASKED_EQ, mask, value)) == 0;
}

static bool add_socket(scmp_filter_ctx filter)
{
	static const int families[] = { AF_UNIX, AF_INET, AF_INET6, AF_NETLINK };
	for (size_t i = 0; i < COUNT_OF(families); i++) {
		if (seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
				     SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)families[i], 0)) != 0)
			return false;
	}
	return true;
}

/* Threads, but no processes. glibc tries clone3 first, whose flags a filter
 * cannot see, and falls back to clone. */
static bool add_threads(scmp_filter_ctx filter)
{
	return add_masked(filter, "clone", 0, CLONE_THREAD, CLONE_THREAD) &&
	       seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) == 0;
}

static bool add_memory(scmp_filter_ctx filter)
{
	static const int rights[] = { PROT_NONE, PROT_WRITE, PROT_EXEC };
	bool added = true;
	for (size_t i = 0; i < COUNT_OF(rights); i++)
		added = added &&
			add_masked(filter, "mmap", 2, PROT_WRITE | PROT_EXEC,
				   (uint64_t)rights[i]) &&
			add_masked(filter, "mprotect", 2, PROT_WRITE | PROT_EXEC,
				   (uint64_t)rights[i]);
	return added;
}

/* A terminal we inherited must not be typed into (TIOCSTI), what harden has set
 * must stay, and signals are for ourselves (abort, raise). */
static bool add_narrowed(scmp_filter_ctx filter)
{
	static const uint64_t ioctls[] = { FIONBIO, FIONREAD, FIOCLEX, TCGETS, TIOCGWINSZ };
	static const uint64_t prctls[] = { PR_SET_NAME, PR_GET_NAME, PR_SET_VMA };
	bool added = add_masked(filter, "tgkill", 0, UINT32_MAX, (uint64_t)getpid());
	for (size_t i = 0; i < COUNT_OF(ioctls); i++)
		added = added && add_masked(filter, "ioctl", 1, UINT32_MAX, ioctls[i]);
	for (size_t i = 0; i < COUNT_OF(prctls); i++)
		added = added && add_masked(filter, "prctl", 0, UINT32_MAX, prctls[i]);
	return added;
}

static bool add_files(scmp_filter_ctx filter)
{
	const uint64_t writing = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC;
	return add_masked(filter, "open", 1, writing, 0) &&
	       add_masked(filter, "openat", 2, writing, 0);
}

static bool add_all(scmp_filter_ctx filter)
{
	return seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 1) == 0 &&
	       add_names(filter, SCMP_ACT_ALLOW, allowed, COUNT_OF(allowed)) &&
	       add_names(filter, SCMP_ACT_KILL_PROCESS, deadly, COUNT_OF(deadly)) &&
	       add_socket(filter) && add_threads(filter) && add_memory(filter) &&
	       add_narrowed(filter) && add_files(filter);
}

static enum status filter_calls(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	if (filter == NULL)
		return STATUS_NO_MEMORY;
	/* Hints only: a tree of comparisons, and no slower branches for them. */
	seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	seccomp_attr_set(filter, SCMP_FLTATR_CTL_SSB, 1);
	enum status status = add_all(filter) ? STATUS_OK : STATUS_INTERNAL;
	int failed = status == STATUS_OK ? seccomp_load(filter) : 0;
	seccomp_release(filter);
	if (failed != 0)
		log_warn("seccomp could not be used", LOG_ERRNO(-failed));
	return status;
}

enum status sandbox_enter(void)
{
	sandbox_harden();
	forbid_writing();
	return filter_calls();
}

#endif
