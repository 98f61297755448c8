#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The stock client of three releases completes its story: at the reference,
which shows that the story is right, and at the service behind each web
server."""
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__))
                + "/better-auth")

import postgres
import processes
import tap
import service_at
from backend import Probe
from reference import Reference, folder, node
from webserver import ROOT, WebServer, available

SECRET = "conformance-secret-conformance-secret-0123456789"
CLIENTS = (("better-auth", True), ("better-auth-1.6", False),
           ("better-auth-1.5", False))
suite = tap.Suite()
base_urls = {}


def setup():
    folder()
    cluster = postgres.Cluster()
    suite.finally_do(cluster.close)
    place = processes.make_folder()
    suite.finally_do(lambda: processes.remove_folder(place))
    for name in ("client_reference", "client_ours"):
        cluster.drop_database(name)
        cluster.create_database(name)
    port = processes.free_port()
    base_urls["reference"] = "http://127.0.0.1:%d" % port
    reference = Reference(cluster, "client_reference", place, port=port,
                          secret=SECRET, baseURL=base_urls["reference"],
                          migrate=True)
    suite.finally_do(reference.close)
    if os.environ.get("AUTHBRIDGE_BUILD"):
        start_ours(cluster, place)


def start_ours(cluster, place):
    """One service behind every web server; the first gives the base URL."""
    ports = {name: processes.free_port() for name in available()}
    origins = ["http://127.0.0.1:%d" % port for port in ports.values()]
    service = service_at.started(
        cluster, "client_ours", place, origins[0], secret=SECRET,
        trusted_origins=", ".join(origins[1:]) or None)
    suite.finally_do(service.close)
    service.wait_ready()
    probe = Probe()
    suite.finally_do(probe.close)
    for name, port in ports.items():
        address = service.tcp if name == "apache" else service.unix
        server = WebServer(name, place, address, probe.address,
                           ROOT + "/examples/web", None, port)
        suite.finally_do(server.close)
        base_urls[name] = "http://127.0.0.1:%d" % port


def story(server, package, whole):
    if server not in base_urls:
        raise tap.Skip("set AUTHBRIDGE_BUILD to the build folder")
    printed = node("clients.mjs", {"package": package, "whole": whole,
                                   "baseURL": base_urls[server]})
    steps = [json.loads(line) for line in printed.splitlines()]
    wrong = ["%(step)s: %(problem)s" % s for s in steps if s["problem"]]
    tap.check(not wrong, "\n".join(wrong))
    tap.check(len(steps) == (26 if whole else 9), "steps", len(steps))
    return "%d steps" % len(steps)


for _server in ["reference"] + available():
    for _package, _whole in CLIENTS:
        suite.case("A_FR_001 A_FR_002 B_FR_001 B_FR_006 client %s at %s" % (
            _package, _server), _server, _package, _whole)(story)

if __name__ == "__main__":
    suite.main(setup)
