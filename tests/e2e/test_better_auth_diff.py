#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The same requests to Better Auth and to the service, on fresh databases.

Every difference must be listed in doc/differences.md, and every listed one
must still occur. AUTHBRIDGE_DIFF_OURS=reference compares the reference with
itself (nothing may differ), =reference-1.6 with its previous release (much
must). Words on the command line run only the cases whose name holds one.
"""
import concurrent.futures
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__))
                + "/better-auth")

import postgres
import processes
import tap
import service_at
import cases
import cases_account
import cases_body
import cases_keys
import cases_origin
import cases_route
import cases_session
import compare
from normal import Normal
from reference import Reference, folder
from target import FastCgiTarget, HttpTarget
from world import World

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
OURS = os.environ.get("AUTHBRIDGE_DIFF_OURS", "authbridge")
suite = tap.Suite()
results = {}
listed = compare.read_list(ROOT + "/doc/differences.md")
selected = [c for c in cases.CASES if not sys.argv[1:]
            or any(word in "%s/%s" % c[:2] for word in sys.argv[1:])]


class Pair:
    """Both servers of one variant."""

    def __init__(self, variant, cluster, place):
        self.chosen = cases.VARIANTS[variant]
        self.name = variant
        self.rest = {}
        self.servers = {}
        mode = self.chosen.get("mode", "development")
        settings = {"baseURL": self.chosen["base_url"],
                    "secret": cases.SECRET, "migrate": True,
                    **self.chosen["reference"]}
        for side in ("reference", "ours"):
            database = "diff_%s_%s" % (variant, side)
            cluster.drop_database(database)
            cluster.create_database(database)
            self.rest[side] = (cluster, database, self.chosen["base_url"],
                               cases.SECRET)
            if side == "reference" or OURS.startswith("reference"):
                package = ("better-auth" + OURS[9:] if side == "ours"
                           else "better-auth")
                self.servers[side] = Reference(
                    cluster, database, place, mode, wait=False,
                    package=package, **settings)
            else:
                self.servers[side] = service_at.started(
                    cluster, database, place, self.chosen["base_url"],
                    **{"secret": cases.SECRET, **self.chosen["config"]})

    def targets(self):
        for side, server in self.servers.items():
            if isinstance(server, Reference):
                server.wait()
                yield HttpTarget(side, server.port, *self.rest[side])
            else:
                server.wait_ready()
                yield FastCgiTarget(side, server.unix, *self.rest[side])


def setup():
    folder()
    cluster = postgres.Cluster()
    suite.finally_do(cluster.close)
    place = processes.make_folder()
    suite.finally_do(lambda: processes.remove_folder(place))
    pairs = {}
    for variant in sorted({c[0] for c in selected}):
        pairs[variant] = Pair(variant, cluster, place)
        for server in pairs[variant].servers.values():
            suite.finally_do(server.close)
    targets = {name: tuple(pair.targets()) for name, pair in pairs.items()}
    for both in targets.values():
        for target in both:
            target.jwks()       # two first requests would make two keys
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for variant, name, function in selected:
            results[variant, name] = [
                pool.submit(run, function, target, name)
                for target in targets[variant]]
        concurrent.futures.wait(
            [each for both in results.values() for each in both])


def run(function, target, name):
    """The labels and normal forms of one case at one server."""
    world = World(target, name)
    error = None
    try:
        function(world)
    except Exception as problem:    # what was recorded still counts
        error = "%s: %s" % (type(problem).__name__, problem)
    forms = Normal(target)
    found = []
    for record in world.records:
        if isinstance(record, str):
            found.append(("note", {"note": record}))
        else:
            found.append((record.label, forms.answer(record)))
    if error:
        found.append(("ended early", {"error": error}))
    return found


def compared(variant, name):
    reference, ours = [each.result() for each in results[variant, name]]
    for at in range(max(len(reference), len(ours))):
        label, left = reference[at] if at < len(reference) else ("end", {})
        other, right = ours[at] if at < len(ours) else ("end", {})
        where = "%s/%s: %s" % (variant, name, label)
        if label != other:
            yield compare.Difference(where, "label", label, other)
        yield from compare.differences(where, left, right)


def judge(variant, name):
    def test():
        unlisted = [str(d) for d in compared(variant, name)
                    if not any([row.covers(d) for row in listed])]
        tap.check(not unlisted, "%d unlisted differences\n%s" % (
            len(unlisted), "\n".join(unlisted)))
        return "%d requests" % len(results[variant, name][0].result())
    return test


for _variant, _name, _ in selected:
    suite.case("%s/%s" % (_variant, _name))(judge(_variant, _name))
if selected == cases.CASES and OURS == "authbridge":
    for _row in listed:
        @suite.case("listed difference %s still occurs" % _row.identity,
                    _row)
        def still(row):
            tap.check(row.seen, "no request shows it any more")

if __name__ == "__main__":
    if OURS.startswith("reference"):
        listed.clear()
    sys.argv[1:] = []
    suite.main(setup)
