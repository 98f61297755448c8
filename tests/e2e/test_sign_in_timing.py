#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""B-FR-007: the time of a refused sign-in tells nobody who exists.

Unknown address, wrong password, user without a password, user without a
credential account and the right password of a disabled user, in random order and with the guessing throttle on, straight
to the service. A classifier that sees the time alone must do hardly better than
a coin: its AUC stays under 0.55 between classes that verify the same kind of hash. Users whose hash is
still scrypt are reported: they take as long as scrypt takes, until their next
sign-in. AUTHBRIDGE_TIMING_SAMPLES: samples of each class (300; the promise is
made for 2000, fewer are given the room that chance needs). Words on the
command line ("scrypt:") choose what is measured.
"""
import functools
import json
import math
import os
import random
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__))
                + "/better-auth")

import fcgi_client
import postgres
import processes
import service_at
from tap import Suite, check, equal

SAMPLES = int(os.environ.get("AUTHBRIDGE_TIMING_SAMPLES", "300"))
# An account's first ten failures are never delayed.
EACH = 5


def deviation(samples):
    """Of the AUC of two classes that are one."""
    return math.sqrt((2 * samples + 1) / (12 * samples * samples))


LIMIT = 0.55 + max(0, 2 * (deviation(SAMPLES) - deviation(2000)))
SCRYPT = ("00112233445566778899aabbccddeeff:267a33c2ae63f1c2d542f84d50b7d87c68"
          "900c8b9475f6a47ade71cf44b234822e0a34af1d226572b5caf52809319d4c486f"
          "3d209cc2fd022fb53bb4eaeb35b1")
RIGHT = "correct horse 1"
suite = Suite()

# Only the times of one service are compared with one another.
CLASSES = {"argon2id": ["unknown", "wrong", "no password", "no account",
                        "disabled", "scrypt"],
           "scrypt": ["unknown", "wrong"]}


@functools.lru_cache(None)
def measured(password_hash):
    """{class: seconds} of a service that makes hashes of this kind."""
    classes = CLASSES[password_hash]
    cluster = postgres.Cluster()
    place = processes.make_folder()
    database = "timing_" + password_hash
    cluster.drop_database(database)
    cluster.create_database(database)
    service = service_at.started(
        cluster, database, place, "http://127.0.0.1:3100",
        rate_limit="on", rate_limit_trusted="127.0.0.1",
        password_hash=password_hash, log_level="error")
    try:
        service.wait_ready()
        equal(post(service, "/sign-up/email", {
            "name": "n", "email": "model@example.com",
            "password": RIGHT}), 200, "sign-up")
        for name in classes:
            make_users(cluster, database, name)
        order = [(name, at) for name in classes for at in range(SAMPLES)]
        random.Random(1).shuffle(order)
        sample(service, [("warm-up", at) for at in range(20)], {})
        found = {name: [] for name in classes}
        sample(service, order, found)
        return found
    finally:
        service.close()
        processes.remove_folder(place)
        cluster.close()


def make_users(cluster, database, name):
    """Like the one that signed up, but for the hash."""
    if name == "unknown":
        return
    password = {"wrong": "password", "disabled": "password", "scrypt": "'%s'" % SCRYPT}.get(
        name, "NULL")
    made = {"slug": name.replace(" ", ""), "count": SAMPLES // EACH,
            "password": password}
    cluster.sql(database, """
        INSERT INTO "user" (id, name, email, "emailVerified")
        SELECT '%(slug)s' || n, 'n', '%(slug)s' || n || '@example.com', false
        FROM generate_series(0, %(count)d) n;""" % made)
    if name == "no account":
        return
    cluster.sql(database, """
        INSERT INTO account (id, "accountId", "providerId", "userId",
            password, "updatedAt")
        SELECT '%(slug)s' || n, '%(slug)s' || n, 'credential', '%(slug)s' || n,
            %(password)s, now()
        FROM generate_series(0, %(count)d) n, account
        WHERE "userId" = (SELECT id FROM "user"
            WHERE email = 'model@example.com');
        ANALYZE;""" % made)
    if name == "disabled":
        cluster.sql(database, """
            INSERT INTO authbridge.disabled_user (user_id)
            SELECT id FROM "user" WHERE id LIKE 'disabled%'""")


def sample(service, order, found):
    for name, at in order:
        email = "%s%d@example.com" % (name.replace(" ", ""), at // EACH)
        started = time.perf_counter()
        status = post(service, "/sign-in/email", {
            "email": email, "password": RIGHT if name == "disabled"
            else "a wrong password"})
        elapsed = time.perf_counter() - started
        equal(status, 401, name)
        found.setdefault(name, []).append(elapsed)


def post(service, path, body):
    answer = fcgi_client.request(
        service.unix, "POST", "/api/auth" + path,
        [("Content-Type", "application/json")], json.dumps(body).encode())
    return answer.status


def auc(left, right):
    """How often a draw of one class is slower than one of the other, as a
    classifier would use it: never under one half."""
    ranked = sorted([(t, 0) for t in left] + [(t, 1) for t in right])
    rank_sum = sum(rank for rank, (_, kind) in enumerate(ranked, 1) if kind)
    count = len(right)
    area = (rank_sum - count * (count + 1) / 2) / (len(left) * count)
    return max(area, 1 - area)


def compare(password_hash, other):
    found = measured(password_hash)
    area = auc(found["unknown"], found[other])
    note = "AUC %.3f; median %.3f ms, %.3f ms; %d samples each" % (
        area, median(found["unknown"]), median(found[other]), SAMPLES)
    check(area < LIMIT, note)
    return note


def median(values):
    return sorted(values)[len(values) // 2] * 1e3


for _hash, _other in (("argon2id", "wrong"), ("argon2id", "no password"),
                      ("argon2id", "no account"), ("argon2id", "disabled"),
                      ("scrypt", "wrong")):
    suite.case("B_FR_007 %s: unknown address against %s" % (_hash, _other),
               _hash, _other)(compare)


@suite.case("argon2id: users with a scrypt hash are told by time, as stated")
def scrypt_users():
    found = measured("argon2id")
    return "AUC %.3f; median %.3f ms" % (
        auc(found["unknown"], found["scrypt"]), median(found["scrypt"]))


if __name__ == "__main__":
    suite.main()
