#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Packets to PostgreSQL are dropped: nobody says no, connections just fall
silent. A revoked token is accepted no later than revocation_max_age + 0.5 s,
then the gate says 503, and all is well soon after packets pass again.

Service and database stand in network namespaces of their own, joined by a
bridge that can be cut. AUTHBRIDGE_LONG=1 cuts it for minutes, too, so that
every timer of TCP has run out.
"""
import os
import time

import fcgi_client
import netns
import processes
import test_revocation
from harness import World
from postgres import Cluster
from tap import Skip, Suite, check, equal, wait_until
from test_revocation import ask, make_sessions, metric, sign_out

suite = Suite()
network = world = None
MAX_AGE = 2.0
LATEST = MAX_AGE + 0.5
LONG = os.environ.get("AUTHBRIDGE_LONG") == "1"


class FarCluster(Cluster):
    """PostgreSQL in its namespace; tests still reach it by its unix socket."""

    def _initdb(self):
        super()._initdb()
        with open(self.folder + "/data/pg_hba.conf", "a") as rules:
            rules.write("host all all %s/32 trust\n" % netns.SERVICE_ADDRESS)

    def start(self):
        with netns.inside(network.database):
            super().start()

    def settings(self):
        return dict(super().settings(),
                    listen_addresses=netns.DATABASE_ADDRESS)

    def far_url(self, database):
        return "postgresql://authbridge@%s:5432/%s?sslmode=disable" % (
            netns.DATABASE_ADDRESS, database)


def watch(sessions, since, until):
    """Asks until then. When the last 200 of each session came, in seconds
    after `since` (None: there was none), and every status that was seen."""
    last, seen = [None] * len(sessions), set()
    while time.monotonic() - since < until:
        for number, session in enumerate(sessions):
            status = ask(world.service, session)
            seen.add(status)
            if status == 200:
                last[number] = time.monotonic() - since
        time.sleep(0.02)
    return last, seen


def all_well(session):
    """Also the feeds: a gate that only asks the database answers as well."""
    def is_well():
        return all(ask(world.service, session) == 200 and
                   0 <= metric(world.service, "feed_age_seconds") < MAX_AGE / 2
                   for _ in range(8))
    began = time.monotonic()
    wait_until(is_well, 10, "the gate is back")
    return time.monotonic() - began


def cut_and_watch(seconds, end):
    """`end` ends the first of two sessions while nothing passes."""
    ended, alive = make_sessions(1)[0], make_sessions(1)[0]
    all_well(ended)
    network.cut()
    began = time.monotonic()
    try:
        end(ended)
        last, seen = watch([ended, alive], began, seconds)
        equal(ask(world.service, alive), 503, "while cut")
    finally:
        network.join()
    back = all_well(alive)
    check(seen <= {200, 503}, seen)
    check(503 in seen, seen)
    for when in last:
        check(when is not None and when < LATEST, "accepted until", last)
    equal([ask(world.service, ended) for _ in range(16)], [401] * 16)
    check(back < 5, "back after %.1f s" % back)
    return "last acceptance after %.2f s, back after %.2f s" % (
        last[0], back)


def delete(session):
    world.sql("DELETE FROM public.session WHERE id = '%s'" % session.id)


@suite.case("packets are dropped: no acceptance later than "
            "revocation_max_age + 0.5 s, then 503, then all is well")
def dropped():
    return cut_and_watch(LATEST + 2, delete)


@suite.case("the same again and again")
def again():
    return "; ".join(cut_and_watch(LATEST + 0.5, delete)
                     for _ in range(5 if LONG else 1))


@suite.case("the same for longer than TCP's own patience")
def for_long():
    return cut_and_watch(150 if LONG else 12, delete)


@suite.case("cut for less than revocation_max_age: known in time or asked for")
def shortly():
    ended, alive = make_sessions(1)[0], make_sessions(1)[0]
    all_well(ended)
    network.cut()
    began = time.monotonic()
    delete(ended)
    _, during = watch([alive], began, MAX_AGE / 2)
    network.join()
    last, seen = watch([ended], began, LATEST + 3)
    check(during <= {200} and seen <= {200, 401, 503}, during, seen)
    check((last[0] or 0) < LATEST, "accepted until", last)
    all_well(alive)
    return "last acceptance after %.2f s" % (last[0] or 0)


@suite.case("B_US4 a sign-out while packets are dropped is no success")
def signed_out():
    session = make_sessions(1)[0]
    all_well(session)
    network.cut()
    try:
        equal(sign_out(world.service, session), 503)
    finally:
        network.join()
    all_well(session)


@suite.case("PostgreSQL goes and comes back while packets are dropped")
def restart():
    def away_and_back(session):
        delete(session)
        world.cluster.stop()
        world.cluster.start()
    return cut_and_watch(LATEST + 4, away_and_back)


@suite.case("a service that begins while packets are dropped says 503, then "
            "learns")
def begins():
    session = make_sessions(1)[0]
    network.cut()
    try:
        world.service.stop()
        world.service.start(wait=False)
        equal([ask(world.service, session) for _ in range(4)], [503] * 4)
    finally:
        network.join()
    return "back after %.2f s" % all_well(session)


class FarWorld(World):
    """The restricted role connects over the wire."""

    def _restricted_role(self):
        super()._restricted_role()
        return self.cluster.far_url(self.database)

    def _make_cluster(self, private):
        return FarCluster(private)


def setup():
    global network, world
    if not processes.am_root():
        raise Skip("network namespaces need root")
    network = netns.Network()
    suite.finally_do(network.remove)
    stay = netns.inside(network.service)
    stay.__enter__()
    suite.finally_do(lambda: stay.__exit__())
    world = FarWorld(suite, backend=None, private_cluster=True,
                     revocation_max_age="%ds" % MAX_AGE)
    test_revocation.world = world


if __name__ == "__main__":
    suite.main(setup)
