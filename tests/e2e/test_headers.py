# SPDX-License-Identifier: MIT
"""No header of a client's becomes an identity, on any web server."""
import re

import http_client
from harness import World
from story import signed_up
from tap import Suite, check, equal
from webserver import available

suite = Suite()
world = None
SERVERS = available()

NAMES = ["X-User-Id", "x-user-id", "X-USER-ID", "X_User_Id", "X-User_Id",
         "X_User-Id", "x_user_id", "User-Id", "User_Id", "USER_ID",
         "Variable-User-Id", "Variable_User_Id", "VARIABLE-USER-ID",
         "Variable-User_Id", "Remote-User", "REMOTE_USER", "X-Remote-User",
         "X-Forwarded-User", "Authorization_", "Proxy-Authorization",
         "AUTHBRIDGE_MODE", "Authbridge-Mode", "X-Original-Uri",
         "X-Original-Url", "X-Rewrite-Url", "X-Forwarded-Uri",
         "X-Forwarded-Path", "X-Forwarded-Prefix", "X-HTTP-Method-Override",
         "Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip",
         "GATE-ASKED", "GATE_ASKED", "User-Agent",
         "HTTP_X_USER_ID", "Http-X-User-Id",
         "X-Auth-Request-User", "X-Authenticated-User", "Auth-User",
         "X-Forwarded-Email", "X-Forwarded-Proto", "X-Forwarded-Port",
         "X-Forwarded-Server", "X-Original-Method", "X-Client-Ip",
         "True-Client-Ip", "Via", "Proxy", "Redirect-User-Id",
         "REDIRECT_User-Id", "Content-Location", "Te", "Cookie",
         "X.User.Id", "x.user-id", "X_User.Id", "X!User~Id", "X*User+Id",
         "x'user`id", "X#User$Id", "X%User&Id", "X^User|Id", "User.Id",
         "USER~ID", "Variable.User.Id", "Variable_User!Id",
         "Authorization.", "Authorization!"]


def setup():
    global world
    world = World(suite)


def folded(name):
    """As a backend sees a name that makes "_" of every other sign."""
    return re.sub("[^A-Z0-9]", "_", name.upper())


def spoofs(mine, other):
    for name in NAMES:
        for value in (other.user_id, "authorize", other.own()):
            yield [(name, value)]
    yield [("X-User-Id", other.user_id)] * 2
    yield [("X-User-Id", ""), ("X_User_Id", other.user_id)]
    yield [(name, other.user_id) for name in NAMES]
    yield [("Connection", "X-User-Id, Authorization"),
           ("X-User-Id", other.user_id)]
    yield [("Connection", "x-user-id"), ("Connection", "close, X-User-Id")]
    yield [("X-User-Id", other.user_id + "\r\n " + mine.user_id)]


@suite.each("B_FR_018 A_FR_007 with a token the identity is the token's: %s",
            SERVERS)
def with_token(server):
    port = world.servers[server].port
    mine, other = signed_up(port), signed_up(port)
    for headers in spoofs(mine, other):
        world.probe.take()
        answer = mine.api("GET", mine.own(), headers=headers)
        hits = world.probe.take()
        check(answer.status in (200, 400, 401), headers, answer)
        for hit in hits:
            equal(hit["user"], [mine.user_id], headers)
            posing = [(n, v) for n, v in hit["headers"]
                      if folded(n) in ("X_USER_ID", "USER_ID",
                                       "VARIABLE_USER_ID")
                      and v != mine.user_id]
            equal(posing, [], headers)
            check("AUTHORIZATION" not in [folded(n).rstrip("_")
                                          for n, _ in hit["headers"]],
                  "the token goes no further", headers)
        equal(mine.api("GET", other.own(), headers=headers).status in
              (400, 401, 403), True, "another's path", headers)
        equal(world.probe.take(), [], "backend", headers)


# Lines as no proper client sends them; "I" is the other user's id.
LINES = ["X-User-Id : I", "X-User-Id\t: I", " X-User-Id: I",
         "A: b\r\n X-User-Id: I", "A: b\r\n\tX-User-Id: I", "A: b\rX-User-Id: I",
         "A: b\nX-User-Id: I", "A: b\n\nX-User-Id: I", "X-User-Id:I",
         "X-User-Id:\tI\t", "X User Id: I", "X-User-Id\0: I",
         "X-User-Id: I\0", "X-User-I\xc3\x90: I", "\x00X-User-Id: I",
         "X-User\x2dId: I", ":X-User-Id: I", "X-User-Id;: I", '"X-User-Id": I',
         "Host: I\r\nX-User-Id: I", "Connection: close, x-user-id",
         "Connection: X-USER-ID\r\nX-User-Id: I", "Connection:x-user-id,",
         "Connection: keep-alive, \"X-User-Id\"", "Keep-Alive: X-User-Id",
         "Proxy-Connection: X-User-Id", "Upgrade: x\r\nConnection: upgrade, "
         "x-user-id", "Trailer: X-User-Id", "X-User-Id: I\r\n" * 60,
         "X-User-Id:\r\nX-User-Id: I", "X-User-Id: " + "I " * 30]
CHUNKED = ("Transfer-Encoding: chunked\r\nTrailer: X-User-Id",
           "1\r\nx\r\n0\r\nX-User-Id: I\r\nX_User_Id: I\r\n\r\n")


@suite.each("B_FR_018 no crooked line or trailer becomes an identity: %s",
            SERVERS)
def crooked(server):
    port = world.servers[server].port
    mine, other = signed_up(port), signed_up(port)
    reached = 0
    for token in (mine.jwt, None):
        for line, body in [(line, "") for line in LINES] + [CHUNKED]:
            head = "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n" % (
                "POST" if body else "GET", mine.own(), port)
            if token:
                head += "Authorization: Bearer %s\r\n" % token
            data = line + "\r\nConnection: close\r\n\r\n" + body
            data = head + re.sub(r"\bI\b", other.user_id, data)
            world.probe.take()
            try:
                http_client.exchange(port, data.encode("latin-1"), timeout=5)
            except (AssertionError, ValueError, OSError):
                pass    # closed without an answer
            for hit in world.probe.take():
                reached += 1
                check(token, "reached without a token", repr(line))
                equal(hit["user"], [mine.user_id], repr(line))
                posing = [(n, v) for n, v in hit["headers"] if other.user_id
                          in v and folded(n) in ("X_USER_ID", "USER_ID")]
                equal(posing, [], repr(line))
    check(reached > 10, "well-formed ones reach the backend:", reached)
    return "%d of %d reached the backend" % (reached, len(LINES) + 1)


@suite.each("B_FR_018 without a token no header opens anything: %s", SERVERS)
def without_token(server):
    port = world.servers[server].port
    mine, other = signed_up(port), signed_up(port)
    world.probe.take()
    for headers in spoofs(mine, other):
        answer = http_client.send(port, "GET", other.own(), headers)
        check(answer.status in (400, 401), headers, answer)
    equal(world.probe.take(), [], "backend")


@suite.each("B_FR_018 nor does one help in front of an OPTIONS or HEAD: %s",
            SERVERS)
def other_methods(server):
    port = world.servers[server].port
    mine, other = signed_up(port), signed_up(port)
    world.probe.take()
    for method in ("OPTIONS", "HEAD", "TRACE", "CONNECT", "PROPFIND", "get",
                   "G", "X" * 40):
        for headers in ([], [("X-User-Id", other.user_id)],
                        [("X-HTTP-Method-Override", "OPTIONS")]):
            answer = http_client.send(port, method, other.own(), headers)
            check(answer.status >= 400, method, headers, answer)
    equal(world.probe.take(), [], "backend")


@suite.each("metrics and readiness cannot be asked for through: %s", SERVERS)
def no_modes(server):
    port = world.servers[server].port
    for name in ("AUTHBRIDGE_MODE", "AUTHBRIDGE-MODE", "Authbridge-Mode"):
        for mode in ("metrics", "ready", "authorize"):
            answer = http_client.send(port, "GET", "/api/auth/ok",
                                      [(name, mode)])
            equal((answer.status, answer.json()), (200, {"ok": True}), name)


if __name__ == "__main__":
    suite.main(setup)
