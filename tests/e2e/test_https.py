# SPDX-License-Identifier: MIT
"""The story over TLS, with the https of each sample configuration."""
import socket
import ssl
import warnings

import http_client
import tokens
from harness import World
from story import Browser, signed_up
from tap import Suite, check, equal
from webserver import available

suite = Suite()
world = None
SERVERS = available()


def setup():
    global world
    world = World(suite, tls=True)


def place(server):
    return world.servers[server].port, world.servers[server].tls


@suite.each("B_FR_024 cookies are __Secure- and Secure: %s", SERVERS)
def secure_cookies(server):
    browser = Browser(*place(server))
    answer = browser.sign_up()
    equal(answer.status, 200, answer)
    cookies = answer.header_all("set-cookie")
    session = [c for c in cookies
               if c.startswith("__Secure-better-auth.session_token=")]
    equal(len(session), 1, cookies)
    attributes = [a.strip() for a in session[0].split(";")[1:]]
    equal(attributes, ["Max-Age=604800", "Path=/", "HttpOnly", "Secure",
                       "SameSite=Lax"], "attributes")
    for cookie in cookies:
        check(cookie.startswith("__Secure-"), cookie)
    cleared = browser.sign_out().header_all("set-cookie")
    equal(len([c for c in cleared if c.startswith("__Secure-better-auth.")
               and "Secure;" in c and "Max-Age=0" in c]), 3, cleared)


@suite.each("B_FR_024 the whole story: %s", SERVERS)
def whole_story(server):
    mine, other = signed_up(*place(server)), signed_up(*place(server))
    equal(tokens.claims(mine.jwt)["iss"], world.base_url, "issuer")
    world.probe.take()
    equal(mine.api("GET", mine.own()).status, 200, "own")
    equal([h["user"] for h in world.probe.take()], [[mine.user_id]], "user")
    equal(mine.api("GET", mine.own(), None).status, 401, "no token")
    equal(mine.api("GET", other.own()).status, 403, "other's")
    equal(world.probe.take(), [], "backend")
    equal(mine.sign_in(mine.email).status, 200, "sign-in")
    token = mine.token().json()["token"]
    equal(mine.sign_out().status, 200, "sign-out")
    equal(mine.refused_soon(token), 401, "old JWT")


@suite.each("B_FR_024 a cookie without the prefix is not read: %s", SERVERS)
def other_prefix(server):
    browser = signed_up(*place(server))
    name, value = [(n, v) for n, v in browser.cookies.items()
                   if n.endswith("session_token")][0]
    browser.cookies = {name.replace("__Secure-", ""): value}
    equal(browser.get_session().json(), None, "session")


@suite.each("B_FR_024 http leads to https and no further: %s", SERVERS)
def redirect(server):
    plain = world.servers[server].redirect_port
    world.probe.take()
    for target in ("/", "/api/someone/tasks", "/api/auth/ok"):
        answer = http_client.send(plain, "GET", target)
        equal(answer.status, 301, target, answer)
        equal(answer.header("location"), world.servers[server].origin
              + target, target)
    for target in ("/api/auth/sign-in/email", "/api/someone/tasks"):
        answer = http_client.send(plain, "POST", target, body=b"{}")
        equal(answer.status, 301, target, answer)
    equal(world.probe.take(), [], "backend")


@suite.each("B_FR_024 the page asks browsers to stay on https: %s", SERVERS)
def hsts(server):
    port, tls = place(server)
    answer = http_client.send(port, "GET", "/", tls=tls)
    check(answer.header("strict-transport-security"), answer.headers)


@suite.each("B_FR_024 nothing older than TLS 1.2: %s", SERVERS)
def tls_versions(server):
    port, _ = place(server)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    warnings.simplefilter("ignore", DeprecationWarning)
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    try:
        with socket.create_connection(("127.0.0.1", port), 5) as peer:
            context.wrap_socket(peer)
    except (ssl.SSLError, ConnectionError):
        return
    raise AssertionError("TLS 1.1 was accepted")


if __name__ == "__main__":
    suite.main(setup)
