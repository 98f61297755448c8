#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The samples' lines for pages on another origin: that one may use the API with
its cookies, whatever the answer, and no third one."""
import json

import http_client
import story
from harness import World
from tap import Suite, check, equal
from webserver import available

FRONTEND = "http://127.0.0.1:3999"
STRANGERS = ("http://127.0.0.1:39990", "https://127.0.0.1:3999", "null",
             "http://127.0.0.1:3999.example.com", "http://example.com")
SERVERS = available()
suite = Suite()
world = None


def setup():
    global world
    world = World(suite, pages={"allow_origin": FRONTEND},
                  trusted_origins=FRONTEND)


def send(server, method, target, origin, headers=(), body=None):
    return http_client.send(world.servers[server].port, method, target,
                            [("Origin", origin), *headers], body)


def preflight(server, target, origin):
    return send(server, "OPTIONS", target, origin, [
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", "content-type")])


def answers(server, origin):
    """One answer of each kind: (what it is, wanted status, answer)."""
    json_body = [("Content-Type", "application/json")]
    return [
        ("a preflight to the service", 204,
         preflight(server, "/api/auth/sign-in/email", origin)),
        ("a preflight to the API", 204,
         preflight(server, "/api/alice/tasks", origin)),
        ("no session", 200, send(server, "GET", "/api/auth/get-session",
                                 origin)),
        ("no such endpoint", 404, send(server, "GET", "/api/auth/none",
                                       origin)),
        ("a bad sign-in", 400, send(server, "POST", "/api/auth/sign-in/email",
                                    origin, json_body, b"{")),
        ("no token", 401, send(server, "GET", "/api/alice/tasks", origin)),
        ("a path in disguise", 403, send(server, "GET", "/api/%61lice/tasks",
                                         origin)),
    ]


def allowed(answer):
    return (answer.header_all("access-control-allow-origin"),
            answer.header_all("access-control-allow-credentials"))


@suite.each("B_FR_014 the frontend's origin may read every answer: %s",
            SERVERS)
def frontend(server):
    for what, status, answer in answers(server, FRONTEND):
        equal(answer.status, status, what)
        equal(allowed(answer), ([FRONTEND], ["true"]), what)
        check("origin" in answer.header("vary").lower(), what, "varies")
    for target in ("/api/auth/sign-in/email", "/api/alice/tasks"):
        answer = preflight(server, target, FRONTEND)
        check("PATCH" in answer.header("access-control-allow-methods"),
              target)
        check("Authorization" in answer.header("access-control-allow-headers"),
              target)


@suite.each("B_FR_014 no other origin may read any answer: %s", SERVERS)
def strangers(server):
    for origin in STRANGERS:
        for what, _, answer in answers(server, origin):
            equal(allowed(answer), ([], []), origin, what)
            check("origin" in answer.header("vary").lower(), what, "varies")


@suite.each("B_FR_014 the whole story from the frontend's origin: %s", SERVERS)
def whole_story(server):
    browser = story.Browser(world.servers[server].port, origin=FRONTEND)
    answer = browser.sign_up()
    equal(answer.status, 200, answer)
    equal(allowed(answer), ([FRONTEND], ["true"]), "sign-up")
    check("set-auth-jwt" in answer.header("access-control-expose-headers"),
          "the JWT's header is exposed")
    answer = browser.api("POST", browser.own(), headers=[("Origin", FRONTEND)],
                         body=json.dumps({"title": "x"}).encode())
    equal(answer.status, 200, answer)
    equal(allowed(answer), ([FRONTEND], ["true"]), "the backend's answer")
    equal(browser.sign_out().status, 200, "sign-out")
    stranger = story.Browser(world.servers[server].port, origin=STRANGERS[0])
    equal(stranger.sign_up().status, 403, "an origin that is not trusted")


if __name__ == "__main__":
    suite.main(setup)
