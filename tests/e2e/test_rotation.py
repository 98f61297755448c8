# SPDX-License-Identifier: MIT
"""Keys change under load: no false 401, and no acceptance after a removal.

Two services share a database. Clients keep fetching JWTs from either and show
them to both while secrets and algorithms are changed, one service after the
other, by rewriting its configuration and HUP.
"""
import base64
import hashlib
import hmac
import json
import os
import signal
import subprocess
import threading
import time
import urllib.parse

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


def by_cookie(service, session, secret):
    """Is a session cookie that this secret signed still one?"""
    mac = hmac.new(secret.encode(), session.token.encode(), hashlib.sha256)
    value = "%s.%s" % (session.token, base64.b64encode(mac.digest()).decode())
    answer = fcgi_client.request(
        service.unix, "GET", "/api/auth/get-session",
        [("Cookie", "better-auth.session_token=" +
          urllib.parse.quote(value, safe=""))], timeout=20)
    equal(answer.status, 200, "get-session")
    return json.loads(answer.body) is not None


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


@suite.case("a JWT and a cookie of the old secret hold while that is kept")
def old_secret_kept():
    session = make_session()
    equal([gate(s, session, session.jwt) for s in services], [200, 200])
    for secret in (SECRET, NEW):
        equal([by_cookie(s, session, secret) for s in services], [True, True])
    equal(by_cookie(services[0], session, "x" * 40), False, "never ours")


@suite.case("removing the old secret: 0 acceptances after the reload")
def old_secret_gone():
    session = make_session()
    for service in services:
        reload(service, secrets="2:" + NEW, secret=NEW)
    # The last workers of the old generation end with what they were asked.
    time.sleep(0.5)
    for _ in range(50):
        equal([gate(s, session, session.jwt) for s in services], [401, 401])
        equal([by_cookie(s, session, SECRET) for s in services],
              [False, False])
    equal([by_cookie(s, session, NEW) for s in services], [True, True])


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


def listed(service):
    answer = fcgi_client.request(service.unix, "GET", "/api/auth/jwks")
    equal(answer.status, 200, "jwks")
    return {k["kid"] for k in json.loads(answer.body)["keys"]}


class Watch(threading.Thread):
    """Notes when a kid was first listed by every service, when it first
    signed, and every token whose key is no longer listed while it lives."""

    def __init__(self, session):
        super().__init__(daemon=True)
        self.session, self.stopping = session, threading.Event()
        self.known, self.signed, self.tokens = {}, {}, []
        self.wrong = []
        self.start()

    def run(self):
        while not self.stopping.wait(0.02):
            try:
                self._look()
            except Exception as error:
                self.wrong.append(error)
                return

    def _look(self):
        kids = set.intersection(*[listed(s) for s in services])
        for kid in kids:
            self.known.setdefault(kid, time.monotonic())
        now = time.time()
        self.tokens = [t for t in self.tokens if t[1] > now + 1]
        self.wrong += [t for t in self.tokens if t[0] not in kids]
        for service in services:
            began = time.monotonic()
            jwt = fetch_jwt(service, self.session)
            kid = tokens.header(jwt)["kid"]
            self.tokens.append((kid, tokens.claims(jwt)["exp"]))
            self.signed.setdefault(kid, began)

    def stop(self):
        self.stopping.set()
        self.join()


@suite.case("jwt_key_max_age: keys change by themselves: 0 false 401, one key "
            "for all workers, each listed before it signs")
def by_itself():
    age = 4
    for service in services:
        reload(service, jwt_key_max_age="%ds" % age, jwt_ttl="10s")
    old = {row[0] for row in world.sql('SELECT id FROM public.jwks')}
    session = make_session()
    wait_until(lambda: all(
        tokens.header(fetch_jwt(s, session))["kid"] not in old
        for s in services), 5, "the first of the new keys signs")
    load, watch = Load(), Watch(session)
    began = time.monotonic()
    time.sleep(age * (12 if LONG else 3))
    watch.stop()
    took = time.monotonic() - began
    note = load.stop()
    equal(watch.wrong, [])
    new = set(watch.signed)
    check(took / age - 1 <= len(new) <= took / age + 2, new, took)
    first = min(watch.signed, key=watch.signed.get)
    early = [watch.signed[kid] - watch.known[kid] for kid in new - {first}]
    check(min(early) > 0.5, "listed only so long before it signed:", early)
    made = world.sql('SELECT id FROM public.jwks WHERE alg = \'ES256\'')
    made = {row[0] for row in made} - old
    check(len(made - new) <= 2, "keys nobody signed with:", made - new)
    lives = world.sql("""SELECT count(*) FROM public.jwks WHERE alg = 'ES256'
        AND ("expiresAt" IS NULL OR "expiresAt" > now() + interval '%d s')
        """ % (2 * age + 1))
    equal(lives, [["0"]], "every key has an end")
    return "%d keys in %.0f s, listed at least %.1f s before; %s" % (
        len(new), took, min(early), note)


@suite.case("jwt_key_max_age: an old key is listed and verifies until its last "
            "token has expired, then is dead")
def old_key_ends():
    session = make_session()
    jwt = fetch_jwt(services[0], session)
    kid = tokens.header(jwt)["kid"]
    equal([gate(s, session, jwt) for s in services], [200, 200])
    # As if its time to sign had ended long ago; the token is fresh.
    world.sql("""UPDATE public.jwks SET "expiresAt" = now() - interval '69 s'
        WHERE id = '%s'""" % kid)
    wait_until(lambda: [gate(s, session, jwt) for s in services] ==
               [401, 401], 3, "dead")
    check(time.time() < tokens.claims(jwt)["exp"], "the token lives")
    wait_until(lambda: all(kid not in listed(s) for s in services), 5,
               "no longer listed")


@suite.case("jwt_key_max_age: a service that slept through its key's end makes "
            "a new one at the next sign-in")
def overslept():
    for service in services:
        os.kill(service.process.pid, signal.SIGSTOP)
        for pid in service.worker_pids():
            os.kill(pid, signal.SIGSTOP)
    time.sleep(5)
    for service in services:
        for pid in service.worker_pids() + [service.process.pid]:
            os.kill(pid, signal.SIGCONT)
    session = make_session()
    for _ in range(20):
        for service in services:
            jwt = fetch_jwt(service, session)
            equal([gate(s, session, jwt) for s in services], [200, 200])


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
