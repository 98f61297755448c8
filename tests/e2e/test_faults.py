# SPDX-License-Identifier: MIT
"""Failed system calls, killed and stopped workers, refused memory, a jumping
clock: nothing reaches a backend without a valid decision, on any web server,
and service is back within a second.

A sample of the faults; all of them with AUTHBRIDGE_LONG=1.
"""
import concurrent.futures
import itertools
import json
import os
import signal
import subprocess
import time

import fcgi_client
import http_client
from faults import Shim, Tracer, Watch, calls_in
from harness import SECRET, World
from story import PASSWORD, fresh_email, signed_up
from tap import Suite, check, equal, wait_until
from tokens import claims, resign

suite = Suite()
LONG = os.environ.get("AUTHBRIDGE_LONG") == "1"
ERRORS = ("EINTR", "EAGAIN", "ENOMEM", "EMFILE", "EPIPE", "EIO")
WHEN = ("1", "2", "4", "1+")
# Who has lived that long is replaced at once when it dies.
GROWN_UP = 1.1
BACK = 1.0
# A call to the database may have to come to its deadline first, and one that
# could not be reached is tried again a second later.
BACK_WITH_DATABASE = 4.0

world = watch = shim = None


def setup():
    global world, watch, shim
    world = World(suite, workers=1, start=False)
    shim = Shim(world.folder)
    with shim.preloaded():
        world.service.start()
    watch = Watch(world)
    watch.wait_back(10)
    world.probe.take()


def worker():
    return wait_until(lambda: world.service.worker_pids(), 5, "a worker")[0]


class Deaths:
    """Tells a worker that died from one that did not, and lets a new one
    grow up, so that the next fault does not meet a pause of the parent's."""

    def __init__(self):
        self.pid = worker()
        self.count = 0

    def look(self):
        pids = world.service.worker_pids()
        if pids != [self.pid]:
            self.count += 1
            time.sleep(GROWN_UP)
            self.pid = worker()


# --- system calls ---

def calls_of_decisions():
    """The system calls that a worker makes to decide and to answer, and how
    often when everything is asked once."""
    rounds = 3
    tracer = Tracer(worker(), world.folder)
    for _ in range(rounds):
        watch.ask_all()
    calls = {name: count / rounds
             for name, count in calls_in(tracer.stop()).items()
             if name not in ("restart_syscall", "exit", "exit_group")}
    check({"accept4", "recvfrom", "sendmsg"} <= set(calls), calls)
    return calls


def inject(name, error, when, back):
    """Asks while the worker's calls of that name fail; how often they did."""
    tracer = Tracer(worker(), world.folder, [
        "trace=" + name, "inject=%s:error=%s:when=%s" % (name, error, when)])
    try:
        watch.ask_all(timeout=2)
    finally:
        trace = tracer.stop()
    watch.wait_back(back, "after %s %s %s: back" % (name, error, when))
    return trace.count("(INJECTED)")


def faults_of(calls, sample):
    """All, or so many that are sure to meet a call: strace counts the calls
    of each thread, and of four threads one makes four of sixteen."""
    names = sorted(calls)
    if LONG:
        return list(itertools.product(names, ERRORS, WHEN))
    often = [name for name in names if calls[name] >= 16]
    check(len(often) > 3, calls)
    return [(often[at % len(often)], ERRORS[at % len(ERRORS)],
             WHEN[at % len(WHEN)]) for at in range(sample)]


def inject_all(sample, back=BACK):
    calls = calls_of_decisions()
    faults = faults_of(calls, sample)
    deaths, hit, injected = Deaths(), 0, 0
    for fault in faults:
        count = inject(*fault, back)
        hit += count > 0
        injected += count
        deaths.look()
    note = "%d faults in %s: %d met a call, %d failures, %d deaths" % (
        len(faults), " ".join(sorted(calls)), hit, injected, deaths.count)
    # Of all, some wait for a later call than any.
    check(hit > len(faults) // 2 if LONG else hit == len(faults), note)
    return note


@suite.case("A_SC_003 a failed system call lets nothing through")
def system_calls():
    return inject_all(8)


@suite.case("A_SC_003 nor does one while the database is asked for each"
            " decision")
def system_calls_with_database():
    # The feed's connection never lives long enough to be trusted.
    cutter = subprocess.Popen(
        ["psql", "-XAtqc", """DO $$ BEGIN FOR i IN 1 .. 1000000 LOOP
            PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE application_name = 'authbridge feed'
            AND datname = current_database();
            PERFORM pg_stat_clear_snapshot(), pg_sleep(0.01);
            END LOOP; END $$""", world.cluster.url(world.database)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: "sendto" in calls_of_decisions(), 10,
                   "the database is asked")
        return inject_all(6, BACK_WITH_DATABASE)
    finally:
        cutter.send_signal(signal.SIGINT)   # cancels the query, too
        cutter.wait(10)


# --- processes ---

@suite.case("A_SC_003 a killed worker is replaced at once")
def killed():
    longest = 0
    with watch.keep_asking() as load:
        for _ in range(10 if LONG else 2):
            time.sleep(GROWN_UP)
            os.kill(worker(), signal.SIGKILL)
            longest = max(longest, watch.wait_back(BACK, "after the kill"))
    equal({s[4] for s in load.samples if s[3] == "foreign"} - {403, 500, 502,
                                                               503, None},
          set(), "answers to the foreign token")
    return "%d requests, %d failed, back after %.2f s at most" % (
        len(load.samples), len(load.failed()), longest)


@suite.case("A_SC_003 a stopped worker decides nothing, and goes on after")
def stopped_alone():
    for seconds in ([0.5, 7] if LONG else [0.5]):
        pid = worker()
        with watch.keep_asking() as load:
            time.sleep(0.3)
            os.kill(pid, signal.SIGSTOP)
            stopped = time.monotonic() + 0.2
            try:
                time.sleep(seconds)
                early = [s for s in list(load.samples)
                         if s[0] > stopped and s[4] in (200, 401, 403)]
            finally:
                os.kill(pid, signal.SIGCONT)
            equal(early, [], "decided by a stopped worker")
            watch.wait_back(BACK, "after SIGCONT")


@suite.case("A_SC_003 one stopped worker of two does not stop the service")
def stopped_beside_another():
    second = world.extra_service(workers=2).start()
    first = dict(world.servers)
    world.servers.update((name, world.extra_web_server(
        name, second, world.probe.address, second.folder)) for name in first)
    pid = second.worker_pids()[0]
    try:
        watch.wait_back(10)
        with watch.keep_asking() as load:
            time.sleep(0.5)
            os.kill(pid, signal.SIGSTOP)
            stopped = time.monotonic()
            time.sleep(0.2)
            watch.wait_back(BACK, "beside a stopped worker")
            time.sleep(1)
            longest = max(s[1] - s[0] for s in list(load.samples)
                          if s[0] > stopped + 0.2)
            check(longest < BACK, "longest answer after the stop", longest)
            os.kill(pid, signal.SIGCONT)
            watch.wait_back(BACK, "after SIGCONT")
    finally:
        os.kill(pid, signal.SIGCONT)
        world.servers = first
    return "%d requests, %d of those begun after the stop failed, longest " \
        "answer %.2f s" % (len(load.samples),
                           len(load.failed(stopped + 0.2)), longest)


# --- memory ---

@suite.case("A_SC_003 whichever allocation fails, nothing is let through")
def allocations():
    watch.ask_all()
    before = shim.get("calls")
    watch.ask_all()
    calls = shim.get("calls") - before
    check(calls > 0, "the shim sees allocations")
    # Requests of all kinds run side by side: the later calls repeat these.
    each = calls // len(world.servers) // 2
    turns = range(1, each) if LONG else range(1, calls, calls // 4)
    deaths, failed = Deaths(), shim.get("failed")
    for turn in turns:
        shim.set("countdown", turn)
        watch.ask_all(timeout=2)
        shim.set("countdown", 0)
        watch.wait_back(BACK, "after allocation %d was refused" % turn)
        deaths.look()
    return "%d allocations for %d requests; %d refused, %d deaths" % (
        calls, 6 * len(world.servers), shim.get("failed") - failed,
        deaths.count)


@suite.case("B_FR_024 a refused work area is that request's 503 alone")
def work_area():
    """Of a service that has no area yet: one that has keeps it."""
    user = signed_up(next(iter(world.servers.values())).port)
    second = world.extra_service(workers=1)

    def post(target, **body):
        return fcgi_client.request(
            second.unix, "POST", "/api/auth" + target,
            [("Content-Type", "application/json"),
             ("Origin", world.base_url)], json.dumps(body).encode())

    def dear_ones():
        return [post("/sign-in/email", email=user.email, password=PASSWORD),
                post("/sign-in/email", email=user.email, password="wrong one"),
                post("/sign-up/email", email=fresh_email(), name="Ann",
                     password=PASSWORD)]

    failed = shim.get("failed")
    shim.set("limit", 16 << 20)
    try:
        with shim.preloaded():
            second.start()
        pids = second.worker_pids()
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            asked = [pool.submit(dear_ones) for _ in range(40 if LONG else 8)]
            while not all(one.done() for one in asked):
                equal(fcgi_client.gate(second.unix, "GET", user.own(),
                                       user.jwt).status, 200, "the gate")
        for answer in (a for one in asked for a in one.result()):
            equal(answer.status, 503, answer.body)
            check(answer.header("retry-after"), "Retry-After")
    finally:
        shim.set("limit", 0)
    check(shim.get("failed") - failed >= len(asked), "areas were refused")
    equal([a.status for a in dear_ones()], [200, 401, 200], "afterwards")
    equal(second.worker_pids(), pids, "the worker lives")
    second.stop()


# --- the clock ---

def gate(user, token, server=None):
    port = world.servers[server or next(iter(world.servers))].port
    return http_client.send(port, "GET", user.own(),
                            [("Authorization", "Bearer " + token)]).status


@suite.each("A_SC_003 no jump of the clock revives a token: %s",
            ["3600", "-3600", "86400", "-86400", "-30"])
def clock_jumps(text):
    offset = int(text)
    port = next(iter(world.servers.values())).port
    user, gone = signed_up(port), signed_up(port)
    now = int(time.time())
    expired = resign(user.jwt, SECRET, iat=now - 90000, exp=now - 86700)
    equal(gone.sign_out().status, 200)
    equal(gone.refused_soon(gone.jwt), 401)
    pid = worker()
    try:
        shim.set("offset_s", offset)
        # Longer than what is forgotten by time is kept.
        until = time.monotonic() + (15 if LONG else 1.5)
        while time.monotonic() < until:
            for server in world.servers:
                equal(gate(gone, gone.jwt, server), 401, "signed out")
                equal(gate(user, expired, server), 401, "expired")
                status = gate(user, user.jwt, server)
                wanted = 401 if abs(offset) > 900 else 200
                equal(status, wanted, "a good token, judged", offset)
            world.probe.take()
            watch.judge(watch.ask_all())
    finally:
        shim.set("offset_s", 0)
    watch.wait_back(BACK, "after the clock is right again")
    equal(gate(user, user.jwt), 200)
    equal(gate(gone, gone.jwt), 401, "signed out, afterwards")
    equal(gate(user, expired), 401, "expired, afterwards")
    equal(worker(), pid, "the worker lives")
    world.probe.take()


@suite.case("A_SC_003 what is issued under a wrong clock ends with it")
def issued_ahead():
    port = next(iter(world.servers.values())).port
    try:
        shim.set("offset_s", 7200)
        ahead = signed_up(port)
        check(claims(ahead.jwt)["iat"] > time.time() + 7000, "issued ahead")
        equal(gate(ahead, ahead.jwt), 200, "by the same clock")
    finally:
        shim.set("offset_s", 0)
        world.probe.take()
    equal(gate(ahead, ahead.jwt), 401, "from the future")


if __name__ == "__main__":
    suite.main(setup)
