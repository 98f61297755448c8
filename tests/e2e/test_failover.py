# SPDX-License-Identifier: MIT
"""Several hosts in database_url: a primary, and a replica that is promoted.

Replication is asynchronous, and the replica misses the primary's last
transactions: its transaction ids begin again below those that were seen.
"""
import functools
import signal
import time

import session_rows
from harness import World
from pooler import Pooler
from postgres import Cluster
from service import Service, ask_mode
from tap import Suite, check, equal, wait_until

suite = Suite()
world = replica = None
MAX_AGE = 2.0


def setup():
    global world, replica
    world = World(suite, backend=None, start=False, private_cluster=True)
    replica = world.own(Cluster.replica(world.cluster), Cluster.close)
    wait_until(replicated, 10, "replica follows")


def replicated():
    at = world.sql("SELECT pg_current_wal_lsn()")[0][0]
    return replica.sql(world.database, "SELECT pg_last_wal_replay_lsn() >= "
                       "'%s'" % at) == [["t"]]


def url_of(*folders):
    return ("postgresql://authbridge@/%s?host=%s&target_session_attrs="
            "read-write" % (world.database, ",".join(folders)))


def make_service(*folders, **settings):
    return world.own(Service(
        world.folder, url_of(*folders), world.base_url,
        revocation_max_age="%ds" % MAX_AGE, **settings), Service.close)


def refused_everywhere(service, session):
    last = session_rows.last_acceptance(service, session, time.monotonic())
    check(last < MAX_AGE, "accepted for %.3f s" % last)


def works(service, session):
    equal(session_rows.gate(service, session), 200, "gate")
    equal(session_rows.get_session(service, session)[0], 200, "session")
    equal(session_rows.sign_out(service, session), 200, "sign-out")
    refused_everywhere(service, session)


@suite.each("the first of two hosts is passed over: it is %s",
            ["down", "read-only"])
def first_host(how):
    first = "/nonexistent" if how == "down" else replica.folder
    service = make_service(first, world.cluster.folder).start()
    works(service, session_rows.make(world)[0])
    equal(service.stop(), 0, "stop")


@suite.case("a standby alone serves nothing, and opens nothing")
def standby_alone():
    service = make_service(replica.folder).start(wait=False)
    session, = session_rows.make(world)
    equal(session_rows.gate(service, session), 503, "gate")
    equal(session_rows.get_session(service, session)[0], 503, "session")
    equal(ask_mode(service.unix, "ready").status, 503, "ready")
    equal(service.stop(), 0, "stop")


class Loss:
    """Two services before it, and a replica that misses the end.

    The requests of `split` will move with a pooler while its feed does not;
    `service` knows both hosts.
    """

    def __init__(self):
        self.pooler = world.own(Pooler(
            world.folder, world.cluster, world.database, ["authbridge"]),
            Pooler.close)
        self.service = make_service(world.cluster.folder,
                                    replica.folder).start()
        self.split = world.own(Service(
            world.folder, self.pooler.url("authbridge"), world.base_url,
            prepared="off", revocation_max_age="%ds" % MAX_AGE,
            feed_database_url=url_of(world.cluster.folder)),
            Service.close).start()
        self.early, self.lost, self.moved, self.after, self.stays = \
            session_rows.make(world, 5)
        equal(session_rows.sign_out(self.service, self.early), 200, "early")
        wait_until(replicated, 10, "replica follows")
        replica.stop()
        world.sql("DO $$ BEGIN FOR i IN 1..2000 LOOP"
                  " PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$")
        equal(session_rows.sign_out(self.service, self.lost), 200, "lost")
        for session in (self.early, self.lost):
            refused_everywhere(self.service, session)
        self.xid = int(world.sql("SELECT pg_current_xact_id()")[0][0])
        replica.promote()


@functools.lru_cache
def the_loss():
    return Loss()


@suite.case("B_US4 the old primary lives on, and a feed stays with it: it is"
            " not believed once requests go to the new one")
def split_brain():
    loss = the_loss()
    split = loss.split
    equal(session_rows.gate(split, loss.moved), 200, "before")
    loss.pooler.lead_to(replica)
    loss.pooler.console("RELOAD")
    started = time.monotonic()
    wait_until(lambda: split.log().count("revocation feed is astray") ==
               split.workers, MAX_AGE + 1, "noticed")
    took = time.monotonic() - started
    equal(ask_mode(split.unix, "ready").status, 503, "ready")
    equal(session_rows.gate(split, loss.stays), 200, "asked there")
    equal(session_rows.sign_out(split, loss.moved), 200, "sign-out")
    equal(session_rows.last_acceptance(split, loss.moved, time.monotonic()),
          0, "accepted after the sign-out")
    line = next(x for x in split.log().splitlines() if "astray" in x)
    check("level=error" in line and "feed_database_url" in line, line)
    return "noticed after %.1f s" % took


@suite.case("B_US4 the primary is lost: what had ended stays refused, and"
            " sign-outs at the promoted replica count, whatever their ids")
def promoted():
    loss = the_loss()
    service = loss.service
    world.cluster.stop(signal.SIGQUIT)
    started = time.monotonic()
    service.wait_ready(15)
    took = time.monotonic() - started
    now = int(replica.sql(world.database,
                          "SELECT pg_current_xact_id()")[0][0])
    check(now < loss.xid, "no transaction id comes again: nothing is shown")
    for session in (loss.early, loss.lost):
        equal(session_rows.gate(service, session), 401, "had ended")
    equal(session_rows.gate(service, loss.stays), 200, "still signed in")
    works(service, loss.after)
    equal(replica.sql(world.database, "SELECT count(*) FROM public.session"
                      " WHERE id = '%s'" % loss.after.id), [["0"]], "row")
    world.cluster.start()   # for those who clean up
    return "ready %.1f s after the loss" % took


if __name__ == "__main__":
    suite.main(setup)
