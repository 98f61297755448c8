# SPDX-License-Identifier: MIT
"""The gate's latency while everybody signs in."""
import subprocess

from rounds import alternate, figure, of
from stage import (Load, Stage, binary, endpoint_request, gate_request,
                   sign_in_request, sign_up, write_requests)

TITLE = "Latency under a sign-in flood"
MEANS = """\
Eight clients ask the gate, and after that get-session, with nothing else going
on and while 64 clients begin to sign in, more than may hash at once. A short
look, of less than a second each. One service of two workers."""
CALM, FLOOD = "nothing else", "a flood of sign-ins"


class Flood:
    """Sign-ins until it is closed."""

    def __init__(self, address, requests):
        self.process = subprocess.Popen(
            [binary("bench/load_fcgi"), "-c", "64", "-n", "10000000", "-k",
             "-f", requests, address], stdout=subprocess.DEVNULL)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


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

        def load(what, share):
            return Load(service.unix, files[what], sizes.requests // share)

        def measure(name, what, share):
            if name == CALM:
                return load(what, share)
            with Flood(service.unix, sign_in):
                return load(what, share)

        figures = []
        for what, share in (("gate", 2), ("get-session", 8)):
            found = alternate((CALM, FLOOD), sizes.rounds,
                              lambda name: measure(name, what, share))
            figures += [
                figure("%s, %s" % (what, title), "ms", "less",
                       of(found, lambda one: getattr(one, name) / 1e3),
                       (CALM, FLOOD))
                for title, name in (("median", "median"),
                                    ("99th percentile", "p99"))]
    return figures
