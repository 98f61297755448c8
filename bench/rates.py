# SPDX-License-Identifier: MIT
"""The gate's rate against plain libfcgi workers, side by side in one run.

Prints TSV: name, requests, nanoseconds for one (the median of the rounds), and
as last columns the 99th percentile of latency in microseconds and the rate
relative to the first of its group. The groups: plain workers (bench_null
answers 200 to everything), then HS256 and the algorithms whose verified tokens
are remembered. Then the memory of the whole service: proportional set size in
KiB, idle and after the load.
"""
import json
import os
import statistics
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, ROOT + "/tests/e2e")

import fcgi_client  # noqa: E402
import processes  # noqa: E402
from harness import World  # noqa: E402
from service import binary  # noqa: E402
from tap import Skip, Suite  # noqa: E402

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "7"))
REQUESTS = int(os.environ.get("BENCH_REQUESTS", "20000"))
THREADS = "4"
CONNECTIONS = "8"


def sign_up(address, base_url, name="bench"):
    """What the gate is asked about the tasks of somebody new."""
    body = json.dumps({"name": "Ann", "email": name + "@example.com",
                       "password": "correct horse battery"}).encode()
    answer = fcgi_client.request(
        address, "POST", "/api/auth/sign-up/email",
        [("Content-Type", "application/json"), ("Origin", base_url)], body)
    user = json.loads(answer.body)["user"]["id"]
    return ["REQUEST_METHOD=GET", "REQUEST_URI=/api/%s/tasks" % user,
            "HTTP_AUTHORIZATION=Bearer " + answer.header("set-auth-jwt")]


def load(address, keep, params):
    """One round: requests per second, and the 99th percentile in us."""
    command = [binary("bench/load_fcgi"), "-c", CONNECTIONS, "-n", str(REQUESTS)]
    command += ["-k"] if keep else []
    for param in params:
        command += ["-p", param]
    done = subprocess.run(command + [address], stdout=subprocess.PIPE,
                          text=True, check=True)
    fields = done.stdout.split()
    return float(fields[0]), float(fields[3])


def compare(servers, keep, params):
    """The first is what the others are measured against. They alternate, so
    that a noisy neighbour meets all of them. params: of all, or of each."""
    rates = {name: [] for name in servers}
    tails = {name: [] for name in servers}
    for _ in range(ROUNDS):
        for name, address in servers.items():
            rate, tail = load(address, keep, params[name]
                              if isinstance(params, dict) else params)
            rates[name].append(rate)
            tails[name].append(tail)
    first = rates[next(iter(servers))]
    for name in servers:
        ratios = [a / b for a, b in zip(rates[name], first)]
        print("%s_%s\t%d\t%.0f\t%.0f\t%.3f" % (
            name, "kept" if keep else "one_each", ROUNDS * REQUESTS,
            1e9 / statistics.median(rates[name]),
            statistics.median(tails[name]), statistics.median(ratios)),
            flush=True)


def memory_kib(process):
    total = 0
    for pid in [process.pid] + processes.children_of(process.pid):
        with open("/proc/%d/smaps_rollup" % pid) as rollup:
            total += sum(int(line.split()[1]) for line in rollup
                         if line.startswith("Pss:"))
    return total


def start(folder, name, threads=THREADS):
    address = "unix:%s/%s-%s.sock" % (folder, name, threads)
    process = processes.Process([binary("bench/" + name), address, threads],
                                folder + "/" + name + ".log")
    processes.wait_for_port(process, address)
    return process, address


def compare_algs(world):
    """HS256 against those whose verified tokens are remembered."""
    servers, params = {}, {}
    for alg in ("HS256", "EdDSA", "ES256", "RS256"):
        service = world.extra_service(workers=1, options=["-t", THREADS],
                                      jwt_alg=alg)
        service.start()
        name = "gate_" + alg.lower()
        servers[name] = service.unix
        params[name] = sign_up(service.unix, world.base_url, name)
    for keep in (False, True):
        compare(servers, keep, params)


def main():
    suite = Suite()
    stop = []
    try:
        world = World(suite, backend=None)
        idle = memory_kib(world.service.process)
        single = world.extra_service(workers=1, options=["-t", THREADS])
        single.start()
        servers = {}
        for name in ("bench_null", "bench_door"):
            process, servers[name] = start(world.folder, name)
            stop.append(process)
        servers["gate"] = single.unix
        params = sign_up(single.unix, world.base_url)
        compare(servers, False, params)
        # A kept connection holds a whole thread of bench_null.
        process, servers["bench_null"] = start(world.folder, "bench_null",
                                               CONNECTIONS)
        stop.append(process)
        compare(servers, True, params)
        compare_algs(world)
        print("idle_pss_kib_two_workers\t1\t%d" % idle)
        print("loaded_pss_kib_one_worker\t1\t%d" % memory_kib(single.process))
    except Skip as why:
        print("# rates: %s" % why)
    finally:
        for process in stop:
            process.stop()
        for finalizer in reversed(suite.finalizers):
            finalizer()


if __name__ == "__main__":
    main()
