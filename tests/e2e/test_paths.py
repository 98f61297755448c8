# SPDX-License-Identifier: MIT
"""The path that is judged is the path that is served, on each web server.

Wherever the backend was reached, it served the token's own user, whatever it
makes of the target; and every canonical target arrives unchanged.
"""
import http_client
from harness import World
from story import signed_up
from tap import Suite, check, equal
from webserver import available

suite = Suite()
world = None
SERVERS = available()

# {me} signs the request, {you} is the victim. {m} and {y} are their ids with
# the first letter percent-encoded.
TARGETS = """
/api/{me}/../{you}/tasks
/api/{me}/%2e%2e/{you}/tasks
/api/{me}/%2E%2E/{you}/tasks
/api/{me}/.%2e/{you}/tasks
/api/{me}/..%2f{you}/tasks
/api/{me}/..%2F{you}/tasks
/api/{me}%2f..%2f{you}/tasks
/api/{you}%2F..%2F{me}/tasks
/api/{me}/..;/{you}/tasks
/api/{me}/..;x=1/{you}/tasks
/api/{me};x=1/tasks
/api/{you};{me}/tasks
/api/{me}/..%5c{you}/tasks
/api/{me}\\..\\{you}/tasks
/api/{me}/./../{you}/tasks
/api/./{you}/tasks
/api//{you}/tasks
/api///{you}/tasks
//api/{you}/tasks
//api/{me}/../{you}/tasks
/x/../api/{you}/tasks
/./api/{you}/tasks
/%61pi/{you}/tasks
/ap%69/{you}/tasks
/%2561pi/{you}/tasks
/api/{y}/tasks
/api/%25{y}/tasks
/api/{you}%00/tasks
/api/{me}%00/../{you}/tasks
/api/{you}%2ftasks
/api/{you}%2Ftasks
/api/{you}%3Fx/tasks
/api/{you}%23/tasks
/api/{you}#/tasks
/api/{me}#/../../{you}/tasks
/api/{me}/tasks#/../../{you}/tasks
/api/{me}?/../{you}/tasks
/api/{me}%3f/../../{you}/tasks
/api/{you}%0d%0a/tasks
/api/{you}%20/tasks
/api/%20{you}/tasks
/api/{you}+/tasks
/api/{you}%ff/tasks
/api/{you}%c0%ae%c0%ae/tasks
/api/{me}/%c0%ae%c0%ae/{you}/tasks
/api/{me}/%e0%80%ae%e0%80%ae/{you}/tasks
/api/{me}/%uff0e%uff0e/{you}/tasks
/api/{you}%ZZ/tasks
/api/{you}%/tasks
/API/{you}/tasks
/Api/{you}/tasks
/api/auth/../{you}/tasks
/api/auth/%2e%2e/{you}/tasks
/api/auth/..%2f{you}/tasks
/api/auth//../{you}/tasks
/api/auth/./../{you}/tasks
/api/auth/..;/{you}/tasks
/api/auth%2f..%2f{you}/tasks
/api/auth/ok/../../{you}/tasks
/api//auth/../{you}/tasks
/api/Auth/../{you}/tasks
/api/auth\\..\\{you}/tasks
/api/auth/%5c..%5c..%5c{you}/tasks
/page.js/../api/{you}/tasks
/page.js/%2e%2e/api/{you}/tasks
/api\\{you}\\tasks
\\api\\{you}\\tasks
/api/{you}
/api/{you}/
/api/{you}/tasks
/api/{you}/tasks/
/api/{you}/tasks/{me}
/api/{me}/tasks/../../{you}/tasks
/api/{me}/tasks/%2e%2e/%2e%2e/{you}/tasks
/_gate
/_gate/../api/{you}/tasks
api/{you}/tasks
*
http://127.0.0.1/api/{you}/tasks
http://elsewhere.test/api/{you}/tasks
HTTP://127.0.0.1/api/{you}/tasks
http://127.0.0.1/api/{me}/../{you}/tasks
https://127.0.0.1/api/{you}/tasks
http:/api/{you}/tasks
//127.0.0.1/api/{you}/tasks
""".split()


def setup():
    global world
    world = World(suite)


def fill(target, me, you):
    def encoded(text):
        return "%%%02x%s" % (ord(text[0]), text[1:])
    return target.format(me=me, you=you, m=encoded(me), y=encoded(you))


def send(server, target, token):
    headers = [("Authorization", "Bearer " + token)] if token else []
    return http_client.send(world.servers[server].port, "GET", target,
                            headers)


@suite.each("A_SC_003 B_SC_005 no target opens another user's path: %s",
            SERVERS)
def no_target_opens(server):
    mine, other = (signed_up(world.servers[server].port) for _ in range(2))
    reached = 0
    for template in TARGETS:
        target = fill(template, mine.user_id, other.user_id)
        world.probe.take()
        answer = send(server, target, mine.jwt)
        for hit in world.probe.take():
            reached += 1
            equal(hit["user"], [mine.user_id], target, "identity")
            equal(hit["owner"], mine.user_id, target, "served", hit["path"])
        if answer.status == 200:
            check(other.user_id not in answer.body.decode("latin-1")
                  .partition("headers")[0].partition("?")[0], target, answer)
    return "%d of %d targets reached the backend, as oneself" % (
        reached, len(TARGETS))


@suite.each("A_SC_003 B_SC_005 without a token none of them reaches the"
            " backend: %s", SERVERS)
def nothing_without_token(server):
    mine, other = (signed_up(world.servers[server].port) for _ in range(2))
    world.probe.take()
    for template in TARGETS:
        send(server, fill(template, mine.user_id, other.user_id), None)
    equal(world.probe.take(), [], "backend")


@suite.each("A_SC_003 one's own path in a form that is not canonical is"
            " refused: %s", SERVERS)
def own_but_not_canonical(server):
    mine = signed_up(world.servers[server].port)
    me = mine.user_id
    encoded = "%%%02x%s" % (ord(me[0]), me[1:])
    for target in ("/api/%s/tasks" % encoded, "/api//%s/tasks" % me,
                   "/api/./%s/tasks" % me, "/api/x/../%s/tasks" % me,
                   "/%%61pi/%s/tasks" % me, "/api/%s//tasks" % me,
                   "/api/%s/tasks;x" % me, "/api/%s/a%%20b" % me):
        world.probe.take()
        answer = send(server, target, mine.jwt)
        equal(answer.status, 403, target, answer)
        equal(world.probe.take(), [], target)
    equal(send(server, "/api/%s/../%s/tasks" % (me, me), mine.jwt).status,
          403, "through oneself")


@suite.each("A_SC_002 B_SC_003 every canonical target arrives unchanged: %s",
            SERVERS)
def canonical(server):
    mine = signed_up(world.servers[server].port)
    for rest in ("", "/", "/tasks", "/tasks/", "/a-z_.~!$&'()*+,=:@/b",
                 "/tasks/1/complete", "/...", "/.hidden", "/" + "x" * 2000,
                 "?", "?a=b", "/tasks?next=/api/../x&y=..", "/tasks??"):
        world.probe.take()
        target = "/api/%s%s" % (mine.user_id, rest)
        answer = send(server, target, mine.jwt)
        equal(answer.status, 200, target, answer)
        hit = world.probe.take()[0]
        equal(hit["path"].partition("?")[0], target.partition("?")[0], "path")
        equal(hit["user"], [mine.user_id], "identity")


@suite.each("A_SC_002 a target and a token of 8,000 bytes are judged, not"
            " dropped: %s", SERVERS)
def long_lines(server):
    mine = signed_up(world.servers[server].port)
    target = "/api/%s/" % mine.user_id
    target += "x" * (8000 - len(target))
    equal(send(server, target, mine.jwt).status, 200, "long target")
    world.probe.take()
    answer = send(server, mine.own(), "x" * (8000 - len("Bearer ")))
    equal(answer.status, 401, "long token", answer)
    equal(world.probe.take(), [], "backend")


if __name__ == "__main__":
    suite.main(setup)
