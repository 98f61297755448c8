# SPDX-License-Identifier: MIT
"""Reloads and restarts under load, and the ways to be started: no request is
dropped, and a bad new configuration leaves the old one running.

20 rounds of each; 200 with AUTHBRIDGE_LONG=1.
"""
import contextlib
import fcntl
import os
import re
import signal
import socket
import subprocess
import sys
import time

import fcgi_client
import http_client
import processes
from faults import Watch
from harness import World
from service import ask_mode, binary, write_config
from story import Browser
from tap import Skip, Suite, check, equal, wait_until

suite = Suite()
LONG = os.environ.get("AUTHBRIDGE_LONG") == "1"
ROUNDS = 200 if LONG else 20
PAUSE = 0.01    # between the requests of one client

world = watch = None


def setup():
    global world, watch
    world = World(suite, workers=2)
    watch = Watch(world)
    watch.wait_back(10)


def pids():
    return world.service.worker_pids()


def hup():
    """Sends HUP; the next generation has taken over when this returns."""
    before = pids()
    book = world.service.logbook()
    world.service.process.child.send_signal(signal.SIGHUP)
    events = []

    def told():
        events.extend(event["event"] for event in book.take())
        return [e for e in events if "reload" in e]

    said = wait_until(told, 20, "the log says how the reload went")
    return said[-1], before


def load():
    """All kinds of requests through every server, sign-ins and sessions."""
    user = Browser(next(iter(world.servers.values())).port)
    user.cookies = watch.me.cookies

    def sign_in():
        return Browser(user.port).sign_in(watch.me.email).status

    return watch.keep_asking(PAUSE, sign_in=sign_in,
                             session=lambda: user.get_session().status)


def no_failure(load):
    failed = load.failed()
    check(not failed, len(failed), "of", len(load.samples), "failed:",
          [s[2:] for s in failed[:10]])
    return "%d requests, 0 failed" % len(load.samples)


# --- reload ---

@suite.case("no request is dropped by %d reloads" % ROUNDS)
def reloads():
    with load() as asked:
        for _ in range(ROUNDS):
            said, before = hup()
            equal(said, "reloaded")
            check(not set(before) & set(pids()) or
                  wait_until(lambda: not set(before) & set(pids()), 20,
                             "the old workers end"))
    return no_failure(asked)


def back_to(settings):
    write_config(world.service.config, settings)
    equal(hup()[0], "reloaded")
    wait_until(lambda: len(pids()) == 2, 20, "the old workers end")
    watch.wait_back(5)


@suite.case("a reload takes the new configuration in use")
def takes_effect():
    config, settings = world.service.config, world.service.settings
    try:
        write_config(config, dict(settings, route="* /** deny"))
        equal(hup()[0], "reloaded")
        wait_until(lambda: watch.ask(next(iter(world.servers)), "valid") ==
                   403, 5, "the new route")
    finally:
        back_to(settings)


MISTAKES = [
    ("an unknown key", lambda s: dict(s, no_such_key="1"), "no_such_key"),
    ("a short secret", lambda s: dict(s, secret="short"), "secret"),
    ("no database", lambda s: dict(s, database_url=None), "database_url"),
    ("a bad route", lambda s: dict(s, route="* api owner"), "route"),
]


@suite.each("a bad new configuration leaves the old one running: %s",
            MISTAKES)
def bad_configuration(case):
    _, change, named = case
    config, settings = world.service.config, world.service.settings
    log = len(world.service.log())
    try:
        write_config(config, change(settings))
        with load() as asked:
            said, before = hup()
            equal(said, "reload refused")
            check(named in world.service.log()[log:], "names the mistake",
                  world.service.log()[log:])
            equal(pids(), before, "the same workers")
            # Who dies now comes back with the old configuration.
            os.kill(before[0], signal.SIGTERM)
            wait_until(lambda: before[0] not in pids() and len(pids()) == 2,
                       10, "replaced")
        no_failure(asked)
    finally:
        back_to(settings)


@suite.case("a new configuration whose workers cannot start leaves the old"
            " one running")
def bad_database():
    config, settings = world.service.config, world.service.settings
    empty = world.database + "_empty"
    world.cluster.create_database(empty)
    suite.finally_do(lambda: world.cluster.drop_database(empty))
    try:
        write_config(config, dict(settings, database_url=world.cluster.url(
            empty, "authbridge")))
        with load() as asked:
            said, before = hup()
            equal(said, "reload failed: the old workers stay")
            equal([p for p in before if p in pids()], before, "old workers")
            wait_until(lambda: pids() == before, 10, "the new ones end")
            for pid in before:
                time.sleep(1.1)
                os.kill(pid, signal.SIGTERM)
                wait_until(lambda p=pid: p not in pids() and len(pids()) == 2,
                           10, "replaced")
            time.sleep(1.5)
        no_failure(asked)
    finally:
        back_to(settings)


@suite.case("no request is dropped by %d restarts of single workers" % ROUNDS)
def single_workers():
    with load() as asked:
        for number in range(ROUNDS):
            pid = pids()[number % 2]
            os.kill(pid, signal.SIGTERM)
            wait_until(lambda p=pid: p not in pids() and len(pids()) == 2, 20,
                       "a new worker")
    return no_failure(asked)


@suite.case("HUP and TERM in quick succession end in an orderly stop")
def storm():
    second = world.extra_service(workers=2).start()
    for _ in range(50):
        second.process.child.send_signal(signal.SIGHUP)
        time.sleep(0.005)
    equal(ask_mode(second.unix, "ready", 15).status, 200, "it goes on")
    second.process.child.send_signal(signal.SIGHUP)
    equal(second.stop(), 0)


# --- ways to be started ---

ACTIVATE = """
import os, sys
for number, fd in enumerate(sys.argv[1].split(","), 3):
    os.dup2(int(fd), number)
os.environ.update(LISTEN_PID=str(os.getpid()),
                  LISTEN_FDS=str(number - 2))
os.execv(sys.argv[2], sys.argv[2:])
"""


class Activated:
    """The sockets stay with us, as with systemd; the service comes and goes."""

    def __init__(self, service):
        self.service = service
        self.log = service.folder + "/activated.log"
        local = socket.socket(socket.AF_UNIX)
        local.bind(service.unix[5:])
        os.chmod(service.unix[5:], 0o666)
        tcp = socket.socket()
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        host, port = service.tcp.split(":")
        tcp.bind((host, int(port)))
        self.sockets = [local, tcp]
        self.fds = []
        for one in self.sockets:
            one.listen(4096)
            self.fds.append(fcntl.fcntl(one.fileno(), fcntl.F_DUPFD, 100))
        self.child = None

    def start(self):
        with open(self.log, "ab") as log:
            self.child = subprocess.Popen(
                [sys.executable, "-c", ACTIVATE,
                 ",".join(map(str, self.fds)), binary("authbridge"), "-c",
                 self.service.config, "-w", "2"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/",
                pass_fds=self.fds, **processes.run_as(processes.SERVICE_USER))

    def stop(self):
        self.child.terminate()
        try:
            return self.child.wait(20)
        except subprocess.TimeoutExpired:
            self.child.kill()
            raise

    def close(self):
        if self.child and self.child.poll() is None:
            self.stop()
        while self.fds:
            os.close(self.fds.pop())
        for one in self.sockets:
            one.close()


@contextlib.contextmanager
def in_front_of(service):
    """The web servers ask this service meanwhile."""
    before = world.servers
    world.servers = {name: world.extra_web_server(
        name, service, world.probe.address, service.folder)
        for name in before}
    try:
        yield
    finally:
        world.servers = before


@suite.case("no request is dropped by %d restarts of the whole service under"
            " inherited sockets" % ROUNDS)
def activation():
    second = world.extra_service(trusted_origins="http://127.0.0.1:*")
    parent = Activated(second)
    suite.finally_do(parent.close)
    parent.start()
    longest = 0
    with in_front_of(second):
        watch.wait_back(15)
        with load() as asked:
            for _ in range(ROUNDS):
                started = time.monotonic()
                equal(parent.stop(), 0)
                parent.start()
                equal(ask_mode(second.unix, "ready", 20).status in (200, 503),
                      True)
                longest = max(longest, time.monotonic() - started)
    parent.close()
    check(os.path.exists(second.unix[5:]), "the socket is not its own")
    return "%s; longest restart %.2f s" % (no_failure(asked), longest)


def serves(address):
    """Readiness, and the gate's three answers at a socket of a service."""
    def is_ready():
        try:
            return ask_mode(address, "ready").status == 200
        except (OSError, fcgi_client.Closed):
            return False

    wait_until(is_ready, 15, "ready")
    for kind, want in (("valid", 200), ("foreign", 403), ("missing", 401)):
        target, token = watch.kinds[kind]
        equal(fcgi_client.gate(address, "GET", target, token).status, want,
              kind)


def ended(pid):
    try:
        with open("/proc/%d/stat" % pid) as stat:
            return stat.read().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@suite.case("spawn-fcgi -F 2: two processes share a socket")
def spawned():
    if not os.path.exists("/usr/bin/spawn-fcgi"):
        raise Skip("spawn-fcgi is not installed")
    second = world.extra_service()
    path, pidfile = second.folder + "/spawned.sock", second.folder + "/pids"
    command = ["spawn-fcgi", "-s", path, "-M", "0666", "-F", "2", "-P",
               pidfile]
    if processes.am_root():
        command += ["-u", processes.SERVICE_USER]
    subprocess.run(command + ["--", binary("authbridge"), "-c",
                              second.config], check=True,
                   stdout=subprocess.DEVNULL)
    with open(pidfile) as given:
        parents = [int(word) for word in given.read().split()]
    try:
        equal(len(parents), 2, parents)
        serves("unix:" + path)
        # One goes, workers and all; the other answers on.
        workers = processes.children_of(parents[0])
        equal(len(workers), 1, "workers by default on an inherited socket")
        os.kill(parents[0], signal.SIGKILL)
        wait_until(lambda: all(map(ended, workers)), 10, "its worker ends")
        serves("unix:" + path)
        os.kill(parents[1], signal.SIGTERM)
        wait_until(lambda: ended(parents[1]), 15, "the other ends")
    finally:
        for pid in parents:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@suite.case("lighttpd's bin-path with max-procs 2")
def bin_path():
    if "lighttpd" not in world.servers:
        raise Skip("without lighttpd")
    second = world.extra_service(trusted_origins="http://127.0.0.1:*")
    port = processes.free_port()
    folder = second.folder + "/lighttpd"
    subprocess.run(
        [os.path.dirname(os.path.abspath(__file__)) +
         "/../../tools/trial-webserver", "--server", "lighttpd", "--dir",
         folder, "--port", str(port), "--service", second.unix, "--backend",
         world.probe.address, "--web", folder, "--user",
         processes.SERVICE_USER], check=True)
    with open(folder + "/site.conf") as sample:
        text, count = re.subn(
            r'("socket"\s*=>[^,]*,)', r'\1 "bin-path" => "%s -c %s", '
            r'"max-procs" => 2,' % (binary("authbridge"), second.config),
            sample.read())
    equal(count, 2, "entries of the sample")
    with open(folder + "/site.conf", "w") as sample:
        sample.write(text)
    server = processes.Process([folder + "/run"], folder + "/output.log",
                               cwd="/")
    try:
        processes.wait_for_port(server, "127.0.0.1:%d" % port)
        started = wait_until(
            lambda: len(processes.children_of(server.pid)) >= 2 and
            processes.children_of(server.pid), 10, "two processes")
        equal(len(started), 2, started)

        def allowed():
            user = Browser(port)
            return user.sign_up().status == 200 and user

        user = wait_until(allowed, 15, "sign-up", 0.2)
        for _ in range(10):
            equal(user.api("GET", user.own()).status, 200)
            equal(user.api("GET", watch.me.own()).status, 403)
            equal(user.api("GET", user.own(), None).status, 401)
        # A worker is followed by its parent's next, a parent by lighttpd's.
        for victim, how in ((processes.children_of(started[0])[0],
                             signal.SIGKILL), (started[1], signal.SIGTERM)):
            os.kill(victim, how)
            wait_until(lambda v=victim: ended(v), 10, "has ended")
            wait_until(lambda: [user.api("GET", user.own()).status
                                for _ in range(5)] == [200] * 5, 5, "goes on")
        wait_until(lambda: started[0] in processes.children_of(server.pid) and
                   len(processes.children_of(server.pid)) == 2, 10,
                   "a new process for the one that ended")
        children = processes.children_of(server.pid)
    finally:
        server.stop()
    wait_until(lambda: all(map(ended, children)), 20, "all have ended")
    world.probe.take()


@suite.case("as process 1 it serves, buries orphans and stops")
def process_one():
    if not processes.am_root():
        raise Skip("a pid namespace takes root")
    second = world.extra_service()
    outer = processes.Process(
        ["unshare", "--pid", "--fork", "--kill-child", "setpriv", "--reuid",
         processes.SERVICE_USER, "--regid", processes.SERVICE_USER,
         "--clear-groups", binary("authbridge"), "-c", second.config, "-l",
         second.unix, "-w", "2"], second.folder + "/one.log", cwd="/")
    suite.finally_do(lambda: outer.is_running() and outer.stop(signal.SIGKILL))
    serves(second.unix)
    parent, = processes.children_of(outer.pid)
    with open("/proc/%d/status" % parent) as status:
        check(re.search(r"NSpid:\s+\d+\s+1\n", status.read()), "is process 1")
    workers = processes.children_of(parent)
    equal(len(workers), 2)
    # A daemon's orphan becomes its child, and is buried once dead.
    subprocess.run(["nsenter", "-t", str(parent), "-p", "--", "sh", "-c",
                    "(sleep 0.2; exit 3) & exit 0"], check=True)
    wait_until(lambda: len(processes.children_of(parent)) == 3, 5, "adopted",
               0.005)
    wait_until(lambda: processes.children_of(parent) == workers, 5, "buried")
    os.kill(workers[0], signal.SIGKILL)
    wait_until(lambda: workers[0] not in processes.children_of(parent) and
               len(processes.children_of(parent)) == 2, 5, "replaced")
    serves(second.unix)
    os.kill(parent, signal.SIGHUP)
    wait_until(lambda: "reloaded" in outer.log(), 10, "reload")
    serves(second.unix)
    os.kill(parent, signal.SIGTERM)
    equal(outer.child.wait(20), 0, "its exit code")
    check(not os.path.exists(second.unix[5:]), "its socket is gone")


if __name__ == "__main__":
    suite.main(setup)
