# SPDX-License-Identifier: MIT
"""Routing, methods, limits, production mode."""
from cases import case, table
from world import BASE_PATH, PASSWORD

PATHS = """/ok /ok/ /ok// //ok /OK /Ok /%6fk /ok%2f /ok?x=1 /ok? /ok?x=%zz
/x/../ok /./ok /ok/. /ok/.. /../auth/ok /..;/ok /ok;x=1 /ok%00 /ok%20
/ok.json / /error/x /session /get-session/ /get%2dsession /Get-Session
/get-session?token=x /sign-in /sign-in/ /sign-in/email/ /sign-in/email/x
/sign-up /jwks/ /jwks?x /token/ /nothing /nothing/at/all /sign-in//email
/.well-known/jwks.json /api/auth/ok /index.html /%2e%2e/ok /%2e/ok
/ok%2f.. /x/%2e%2e/ok /\\ok /ok\\ /a/b/../../ok /ok/../ok""".split()
table("paths", "GET", "", [(None, {"path": path}) for path in PATHS])
table("paths-whole", "GET", "", [
    (None, {"path": path, "whole": True}) for path in (
        "/api/auth", "/api/auth/", "/api/auth?x", "/api", "/", "/api/authx",
        "/api/authx/ok", "/api/auth/ok", "//api/auth/ok", "/api//auth/ok",
        "/API/auth/ok", "/api/auth//ok", "/x/api/auth/ok",
        "/api/x/../auth/ok", "/api/auth/../auth/ok", "/%61pi/auth/ok")])

ENDPOINTS = """GET/ok GET/error POST/sign-up/email POST/sign-in/email
GET/get-session POST/sign-out GET/token GET/jwks GET/list-sessions
POST/revoke-session POST/revoke-sessions POST/revoke-other-sessions
POST/change-password POST/verify-password POST/update-user
POST/update-session POST/delete-user POST/change-email
GET/list-accounts""".split()
METHODS = ("GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "PROPFIND")


@case()
def methods(w):
    for endpoint in ENDPOINTS:
        right, _, path = endpoint.partition("/")
        for method in METHODS + ("POST",):
            if method == right or path == "error":
                continue
            w.request(method, "/" + path, keep=False, cookie=None)
    for method in METHODS[1:]:
        w.request(method, "/nothing", cookie=None)


@case()
def methods_with_bodies(w):
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS"):
        w.request(method, "/sign-in/email", json={"email": "a@b.de"},
                  cookie=None)


@case()
def preflight(w):
    w.request("OPTIONS", "/sign-in/email", cookie=None,
              origin="http://127.0.0.1:3100",
              headers=[("Access-Control-Request-Method", "POST"),
                       ("Access-Control-Request-Headers", "content-type")])
    w.get("/get-session", cookie=None, origin="http://127.0.0.1:3100")


@case("dev", "production")
def error_page(w):
    for query in ("?error=x", "", "?error=", "?error=%3Cscript%3E",
                  "?error=a%20b", "?error=state_mismatch",
                  "?error=x&error_description=y", "?x=y", "?error=%22",
                  "?error=" + "a" * 200):
        w.get("/error" + query, cookie=None)


@case()
def get_with_body(w):
    w.request("GET", "/ok", json={}, cookie=None)
    w.request("GET", "/get-session", raw=b"{", media="application/json",
              cookie=None)
    w.request("GET", "/get-session", raw=b"x", media="text/plain",
              cookie=None)


@case("dev", "https", "production", "eddsa")
def plain_answers(w):
    w.get("/ok")
    w.get("/get-session")
    w.get("/token")
    w.get("/nothing")
    w.post("/sign-out")


def limited(w, method, path, count, address, **options):
    for at in range(count):
        w.request(method, path, cookie=None, keep=False,
                  headers=[("X-Forwarded-For", address)],
                  label="#%d from %s" % (at + 1, address), **options)


@case("production")
def limit_sign_in(w):
    body = {"email": "nobody@example.com", "password": "x" * 129}
    limited(w, "POST", "/sign-in/email", 5, "198.51.100.1", json=body)
    limited(w, "POST", "/sign-in/email", 2, "198.51.100.2", json=body)
    limited(w, "POST", "/sign-up/email", 2, "198.51.100.1", json={})
    limited(w, "GET", "/ok", 1, "198.51.100.1")


@case("production")
def limit_counts_everything(w):
    limited(w, "GET", "/sign-in/nothing", 5, "198.51.100.3")
    limited(w, "POST", "/sign-up/email", 5, "198.51.100.3", raw=b"{",
            media="application/json")
    limited(w, "OPTIONS", "/change-password", 5, "198.51.100.3")
    limited(w, "POST", "/change-email", 5, "198.51.100.3", json={})
    limited(w, "POST", "/request-password-reset", 5, "198.51.100.3", json={})
    limited(w, "POST", "/send-verification-email", 5, "198.51.100.3",
            json={})


@case("production")
def limit_path_forms(w):
    address = "198.51.100.4"
    for path in ("/sign-in/email", "/sign-in/email/", "/sign-in/email?x=1",
                 "/sign-in/email?y", "/sign-in/email//"):
        limited(w, "POST", path, 1, address, json={})
    limited(w, "GET", "/sign-in", 4, address)
    limited(w, "GET", "/sign-inx", 4, address)
    limited(w, "GET", "/SIGN-IN/email", 4, address)


@case("production")
def limit_hundred(w):
    address = "198.51.100.5"
    for at in range(102):
        w.get("/get-session", cookie=None, record=at > 98,
              headers=[("X-Forwarded-For", address)],
              label="#%d" % (at + 1))
    limited(w, "GET", "/ok", 1, address)


@case("production")
def limit_ipv6(w):
    for address in ("2001:db8:1:2:3:4:5:6", "2001:0DB8:1:2::9",
                    "2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::10",
                    "2001:db8:1:3::10"):
        limited(w, "GET", "/sign-in/x", 1, address)
    for address in ("198.51.100.6", "::ffff:198.51.100.6",
                    "::ffff:c633:6406", "198.51.100.6"):
        limited(w, "GET", "/sign-in/x", 1, address)


@case("production")
def address_of_session(w):
    for at, address in enumerate(("198.51.100.7", "2001:db8:1:2:3:4:5:6",
                                  "::ffff:198.51.100.8", "2001:DB8::1",
                                  "::1")):
        headers = [("X-Forwarded-For", address)]
        w.post("/sign-up/email", {"name": "n", "email": w.email("u%d" % at),
                                  "password": PASSWORD}, cookie=None,
               headers=headers, label="sign-up from " + address)
        w.get("/get-session", headers=headers, label="from " + address)


@case("production")
def forwarded_for_forms(w):
    """The reference puts all that it cannot place in one bucket: few here."""
    body = {"name": "n", "email": w.email(), "password": PASSWORD}
    for path, address in (("/sign-up/email", "198.51.100.9, 198.51.100.10"),
                          ("/sign-in/email", "nonsense"),
                          ("/sign-in/email", "198.51.100.11:80")):
        headers = [("X-Forwarded-For", address)]
        w.post(path, body, cookie=None, headers=headers,
               label="from %r" % address)
        w.get("/get-session", headers=headers, label="from %r" % address)
    w.post("/sign-in/email", body, cookie=None,
           headers=[("X-Forwarded-For", " 198.51.100.12 ")],
           label="spaces around")
    w.get("/get-session", label="spaces around")


@case()
def base_path_twice(w):
    w.get(BASE_PATH + "/ok")
