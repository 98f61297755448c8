# SPDX-License-Identifier: MIT
"""Ways to hurt the service, and the watch over what gets through meanwhile.

`Watch` asks through every web server at once, with good, foreign, missing and
broken tokens; only good ones may reach the backend. `Tracer` lets system calls
of a running process fail, `Shim` its allocations and its clock.
"""
import collections
import concurrent.futures
import contextlib
import mmap
import os
import re
import shutil
import signal
import struct
import subprocess
import threading
import time

import http_client
import processes
import tokens
from harness import SECRET
from story import signed_up
from tap import Skip, check, equal, wait_until

TAG = "X-Case"
PATIENCE = 4    # of a client; a request that a fault has eaten has no answer
WANT = {"valid": 200, "foreign": 403, "missing": 401, "broken": 401,
        "unsigned": 401, "expired": 401}


class Watch:
    def __init__(self, world):
        self.world = world
        port = next(iter(world.servers.values())).port
        self.me, self.you = signed_up(port), signed_up(port)
        damaged = dict(tokens.broken(self.me.jwt, SECRET))
        # Whatever the clock does, that long ago it was valid.
        past = int(time.time()) - 10 * 86400
        expired = tokens.resign(self.me.jwt, SECRET, iat=past, exp=past + 900)
        self.kinds = {
            "valid": (self.me.own(), self.me.jwt),
            "foreign": (self.you.own(), self.me.jwt),
            "missing": (self.me.own(), None),
            "broken": (self.me.own(), damaged["flipped signature"]),
            "unsigned": (self.me.own(), damaged["alg 'none' unsigned"]),
            "expired": (self.me.own(), expired),
        }
        self.pool = concurrent.futures.ThreadPoolExecutor(32)
        world.suite.finally_do(self.pool.shutdown)

    def ask(self, server, kind, timeout=PATIENCE):
        """The status; None where no whole answer came."""
        target, token = self.kinds[kind]
        headers = [(TAG, kind)]
        if token:
            headers.append(("Authorization", "Bearer " + token))
        try:
            return http_client.send(self.world.servers[server].port, "GET",
                                    target, headers, timeout=timeout).status
        except (OSError, AssertionError, ValueError):
            return None

    def ask_all(self, timeout=PATIENCE):
        """One of each kind through each server, all at once:
        {(server, kind): status}. Nothing but the valid may be let in."""
        asked = {(server, kind): self.pool.submit(self.ask, server, kind,
                                                  timeout)
                 for server in self.world.servers for kind in self.kinds}
        found = {key: future.result() for key, future in asked.items()}
        self.judge(found)
        return found

    def judge(self, found, *about):
        for (server, kind), status in found.items():
            check(kind == "valid" or status != 200, "let in:", server, kind,
                  *about)
        self.judge_hits(*about)

    def judge_hits(self, *about):
        """Who reached the backend had a valid decision: number of them."""
        hits = self.world.probe.take()
        for hit in hits:
            cases = [v for n, v in hit["headers"] if n == TAG]
            equal((cases, hit["user"], hit["path"]),
                  (["valid"], [self.me.user_id], self.me.own()), *about)
        return len(hits)

    def wait_back(self, seconds=1.0, about="service back"):
        """Every server lets the valid request through again, and says no to
        the others as it should, within that time: how long it took."""
        started = time.monotonic()
        deadline = started + seconds
        while True:
            asked = time.monotonic()
            found = self.ask_all(timeout=max(0.3, deadline - asked))
            wrong = {key: status for key, status in found.items()
                     if status != WANT[key[1]]}
            if not wrong:
                return asked - started
            check(asked < deadline, about, "not within", seconds, "s:", wrong)

    def keep_asking(self, pause=0, **beside):
        """beside: more to ask, name=function; each returns 200 if well."""
        return Load(self, pause, beside)


class Load:
    """Requests of all kinds through all servers until the `with` ends."""

    def __init__(self, watch, pause, beside, threads=2):
        self.watch = watch
        self.pause = pause
        self.samples = []   # (started, ended, server, kind, status)
        self.stopping = threading.Event()
        self.threads = [
            threading.Thread(target=self._through, args=(server,), daemon=True)
            for server in watch.world.servers for _ in range(threads)]
        self.threads += [
            threading.Thread(target=self._beside, args=pair, daemon=True)
            for pair in beside.items()]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join(60)
        for _, _, server, kind, status in self.samples:
            check(status != 200 or WANT.get(kind, 200) == 200, "let in:",
                  server, kind)
        self.watch.judge_hits("under load")

    def _keep(self, server, kind, ask):
        started = time.monotonic()
        status = ask()
        self.samples.append((started, time.monotonic(), server, kind, status))

    def _through(self, server):
        kinds = ["valid", "foreign", "valid", "missing", "valid", "broken"]
        while not self.stopping.is_set():
            for kind in kinds:
                self._keep(server, kind,
                           lambda k=kind: self.watch.ask(server, k, 40))
                if self.stopping.wait(self.pause):
                    return

    def _beside(self, name, ask):
        def status():
            try:
                return ask()
            except (OSError, AssertionError, ValueError) as error:
                return repr(error)

        while not self.stopping.wait(self.pause):
            self._keep(None, name, status)

    def failed(self, start=0.0, end=float("inf")):
        """Requests begun in that time with another answer than they should
        have had."""
        return [s for s in list(self.samples)
                if start <= s[0] < end and s[4] != WANT.get(s[3], 200)]


class Tracer:
    """strace attached to a process and its threads, until `stop`."""

    def __init__(self, pid, folder, expressions=()):
        if not shutil.which("strace"):
            raise Skip("strace is not installed")
        self.out = folder + "/strace.out"
        self.log = folder + "/strace.log"
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.log)
        command = ["strace", "-f", "-o", self.out, "-p", str(pid)]
        for expression in expressions:
            command += ["-e", expression]
        self.process = processes.Process(command, self.log)
        wait_until(lambda: "attached" in self.process.log() or
                   not self.process.is_running(), 10, "strace attached", 0.005)
        # Who dies of the fault at once takes strace along.
        if "attached" not in self.process.log():
            raise Skip("strace cannot attach: " + self.process.log())

    def stop(self):
        if self.process.is_running():
            self.process.child.send_signal(signal.SIGTERM)
        self.process.child.wait(20)
        with open(self.out, errors="replace") as out:
            return out.read()


def calls_in(trace):
    """How often each system call begins in a trace."""
    return collections.Counter(
        re.findall(r"(?m)^\d+ +([a-z_0-9]+)\(", trace))


SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include <sys/syscall.h>

struct control {
	_Atomic int64_t countdown; /* the call that fails; 0: none */
	_Atomic int64_t limit;     /* larger calls fail; 0: none */
	_Atomic int64_t failed;    /* so many have */
	_Atomic int64_t offset_s;  /* of the wall clock */
	_Atomic int64_t calls;
};
static struct control none, *control = &none;

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

__attribute__((constructor)) static void start(void)
{
	const char *path = getenv("FAULT_CONTROL");
	int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *at = fd < 0 ? MAP_FAILED :
		   (void *)syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_WRITE,
				   MAP_SHARED, fd, 0);
	if (at != MAP_FAILED)
		control = at;
	if (fd >= 0)
		close(fd);
}

static int refuse(size_t size)
{
	control->calls++;
	int64_t limit = control->limit;
	if ((limit > 0 && size > (size_t)limit) ||
	    (control->countdown > 0 && --control->countdown == 0)) {
		control->failed++;
		errno = ENOMEM;
		return 1;
	}
	return 0;
}

void *malloc(size_t n) { return refuse(n) ? NULL : __libc_malloc(n); }
void *calloc(size_t n, size_t size)
{
	return refuse(n * size) ? NULL : __libc_calloc(n, size);
}
void *realloc(void *old, size_t n)
{
	return refuse(n) ? NULL : __libc_realloc(old, n);
}
int posix_memalign(void **out, size_t align, size_t n)
{
	if (refuse(n))
		return ENOMEM;
	*out = __libc_memalign(align, n);
	return *out != NULL ? 0 : ENOMEM;
}
void *aligned_alloc(size_t align, size_t n)
{
	return refuse(n) ? NULL : __libc_memalign(align, n);
}
void *mmap(void *at, size_t n, int prot, int flags, int fd, off_t offset)
{
	if (refuse(n))
		return MAP_FAILED;
	return (void *)syscall(SYS_mmap, at, n, prot, flags, fd, offset);
}

static int (*real_gettime)(clockid_t, struct timespec *);
int clock_gettime(clockid_t id, struct timespec *out)
{
	if (real_gettime == NULL)
		real_gettime = (int (*)(clockid_t, struct timespec *))dlsym(
			RTLD_NEXT, "clock_gettime");
	int result = real_gettime(id, out);
	if (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)
		out->tv_sec += control->offset_s;
	return result;
}
time_t time(time_t *out)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	if (out != NULL)
		*out = now.tv_sec;
	return now.tv_sec;
}
int gettimeofday(struct timeval *restrict out, void *restrict zone)
{
	struct timespec now;
	(void)zone;
	clock_gettime(CLOCK_REALTIME, &now);
	out->tv_sec = now.tv_sec;
	out->tv_usec = now.tv_nsec / 1000;
	return 0;
}
"""

FIELDS = ("countdown", "limit", "failed", "offset_s", "calls")


class Shim:
    """A library for LD_PRELOAD and the memory that steers it, shared with
    every process that was started `with shim.preloaded()`."""

    def __init__(self, folder):
        self.library = folder + "/shim.so"
        self.path = folder + "/shim.control"
        compiler = shutil.which("cc") or shutil.which("gcc")
        if not compiler:
            raise Skip("no C compiler")
        with open(folder + "/shim.c", "w") as out:
            out.write(SHIM)
        subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-fno-builtin",
                        "-o", self.library, folder + "/shim.c", "-ldl"],
                       check=True)
        with open(self.path, "wb") as out:
            out.write(b"\0" * 4096)
        os.chmod(self.path, 0o666)
        with open(self.path, "r+b") as control:
            self.memory = mmap.mmap(control.fileno(), 4096)

    def set(self, name, value):
        struct.pack_into("q", self.memory, 8 * FIELDS.index(name), value)

    def get(self, name):
        return struct.unpack_from("q", self.memory, 8 * FIELDS.index(name))[0]

    @contextlib.contextmanager
    def preloaded(self):
        os.environ.update(LD_PRELOAD=self.library, FAULT_CONTROL=self.path)
        try:
            yield
        finally:
            del os.environ["LD_PRELOAD"], os.environ["FAULT_CONTROL"]
