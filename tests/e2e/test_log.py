# SPDX-License-Identifier: MIT
"""The log: every event once, with time, address, user and reason; no secrets."""
import concurrent.futures
import json
import re
import time

import fcgi_client
import logbook
import tokens
from harness import SECRET, World
from story import PASSWORD, Browser, fresh_email, signed_up
from tap import Suite, check, equal, wait_until
from webserver import available

suite = Suite()
world = None
book = None
used = set()    # secrets that must not be found anywhere
SERVERS = available()
WRONG = "wrong password 8472"


def setup():
    global world, book
    world = World(suite)
    book = world.service.logbook()


def expect(name, count):
    """Exactly count events of that name since the last look."""
    found = []

    def enough():
        found.extend(book.take_named(name))
        return len(found) >= count
    wait_until(enough, 5, "%d x %s" % (count, name))
    time.sleep(0.1)
    found.extend(book.take_named(name))
    equal(len(found), count, name)
    for event in found:
        check(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", event["time"]),
              event)
        equal(event.get("addr"), "127.0.0.1", event)
    return found


def remember(browser):
    used.update([browser.jwt, browser.email], browser.cookies.values())


@suite.each("B_FR_026 B_SC_009 sign-ups and their failures: %s", SERVERS)
def sign_ups(server):
    port = world.servers[server].port
    book.skip()
    users = [signed_up(port) for _ in range(5)]
    for event, user in zip(expect(logbook.SIGN_UP, 5), users):
        equal(event["user"], user.user_id, "user")
        remember(user)
    failures = 0
    for change in ({"email": users[0].email}, {"email": "no-at-sign"},
                   {"password": "short"}, {"password": "x" * 129},
                   {"name": None}):
        form = {"name": "Ann", "email": fresh_email(), "password": PASSWORD}
        form.update(change)
        used.add(form["email"])
        answer = Browser(port).post("/api/auth/sign-up/email", form)
        check(answer.status in (400, 422), answer)
        failures += 1
    for event in expect(logbook.SIGN_UP_REFUSED, failures):
        check(event.get("reason"), event)


@suite.each("B_FR_026 B_SC_009 sign-ins and their failures: %s", SERVERS)
def sign_ins(server):
    port = world.servers[server].port
    user = signed_up(port)
    remember(user)
    book.skip()
    for _ in range(4):
        other = Browser(port)
        other.sign_in(user.email)
        remember(other)
    for event in expect(logbook.SIGN_IN, 4):
        equal(event["user"], user.user_id, "user")
    book.skip()
    used.add(WRONG)
    for _ in range(7):
        equal(Browser(port).sign_in(user.email, WRONG).status, 401, "wrong")
    for event in expect(logbook.SIGN_IN_REFUSED, 7):
        equal(event.get("user"), user.user_id, "user is known")
        check(event.get("reason"), event)
    for _ in range(6):
        email = fresh_email("nobody")
        used.add(email)
        equal(Browser(port).sign_in(email, WRONG).status, 401, "unknown")
    for event in expect(logbook.SIGN_IN_REFUSED, 6):
        check("user" not in event and event.get("reason"), event)


@suite.each("B_FR_026 B_SC_009 sign-outs: %s", SERVERS)
def sign_outs(server):
    port = world.servers[server].port
    users = [signed_up(port) for _ in range(3)]
    for user in users:
        remember(user)
    book.skip()
    for user in users:
        equal(user.sign_out().status, 200, "sign-out")
    for event, user in zip(expect(logbook.SIGN_OUT, 3), users):
        equal(event["user"], user.user_id, "user")


@suite.each("B_FR_026 B_SC_009 refusals of the gate: %s", SERVERS)
def gate_refusals(server):
    port = world.servers[server].port
    mine, other = signed_up(port), signed_up(port)
    remember(mine)
    book.skip()
    refused = 0
    for name, token in tokens.broken(mine.jwt, SECRET):
        if token:
            used.add(token)
            mine.api("GET", mine.own(), token)
            refused += 1
    for _ in range(5):
        equal(mine.api("GET", mine.own(), None).status, 401, "none")
        equal(mine.api("GET", other.own()).status, 403, "other's")
        refused += 2
    equal(mine.api("GET", mine.own()).status, 200, "allowed")
    events = expect(logbook.GATE_REFUSED, refused)
    check(all(event.get("reason") for event in events), "reasons")
    equal(len([e for e in events if e.get("user") == mine.user_id]) >= 5,
          True, "the user is known where the token is good")


@suite.case("B_FR_026 B_SC_009 no event is lost or doubled under load")
def under_load():
    user = signed_up(world.servers[SERVERS[0]].port)
    book.skip()

    def attempt(number):
        port = world.servers[SERVERS[number % len(SERVERS)]].port
        return Browser(port).sign_in(user.email, WRONG).status

    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        statuses = list(pool.map(attempt, range(200)))
    answered = statuses.count(401)
    check(answered + statuses.count(503) == 200, set(statuses))
    events = expect(logbook.SIGN_IN_REFUSED, 200)
    return "%d refused, %d logged" % (len(statuses), len(events))


@suite.case("B_FR_026 the address is the peer's, not a header's")
def address():
    for headers in ([], [("X-Forwarded-For", "203.0.113.9")]):
        book.skip()
        body = json.dumps({"email": fresh_email(), "password": WRONG})
        params = [p for p in fcgi_client.parameters(
            "POST", "/api/auth/sign-in/email", headers + [
                ("Content-Type", "application/json")])
            if p[0] != "REMOTE_ADDR"] + [("REMOTE_ADDR", "198.51.100.7")]
        with fcgi_client.Connection(world.service.unix) as connection:
            connection.send(fcgi_client.encode(params, body.encode()))
            equal(connection.read_answer().status, 401, "status")
        found = wait_until(lambda: book.take_named(logbook.SIGN_IN_REFUSED),
                           5, "event")
        equal(found[0]["addr"], "198.51.100.7", "addr")


@suite.case("B_FR_025 B_FR_026 no password, token, cookie, e-mail or secret is"
            " in any log")
def no_secrets():
    text = world.service.log()
    for server in world.servers.values():
        with open(server.folder + "/error.log", errors="replace") as log:
            text += log.read()
    needles = {PASSWORD, WRONG, SECRET} | {n for n in used if n}
    for token in list(needles):
        # Also in part: a signature or a session token alone would do.
        needles.update(part for part in re.split(r"[.%]", token)
                       if len(part) >= 20)
    needles = [n for n in needles if len(n) > 5]
    found = [needle for needle in needles if needle in text]
    equal(found, [], "in the log")
    return "%d values looked for in %d bytes" % (len(needles), len(text))


@suite.case("B_FR_026 a forged line break does not forge an event")
def forged_line():
    book.skip()
    forged = 'x\ntime=2026-01-01T00:00:00.000Z level=info event="sign-in" ' \
             'user=admin addr=127.0.0.1'
    fcgi_client.gate(world.service.unix, "GET", "/api/" + forged, "x")
    fcgi_client.gate(world.service.unix, forged, "/api/x/tasks", "x")
    fcgi_client.request(world.service.unix, "GET", "/api/x/tasks", extra=[
        ("AUTHBRIDGE_MODE", "authorize"), ("REMOTE_ADDR", forged)])
    time.sleep(0.2)
    equal(book.take_named(logbook.SIGN_IN), [], "forged")


if __name__ == "__main__":
    suite.main(setup)
