# SPDX-License-Identifier: MIT
"""Tokens of a foreign issuer, and a key endpoint that fails in every way.

The endpoint is a small HTTP server whose behaviour a case chooses. Whatever it
does, nothing is accepted wrongly, and keys known before go on working.
"""
import http.server
import json
import os
import socket
import threading
import time

import fcgi_client
import processes
import tokens
from harness import World
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from tap import Suite, check, equal, wait_until

suite = Suite()
world = None
endpoint = None
LONG = os.environ.get("AUTHBRIDGE_LONG") == "1"
ISSUER = "https://id.example.org"
AUDIENCE = "gate"


class Endpoint(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.mode, self.hits = "good", 0
        self.keys = []
        self.url = "http://127.0.0.1:%d/jwks" % self.server_address[1]
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def answer(self, status, body, kind="application/json", headers=()):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        for header in headers:
            self.send_header(*header)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        server = self.server
        server.hits += 1
        body = json.dumps({"keys": server.keys}).encode()
        mode = server.mode
        if mode == "good":
            self.answer(200, body)
        elif mode == "slow":
            time.sleep(8)
        elif mode == "huge":
            self.answer(200, b'{"keys":[' + b" " * (1 << 20) + b"]}")
        elif mode == "redirect":
            self.answer(302, b"", headers=[("Location", server.url + "?x")])
        elif mode == "html":
            self.answer(200, body, "text/html")
        elif mode == "error":
            self.answer(500, body)
        elif mode == "list":
            self.answer(200, b"[]")
        elif mode == "garbage":
            self.answer(200, b'{"keys":[{')
        elif mode == "cut":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{")
            self.connection.shutdown(socket.SHUT_RDWR)


def b64(data):
    return tokens.b64(data)


class Key:
    def __init__(self, kid):
        self.kid, self.key = kid, ed25519.Ed25519PrivateKey.generate()

    def jwk(self, **changes):
        point = self.key.public_key().public_bytes(
            serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        jwk = {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig",
               "kid": self.kid, "x": b64(point)}
        jwk.update(changes)
        return {k: v for k, v in jwk.items() if v is not None}

    def token(self, **changes):
        now = int(time.time())
        claims = dict({"iss": ISSUER, "aud": AUDIENCE, "sub": "ann",
                       "iat": now, "exp": now + 600}, **changes)
        signed = "%s.%s" % (
            b64(json.dumps({"alg": "EdDSA", "kid": self.kid}).encode()),
            b64(json.dumps(claims).encode()))
        return signed + "." + b64(self.key.sign(signed.encode()))


def gate(service, token, path="/any"):
    return fcgi_client.gate(service.unix, "GET", path, token, timeout=20)


def start(mode, keys, local=False, url=None):
    """A service whose first fetch finds the endpoint like this."""
    endpoint.mode, endpoint.keys = mode, [k.jwk() for k in keys]
    service = world.extra_service(
        issuer="corp url=%s jwks=%s aud=%s alg=EdDSA,RS256 subject=sub%s" % (
            ISSUER, url or endpoint.url, AUDIENCE, " local=yes" if local else ""),
        route=["* /any user", "* /api/{user_id}/** owner"])
    return service.start()


def wait_status(service, token, status, seconds=10):
    wait_until(lambda: gate(service, token).status == status, seconds,
               "status %d" % status)


@suite.case("a foreign subject passes under its issuer's name alone")
def good():
    key = Key("k1")
    service = start("good", [key])
    wait_status(service, key.token(), 200)
    answer = gate(service, key.token())
    equal(answer.header("variable-user-id"), "corp:ann")
    equal(gate(service, key.token(), "/api/ann/tasks").status, 403)
    for name, wrong in {"iss": world.base_url, "aud": "other",
                        "exp": int(time.time()) - 1}.items():
        equal(gate(service, key.token(**{name: wrong})).status, 401, name)
    equal(gate(service, key.token(sub=None)).status, 401, "no subject")
    equal(gate(service, Key("k1").token()).status, 401, "another's key")


@suite.case("local=yes makes its subjects local users")
def local():
    key = Key("k1")
    service = start("good", [key], local=True)
    wait_status(service, key.token(), 200)
    equal(gate(service, key.token(), "/api/ann/tasks").status, 200)
    equal(gate(service, key.token(), "/api/bob/tasks").status, 403)


@suite.case("each of two issuers signs for itself alone")
def two():
    ours, theirs, other = Key("k1"), Key("k2"), Endpoint()
    suite.finally_do(other.shutdown)
    endpoint.mode, endpoint.keys = "good", [ours.jwk()]
    other.keys = [theirs.jwk()]
    service = world.extra_service(
        issuer=["%s url=%s jwks=%s aud=%s alg=EdDSA" % row for row in
                (("corp", ISSUER, endpoint.url, AUDIENCE),
                 ("club", ISSUER + "/2", other.url, AUDIENCE))],
        route="* /any user").start()
    wait_status(service, ours.token(), 200)
    wait_status(service, theirs.token(iss=ISSUER + "/2"), 200)
    for key, iss, subject in ((ours, ISSUER, "corp:ann"),
                              (theirs, ISSUER + "/2", "club:ann")):
        equal(gate(service, key.token(iss=iss)).header("variable-user-id"),
              subject)
    equal(gate(service, theirs.token()).status, 401, "theirs for ours")
    equal(gate(service, ours.token(iss=ISSUER + "/2")).status, 401,
          "ours for theirs")
    service.stop()


@suite.each("keys never loaded is 503, never a way in: endpoint %s",
            ["slow", "huge", "redirect", "html", "error", "list", "garbage",
             "cut"])
def never_loaded(mode):
    key = Key("k1")
    hits = endpoint.hits
    service = start(mode, [key])
    wait_until(lambda: endpoint.hits > hits, 10, "a fetch")
    time.sleep(0.3)
    equal(gate(service, key.token()).status, 503, mode)
    equal(gate(service, Key("k1").token()).status, 503, mode)
    service.stop()


@suite.case("keys never loaded is 503, never a way in: nobody listens")
def down():
    key = Key("k1")
    service = start("good", [key], url="http://127.0.0.1:%d/jwks" %
                    processes.free_port())
    time.sleep(0.5)
    equal([gate(service, key.token()).status for _ in range(4)], [503] * 4)
    service.stop()


@suite.case("an endpoint that comes and goes: 503 until it was there once, "
            "then its last good keys")
def flapping():
    """AUTHBRIDGE_LONG=1 waits for the fetches that unknown keys ask for."""
    key, later = Key("k1"), Key("k2")
    service = start("error", [key])
    equal(gate(service, key.token()).status, 503)
    endpoint.mode = "good"
    wait_status(service, key.token(), 200, 15)
    for mode in ["cut", "good", "slow", "error", "good"] if LONG else ["cut"]:
        endpoint.mode = mode
        if mode == "good":
            endpoint.keys = [key.jwk(), later.jwk()]
        hits, until = endpoint.hits, time.monotonic() + (45 if LONG else 1)
        while time.monotonic() < until:
            equal(gate(service, key.token()).status, 200, mode)
            equal(gate(service, Key("k2").token()).status, 401, mode)
            time.sleep(0.05)
        check(not LONG or endpoint.hits > hits, "no fetch while", mode)
    if LONG:
        equal(gate(service, later.token()).status, 200, "a new key")
    service.stop()


@suite.case("the last good keys stay while the endpoint lies")
def last_good_stays():
    key = Key("k1")
    service = start("good", [key])
    wait_status(service, key.token(), 200)
    endpoint.mode = "garbage"
    for _ in range(20):
        equal(gate(service, Key("k2").token()).status, 401, "unknown key")
        equal(gate(service, key.token()).status, 200, "known key")
    service.stop()


@suite.case("unknown keys cause one fetch in 30 s at most")
def fetches_are_bounded():
    key = Key("k1")
    service = start("good", [key])
    wait_status(service, key.token(), 200)
    hits = endpoint.hits
    for i in range(200):
        equal(gate(service, Key("u%d" % i).token()).status, 401)
    time.sleep(0.5)
    # One for each worker at most, and none within 30 s of its first.
    check(endpoint.hits - hits <= service.workers, endpoint.hits - hits)
    service.stop()


@suite.case("keys that could be taken for another kind are skipped")
def confusing_keys():
    good_key, odd = Key("good"), Key("odd")
    big = rsa.generate_private_key(65537, 2048).public_key().public_numbers()
    modulus = big.n.to_bytes(256, "big")
    service = start("good", [good_key])
    endpoint.keys = [
        good_key.jwk(), odd.jwk(kid="no-alg", alg=None),
        odd.jwk(kid="other-alg", alg="RS256"), odd.jwk(kid="enc", use="enc"),
        odd.jwk(kid="hs", alg="HS256"),
        {"kty": "oct", "kid": "oct", "alg": "HS256", "k": b64(b"k" * 32)},
        {"kty": "RSA", "kid": "rsa-hs", "alg": "HS256", "n": b64(modulus),
         "e": "AQAB"},
    ]
    service.stop()
    service.start()
    wait_status(service, good_key.token(), 200)
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "iat": now,
              "exp": now + 600}
    for kid in ("no-alg", "other-alg", "enc", "hs"):
        odd.kid = kid
        equal(gate(service, odd.token()).status, 401, kid)
    for kid, secret in (("oct", "k" * 32), ("rsa-hs", ""),
                        ("rsa-hs", modulus.decode("latin-1")),
                        ("hs", odd.jwk()["x"])):
        token = tokens.sign(claims, secret,
                            {"alg": "HS256", "typ": "JWT", "kid": kid})
        equal(gate(service, token).status, 401, kid)


def setup():
    global world, endpoint
    world = World(suite, backend=None)
    endpoint = Endpoint()
    suite.finally_do(endpoint.shutdown)


if __name__ == "__main__":
    suite.main(setup)
