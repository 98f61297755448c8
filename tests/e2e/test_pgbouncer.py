# SPDX-License-Identifier: MIT
"""The service behind PgBouncer in transaction mode, with few connections.

Requests go through the pooler with `prepared = off`, the feed goes directly.
AUTHBRIDGE_LONG=1 ends more sessions and restarts the pooler more often.
"""
import os
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg2

import session_rows
from backend import Probe
from harness import World
from pooler import Pooler
from service import Service, ask_mode, binary
from story import PASSWORD, Browser, fresh_email
from tap import Suite, check, equal, wait_until

suite = Suite()
world = pooler = service = server = None
LONG = os.environ.get("AUTHBRIDGE_LONG") == "1"
SIGN_INS = 200 if LONG else 24
ENDS = 2000 if LONG else 80
RESTARTS = 10 if LONG else 1
POOL = 3
MAX_AGE = 2.0
THREADS = 8


def make_service(url, feed_url=None, **settings):
    return world.own(Service(
        world.folder, url, world.base_url, prepared="off",
        feed_database_url=feed_url, revocation_max_age="%ds" % MAX_AGE,
        **settings), Service.close)


def direct_url():
    return world.cluster.url(world.database, "authbridge")


def setup():
    global world, pooler, service, server
    world = World(suite, backend=None, start=False, private_cluster=True)
    pooler = world.own(Pooler(world.folder, world.cluster, world.database,
                              ["authbridge"], POOL), Pooler.close)
    service = make_service(pooler.url("authbridge"), direct_url()).start()
    probe = world.own(Probe(), Probe.close)
    server = world.extra_web_server("lighttpd", service, probe.address,
                                    world.folder)


def browser():
    return Browser(server.port, origin=world.base_url)


def left_behind():
    """What differs on any of the pool's server connections from a new one."""
    probe = """SELECT pg_backend_pid()::text,
        (SELECT count(*) FROM pg_prepared_statements)::text,
        (SELECT count(*) FROM pg_listening_channels())::text,
        (SELECT string_agg(name || '=' || setting, ' ' ORDER BY name)
         FROM pg_settings WHERE source = 'session' AND name NOT IN
         ('application_name', 'client_encoding', 'DateStyle', 'TimeZone',
          'standard_conforming_strings'))"""
    held = [psycopg2.connect(pooler.url("authbridge")) for _ in range(POOL)]
    rows = []
    for connection in held:
        cursor = connection.cursor()
        cursor.execute(probe)
        rows.append(cursor.fetchone())
    for connection in held:
        connection.close()
    equal(len({row[0] for row in rows}), POOL, "server connections")
    return [row[1:] for row in rows if row[1:] != ("0", "0", None)]


@suite.case("A_US1 A_US2 B_US4 the whole story through the pooler leaves"
            " nothing on its connections")
def story():
    ann, bob = browser(), browser()
    for who in (ann, bob):
        equal(who.sign_up().status, 200, "sign-up")
    equal(browser().sign_up(ann.email).status, 422, "taken")
    equal(browser().sign_in(ann.email, "wrong password").status, 401, "wrong")
    equal(ann.get_session().json()["user"]["id"], ann.user_id, "session")
    equal(ann.token().status, 200, "token")
    equal(ann.api("GET", ann.own()).status, 200, "own")
    equal(ann.api("GET", bob.own()).status, 403, "other's")
    other = browser()
    equal(other.sign_in(ann.email).status, 200, "second device")
    changed = ann.post("/api/auth/change-password", {
        "currentPassword": PASSWORD, "newPassword": PASSWORD + "!",
        "revokeOtherSessions": True})
    equal(changed.status, 200, changed)
    equal(other.refused_soon(), 401, "the other device's JWT")
    old = bob.jwt
    equal(bob.sign_out().status, 200, "sign-out")
    equal(bob.refused_soon(old), 401, "old JWT")
    equal(bob.get_session().body, b"null", "no session")
    equal(left_behind(), [], "left behind")


def cycle(_):
    """Seconds that a JWT outlived its session, for one sign-in and -out."""
    who = browser()
    equal(who.sign_in(cycle.email).status, 200, "sign-in")
    equal(who.api("GET", who.own()).status, 200, "signed in")
    equal(who.sign_out().status, 200, "sign-out")
    return outlived(who, time.monotonic())


def outlived(who, ended):
    last = 0.0
    while time.monotonic() - ended < 0.3 + last:
        started = time.monotonic()
        if who.api("GET", who.own()).status == 200:
            last = started - ended
    return last


def judge(delays):
    check(max(delays) < MAX_AGE, "accepted for %.3f s" % max(delays))
    delays = sorted(delays)
    return "%d ends, last acceptance: median %.1f ms, maximum %.1f ms" % (
        len(delays), delays[len(delays) // 2] * 1e3, delays[-1] * 1e3)


@suite.case("B_US2 B_US4 sign-ins and sign-outs of one user race, %d of them"
            % SIGN_INS)
def race():
    owner = browser()
    cycle.email = fresh_email("race")
    equal(owner.sign_up(cycle.email).status, 200, "sign-up")
    with ThreadPoolExecutor(THREADS) as threads:
        delays = list(threads.map(cycle, range(SIGN_INS)))
    equal(owner.get_session().json()["user"]["id"], owner.user_id, "first")
    equal(left_behind(), [], "left behind")
    return judge(delays)


@suite.case("B_US4 ended sessions are refused by every worker: sign-outs, and"
            " an administrator's SQL")
def revocation():
    def end(item):
        number, session = item
        equal(session_rows.gate(service, session), 200, "before")
        if number % 8 == 0:
            world.sql("DELETE FROM public.session WHERE id = '%s'"
                      % session.id)
        else:
            equal(session_rows.sign_out(service, session), 200, "sign-out")
        return session_rows.last_acceptance(service, session,
                                            time.monotonic())

    with ThreadPoolExecutor(THREADS) as threads:
        return judge(list(threads.map(end, enumerate(
            session_rows.make(world, ENDS)))))


class Load:
    """Asks all the time; keeps what was answered."""

    def __init__(self):
        self.alive, self.dead = session_rows.make(world, 2)
        equal(session_rows.sign_out(service, self.dead), 200, "sign-out")
        wait_until(lambda: session_rows.last_acceptance(
            service, self.dead, time.monotonic(), 0.2) == 0, 5, "refused")
        self.gate, self.ended, self.sessions = [], [], []
        self.stopping = False
        self.threads = [threading.Thread(target=self._run, args=job)
                        for job in ((self.gate, self._ask_gate),
                                    (self.ended, self._ask_ended),
                                    (self.sessions, self._ask_session))]
        for thread in self.threads:
            thread.start()

    def _run(self, seen, ask):
        while not self.stopping:
            seen.append(ask())
            time.sleep(0.005)

    def _ask_gate(self):
        return session_rows.gate(service, self.alive)

    def _ask_ended(self):
        return session_rows.gate(service, self.dead)

    def _ask_session(self):
        status, body = session_rows.get_session(service, self.alive)
        check(status == 503 or b'"session"' in body, status, body)
        return status

    def stop(self):
        self.stopping = True
        for thread in self.threads:
            thread.join()


def under_load(disturb, mend):
    load = Load()
    try:
        for _ in range(RESTARTS):
            time.sleep(0.5)
            victim, = session_rows.make(world)
            equal(session_rows.gate(service, victim), 200, "before")
            disturb()
            world.sql("DELETE FROM public.session WHERE id = '%s'"
                      % victim.id)
            last = session_rows.last_acceptance(service, victim,
                                                time.monotonic(), MAX_AGE)
            check(last < MAX_AGE, "accepted for %.3f s" % last)
            time.sleep(1.5)
            mend()
            wait_until(lambda: session_rows.get_session(
                service, load.alive)[0] == 200, 5, "sessions are back")
    finally:
        load.stop()
    equal(set(load.gate), {200}, "the gate goes on")
    equal(set(load.ended), {401}, "wrong acceptances")
    check(set(load.sessions) <= {200, 503}, "session endpoints")
    return "%d gate, %d refused, %d session answers, %d of them 503" % (
        len(load.gate), len(load.ended), len(load.sessions),
        load.sessions.count(503))


@suite.case("the pooler is killed and comes back under load: the gate goes on"
            " from memory, which stays true")
def restarted():
    return under_load(pooler.stop, pooler.start)


@suite.case("the pooler is paused under load: the same")
def paused():
    # PAUSE itself waits for transactions under way.
    return under_load(lambda: pooler.console("PAUSE"),
                      lambda: pooler.console("RESUME"))


def named_clearly(broken):
    lines = [line for line in broken.log().splitlines()
             if "revocation feed refused" in line]
    equal(len(lines), broken.workers, "one line for each worker")
    for line in lines:
        check("level=error" in line and "pooler" in line
              and "feed_database_url" in line, line)


@suite.each("a feed through the pooler is not believed, and its key is named:"
            " %s", ["feed_database_url", "database_url alone"])
def feed_through_pooler(how):
    url = pooler.url("authbridge")
    broken = make_service(url, url if how == "feed_database_url" else None)
    broken.start(wait=False)
    session, other = session_rows.make(world, 2)
    wait_until(lambda: broken.log().count("revocation feed refused") ==
               broken.workers, 10, "named")
    time.sleep(2.5)     # it tries again each second, and says no more
    named_clearly(broken)
    equal(ask_mode(broken.unix, "ready").status, 503, "ready")
    # The database is asked instead, so a sign-out counts at once.
    for ended in (session, other):
        equal(session_rows.gate(broken, ended), 200, "before")
        equal(session_rows.sign_out(broken, ended), 200, "sign-out")
        equal(session_rows.last_acceptance(broken, ended, time.monotonic()),
              0, "accepted after the sign-out")
    left, = session_rows.make(world)
    pooler.stop()
    try:
        equal(session_rows.gate(broken, left), 503, "nobody to ask")
    finally:
        pooler.start()
    wait_until(lambda: session_rows.gate(broken, left) == 200, 5, "back")
    equal(broken.stop(), 0, "stop")


@suite.case("authbridgectl check names the feed's pooler, and its remedy")
def checked():
    url = pooler.url("authbridge")
    for feed, good in ((direct_url(), True), (url, False), (None, False)):
        done = subprocess.run(
            [binary("authbridgectl"), "-c", make_service(url, feed).config,
             "check"], stdout=subprocess.PIPE, text=True, check=False)
        equal(done.returncode == 0, good, done.stdout)
        equal("feed_database_url" in done.stdout, not good, done.stdout)


@suite.case("what the manual says of session settings holds: the role's own"
            " are in force behind the pooler")
def role_settings():
    world.sql("ALTER ROLE authbridge IN DATABASE \"%s\" SET statement_timeout"
              " = '2s'; ALTER ROLE authbridge IN DATABASE \"%s\" SET timezone"
              " = 'UTC'" % (world.database, world.database))
    pooler.console("RECONNECT")
    wait_until(lambda: shown("statement_timeout") == "2s", 5, "timeout")
    equal(shown("timezone"), "UTC", "timezone")


def shown(name):
    with psycopg2.connect(pooler.url("authbridge")) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT current_setting(%s)", (name,))
        return cursor.fetchone()[0]


if __name__ == "__main__":
    suite.main(setup)
