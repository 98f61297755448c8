# SPDX-License-Identifier: MIT
"""What web servers do with an odd answer of a gate, and that ours gives none.

A stub that answers wrongly on purpose stands behind the sample
configurations: not one of its answers may open the backend. Then the real
service is asked a wide set of requests: every answer must have the one shape
that all three servers take for what it is.
"""
import itertools
import json

import fcgi_client
import fcgi_wire as wire
import http_client
import processes
import tokens
from fcgi_server import Server
from harness import SECRET, World
from service import Service
from story import signed_up
from tap import Suite, check, equal
from webserver import available

suite = Suite()
world = None
stub_servers = {}
shape = [b""]
SERVERS = available()
TASKS = "/api/someone/tasks"


def out(text, *more):
    """STDOUT records, one each, then the proper end."""
    parts = [wire.record(wire.STDOUT, t.encode()) for t in (text,) + more]
    return b"".join(parts) + wire.record(wire.STDOUT) + wire.end()


REFUSAL = ("Status: 401\r\nWWW-Authenticate: Bearer\r\nContent-Type: "
           "application/json\r\n\r\n{}")
VICTIM = "/api/victim/tasks"

# name, records, opens: the servers on which it reaches the backend.
SHAPES = [
    ("200 with the identity",
     out("Status: 200\r\nVariable-User-Id: someone\r\n\r\n"), SERVERS),
    ("200 without identity", out("Status: 200\r\n\r\n"), []),
    ("200 with an empty identity",
     out("Status: 200\r\nVariable-User-Id: \r\n\r\n"), []),
    ("headers without Status", out("X-Nothing: here\r\n\r\n"), []),
    ("no header at all", out("\r\n"), []),
    ("empty stdout", wire.record(wire.STDOUT) + wire.end(), []),
    ("END_REQUEST only", wire.end(), []),
    ("exit status 1 and nothing", wire.end(1), []),
    ("OVERLOADED", wire.end(0, wire.OVERLOADED), []),
    ("UNKNOWN_ROLE", wire.end(0, wire.UNKNOWN_ROLE), []),
    ("CANT_MPX_CONN", wire.end(0, wire.CANT_MPX_CONN), []),
    ("headers without Status, then cut",
     wire.record(wire.STDOUT, b"X-Nothing: here\r\n\r\n"), []),
    ("200 without identity, then cut",
     wire.record(wire.STDOUT, b"Status: 200\r\n\r\n"), []),
    ("unfinished headers, then cut",
     wire.record(wire.STDOUT, b"Status: 200\r\n"), []),
    ("unfinished headers, proper end",
     out("Status: 403\r\nContent-Type: application/json\r\n"), []),
    ("cut before anything", None, []),
    ("stderr only", wire.record(wire.STDERR, b"oops") + wire.end(1), []),
    ("204", out("Status: 204\r\n\r\n"), []),
    ("201", out("Status: 201\r\n\r\n"), []),
    ("Location only", out("Location: %s\r\n\r\n" % VICTIM), []),
    ("302", out("Status: 302\r\nLocation: %s\r\n\r\n" % VICTIM), []),
    ("400", out("Status: 400\r\n\r\n{}"), []),
    ("401", out(REFUSAL), []),
    ("401 in two records", out(*REFUSAL.split("{")), []),
    ("403", out("Status: 403\r\n\r\n{}"), []),
    ("403 whose body is a URL",
     out("Status: 403\r\n\r\nhttp://elsewhere.test/"), []),
    ("503", out("Status: 503\r\nRetry-After: 1\r\n\r\n{}"), []),
    ("500", out("Status: 500\r\n\r\n{}"), []),
    ("a status that is no number", out("Status: fine\r\n\r\n"), []),
    ("garbage", out("garbage"), []),
    ("an HTTP status line", out("HTTP/1.1 403 Forbidden\r\n\r\n{}"), []),
    ("a wrong request id",
     wire.record(wire.STDOUT, b"Status: 200\r\nVariable-User-Id: x\r\n\r\n",
                 2) + wire.end(request_id=2), None),
]


def setup():
    global world
    world = World(suite)

    class Stub(Service):
        """Two listeners of the stub in place of the service."""

        def __init__(self, folder):
            self.unix = "unix:%s/stub.sock" % folder
            self.tcp = "127.0.0.1:%d" % processes.free_port()

    stub = Stub(world.folder)
    for address in (stub.unix, stub.tcp):
        server = Server(address, lambda request: shape[0]).start()
        suite.finally_do(server.close)
    for name in SERVERS:
        stub_servers[name] = world.extra_web_server(
            name, stub, world.probe.address, world.folder + "/stub")


def ask_stub(server):
    world.probe.take()
    answer = http_client.send(stub_servers[server].port, "GET", TASKS,
                              [("Authorization", "Bearer x")])
    return answer, world.probe.take()


@suite.each("security: no odd answer of a gate opens the sample configuration:"
            " %s", SERVERS)
def odd_answers(server):
    seen = []
    for name, records, opens in SHAPES:
        shape[0] = records
        answer, hits = ask_stub(server)
        seen.append("%-34s %s%s" % (name, answer.status,
                                    " backend" if hits else ""))
        if opens is None:
            check(all(h["user"] for h in hits), name, "no identity")
            continue
        equal(bool(hits), server in opens, name, answer)
        # Some end as an empty 200, which gives nothing away.
        if not hits and answer.status == 200:
            equal(answer.body, b"", name)
    return "\n".join(seen)


@suite.each("security: a body that begins with a path leads nowhere: %s",
            SERVERS)
def followed_body(server):
    # Apache alone follows it, past the gate; its sample configuration has a
    # rule against that.
    for body in (VICTIM, "/", "/page.js", "//elsewhere.test/"):
        shape[0] = out("Status: 403\r\n\r\n" + body)
        answer, hits = ask_stub(server)
        equal(hits, [], body, answer)


def check_shape(answer, about, role):
    """The shape that no server misreads."""
    kinds = [kind for kind, _ in answer.records]
    check(wire.STDERR not in kinds, "STDERR", *about)
    written = [content for kind, content in answer.records
               if kind == wire.STDOUT and content]
    equal(len(written), 1, "STDOUT records", *about)
    equal((answer.app_status, answer.protocol_status), (0, 0), "end", *about)
    check(answer.stdout.startswith(b"Status: ")
          and answer.stdout[8:11].isdigit(), answer.stdout[:20], *about)
    check(b"\r\n\r\n" in answer.stdout, "header block", *about)
    check(len(answer.body) <= 8192, "body", *about)
    lines = answer.stdout.partition(b"\r\n\r\n")[0].split(b"\r\n")
    equal([line for line in lines if b": " not in line], [], *about)
    if role == wire.AUTHORIZER or ("AUTHBRIDGE_MODE",
                                   "authorize") in about[0]:
        check_gate(answer, about)
    elif answer.body:
        check(answer.body[:1] in (b"{", b"[", b"n"), answer.body, *about)
        json.loads(answer.body)


def check_gate(answer, about):
    check(answer.status in (200, 401, 403, 500, 503), answer.status, *about)
    variables = [n for n, _ in answer.headers
                 if n.lower().startswith("variable-")]
    if answer.status == 200:
        equal(variables, ["Variable-User-Id"], *about)
        equal(len(answer.headers), 2, "200 says nothing else", *about)
        equal(answer.body, b"", *about)
    else:
        equal(variables, [], *about)
        check(answer.body.startswith(b"{"), answer.body, *about)
        check(json.loads(answer.body)["message"], *about)
        if answer.status == 401:
            check(answer.header("www-authenticate"), *about)
        if answer.status == 503:
            check(answer.header("retry-after"), *about)


def gate_requests(user):
    authorizations = [None, "", "Bearer", "Bearer ", "Basic x", "x" * 7900,
                      "Bearer " + user.jwt, "bearer   " + user.jwt,
                      "Bearer " + user.jwt + "," + user.jwt] + [
        "Bearer " + token for _, token in tokens.broken(user.jwt, SECRET)]
    uris = ["", "/", "*", "/api", "/api/", user.own(), "/api/x/tasks",
            "/api/%2e%2e/x", "/api/\xff", "/api/" + "x" * 7900, "?",
            "http://evil/", "/api/../" + VICTIM, user.own("?" + "q" * 4000)]
    for uri, authorization in itertools.product(uris, authorizations):
        headers = [] if authorization is None else [
            ("Authorization", authorization)]
        yield "GET", uri, headers, b""
    for method in ("", "get", "OPTIONS", "X" * 2000, "GET POST"):
        yield method, user.own(), [("Authorization",
                                    "Bearer " + user.jwt)], b""


def responder_requests(user):
    paths = ["", "/", "*", "/api/auth", "/api/auth/", "/api/auth/ok",
             "/api/auth/token", "/api/auth/get-session", "/api/auth/jwks",
             "/api/auth/sign-in/email", "/api/auth/sign-up/email",
             "/api/auth/sign-out", "/api/auth/error?error=/x", "/elsewhere",
             "/api/auth//ok", "/api/auth/%6fk", "/api/auth/x/../ok",
             "/api/auth/" + "x" * 7900, "/api/auth/\xff"]
    bodies = [b"", b"{}", b"[]", b"null", b"{", b"\0", b"\xff", b"x" * 16384,
              b'{"email":1}', b'{"email":"/etc","password":"/x"}',
              b'{"name":"/","email":"a@b.de","password":"/api/x"}']
    for method in ("GET", "POST", "HEAD", "OPTIONS", "PUT", ""):
        for path in paths:
            yield method, path, [], b""
    for path in paths:
        for body in bodies:
            for kind in ("application/json", "text/plain", "/api/x"):
                yield "POST", path, [("Content-Type", kind)], body
    for cookie in ("", "x", "=", "better-auth.session_token",
                   "better-auth.session_token=%00", "a=b;" * 500):
        for path in ("/api/auth/get-session", "/api/auth/token"):
            yield "GET", path, [("Cookie", cookie)], b""
            yield "GET", path, [("Authorization", "Bearer " + cookie)], b""


@suite.case("security: the service answers in one safe shape, whatever it is"
            " asked")
def service_shape():
    user = signed_up(world.servers[SERVERS[0]].port)
    pid, asked = world.service.worker_pids(), 0
    modes = [(wire.AUTHORIZER, []),
             (wire.RESPONDER, [("AUTHBRIDGE_MODE", "authorize")])]
    for role, extra in modes:
        for method, uri, headers, body in gate_requests(user):
            answer = fcgi_client.request(world.service.unix, method, uri,
                                         headers, body, role, extra)
            check_shape(answer, (extra, method, uri[:80], headers), role)
            asked += 1
    for method, uri, headers, body in responder_requests(user):
        answer = fcgi_client.request(world.service.unix, method, uri, headers,
                                     body)
        check_shape(answer, ([], method, uri[:80], headers, body[:40]),
                    wire.RESPONDER)
        asked += 1
    for mode in ("", "x", "AUTHORIZE", "authorize ", "responder"):
        answer = fcgi_client.request(world.service.unix, "GET", "/api/auth/ok",
                                     extra=[("AUTHBRIDGE_MODE", mode)])
        check_shape(answer, ([], "mode", mode), wire.RESPONDER)
    equal(world.service.worker_pids(), pid, "the same processes")
    return "%d answers" % asked


@suite.case("security: metrics and readiness are answered on unix sockets"
            " alone")
def operations_local():
    for mode in ("metrics", "ready"):
        extra = [("AUTHBRIDGE_MODE", mode)]
        answer = fcgi_client.request(world.service.unix, "GET", "/",
                                     extra=extra)
        equal(answer.status, 200, mode)
        answer = fcgi_client.request(world.service.tcp, "GET", "/",
                                     extra=extra)
        check(answer.status in (403, 404), mode, answer.status)


if __name__ == "__main__":
    suite.main(setup)
