#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Side by side with the reference server, on one database cluster and machine.

    AUTHBRIDGE_BUILD=DIR python3 bench.py [SECONDS [ROUNDS]]

get-session and sign-in in alternating rounds, each with the password hash that
it makes by itself; the reference answers HTTP itself, the service stands behind
nginx on its sample configuration. Memory is the proportional set size of all
processes of a server, at rest after the rounds, and the highest while
sign-ins run; with nginx's beside it. Needs wrk. Prints TSV: what, the medians
of reference and service with the lowest and highest round, the median of the
rounds' ratios, the wanted ratio; exits 1 when one is missed. The database, the
web server and wrk use the same processors as the servers under test, so the
ratios of the rates are lower bounds.
"""
import json
import os
import statistics
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]

import postgres
import processes
import service_at
from backend import Probe
from reference import Reference
from target import HttpTarget
from webserver import ROOT, WebServer
from world import PASSWORD, World

SECRET = "conformance-secret-conformance-secret-0123456789"
WANTED = {"get-session": 20, "sign-in": 10, "resident KiB": 5,
          "with web server KiB": 5, "busy KiB": None}


class Contestant:
    """A server with one signed-in user."""

    def __init__(self, name, server, front, cluster, database, base_url):
        """front: the web server, or None where `server` answers HTTP."""
        self.name, self.server, self.front = name, server, front
        self.port = int(base_url.rpartition(":")[2])
        target = HttpTarget(name, self.port, cluster, database, base_url, SECRET)
        self.world = World(target, name)
        self.world.sign_up()
        self.found = {}

    def wrk(self, seconds, folder, path, cookie=None, body=None):
        script = "%s/%s.lua" % (folder, self.name)
        with open(script, "w", encoding="utf-8") as out:
            out.write(lua(self.world.base, cookie, body))
        done = subprocess.run(
            ["wrk", "-t1", "-c16", "-d%ds" % seconds, "--timeout", "10s",
             "-s", script, "http://127.0.0.1:%d/api/auth%s" % (self.port,
                                                               path)],
            check=True, stdout=subprocess.PIPE, text=True).stdout
        rate, wrong = done.strip().splitlines()[-1].split()
        if int(wrong):
            raise AssertionError("%s %s: %s answers were not 200" % (
                self.name, path, wrong))
        return float(rate)

    def measure(self, seconds, folder):
        cookie = self.world.cookie("session_token",
                                   self.world.session_cookie())
        body = json.dumps({"email": self.world.email(),
                           "password": PASSWORD})
        self._note("get-session", self.wrk(seconds, folder, "/get-session",
                                           cookie=cookie))
        with Peak(tree(self.server.process.pid)) as busy:
            # As many as are being hashed at the end are not counted: of a long
            # round they are few.
            self._note("sign-in", self.wrk(3 * seconds, folder,
                                           "/sign-in/email", body=body))
        self._note("busy KiB", busy.highest)
        time.sleep(1)       # what is still being hashed is no steady state
        alone = resident(tree(self.server.process.pid))
        front = tree(self.front.process.pid) if self.front else []
        self._note("resident KiB", alone)
        self._note("with web server KiB", alone + resident(front))

    def _note(self, what, value):
        self.found.setdefault(what, []).append(value)


class Peak:
    """The highest resident size while its block runs; looks twice a second,
    which is cheap enough not to be seen in what is measured."""

    def __init__(self, pids):
        self.pids = pids
        self.highest = 0
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._watch)

    def _watch(self):
        while not self.stop.wait(0.5):
            self.highest = max(self.highest, resident(self.pids))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()


def resident(pids):
    """Proportional set size in KiB."""
    return sum(pss(pid) for pid in pids)


def lua(base, cookie, body):
    lines = ['wrk.headers["Host"] = %s' % json.dumps(base.split("//")[1])]
    if cookie:
        lines.append('wrk.headers["Cookie"] = %s' % json.dumps(cookie))
    if body:
        lines += ['wrk.method = "POST"', "wrk.body = %s" % json.dumps(body),
                  'wrk.headers["Content-Type"] = "application/json"']
    return "\n".join(lines) + """
local threads = {}
function setup(thread) table.insert(threads, thread) end
function init() wrong = 0 end
function response(status) if status ~= 200 then wrong = wrong + 1 end end
function done(summary)
	local wrong = summary.errors.connect + summary.errors.read
		+ summary.errors.write + summary.errors.timeout
	for _, thread in ipairs(threads) do wrong = wrong + thread:get("wrong") end
	print(string.format("%.2f %d", summary.requests * 1e6 / summary.duration,
		wrong))
end
"""


def tree(pid):
    return [pid] + [each for child in processes.children_of(pid)
                    for each in tree(child)]


def pss(pid):
    with open("/proc/%d/smaps_rollup" % pid, encoding="ascii") as rollup:
        return next(int(line.split()[1]) for line in rollup
                    if line.startswith("Pss:"))


def contestants(cluster, place, owned):
    for name in ("bench_reference", "bench_ours"):
        cluster.drop_database(name)
        cluster.create_database(name)
    port = processes.free_port()
    base = "http://127.0.0.1:%d" % port
    reference = Reference(cluster, "bench_reference", place, "production",
                          port=port, baseURL=base, secret=SECRET,
                          migrate=True, rateLimit={"enabled": False})
    owned.append(reference)
    port = processes.free_port()
    ours = "http://127.0.0.1:%d" % port
    service = service_at.started(cluster, "bench_ours", place, ours,
                                 secret=SECRET, rate_limit="off",
                                 log_level="error")
    owned.append(service)
    service.wait_ready()
    probe = Probe()
    owned.append(probe)
    front = WebServer("nginx", place, service.unix, probe.address,
                      ROOT + "/examples/web", None, port)
    owned.append(front)
    return (Contestant("reference", reference, None, cluster,
                       "bench_reference", base),
            Contestant("service", service, front, cluster, "bench_ours", ours))


def spread(values):
    return "%.1f (%.1f-%.1f)" % (statistics.median(values), min(values),
                                 max(values))


def report(reference, service):
    good = True
    print("what\treference\tservice\tratio\twanted")
    for what, wanted in WANTED.items():
        left, right = reference.found[what], service.found[what]
        ratio = statistics.median(l / r if "KiB" in what else r / l
                                  for l, r in zip(left, right))
        good = good and (wanted is None or ratio >= wanted)
        print("%s\t%s\t%s\t%.1f\t%s" % (what, spread(left), spread(right),
                                        ratio, wanted or "-"))
    return good


def main():
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 4
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    cluster = postgres.Cluster()
    place = processes.make_folder()
    owned = []
    try:
        both = contestants(cluster, place, owned)
        for _ in range(rounds):
            for each in both:
                each.measure(seconds, place)
        sys.exit(0 if report(*both) else 1)
    finally:
        for each in reversed(owned):
            each.close()
        processes.remove_folder(place)
        cluster.close()


if __name__ == "__main__":
    main()
