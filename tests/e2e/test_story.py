# SPDX-License-Identifier: MIT
"""The whole story through each web server, with a backend that reports.

The names carry the ids of doc/requirements.md.
"""
import concurrent.futures
import json
import socket
import time

import http_client
import story
import tokens
from harness import SECRET, World
from story import PASSWORD, Browser, fresh_email, signed_up
from tap import Suite, check, equal
from webserver import available

suite = Suite()
world = None
SERVERS = available()
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def setup():
    global world
    world = World(suite)


def port(server):
    return world.servers[server].port


def body_for(method):
    return b"{}" if method in ("POST", "PUT", "PATCH") else None


def count(table, where="true"):
    return int(world.sql('SELECT count(*) FROM public."%s" WHERE %s'
                         % (table, where))[0][0])


# ----- Sign up --------------------------------------------------------------

@suite.each("A_US1 B_US1 A_FR_001 B_FR_001 sign-up signs in at once: %s",
            SERVERS)
def sign_up(server):
    browser = Browser(port(server))
    answer = browser.sign_up()
    equal(answer.status, 200, answer)
    equal(answer.json()["user"]["email"], browser.email, "e-mail")
    equal(sorted(answer.json()), ["token", "user"], "members")
    equal(browser.get_session().json()["user"]["id"], browser.user_id,
          "session")
    world.probe.take()
    equal(browser.api("GET", browser.own()).status, 200, "own path")
    equal(world.probe.take()[0]["user"], [browser.user_id], "identity")


@suite.each("A_FR_003 B_FR_009 B_FR_013 a JWT at sign-up, at sign-in and from"
            " /token: %s", SERVERS)
def jwt_everywhere(server):
    browser = Browser(port(server))
    check(browser.sign_up().header("set-auth-jwt"), "sign-up header")
    again = Browser(port(server))
    answer = again.sign_in(browser.email)
    check(answer.header("set-auth-jwt"), "sign-in header")
    for token in (browser.jwt, again.jwt, again.token().json()["token"]):
        equal(browser.api("GET", browser.own(), token).status, 200, "use")


@suite.each("B_FR_013 the session lives in an HttpOnly cookie: %s", SERVERS)
def session_cookie(server):
    answer = Browser(port(server)).sign_up()
    cookies = [c for c in answer.header_all("set-cookie")
               if c.startswith("better-auth.session_token=")]
    equal(len(cookies), 1, cookies)
    attributes = [a.strip() for a in cookies[0].split(";")[1:]]
    equal(attributes[:4], ["Max-Age=604800", "Path=/", "HttpOnly",
                           "SameSite=Lax"], "attributes")


@suite.case("A_FR_004 B_FR_010 claims hold user id, e-mail, iat and exp")
def claims_of_token():
    browser = signed_up(port(SERVERS[0]))
    claims = tokens.claims(browser.jwt)
    for name in ("sub", "id", "user_id"):
        equal(claims[name], browser.user_id, name)
    equal(claims["email"], browser.email, "email")
    equal((claims["iss"], claims["aud"]), (world.base_url,) * 2, "iss, aud")
    check(isinstance(claims["sid"], str) and claims["sid"], "sid")
    check(claims["sid"] != browser.get_session().json()["session"]["token"],
          "sid is not the session token")
    check(abs(claims["iat"] - time.time()) < 60, "iat")


@suite.case("B_FR_012 a token lives 15 minutes by default")
def default_life():
    claims = tokens.claims(signed_up(port(SERVERS[0])).jwt)
    equal(claims["exp"] - claims["iat"], 900, "life")


@suite.case("A_FR_006 A_FR_012 B_FR_011 B_FR_016 the shared secret alone"
            " verifies a token, and jwks lists no key")
def shared_secret():
    browser = signed_up(port(SERVERS[0]))
    head, body, _ = browser.jwt.split(".")
    equal(tokens.header(browser.jwt)["alg"], "HS256", "alg")
    equal(tokens.sign(tokens.unb64(body).decode(), SECRET,
                      tokens.unb64(head).decode()), browser.jwt, "token")
    jwks = browser.send("GET", "/api/auth/jwks")
    # Part of a later step of the contract; once there, it lists nothing.
    if jwks.status == 200:
        equal(jwks.json(), {"keys": []}, "jwks")


BAD_SIGN_UPS = [
    ("a bad e-mail", {"email": "no-at-sign"}, 400, "VALIDATION_ERROR"),
    ("an e-mail without domain", {"email": "a@b"}, 400, "VALIDATION_ERROR"),
    ("a short password", {"password": "1234567"}, 400, "PASSWORD_TOO_SHORT"),
    ("a long password", {"password": "x" * 129}, 400, "PASSWORD_TOO_LONG"),
]


@suite.each("B_US1 B_FR_002 B_FR_003 sign-up refuses %s and makes no account",
            BAD_SIGN_UPS)
def bad_sign_up(case):
    _, change, status, code = case
    form = {"name": "Ann", "email": fresh_email(), "password": PASSWORD}
    form.update(change)
    before = count("user"), count("account"), count("session")
    answer = Browser(port(SERVERS[0])).post("/api/auth/sign-up/email", form)
    equal((answer.status, answer.json()["code"]), (status, code), answer)
    check(answer.json()["message"], "message")
    equal((count("user"), count("account"), count("session")), before, "rows")


@suite.each("B_US1 B_FR_004 a taken e-mail is refused, in any case: %s",
            SERVERS)
def taken_email(server):
    browser = signed_up(port(server))
    before = count("user")
    for email in (browser.email, browser.email.upper()):
        answer = Browser(port(server)).sign_up(email)
        equal((answer.status, answer.json()["code"]),
              (422, "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL"), answer)
    equal(count("user"), before, "users")


@suite.case("B_FR_004 concurrent sign-ups with one e-mail make one account")
def concurrent_sign_ups():
    email = fresh_email()

    def attempt(_):
        return Browser(port(SERVERS[0])).sign_up(email).status

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(attempt, range(8)))
    equal(statuses, [200] + [422] * 7, "statuses")
    equal(count("user", "email = '%s'" % email), 1, "users")
    equal(count("account", '"userId" IN (SELECT id FROM public."user" WHERE '
                "email = '%s')" % email), 1, "accounts")


@suite.case("B_FR_005 passwords are stored as salted argon2id")
def stored_hash():
    users = [signed_up(port(SERVERS[0])) for _ in range(2)]
    hashes = [world.sql('SELECT password FROM public.account WHERE "userId"'
                        " = '%s'" % u.user_id)[0][0] for u in users]
    for stored in hashes:
        check(stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$"), stored)
        check(PASSWORD not in stored, "plain")
    check(hashes[0] != hashes[1], "one salt each")


# ----- Sign in --------------------------------------------------------------

@suite.each("A_FR_002 B_US2 B_FR_006 sign-in gives session and JWT: %s",
            SERVERS)
def sign_in(server):
    first = signed_up(port(server))
    browser = Browser(port(server))
    answer = browser.sign_in(first.email.upper())
    equal(answer.status, 200, answer)
    equal(browser.user_id, first.user_id, "user")
    check(browser.cookies["better-auth.session_token"]
          != first.cookies["better-auth.session_token"], "own session")
    equal(browser.api("GET", browser.own()).status, 200, "own path")


@suite.each("B_US2 B_FR_007 wrong password and unknown e-mail look alike: %s",
            SERVERS)
def indistinguishable(server):
    known = signed_up(port(server))

    def refusal(email):
        answer = Browser(port(server)).sign_in(email, "wrong password")
        headers = sorted((n.lower(), v) for n, v in answer.headers
                         if n.lower() != "date")
        return answer.status, answer.body, headers

    wrong, unknown = refusal(known.email), refusal(fresh_email())
    equal(wrong, unknown, "answers")
    equal(wrong[0], 401, "status")
    equal(json.loads(wrong[1])["code"], "INVALID_EMAIL_OR_PASSWORD", "code")


@suite.each("B_US2 the session survives a closed browser: %s", SERVERS)
def closed_browser(server):
    first = signed_up(port(server))
    later = Browser(port(server))
    later.cookies = dict(first.cookies)
    later.user = first.user
    equal(later.get_session().json()["user"]["id"], first.user_id, "session")
    equal(later.token().status, 200, "token")
    equal(later.api("GET", later.own()).status, 200, "own path")


@suite.case("B_US2 several devices have a session each")
def several_devices():
    first = signed_up(port(SERVERS[0]))
    second = Browser(port(SERVERS[0]))
    second.sign_in(first.email)
    equal(second.sign_out().status, 200, "sign-out")
    equal(second.refused_soon(), 401, "second is gone")
    equal(first.api("GET", first.own()).status, 200, "first lives")


# ----- The gate -------------------------------------------------------------

@suite.each("A_US2 B_US3 A_FR_005 A_FR_007 B_FR_014 B_FR_015 B_FR_018 a valid"
            " token reaches the backend with its identity: %s", SERVERS)
def identity_arrives(server):
    browser = signed_up(port(server))
    for method in METHODS:
        for rest in ("", "/", "/tasks", "/tasks/7?x=%2F..%2F"):
            world.probe.take()
            target = browser.own(rest)
            answer = browser.api(method, target, body=body_for(method))
            equal(answer.status, 200, method, target, answer)
            # lighttpd decodes what it may in the query.
            hits = [(h["method"], h["path"].partition("?")[0], h["user"])
                    for h in world.probe.take()]
            equal(hits, [(method, target.partition("?")[0],
                          [browser.user_id])], "backend saw")


@suite.each("A_US2 A_FR_008 B_FR_017 B_FR_020 no token is 401 on every method:"
            " %s", SERVERS)
def no_token(server):
    browser = signed_up(port(server))
    world.probe.take()
    for method in METHODS:
        answer = browser.api(method, browser.own(), None,
                             body=body_for(method))
        equal(answer.status, 401, method)
        equal(answer.header_all("www-authenticate"),
              ['Bearer realm="authbridge"'], method, "challenge")
        equal(answer.header("content-type"), "application/json", method)
        if method != "HEAD":
            check(answer.json()["message"] and answer.json()["code"], "body")
    equal(world.probe.take(), [], "backend")


@suite.each("A_US2 A_FR_008 B_FR_017 B_FR_020 broken and expired tokens are"
            " 401: %s", SERVERS)
def broken_tokens(server):
    browser = signed_up(port(server))
    world.probe.take()
    for name, token in tokens.broken(browser.jwt, SECRET):
        if not token:
            continue    # servers differ in what they pass of "Bearer "
        answer = browser.api("GET", browser.own(), token)
        equal(answer.status, 401, name, answer)
        equal(answer.header_all("www-authenticate"),
              ['Bearer realm="authbridge", error="invalid_token"'], name)
    equal(world.probe.take(), [], "backend")


@suite.each("B_FR_027 a token without a required claim is 401: %s", SERVERS)
def missing_claims(server):
    browser = signed_up(port(server))
    world.probe.take()
    for name in tokens.REQUIRED_CLAIMS:
        token = tokens.resign(browser.jwt, SECRET, **{name: None})
        equal(browser.api("GET", browser.own(), token).status, 401, name)
    equal(world.probe.take(), [], "backend")
    same = tokens.resign(browser.jwt, SECRET)
    equal(browser.api("GET", browser.own(), same).status, 200, "unchanged")


@suite.each("A_US2 the credentials must be one bearer token: %s", SERVERS)
def other_credentials(server):
    browser = signed_up(port(server))
    world.probe.take()
    for value in ("Basic dTpw", browser.jwt, "Bearer",
                  "Bearer %s, Bearer %s" % (browser.jwt, browser.jwt),
                  "Bearer %s x" % browser.jwt):
        answer = http_client.send(port(server), "GET", browser.own(),
                                  [("Authorization", value)])
        equal(answer.status, 401, value[:20], answer)
    for twice in ([browser.jwt] * 2, ["x", browser.jwt], [browser.jwt, "x"]):
        answer = http_client.send(port(server), "GET", browser.own(), [
            ("Authorization", "Bearer " + token) for token in twice])
        check(answer.status in (400, 401), "two headers", answer)
    equal(browser.send("GET", browser.own()).status, 401, "cookie alone")
    equal(browser.send("GET", browser.own() + "?access_token="
                       + browser.jwt).status, 401, "token in the query")
    equal(world.probe.take(), [], "backend")


@suite.each("A_US3 A_FR_009 B_FR_019 B_FR_021 another user's path is 403 on"
            " every method: %s", SERVERS)
def other_user(server):
    mine, other = signed_up(port(server)), signed_up(port(server))
    world.probe.take()
    for method in METHODS:
        for rest in ("", "/", "/tasks", "/tasks/1"):
            answer = mine.api(method, other.own(rest), body=body_for(method))
            equal(answer.status, 403, method, rest)
            equal(answer.header_all("www-authenticate"),
                  ['Bearer realm="authbridge", error="insufficient_scope"'],
                  method, "challenge")
            equal(answer.header("content-type"), "application/json", method)
    for target in ("/api/", "/api/%s" % mine.user_id.swapcase(),
                   "/api/%sx/tasks" % mine.user_id,
                   "/api/%s/tasks" % mine.user_id[:-1],
                   "/api/x/%s/tasks" % mine.user_id):
        equal(mine.api("GET", target).status, 403, target)
    equal(world.probe.take(), [], "backend")


@suite.each("A_US2 a refused body never reaches the backend: %s", SERVERS)
def refused_body(server):
    browser = signed_up(port(server))
    world.probe.take()
    for size in (7, 20000, 300000):
        for token, status in ((None, 401), ("x.y.z", 401)):
            answer = browser.api("POST", browser.own(), token, body=b"s" * size)
            equal(answer.status, status, size)
    equal(world.probe.take(), [], "backend")


@suite.each("A_US2 an allowed body arrives whole: %s", SERVERS)
def allowed_body(server):
    browser = signed_up(port(server))
    for size in (0, 7, 20000, 300000):
        world.probe.take()
        body = (b"0123456789" * (size // 10 + 1))[:size]
        answer = browser.api("POST", browser.own(), body=body)
        equal(answer.status, 200, size)
        equal(world.probe.take()[0]["body"], body.decode(), "body")


@suite.each("A_US2 preflights are answered by the web server alone: %s",
            SERVERS)
def preflight(server):
    browser = signed_up(port(server))
    world.probe.take()
    asked = [("Origin", "https://elsewhere.test"),
             ("Access-Control-Request-Method", "GET"),
             ("Access-Control-Request-Headers", "authorization")]
    answer = browser.api("OPTIONS", browser.own(), None, asked)
    equal(answer.status, 204, answer)
    equal(answer.body, b"", "body")
    equal(browser.api("OPTIONS", "/api/auth/sign-in/email", None,
                      asked).status, 404, "contract")
    for method in ("GET", "POST", "DELETE"):
        answer = browser.api(method, browser.own(), None, asked,
                             body_for(method))
        equal(answer.status, 401, method, "posing as preflight")
    equal(world.probe.take(), [], "backend")


@suite.each("B_US3 requests on one kept connection are judged each: %s",
            SERVERS)
def kept_connection(server):
    browser = signed_up(port(server))
    world.probe.take()
    auth = "Authorization: Bearer %s\r\n" % browser.jwt
    lines = []
    for header, last in ((auth, False), ("", False), (auth, False),
                         ("X-User-Id: %s\r\n" % browser.user_id, True)):
        lines.append("GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n%s%s\r\n" % (
            browser.own(), port(server), header,
            "Connection: close\r\n" if last else ""))
    with socket.create_connection(("127.0.0.1", port(server)), 10) as peer:
        data = b""
        for number, text in enumerate(lines, 1):
            peer.sendall(text.encode())
            while data.count(b"HTTP/1.1 ") < number or not _whole(data):
                got = peer.recv(65536)
                if not got:
                    break
                data += got
    statuses = [part[:3] for part in data.split(b"HTTP/1.1 ")[1:]]
    equal(statuses, [b"200", b"401", b"200", b"401"], data)
    equal(len(world.probe.take()), 2, "backend")


def _whole(data):
    """The last answer in data is complete."""
    head, _, body = data[data.rfind(b"HTTP/1.1 "):].partition(b"\r\n\r\n")
    if b"chunked" in head:
        return body.endswith(b"0\r\n\r\n")
    size = [line for line in head.lower().split(b"\r\n")
            if line.startswith(b"content-length:")]
    return bool(size) and len(body) >= int(size[0].split(b":")[1])


# ----- Sign out -------------------------------------------------------------

@suite.each("B_US4 B_FR_008 sign-out ends session, cookies and JWT: %s",
            SERVERS)
def sign_out(server):
    browser = signed_up(port(server))
    cookies = dict(browser.cookies)
    newer = browser.token().json()["token"]
    answer = browser.sign_out()
    equal((answer.status, answer.json()), (200, {"success": True}), answer)
    cleared = [c.split("=")[0] for c in answer.header_all("set-cookie")
               if "Max-Age=0" in c]
    equal(cleared, ["better-auth.session_token", "better-auth.session_data",
                    "better-auth.dont_remember"], "cleared")
    equal(browser.cookies, {}, "client state")
    for token in (browser.jwt, newer):
        equal(browser.refused_soon(token), 401, "JWT")
    world.probe.take()
    for token in (browser.jwt, newer) * 10:
        equal(browser.api("GET", browser.own(), token).status, 401, "JWT")
    equal(world.probe.take(), [], "backend")
    browser.cookies = cookies
    equal(browser.get_session().json(), None, "session")
    browser.cookies = cookies
    equal(browser.token().status, 401, "token")


@suite.case("B_US4 an old JWT is refused on every server at once")
def sign_out_everywhere():
    for _ in range(20):
        browser = signed_up(port(SERVERS[0]))
        equal(browser.sign_out().status, 200, "sign-out")
        for server in SERVERS:
            other = Browser(port(server))
            other.user = browser.user
            equal(other.refused_soon(browser.jwt), 401, server)


@suite.case("B_US4 a session ended by plain SQL takes its JWT along")
def ended_by_sql():
    for statement in ('DELETE FROM public.session WHERE "userId" = \'%s\'',
                      'UPDATE public.session SET "expiresAt" = now() - '
                      "interval '1 s' WHERE \"userId\" = '%s'",
                      "DELETE FROM public.\"user\" WHERE id = '%s'"):
        browser = signed_up(port(SERVERS[0]))
        equal(browser.api("GET", browser.own()).status, 200, "before")
        world.sql(statement % browser.user_id)
        equal(browser.refused_soon(), 401, statement)


# ----- Refresh --------------------------------------------------------------

@suite.each("B_US5 a session gives new JWTs without a password: %s", SERVERS)
def refresh(server):
    browser = signed_up(port(server))
    first = browser.jwt
    equal(browser.token().status, 200, "token")
    check(browser.jwt != first, "a new one")
    equal(browser.api("GET", browser.own()).status, 200, "new")
    equal(browser.api("GET", browser.own(), first).status, 200, "old")


@suite.each("B_US5 parallel refreshes all succeed: %s", SERVERS)
def parallel_refresh(server):
    browser = signed_up(port(server))
    cookies = dict(browser.cookies)

    def renew(_):
        other = Browser(port(server))
        other.cookies = dict(cookies)
        token = other.token().json()["token"]
        return other.api("GET", browser.own(), token).status

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        equal(set(pool.map(renew, range(48))), {200}, "statuses")


@suite.case("B_US5 an expired session needs a sign-in")
def expired_session():
    browser = signed_up(port(SERVERS[0]))
    cookies = dict(browser.cookies)
    world.sql('UPDATE public.session SET "expiresAt" = now() - interval \'1 '
              "s' WHERE \"userId\" = '%s'" % browser.user_id)
    equal(browser.token().status, 401, "token")
    browser.cookies = cookies
    answer = browser.get_session()
    equal((answer.status, answer.json()), (200, None), "session")
    check(not answer.header("set-auth-jwt"), "no JWT")
    equal(browser.sign_in(browser.email).status, 200, "sign-in")
    equal(browser.api("GET", browser.own()).status, 200, "own path")


@suite.case("B_US5 a JWT never outlives its session")
def exp_within_session():
    browser = signed_up(port(SERVERS[0]))
    world.sql('UPDATE public.session SET "expiresAt" = now() + interval \'60 '
              "s', \"createdAt\" = now() WHERE \"userId\" = '%s'"
              % browser.user_id)
    # Kept from sliding by dont_remember, as with rememberMe: false.
    short = Browser(port(SERVERS[0]))
    short.sign_in(browser.email, rememberMe=False)
    world.sql('UPDATE public.session SET "expiresAt" = now() + interval \'60 '
              "s' WHERE \"userId\" = '%s'" % browser.user_id)
    equal(short.token().status, 200, "token")
    left = tokens.claims(short.jwt)["exp"] - time.time()
    check(left <= 61, "exp is %d s away" % left)


# ----- Outcomes -------------------------------------------------------------

@suite.each("A_SC_002 A_SC_003 A_SC_004 B_SC_003 B_SC_004 B_SC_005 a generated"
            " set is judged right: %s", SERVERS)
def generated(server):
    users = [signed_up(port(server)) for _ in range(4)]
    gone = users[-1]
    gone.sign_out()
    equal(gone.refused_soon(), 401, "signed out")
    forged = [(token, None) for _, token in
              tokens.broken(users[0].jwt, SECRET) if token]
    holders = [(u.jwt, u) for u in users[:-1]] + [(gone.jwt, None)]
    world.probe.take()
    expected, judged = [], 0
    for token, holder in holders + forged + [(None, None)]:
        for owner in users:
            for method in ("GET", "DELETE"):
                want = (200 if holder is owner else
                        403 if holder else 401)
                answer = users[0].api(method, owner.own(), token)
                equal(answer.status, want, method, token, answer)
                judged += 1
                if want == 200:
                    expected.append((owner.user_id, [owner.user_id]))
    hits = [(h["owner"], h["user"]) for h in world.probe.take()]
    equal(hits, expected, "backend")
    return "%d requests, %d reached the backend" % (judged, len(hits))


if __name__ == "__main__":
    suite.main(setup)
