# SPDX-License-Identifier: MIT
"""The example task API and page behind each web server."""
import json
import re

import http_client
import tokens
from harness import SECRET, World
from story import signed_up
from tap import Suite, check, equal
from webserver import available

suite = Suite()
world = None
direct = None
SERVERS = available()


def setup():
    global world, direct
    world = World(suite, backend="tasks")
    direct = world.extra_task_api("jwt")


def port(server):
    return world.servers[server].port


def call(browser, method, target, body=None, token=True):
    headers = [("Content-Type", "application/json")] if body else []
    return browser.api(method, target, token, headers,
                       json.dumps(body).encode() if body else
                       b"" if method in ("POST", "PATCH") else None)


@suite.each("A_US2 A_FR_010 B_FR_022 create, list, complete and delete one's"
            " own tasks: %s", SERVERS)
def own_tasks(server):
    user = signed_up(port(server))
    equal(call(user, "GET", user.own()).json(), [], "none yet")
    made = call(user, "POST", user.own(), {"title": "Buy milk"})
    equal(made.status, 201, made)
    task = made.json()
    equal((task["title"], task["completed"]), ("Buy milk", False), "task")
    one = user.own("/tasks/%d" % task["id"])
    equal(call(user, "PATCH", one + "/complete").json()["completed"], True,
          "completed")
    equal(len(call(user, "GET", user.own()).json()), 1, "listed")
    equal(call(user, "DELETE", one).status, 200, "deleted")
    equal(call(user, "GET", user.own()).json(), [], "gone")


@suite.each("A_US3 A_FR_010 B_FR_022 another user's tasks stay out of reach:"
            " %s", SERVERS)
def foreign_tasks(server):
    mine, other = signed_up(port(server)), signed_up(port(server))
    secret = call(other, "POST", other.own(), {"title": "secret"}).json()
    for method, target in (
            ("GET", other.own()), ("POST", other.own()),
            ("PATCH", other.own("/tasks/%d/complete" % secret["id"])),
            ("DELETE", other.own("/tasks/%d" % secret["id"]))):
        equal(call(mine, method, target, None).status, 403, method, target)
    # Through one's own path: the query filters by the forwarded identity.
    for method, rest in (("PATCH", "/tasks/%d/complete"),
                         ("DELETE", "/tasks/%d")):
        equal(call(mine, method, mine.own(rest % secret["id"])).status, 404,
              method)
    equal(call(other, "GET", other.own()).json(), [secret], "untouched")


@suite.case("A_FR_011 the gate's dependency refuses an absent, doubled or"
            " foreign identity")
def gate_dependency():
    address = int(world.tasks.port)

    def ask(*users):
        return http_client.send(address, "GET", "/api/alice/tasks",
                                [("X-User-Id", user) for user in users]).status

    equal(ask("alice"), 200, "alone")
    for users in ((), ("",), ("alice", "alice"), ("bob", "alice"),
                  ("alice, bob",)):
        check(ask(*users) in (401, 403), users)
    equal(ask(), 401, "absent")
    equal(ask("bob"), 403, "foreign")
    for name in ("X_User_Id", "User-Id", "Variable-User-Id"):
        equal(http_client.send(address, "GET", "/api/alice/tasks",
                               [(name, "alice")]).status, 401, name)


@suite.case("A_FR_011 B_FR_011 the JWT dependency verifies with the shared"
            " secret")
def jwt_dependency():
    user, other = (signed_up(port(SERVERS[0])) for _ in range(2))

    def ask(target, token):
        headers = [("Authorization", "Bearer " + token)] if token else []
        return http_client.send(direct.port, "GET", target, headers).status

    equal(ask(user.own(), user.jwt), 200, "own")
    equal(ask(other.own(), user.jwt), 403, "other's")
    equal(ask(user.own(), None), 401, "none")
    for name, token in tokens.broken(user.jwt, SECRET):
        if name in ("padding", "typ of another kind", "duplicate sub",
                    "sid not text", "exp as real", "exp as text",
                    "exp 2^63"):
            continue    # PyJWT takes these; the gate does not
        check(ask(user.own(), token) in (401, 403), name)
    for claim in ("exp", "iat", "iss", "aud", "sub"):
        equal(ask(user.own(), tokens.resign(user.jwt, SECRET,
                                            **{claim: None})), 401, claim)


@suite.each("B_US3 the backend's own errors pass through: %s", SERVERS)
def backend_errors(server):
    user = signed_up(port(server))
    equal(call(user, "POST", user.own(), {"title": ""}).status, 422, "empty")
    equal(call(user, "POST", user.own(), {"title": "a\0b"}).status, 422,
          "NUL")
    equal(call(user, "DELETE", user.own("/tasks/0")).status, 422, "zero")
    equal(call(user, "GET", user.own("/other")).status, 404, "no such route")


@suite.each("A_US1 the page and what it loads are served: %s", SERVERS)
def page(server):
    answer = http_client.send(port(server), "GET", "/")
    equal(answer.status, 200, answer)
    check("text/html" in answer.header("content-type"), "type")
    text = answer.body.decode()
    for name in re.findall(r'(?:src|href)="([^":]+)"', text):
        part = http_client.send(port(server), "GET", "/" + name)
        equal(part.status, 200, name)
        for header in ("Content-Security-Policy", "X-Content-Type-Options"):
            check(part.header(header), name, header)
    policy = answer.header("content-security-policy")
    check("default-src 'self'" in policy and "unsafe" not in policy, policy)


@suite.case("A_FR_012 B_FR_016 nothing a browser loads holds the secret or"
            " asks for it")
def no_secret_in_page():
    for name in ("/", "/page.js", "/page.css"):
        text = http_client.send(port(SERVERS[0]), "GET", name).body.decode()
        check(SECRET not in text and "SECRET" not in text, name)


@suite.case("A_US1 every form field of the page has a label")
def labels():
    text = http_client.send(port(SERVERS[0]), "GET", "/").body.decode()
    fields = re.findall(r'<input[^>]* id="([^"]+)"', text)
    check(len(fields) >= 6, fields)
    for field in fields:
        check('<label for="%s">' % field in text, field)
    check('<html lang="en">' in text and "<h1" in text
          and 'role="status"' in text, "landmarks")


if __name__ == "__main__":
    suite.main(setup)
