# SPDX-License-Identifier: MIT
"""The gate's latency while everybody signs in."""
import subprocess
import time

from rounds import alternate, figure, of
from stage import (Load, Stage, binary, endpoint_request, gate_request,
                   sign_in_request, sign_up, write_requests)

TITLE = "Latency under a sign-in flood"
MEANS = """\
Eight clients ask the gate, and after that get-session, with nothing else going
on and while 64 clients sign in without a pause, so that every core hashes and
the queue for hashes is full all the time. One service of two workers."""
CALM, FLOOD = "nothing else", "a flood of sign-ins"


class Flood:
    """Sign-ins until it is closed."""

    def __init__(self, address, requests):
        self.process = subprocess.Popen(
            [binary("bench/load_fcgi"), "-c", "64", "-n", "10000000", "-k",
             "-f", requests, address], stdout=subprocess.DEVNULL)

    def __enter__(self):
        time.sleep(0.3)     # until the queue is as full as it gets
        if self.process.poll() is not None:
            raise AssertionError("the flood has ended")
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        time.sleep(0.3)     # what it left is no calm


def run(sizes):
    with Stage() as stage:
        stage.database("flood")
        service = stage.service("flood", workers=2, rate_limit="off")
        user, cookie, jwt = sign_up(service)
        sign_in = write_requests(stage.folder + "/sign-in", [
            sign_in_request("bench@example.com")])
        files = {
            "gate": write_requests(stage.folder + "/gate", [
                gate_request("/api/%s/tasks" % user, jwt, True)]),
            "get-session": write_requests(stage.folder + "/session", [
                endpoint_request("GET", "/get-session",
                                 [("Cookie", cookie)])])}

        def measure(name, what, count):
            if name == CALM:
                return Load(service.unix, files[what], count)
            with Flood(service.unix, sign_in):
                return Load(service.unix, files[what], count)

        figures = []
        for what, count in (("gate", 4 * sizes.requests),
                            ("get-session", sizes.requests // 2)):
            found = alternate((CALM, FLOOD), sizes.rounds,
                              lambda name: measure(name, what, count))
            figures += [
                figure("%s, %s" % (what, title), "ms", "less",
                       of(found, lambda one: getattr(one, name) / 1e3),
                       (CALM, FLOOD))
                for title, name in (("median", "median"),
                                    ("99th percentile", "p99"))]
    return figures
