# SPDX-License-Identifier: MIT
"""The audit trail: what the log says, exactly, and in nobody's way."""
import collections
import json
import subprocess

import fcgi_client
from harness import World
from story import PASSWORD, fresh_email
from tap import Suite, check, equal, wait_until

suite = Suite()
world = None
WRONG = "wrong password 8472"
TRAIL = ("sign-up", "sign-up refused", "sign-in", "sign-in refused",
         "sign-out", "sessions revoked", "password changed",
         "password change refused", "password refused", "user deleted",
         "user deletion refused")
secrets = set()


def post(path, form=None, cookie=None, service=None, addr=None):
    headers = [("Content-Type", "application/json"),
               ("Origin", world.base_url)]
    if cookie:
        headers.append(("Cookie", cookie))
    extra = [("REMOTE_ADDR", addr)] if addr else []
    return fcgi_client.request(
        (service or world.service).unix, "POST", "/api/auth" + path, headers,
        json.dumps(form or {}).encode(), extra=extra, timeout=20)


def cookie_of(answer):
    return "; ".join(value.split(";")[0] for name, value in answer.headers
                     if name.lower() == "set-cookie")


def sign_up(**change):
    form = {"name": "Ann", "email": fresh_email("trail"),
            "password": PASSWORD}
    form.update(change)
    secrets.add(form["email"])
    return form["email"], post("/sign-up/email", form)


def sign_in(email, password=PASSWORD, **how):
    secrets.add(email)
    return post("/sign-in/email", {"email": email, "password": password},
                **how)


def trail(database=None):
    """How often each (event, user, address, reason) is in the table."""
    found = collections.Counter()
    for event, user, addr, reason, times in world.sql(
            "SELECT event, coalesce(user_id, ''), coalesce(address, ''),"
            " coalesce(reason, ''), times FROM authbridge.audit"):
        found[event, user, addr, reason] += int(times)
    return found


def logged(book):
    found = collections.Counter()
    for event in book.take():
        if event["event"] in TRAIL:
            found[event["event"], event.get("user", ""),
                  event.get("addr", ""), event.get("reason", "")] += 1
    return found


def one_of_everything():
    email, made = sign_up()
    equal(made.status, 200, made)
    secrets.update(value.split("=", 1)[1].split(";")[0]
                   for name, value in made.headers
                   if name.lower() == "set-cookie")
    cookie = cookie_of(made)
    equal(sign_up(email=email)[1].status, 422)
    equal(sign_up(password="short")[1].status, 400)
    equal(sign_up(email="none")[1].status, 400)
    equal(sign_in(email).status, 200)
    for _ in range(20):
        equal(sign_in(email, WRONG).status, 401)
        equal(sign_in(fresh_email(), WRONG, addr="192.0.2.9").status, 401)
    equal(post("/verify-password", {"password": WRONG}, cookie).status, 400)
    change = {"currentPassword": WRONG, "newPassword": PASSWORD + "2"}
    equal(post("/change-password", change, cookie).status, 400)
    change["currentPassword"] = PASSWORD
    equal(post("/change-password", change, cookie).status, 200)
    equal(post("/delete-user", {"password": WRONG}, cookie).status, 400)
    equal(post("/revoke-other-sessions", {}, cookie).status, 200)
    equal(post("/sign-out", {}, cookie).status, 200)
    cookie = cookie_of(sign_in(email, PASSWORD + "2"))
    equal(post("/delete-user", {"password": PASSWORD + "2"}, cookie).status,
          200)


@suite.case("B_FR_026 the table says what the log says, no more and no less")
def _():
    book = world.service.logbook()
    book.offset = 0
    for _ in range(3):
        one_of_everything()
    world.service.stop()
    log, table = logged(book), trail()
    equal({event[0] for event in table}, set(TRAIL))
    equal(table, log)
    lines = int(world.sql("SELECT count(*) FROM authbridge.audit")[0][0])
    check(lines < sum(log.values()), lines, "refusals are not joined")
    equal(world.sql("SELECT DISTINCT actor FROM authbridge.audit"),
          [["authbridge"]])


@suite.case("B_FR_026 no password, token or address of a mailbox is in it")
def _():
    text = "\n".join("|".join(row) for row in
                     world.sql("SELECT a::text FROM authbridge.audit a"))
    check(len(text) > 1000, text)
    for secret in secrets | {PASSWORD, WRONG}:
        check(secret not in text, secret)
    world.service.start()


@suite.case("nobody waits for a table that cannot be written")
def _():
    world.sql("DELETE FROM authbridge.audit")
    book = world.service.logbook()
    email, _ = sign_up()
    holder = subprocess.Popen(
        ["psql", "-XAtqc", "BEGIN; LOCK TABLE authbridge.audit;"
         " SELECT pg_sleep(6); COMMIT", world.cluster.url(world.database)])
    wait_until(lambda: world.sql("SELECT count(*) FROM pg_locks WHERE relation"
                                 " = 'authbridge.audit'::regclass AND granted"
                                 " AND mode = 'AccessExclusiveLock'")
               == [["1"]], 10, "lock")
    # Were it written on the way, the answer would be 503 after the deadline
    # of a statement.
    count = 0
    while holder.poll() is None:
        equal(sign_in(email).status, 200)
        count += 1
    check(count > 2, count)
    done = logged(book)
    wait_until(lambda: sum(trail().values()) >= sum(done.values()), 10,
               "the trail to catch up")
    equal(trail(), done)


@suite.case("what was refused while the database was away is told after")
def _():
    world.sql("DELETE FROM authbridge.audit")
    book = world.service.logbook()
    world.cluster.stop()
    for _ in range(30):
        equal(sign_in(fresh_email()).status, 503)
    world.cluster.start()
    world.service.wait_ready()
    equal(sum(logged(book).values()), 30)
    wait_until(lambda: sum(trail().values()) == 30, 10, "the trail")
    equal({event[0] for event in trail()}, {"sign-in refused"})


@suite.case("audit = off writes nothing")
def _():
    world.service.stop()
    world.sql("DELETE FROM authbridge.audit")
    service = world.extra_service(audit="off").start()
    email = fresh_email()
    equal(post("/sign-up/email", {"name": "A", "email": email,
                                  "password": PASSWORD},
               service=service).status, 200)
    equal(sign_in(email, WRONG, service=service).status, 401)
    service.stop()
    equal(trail(), {})


def set_up():
    global world
    world = World(suite, backend=None, private_cluster=True, delete_user="on")


suite.main(set_up)
