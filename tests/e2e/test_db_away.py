# SPDX-License-Identifier: MIT
"""The database goes away under load, and comes back.

One scenario is played for each way to lose it, with clients asking all the
time; the cases then look at what was answered when.
"""
import json
import os
import signal
import threading
import time

import fcgi_client
import processes
from harness import World
from story import PASSWORD, Browser, fresh_email, signed_up
from tap import Suite, check, equal

suite = Suite()
world = None
MAX_AGE = 2.0   # revocation_max_age of this test
SLACK = 0.5
AWAY = MAX_AGE + 3
BACK_WITHIN = 2.0


class Timeline:
    """Asks again and again; keeps when each answer came, and what it was."""

    def __init__(self, ask, pause):
        self.samples = []   # (started, ended, status, body)
        self.ask = ask
        self.pause = pause
        self.stopping = False
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while not self.stopping:
            started = time.monotonic()
            try:
                answer = self.ask()
                found = answer.status, answer.body
            except (OSError, fcgi_client.Closed) as error:
                found = None, repr(error)
            self.samples.append((started, time.monotonic()) + found)
            time.sleep(self.pause)

    def stop(self):
        self.stopping = True
        self.thread.join(30)

    def between(self, start, end):
        """Samples that began and ended in that time."""
        return [s for s in self.samples if s[0] >= start and s[1] <= end]

    def statuses(self, start, end):
        return {s[2] for s in self.between(start, end)}


def direct(method, uri, headers=(), body=b""):
    return fcgi_client.request(world.service.unix, method, uri, headers, body,
                               timeout=20)


def sign_in(email):
    body = json.dumps({"email": email, "password": PASSWORD}).encode()
    return direct("POST", "/api/auth/sign-in/email",
                  [("Content-Type", "application/json")], body)


def sign_up():
    body = json.dumps({"email": fresh_email("away"), "name": "Ann",
                       "password": PASSWORD}).encode()
    return direct("POST", "/api/auth/sign-up/email",
                  [("Content-Type", "application/json")], body)


class Scenario:
    def __init__(self, leave, come_back):
        port = next(iter(world.servers.values())).port
        user = signed_up(port)
        cookie = "; ".join("%s=%s" % c for c in user.cookies.items())
        gates = {name: Browser(server.port)
                 for name, server in world.servers.items()}
        ask = {"gate": lambda: fcgi_client.gate(
            world.service.unix, "GET", user.own(), user.jwt, timeout=20)}
        for name, browser in gates.items():
            ask[name] = lambda b=browser: b.api("GET", user.own(), user.jwt)
        ask["get-session"] = lambda: direct(
            "GET", "/api/auth/get-session", [("Cookie", cookie)])
        ask["token"] = lambda: direct("GET", "/api/auth/token",
                                      [("Cookie", cookie)])
        ask["sign-in"] = lambda: sign_in(user.email)
        ask["sign-up"] = sign_up
        self.pids = world.service.worker_pids()
        self.parent = world.service.process.pid
        self.lines = {name: Timeline(a, 0.2 if name.startswith("sign") else
                                     0.03) for name, a in ask.items()}
        self.start = time.monotonic()
        time.sleep(1.5)
        self.left = time.monotonic()
        leave()
        self.gone = time.monotonic()
        time.sleep(AWAY)
        self.returning = time.monotonic()
        come_back()
        self.back = time.monotonic()
        time.sleep(BACK_WITHIN + 1.5)
        for line in self.lines.values():
            line.stop()
        self.end = time.monotonic()
        self.pids_after = world.service.worker_pids()


scenarios = {}


def cluster_pids():
    parent = world.cluster.process.pid
    return [parent] + processes.children_of(parent)


def signal_cluster(how):
    for pid in cluster_pids():
        os.kill(pid, how)


def setup():
    global world
    world = World(suite, private_cluster=True,
                  revocation_max_age="%ds" % MAX_AGE)
    cluster = world.cluster
    scenarios["stopped"] = Scenario(
        lambda: cluster.stop(signal.SIGINT), cluster.start)
    scenarios["killed"] = Scenario(
        lambda: cluster.stop(signal.SIGQUIT), cluster.start)
    scenarios["paused"] = Scenario(
        lambda: signal_cluster(signal.SIGSTOP),
        lambda: signal_cluster(signal.SIGCONT))


WAYS = ["stopped", "killed", "paused"]


def gates():
    return ["gate"] + list(world.servers)


@suite.each("the gate goes on while its knowledge is fresh: database %s",
            WAYS)
def fresh_enough(way):
    s = scenarios[way]
    for name in gates():
        equal(s.lines[name].statuses(s.start, s.left), {200}, name, "before")
        early = s.lines[name].between(s.left, s.left + MAX_AGE / 2)
        equal({x[2] for x in early}, {200}, name, "fresh")


@suite.each("the gate says 503 once its knowledge is stale: database %s", WAYS)
def stale(way):
    s = scenarios[way]
    for name in gates():
        late = s.lines[name].between(s.gone + MAX_AGE + SLACK, s.returning)
        check(late, name, "no samples")
        equal({x[2] for x in late}, {503}, name, "stale")


@suite.each("sign-in and sign-up say 503 at once: database %s",
            ["stopped", "killed"])
def password_503(way):
    s = scenarios[way]
    for name in ("sign-in", "sign-up"):
        away = s.lines[name].between(s.gone, s.returning)
        check(away, name, "no samples")
        equal({x[2] for x in away}, {503}, name)
        slowest = max(x[1] - x[0] for x in away)
        check(slowest < 1, name, "took %.2f s" % slowest)
        for sample in away:
            check(json.loads(sample[3])["message"], "body")


@suite.each("session endpoints say 503, never null: database %s", WAYS)
def session_503(way):
    s = scenarios[way]
    for name in ("get-session", "token"):
        line = s.lines[name]
        equal([x for x in line.samples if x[3] == b"null"], [], name)
        check(line.statuses(s.start, s.end) <= {200, 503}, name,
              line.statuses(s.start, s.end))
        equal(line.statuses(s.gone + SLACK, s.returning) - {503}, set(), name)


@suite.each("everything works again within 2 s of its return: database %s",
            WAYS)
def works_again(way):
    s = scenarios[way]
    for name, line in s.lines.items():
        after = line.between(s.back + BACK_WITHIN, s.end)
        check(after, name, "no samples")
        equal({x[2] for x in after}, {200}, name)


@suite.each("no process died and nothing hung: database %s", WAYS)
def same_processes(way):
    s = scenarios[way]
    equal(s.pids_after, s.pids, "workers")
    check(world.service.process.is_running(), "parent")
    slowest = {name: max(x[1] - x[0] for x in line.samples)
               for name, line in s.lines.items()}
    check(max(slowest.values()) < 10, slowest)
    equal([x for line in s.lines.values() for x in line.samples
           if x[2] is None], [], "answers lost")
    return ", ".join("%s %.2f s" % item for item in slowest.items())


@suite.case("nothing is half-done: every user has an account")
def whole_rows():
    equal(world.sql('SELECT count(*) FROM public."user" u WHERE NOT EXISTS '
                    '(SELECT 1 FROM public.account a WHERE a."userId" = u.id)'
                    ), [["0"]], "users without account")


@suite.case("a service started while the database is away comes up by itself")
def start_without():
    late = world.extra_service(revocation_max_age="2s")
    world.cluster.stop()
    late.start(wait=False)
    answer = fcgi_client.gate(late.unix, "GET", "/api/x/tasks", "x")
    check(answer.status in (401, 503), answer.status)
    answer = fcgi_client.request(late.unix, "GET", "/api/auth/get-session",
                                 [("Cookie", "better-auth.session_token=x")])
    check(answer.status in (200, 503), answer.status)
    equal(fcgi_client.request(late.unix, extra=[
        ("AUTHBRIDGE_MODE", "ready")]).status, 503, "ready")
    world.cluster.start()
    started = time.monotonic()
    late.wait_ready(5)
    check(time.monotonic() - started < BACK_WITHIN, "slow")


if __name__ == "__main__":
    suite.main(setup)
