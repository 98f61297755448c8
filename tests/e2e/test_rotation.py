# SPDX-License-Identifier: MIT
"""Keys change under load: no false 401, and no acceptance after a removal.

Two services share a database. Clients keep fetching JWTs from either and show
them to both while secrets and algorithms are changed, one service after the
other, by rewriting its configuration and HUP.
"""
import json
import os
import signal
import subprocess
import threading
import time

import fcgi_client
import tokens
from harness import SECRET, World
from service import binary, write_config
from tap import Suite, check, equal, wait_until
from test_revocation import Session, new_id

suite = Suite()
world = None
services = []
NEW = "rotated-secret-rotated-secret-rotated-98765"
LONG = os.environ.get("AUTHBRIDGE_LONG") == "1"
STEADY = 5 if LONG else 1


def make_session():
    session = Session(new_id())
    world.sql("""INSERT INTO public."user" (id, name, email, "emailVerified")
        VALUES ('%s', 'n', '%s@example.com', false)""" % (
            session.user, session.user.lower()))
    world.sql('INSERT INTO public.session (id, "expiresAt", token, '
              '"updatedAt", "userId") VALUES ' + session.row())
    return session


def fetch_jwt(service, session):
    answer = fcgi_client.request(
        service.unix, "GET", "/api/auth/token",
        [("Authorization", "Bearer " + session.token)], timeout=20)
    equal(answer.status, 200, "token")
    return json.loads(answer.body)["token"]


def gate(service, session, jwt):
    return fcgi_client.gate(service.unix, "GET",
                            "/api/%s/tasks" % session.user, jwt,
                            timeout=20).status


class Load:
    """Clients that take a JWT from one service and show it to both."""

    def __init__(self, threads=4):
        self.seen, self.wrong, self.stopping = 0, [], False
        self.threads = [threading.Thread(target=self._run, args=(i,))
                        for i in range(threads)]
        for thread in self.threads:
            thread.start()

    def _run(self, number):
        session = make_session()
        while not self.stopping:
            try:
                source = services[number % len(services)]
                jwt = fetch_jwt(source, session)
                for _ in range(5):
                    for service in services:
                        status = gate(service, session, jwt)
                        self.seen += 1
                        if status != 200:
                            self.wrong.append(
                                (status, tokens.header(jwt)))
            except Exception as error:
                self.wrong.append(error)
                return
            number += 1

    def stop(self):
        time.sleep(STEADY)
        self.stopping = True
        for thread in self.threads:
            thread.join()
        equal(self.wrong, [], "of %d answers" % self.seen)
        check(self.seen > 50, "hardly any load:", self.seen)
        return "%d answers, all 200" % self.seen


def reload(service, **settings):
    service.settings.update(settings)
    write_config(service.config, service.settings)
    before = service.log().count("event=reloaded")
    os.kill(service.process.pid, signal.SIGHUP)
    wait_until(lambda: service.log().count("event=reloaded") > before, 15,
               "reloaded")


def change(**settings):
    load = Load()
    time.sleep(STEADY)
    for service in services:
        reload(service, **settings)
        time.sleep(STEADY / 2)
    return load.stop()


def ctl(*words):
    done = subprocess.run(
        [binary("authbridgectl"), "-c", services[0].config, "--json", *words],
        env=dict(os.environ, DATABASE_URL=world.cluster.url(world.database)),
        stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


@suite.case("HS256 to a new secret: 0 false 401")
def new_secret():
    # First every service learns to verify with the new one, then it signs.
    change(secret=SECRET, secrets="1:%s,2:%s" % (SECRET, NEW))
    return change(secrets="2:%s,1:%s" % (NEW, SECRET))


@suite.case("a JWT of the old secret holds while that is kept")
def old_secret_kept():
    session = make_session()
    equal([gate(s, session, session.jwt) for s in services], [200, 200])


@suite.case("removing the old secret: 0 acceptances after the reload")
def old_secret_gone():
    session = make_session()
    for service in services:
        reload(service, secrets="2:" + NEW, secret=NEW)
    # The last workers of the old generation end with what they were asked.
    time.sleep(0.5)
    for _ in range(50):
        equal([gate(s, session, session.jwt) for s in services], [401, 401])


@suite.case("HS256 to EdDSA: 0 false 401")
def to_eddsa():
    return change(jwt_alg="EdDSA")


@suite.case("EdDSA to ES256: 0 false 401")
def to_es256():
    return change(jwt_alg="ES256")


@suite.case("a new key of the same algorithm: 0 false 401")
def new_key():
    load = Load()
    time.sleep(STEADY)
    kid = ctl("key", "new", "ES256")["kid"]
    note = load.stop()
    session = make_session()
    equal({tokens.header(fetch_jwt(s, session))["kid"] for s in services},
          {kid}, "the new key signs")
    return note


@suite.case("a retired key signs no more and goes on verifying")
def retired():
    session = make_session()
    jwt = fetch_jwt(services[0], session)
    ctl("key", "retire", tokens.header(jwt)["kid"])
    wait_until(lambda: all(
        tokens.header(fetch_jwt(s, session))["kid"] !=
        tokens.header(jwt)["kid"] for s in services), 5, "another key signs")
    equal([gate(s, session, jwt) for s in services], [200, 200])


@suite.case("emergency removal: 0 acceptances once the command has ended")
def removed():
    session = make_session()
    jwt = fetch_jwt(services[0], session)
    equal([gate(s, session, jwt) for s in services], [200, 200])
    ctl("key", "remove", tokens.header(jwt)["kid"])
    for _ in range(100):
        equal([gate(s, session, jwt) for s in services], [401, 401])


@suite.case("every public key is listed, and no private member of any")
def jwks():
    answer = fcgi_client.request(services[0].unix, "GET", "/api/auth/jwks")
    keys = json.loads(answer.body)["keys"]
    check({"EdDSA", "ES256"} <= {k["alg"] for k in keys}, keys)
    equal([k for k in keys if set(k) & {"d", "p", "q", "dp", "dq", "qi"}], [])


@suite.case("session revoke --all: every token until now is refused")
def revoke_all():
    session = make_session()
    jwt = fetch_jwt(services[0], session)
    ctl("session", "revoke", "--all")
    wait_until(lambda: [gate(s, session, jwt) for s in services] ==
               [401, 401], 2, "refused")
    time.sleep(2)
    fresh = fetch_jwt(services[0], session)
    equal([gate(s, session, fresh) for s in services], [200, 200])


def setup():
    global world
    world = World(suite, backend=None)
    import test_revocation
    test_revocation.world = world
    services.extend([world.service, world.extra_service().start()])


if __name__ == "__main__":
    suite.main(setup)
