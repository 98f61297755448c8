#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Better Auth and the service on one database with one secret: every step made
at one server is seen at the other, in both directions and whoever made the
schema. AUTHBRIDGE_DIFF_OURS=reference puts a second reference in the service's
place, which shows that the steps are right."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__))
                + "/better-auth")

import fcgi_client
import postgres
import processes
import tap
import service_at
from normal import Normal
from reference import Reference, database_settings, folder, node
from tap import check, equal, wait_until
from target import FastCgiTarget, HttpTarget
from world import PASSWORD, World, parsed

SECRET = "conformance-secret-conformance-secret-0123456789"
BASE = "http://127.0.0.1:3100"
OTHER = "another horse 2"
AGAINST_ITSELF = os.environ.get("AUTHBRIDGE_DIFF_OURS") == "reference"
SETTINGS = {"baseURL": BASE, "secret": SECRET, "deleteUser": True}
suite = tap.Suite()
pairs = {}


class Pair:
    """Both servers on one database; made_by: who makes its tables."""

    def __init__(self, cluster, place, made_by, **config):
        database = "interop_" + made_by + "_" + config.get(
            "password_hash", "argon2id")
        cluster.drop_database(database)
        cluster.create_database(database)
        at = (cluster, database, BASE, SECRET)
        if made_by == "reference":
            node("migrate.mjs", {**SETTINGS, "database": database_settings(
                cluster, database)})
        self.ours, self.service = self._ours(at, place, config)
        reference = Reference(cluster, database, place, **SETTINGS)
        suite.finally_do(reference.close)
        self.reference = HttpTarget("reference", reference.port, *at)

    @staticmethod
    def _ours(at, place, config):
        cluster, database = at[:2]
        if AGAINST_ITSELF:
            server = Reference(cluster, database, place, migrate=True,
                               **SETTINGS)
            suite.finally_do(server.close)
            return HttpTarget("ours", server.port, *at), None
        service = service_at.started(
            cluster, database, place, BASE, secret=SECRET, rate_limit="off",
            jwt_alg="EdDSA", delete_user="on", **config)
        suite.finally_do(service.close)
        service.wait_ready()
        return FastCgiTarget("ours", service.unix, *at), service


def setup():
    folder()
    cluster = postgres.Cluster()
    suite.finally_do(cluster.close)
    place = processes.make_folder()
    suite.finally_do(lambda: processes.remove_folder(place))
    for made_by in ("reference", "ours"):
        pairs[made_by] = Pair(cluster, place, made_by,
                              password_hash="scrypt")
    if not AGAINST_ITSELF:
        pairs["argon2id"] = Pair(cluster, place, "reference")


class Traveller(World):
    """A client that moves between the two servers, cookies and all."""

    def __init__(self, name, here, there):
        super().__init__(here, name)
        self.here, self.there = here, there

    def at(self, target):
        self.target = target
        return self

    def user_seen(self, at):
        """The session's user as this server says, or None."""
        answer = self.at(at).get("/get-session", keep=False)
        equal(answer.status, 200, at.name, "get-session")
        found = answer.json()
        return found and found["user"]


DIRECTIONS = [(made_by, first) for made_by in ("reference", "ours")
              for first in ("ours", "reference")]


def crossing(function):
    """Registers the step in both directions on both databases."""
    name = function.__name__.replace("_", "-")
    for made_by, first in DIRECTIONS:
        label = "%s, from %s, tables by %s" % (name, first, made_by)

        @suite.case(label, made_by, first, label)
        def run(made_by, first, label):
            pair = pairs[made_by]
            here, there = pair.ours, pair.reference
            if first == "reference":
                here, there = there, here
            function(Traveller(label, here, there))
    return function


def good(answer, status=200):
    equal(answer.status, status, answer.label, answer.body[:300])
    return parsed(answer)


@crossing
def sign_up_here_session_there(t):
    user = t.sign_up()["user"]
    equal(t.user_seen(t.there), user)
    equal(t.user_seen(t.here), user)


@crossing
def sign_up_here_sign_in_there(t):
    user = t.sign_up()["user"]
    t.jar.clear()
    equal(t.at(t.there).sign_in()["user"], user)
    equal(t.user_seen(t.here), user)
    good(t.at(t.there).post("/sign-in/email", {
        "email": t.email(), "password": "wrong one"}, cookie=None), 401)


@crossing
def sign_up_taken_there(t):
    t.sign_up()
    good(t.at(t.there).post("/sign-up/email", {
        "name": "x", "email": t.email().upper(), "password": PASSWORD},
        cookie=None), 422)


@crossing
def sign_in_here_sign_out_there(t):
    t.sign_up()
    t.sign_in()
    cookies = dict(t.jar)
    good(t.at(t.there).post("/sign-out", {}))
    t.jar = cookies
    equal(t.user_seen(t.here), None)
    equal(t.user_seen(t.there), None)


@crossing
def session_fields_agree(t):
    t.sign_up()
    there = t.at(t.there).get("/get-session", keep=False).json()
    equal(t.at(t.here).get("/get-session", keep=False).json(), there)


@crossing
def bearer_there(t):
    user = t.sign_up()["user"]
    for bearer in (t.token(), t.signed(t.token())):
        answer = t.at(t.there).get("/get-session", cookie=None, bearer=bearer)
        equal(good(answer)["user"], user)


@crossing
def update_user_here_seen_there(t):
    t.sign_up()
    good(t.post("/update-user", {"name": "Änn 😀", "image": "/a.png"}))
    seen = t.user_seen(t.there)
    equal((seen["name"], seen["image"]), ("Änn 😀", "/a.png"))


@crossing
def password_change_here(t):
    t.sign_up()
    old = dict(t.jar)
    good(t.post("/change-password", {
        "newPassword": OTHER, "currentPassword": PASSWORD,
        "revokeOtherSessions": True}))
    new = dict(t.jar)
    check(t.user_seen(t.there), "the new session lives there")
    t.jar = old
    equal(t.user_seen(t.there), None, "the old session there")
    good(t.post("/sign-in/email", {"email": t.email(), "password": PASSWORD},
                cookie=None), 401)
    t.at(t.there).sign_in(password=OTHER)
    good(t.at(t.there).post("/change-password", {
        "newPassword": PASSWORD, "currentPassword": OTHER,
        "revokeOtherSessions": True}))
    t.jar = new
    equal(t.user_seen(t.here), None, "ended from there")
    good(t.at(t.here).post("/sign-in/email", {
        "email": t.email(), "password": PASSWORD}, cookie=None))


@crossing
def verify_password_there(t):
    t.sign_up()
    good(t.at(t.there).post("/verify-password", {"password": PASSWORD}))
    good(t.post("/verify-password", {"password": OTHER}), 400)


@crossing
def normalised_password_there(t):
    t.sign_up(password="cafe\u0301 au lait")
    t.at(t.there).sign_in(password="caf\u00e9 au lait")
    check(t.user_seen(t.here), "signed in by the composed form")


@crossing
def remember_me_there(t):
    t.sign_up(rememberMe=False)
    t.sql("UPDATE session SET \"expiresAt\" = now() + interval '1 hour' "
          "WHERE token = '%s'" % t.token())
    answer = t.at(t.there).get("/get-session")
    equal(answer.header_all("set-cookie"), [], "no slide there")
    answer = t.at(t.there).post("/update-user", {"name": "x"})
    check(all("Max-Age" not in line
              for line in answer.header_all("set-cookie")), "no Max-Age")


@crossing
def slide_there(t):
    t.sign_up()
    t.sql("UPDATE session SET \"expiresAt\" = now() + interval '1 day' "
          "WHERE token = '%s'" % t.token())
    first = t.at(t.there).get("/get-session")
    check(first.header("set-auth-token"), "slid there")
    second = t.at(t.here).get("/get-session")
    equal(second.header("set-auth-token"), None, "slid once")
    equal(second.json()["session"]["expiresAt"],
          first.json()["session"]["expiresAt"])


@crossing
def sessions_listed_and_revoked_there(t):
    t.sign_up()
    first = dict(t.jar)
    t.sign_in()
    second = dict(t.jar)
    t.at(t.there).sign_in()
    listed = good(t.at(t.there).get("/list-sessions"))
    equal(len(listed), 3)
    t.at(t.here)
    equal({s["id"] for s in good(t.get("/list-sessions"))},
          {s["id"] for s in listed})
    third = dict(t.jar)
    t.jar = dict(first)
    token = t.token()
    t.jar = third
    good(t.at(t.there).post("/revoke-session", {"token": token}))
    t.jar = first
    equal(t.user_seen(t.here), None)
    t.jar = third
    good(t.at(t.there).post("/revoke-other-sessions", {}))
    t.jar = second
    equal(t.user_seen(t.here), None)
    t.jar = third
    check(t.user_seen(t.here), "the current one lives")
    good(t.at(t.there).post("/revoke-sessions", {}))
    t.jar = third
    equal(t.user_seen(t.here), None)


@crossing
def expired_here_gone_there(t):
    t.sign_up()
    t.sql("UPDATE session SET \"expiresAt\" = now() - interval '1 second' "
          "WHERE token = '%s'" % t.token())
    equal(t.user_seen(t.here), None)
    equal(t.user_seen(t.there), None)


@crossing
def delete_user_there(t):
    t.sign_up()
    cookies = dict(t.jar)
    good(t.at(t.there).post("/delete-user", {"password": PASSWORD}))
    t.jar = cookies
    equal(t.user_seen(t.here), None)
    good(t.at(t.here).post("/sign-in/email", {
        "email": t.email(), "password": PASSWORD}, cookie=None), 401)


@crossing
def accounts_agree(t):
    t.sign_up()
    equal(good(t.at(t.there).get("/list-accounts")),
          good(t.at(t.here).get("/list-accounts")))


def token_parts(target, token):
    forms = Normal(target)
    parts = {}
    forms.jwt("jwt", token, parts)
    return parts


@crossing
def token_verifies_there(t):
    """An EdDSA token of one server by the other's published keys."""
    t.sign_up()
    token = good(t.get("/token"))["token"]
    parts = token_parts(t.there, token)
    equal(parts["jwt.signature"], "good")
    equal(parts["jwt.header.alg"], "EdDSA")
    equal(sorted(t.here.jwks()), sorted(t.there.jwks()))


def test_one_key():
    """Both servers sign with one row of jwks, whoever made it."""
    for made_by in ("reference", "ours"):
        pair = pairs[made_by]
        rows = pair.ours.sql("SELECT id FROM jwks")
        equal(len(rows), 1, "jwks rows, tables by", made_by)


suite.case("one signing key for both")(test_one_key)


# What only the service does

def sign_in_upgrades_hash():
    pair = pairs["argon2id"]
    t = Traveller("upgrade", pair.reference, pair.ours)
    t.sign_up()
    before = stored_hash(t)
    check(":" in before and not before.startswith("$"), before[:20])
    good(t.at(t.there).post("/sign-in/email", {
        "email": t.email(), "password": "wrong one"}, cookie=None), 401)
    equal(stored_hash(t), before, "after a wrong password")
    t.sign_in()
    check(stored_hash(t).startswith("$argon2id$"), stored_hash(t)[:20])
    t.sign_in()


def stored_hash(t):
    return t.sql("SELECT password FROM account a JOIN \"user\" u ON u.id = "
                 "a.\"userId\" WHERE email = '%s'" % t.email())[0][0]


def scrypt_stays_scrypt():
    pair = pairs["reference"]
    t = Traveller("stays", pair.reference, pair.ours)
    t.sign_up()
    before = stored_hash(t)
    t.at(t.there).sign_in()
    equal(stored_hash(t), before)


def gate(pair, user, token):
    return fcgi_client.gate(pair.service.unix, "GET",
                            "/api/%s/tasks" % user, token).status


def sign_out_elsewhere_closes_gate():
    """B-US4: the JWT dies with its session, whoever ends it."""
    pair = pairs["reference"]
    for name, end in (
            ("sign-out", lambda t: t.post("/sign-out", {})),
            ("revoke", lambda t: t.post("/revoke-sessions", {})),
            ("password", lambda t: t.post("/change-password", {
                "newPassword": OTHER, "currentPassword": PASSWORD,
                "revokeOtherSessions": True})),
            ("delete", lambda t: t.post("/delete-user", {
                "password": PASSWORD}))):
        t = Traveller("gate " + name, pair.ours, pair.reference)
        user = t.sign_up()["user"]["id"]
        token = good(t.get("/token"))["token"]
        equal(gate(pair, user, token), 200, name, "before")
        good(end(t.at(t.there)))
        wait_until(lambda: gate(pair, user, token) == 401, 2,
                   name + " closes the gate")


def sessionless_token_is_refused():
    """The reference's JWT names no session, so no logout could reach it."""
    pair = pairs["reference"]
    t = Traveller("sessionless", pair.reference, pair.ours)
    user = t.sign_up()["user"]["id"]
    token = good(t.get("/token"))["token"]
    equal(gate(pair, user, token), 401)


def long_fields_of_the_reference():
    """Shown as they are; the JWT, which travels in a header, leaves them out."""
    pair = pairs["reference"]
    t = Traveller("long", pair.reference, pair.ours)
    t.sign_up()
    good(t.post("/update-user", {"name": "n" * 600, "image": "i" * 3000}))
    answer = t.at(t.there).get("/get-session")
    user = good(answer)["user"]
    equal((len(user["name"]), len(user["image"])), (600, 3000))
    for token in (answer.header("set-auth-jwt"),
                  good(t.get("/token"))["token"]):
        check(len(token) < 2048, "length of the JWT", len(token))
        parts = token_parts(t.there, token)
        equal((parts["jwt.signature"], parts["jwt.claims.name"],
               parts["jwt.claims.image"]), ("good", '""', "null"))


if not AGAINST_ITSELF:
    suite.case("a scrypt user becomes an argon2id user at sign-in")(
        sign_in_upgrades_hash)
    suite.case("password_hash = scrypt leaves scrypt alone")(
        scrypt_stays_scrypt)
    suite.case("B-US4 a session ended by the reference closes the gate")(
        sign_out_elsewhere_closes_gate)
    suite.case("a name too long for a header stays out of the JWT")(
        long_fields_of_the_reference)
    suite.case("the reference's own JWT is refused at the gate")(
        sessionless_token_is_refused)

if __name__ == "__main__":
    suite.main(setup)
