# SPDX-License-Identifier: MIT
"""Sign-in and get-session with few users and with very many."""
import random

from rounds import alternate, figure, of
from stage import (Load, Stage, endpoint_request, session_cookie, sign_in_request,
                   sign_up, write_requests)

TITLE = "Growth"
MEANS = """\
The same service on two databases of one cluster that differ in their number of
users, each with one account and one live session. Every request asks for
another user, drawn evenly from all. Asked directly over FastCGI on kept
connections, with the limits per account on, so that nothing but the database
tells the two apart."""

FILL = """
INSERT INTO public."user" (id, name, email, "emailVerified")
SELECT md5('user' || i), 'User ' || i, 'user' || i || '@example.com', false
FROM generate_series(1, {count}) AS i;
INSERT INTO public.account (id, "accountId", "providerId", "userId", password,
	"updatedAt")
SELECT md5('account' || i), md5('user' || i), 'credential', md5('user' || i),
	'{hash}', now()
FROM generate_series(1, {count}) AS i;
INSERT INTO public.session (id, token, "userId", "expiresAt", "updatedAt",
	"ipAddress", "userAgent")
SELECT md5('session' || i), 'token' || lpad(i::text, 27, '0'),
	md5('user' || i),
	now() + interval '7 days', now(), '192.0.2.7', 'Mozilla/5.0'
FROM generate_series(1, {count}) AS i;
"""
TIDY = ("VACUUM ANALYZE", "CHECKPOINT")
DRAWN = 20000


def token_of(number):
    return "token%027d" % number


def fill(stage, name, count):
    """The database, and its service."""
    stage.database(name)
    service = stage.service(name, rate_limit="on",
                            rate_limit_trusted="127.0.0.0/8")
    sign_up(service)
    stored = stage.cluster.sql(name, "SELECT password FROM account")[0][0]
    stage.cluster.sql(name, FILL.format(count=count, hash=stored))
    for step in TIDY:
        stage.cluster.sql(name, step)
    return service


def requests_of(stage, name, count):
    draw = random.Random(count)
    numbers = [draw.randint(1, count) for _ in range(DRAWN)]
    return {
        "get-session": write_requests(
            "%s/%s-get-session" % (stage.folder, name),
            [endpoint_request("GET", "/get-session", [
                ("Cookie", session_cookie(token_of(n)))]) for n in numbers]),
        "sign-in": write_requests(
            "%s/%s-sign-in" % (stage.folder, name),
            [sign_in_request("user%d@example.com" % n) for n in numbers]),
    }


def run(sizes):
    with Stage() as stage:
        subjects = {}
        for count in (sizes.users_few, sizes.users_many):
            name = "{:,} users".format(count)
            database = "growth_%d" % count
            subjects[name] = (fill(stage, database, count),
                              requests_of(stage, database, count))
        for service, files in subjects.values():    # both warm alike
            Load(service.unix, files["get-session"], sizes.warm)

        def measure(what, count, connections):
            return alternate(subjects, sizes.rounds, lambda name: Load(
                subjects[name][0].unix, subjects[name][1][what], count,
                connections))

        sessions = measure("get-session", sizes.requests // 2, 4)
        sign_ins = measure("sign-in", sizes.sign_ins, 2)
    return [
        figure("get-session", "µs for one", "less",
               of(sessions, lambda load: 1e6 / load.rate), subjects),
        figure("sign-in", "ms for one", "less",
               of(sign_ins, lambda load: 1e3 / load.rate), subjects),
    ]
