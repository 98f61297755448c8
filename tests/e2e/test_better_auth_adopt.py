#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Databases that Better Auth left: of several releases and as users change
them. A user made there signs in at the service, the session made there lives
on, a user made by the service signs in there when the old server returns.
AUTHBRIDGE_DIFF_OURS=reference puts the reference in the service's place."""
import concurrent.futures
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__))
                + "/better-auth")

import postgres
import processes
import tap
import service_at
from reference import Reference, database_settings, folder, node
from service import binary
from tap import check, equal
from target import FastCgiTarget, HttpTarget
from world import PASSWORD, World, parsed

SECRET = "conformance-secret-conformance-secret-0123456789"
BASE = "http://127.0.0.1:3100"
AGAINST_ITSELF = os.environ.get("AUTHBRIDGE_DIFF_OURS") == "reference"
FIELDS = {"role": {"type": "string", "required": False,
                   "defaultValue": "member"},
          "plan": {"type": "number", "required": False},
          "born": {"type": "date", "required": False}}
# name: the package that makes and uses it, its settings, and SQL afterwards
DATABASES = {
    "1.7.7": ("better-auth", {}, ""),
    "1.6": ("better-auth-1.6", {}, ""),
    "1.5": ("better-auth-1.5", {}, ""),
    "account.issuer": ("better-auth-1.7.2", {}, ""),
    "jwks without alg and crv": ("better-auth-1.6", {}, """
        ALTER TABLE jwks DROP COLUMN IF EXISTS alg,
            DROP COLUMN IF EXISTS crv;"""),
    "jwks without expiresAt": ("better-auth-1.5", {}, """
        ALTER TABLE jwks DROP COLUMN IF EXISTS alg,
            DROP COLUMN IF EXISTS crv,
            DROP COLUMN IF EXISTS "expiresAt";"""),
    "varchar": ("better-auth", {}, """
        ALTER TABLE "user" ALTER id TYPE varchar(64),
            ALTER name TYPE varchar(255), ALTER email TYPE varchar(255),
            ALTER image TYPE varchar(255);
        ALTER TABLE session ALTER id TYPE varchar(64),
            ALTER token TYPE varchar(255), ALTER "userId" TYPE varchar(64),
            ALTER "ipAddress" TYPE varchar(64),
            ALTER "userAgent" TYPE varchar(255);
        ALTER TABLE account ALTER id TYPE varchar(64),
            ALTER "accountId" TYPE varchar(255),
            ALTER "providerId" TYPE varchar(255),
            ALTER "userId" TYPE varchar(64),
            ALTER password TYPE varchar(255);
        ALTER TABLE jwks ALTER id TYPE varchar(64);"""),
    "additional fields": ("better-auth", {"additionalFields": FIELDS}, ""),
    "more sessions": ("better-auth", {}, """
        INSERT INTO session (id, "expiresAt", token, "updatedAt", "userId")
        SELECT 's' || n, now() + interval '1 day', 't' || n, now(),
            (SELECT id FROM "user" LIMIT 1) FROM generate_series(1, 150) n;
        """),
    "no tables": (None, {}, ""),
}
suite = tap.Suite()
results = {}
place = None
cluster = None


def setup():
    global cluster, place
    folder()
    cluster = postgres.Cluster()
    suite.finally_do(cluster.close)
    place = processes.make_folder()
    suite.finally_do(lambda: processes.remove_folder(place))
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for name in DATABASES:
            results[name] = pool.submit(adopt, name)


class Adopted:
    """One database on its way from server to server."""

    def __init__(self, name):
        self.name = name
        self.package, self.extra, self.change = DATABASES[name]
        self.database = "adopt_" + "".join(
            c if c.isalnum() else "_" for c in name)
        cluster.drop_database(self.database)
        cluster.create_database(self.database)
        self.at = (cluster, self.database, BASE, SECRET)
        self.server = None

    def settings(self):
        return {"package": self.package or "better-auth", "baseURL": BASE,
                "secret": SECRET, **self.extra}

    def start_reference(self):
        self.server = Reference(cluster, self.database, place,
                                **self.settings())
        suite.finally_do(self.server.close)
        return HttpTarget("reference", self.server.port, *self.at)

    def start_ours(self):
        if AGAINST_ITSELF:
            node("migrate.mjs", {**self.settings(),
                                 "database": database_settings(
                                     cluster, self.database)})
            return self.start_reference()
        self.server = service_at.started(
            cluster, self.database, place, BASE, secret=SECRET,
            rate_limit="off", jwt_alg="EdDSA", password_hash="scrypt")
        suite.finally_do(self.server.close)
        self.server.wait_ready()
        self.migrate_again()
        return FastCgiTarget("ours", self.server.unix, *self.at)

    def migrate_again(self):
        """Idempotent, asks nothing."""
        config = self.server.config + ".owner"
        with open(self.server.config, encoding="utf-8") as given:
            text = given.read().replace("//%s@" % service_at.ROLE,
                                        "//postgres@")
        with open(config, "w", encoding="utf-8") as out:
            out.write(text)
        done = subprocess.run(
            [binary("authbridgectl"), "-c", config, "migrate"], check=False,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True)
        equal(done.returncode, 0, done.stdout)

    def stop(self):
        self.server.close()

    def shift(self):
        if self.change:
            cluster.sql(self.database, self.change)


def seen(world):
    answer = world.get("/get-session", keep=False)
    equal(answer.status, 200, answer.body)
    return parsed(answer) and parsed(answer)["user"]


def adopt(name):
    path = Adopted(name)
    world = World(None, name)
    old = {}
    if path.package:
        node("migrate.mjs", {**path.settings(), "database":
                             database_settings(cluster, path.database)})
        world.target = path.start_reference()
        old = world.sign_up("old")["user"]
        equal(world.get("/token").status, 200)
        path.stop()
    path.shift()
    world.target = path.start_ours()
    if path.package:
        ours_knows(world, old)
    new = ours_makes(world)
    path.stop()
    if path.package:
        world.target = path.start_reference()
        reference_knows(world, new)
        path.stop()



def ours_knows(world, old):
    """What the other server made."""
    user = seen(world)
    check(user, "its session lives")
    equal(user["id"], old["id"])
    equal(world.get("/token").status, 200, "token")
    equal(world.sign_in("old")["user"]["id"], old["id"])
    equal(world.post("/sign-in/email", {
        "email": world.email("old"), "password": "wrong one"},
        cookie=None).status, 401)
    check(world.get("/list-sessions").status in (200,), "list-sessions")
    equal(world.post("/update-user", {"name": "renamed"}).status, 200)
    equal(seen(world)["name"], "renamed")


def ours_makes(world):
    world.jar.clear()
    new = world.sign_up("new")
    check("user" in new, json.dumps(new))
    equal(world.get("/token").status, 200, "token of the new user")
    equal(world.post("/change-password", {
        "newPassword": "another horse 2",
        "currentPassword": PASSWORD}).status, 200)
    equal(world.post("/sign-up/email", {
        "name": "x", "email": world.email("new"), "password": PASSWORD},
        cookie=None).status, 422)
    return seen(world)


def reference_knows(world, new):
    user = seen(world)
    check(user, "the service's session lives")
    equal(user["id"], new["id"])
    signed = world.sign_in("new", "another horse 2")
    equal(signed["user"]["id"], new["id"])
    equal(world.get("/token").status, 200)


for _name in DATABASES:
    @suite.case("adopt: " + _name, _name)
    def adopted(name):
        results[name].result()

if __name__ == "__main__":
    suite.main(setup)
