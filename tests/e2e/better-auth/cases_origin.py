# SPDX-License-Identifier: MIT
"""Origins, fetch metadata, redirect fields."""
from cases import case, table
from world import PASSWORD

GOOD_IN = {"email": "nobody@example.com", "password": "x" * 129}
ORIGINS = (
    "http://127.0.0.1:3100", "http://127.0.0.1:3100/", "http://127.0.0.1",
    "http://127.0.0.1:3101", "https://127.0.0.1:3100",
    "http://127.0.0.1:3100/path?q", "HTTP://127.0.0.1:3100",
    "http://localhost:3100", "http://127.0.0.1:3100.evil.test",
    "http://127.0.0.1:3100@evil.test", "http://user@127.0.0.1:3100",
    "http://evil.test", "https://evil.test", "null", "", " ", "undefined",
    "nonsense", "//127.0.0.1:3100", "http://", "http:127.0.0.1:3100",
    "http:/127.0.0.1:3100", "http://127.1:3100", "http://2130706433:3100",
    "http://0x7f.1:3100", "file://", "javascript:alert(1)", "data:x",
    "about:blank", "blob:http://127.0.0.1:3100/x",
    # exact, wildcards, schemes of TRUSTED
    "http://exact.test:8080", "http://EXACT.test:8080", "http://exact.test",
    "https://exact.test:8080", "http://exact.test:08080",
    "http://exact.test.:8080", "http://xexact.test:8080",
    "https://a.wild.test", "https://a.b.wild.test", "https://wild.test",
    "http://a.wild.test", "https://a.wild.test:443",
    "https://a.wild.test:8443", "https://A.WILD.test",
    "https://a.wild.test.evil.test", "https://evil.test/.wild.test",
    "https://evil.test#.wild.test", "https://evil.test?.wild.test",
    "https://-.wild.test", "https://.wild.test", "https://a_b.wild.test",
    "http://a.host.test", "https://a.host.test", "https://a.host.test:99",
    "https://host.test", "https://a.b.host.test", "ftp://a.host.test",
    "https://q1.test", "https://q.test", "https://q12.test",
    "myapp://", "myapp://anything", "myapp:", "MYAPP://x", "myapp2://x",
    "xmyapp://x", "other://pages/in", "other://pages/in/deep",
    "other://pages/out", "other://pages", "other://elsewhere/in",
    "https://case.test", "https://CASE.TEST", "https://case.test:443",
    "https://case.test:444", "http://case.test", "https://[::1]",
    "http://127.0.0.1:3100, http://evil.test",
)

table("origin-with-cookie", "POST", "/sign-out", [
    (repr(origin), {"json": {}, "cookie": "a=b", "origin": origin})
    for origin in ORIGINS])
table("origin-sign-in", "POST", "/sign-in/email", [
    (repr(origin), {"json": GOOD_IN, "origin": origin})
    for origin in ORIGINS])
table("referer-with-cookie", "POST", "/sign-out", [
    (repr(referer), {"json": {}, "cookie": "a=b", "origin": None,
                     "headers": [("Referer", referer)]})
    for referer in ORIGINS])
table("referer-sign-in", "POST", "/sign-in/email", [
    (repr(referer), {"json": GOOD_IN, "headers": [("Referer", referer)]})
    for referer in ("http://127.0.0.1:3100/sign-in", "https://evil.test/x",
                    "null", "", "nonsense", "https://a.wild.test/x?y")])
table("origin-and-referer", "POST", "/sign-out", [
    ("%r %r" % (origin, referer),
     {"json": {}, "cookie": "a=b", "origin": origin,
      "headers": [("Referer", referer)]})
    for origin in ("http://127.0.0.1:3100", "https://evil.test", "null", "")
    for referer in ("http://127.0.0.1:3100/x", "https://evil.test/")])
table("origin-missing", "POST", "", [
    (None, {"path": path, "json": body, "cookie": "a=b", "origin": None})
    for path, body in (("/sign-out", {}), ("/sign-in/email", GOOD_IN),
                       ("/sign-up/email", {}), ("/update-user", {}),
                       ("/get-session", {}), ("/nothing", {}),
                       ("/revoke-sessions", {}))])
table("origin-no-cookie", "POST", "", [
    (None, {"path": path, "json": {}, "origin": "https://evil.test"})
    for path in ("/sign-out", "/update-user", "/revoke-sessions",
                 "/change-password", "/get-session")])
table("origin-get", "GET", "", [
    (None, {"path": path, "cookie": "a=b", "origin": "https://evil.test"})
    for path in ("/get-session", "/token", "/ok", "/jwks")])
table("origin-null-same-origin", "POST", "/sign-out", [
    (site, {"json": {}, "cookie": "a=b", "origin": "null",
            "headers": [("Sec-Fetch-Site", site)]})
    for site in ("same-origin", "same-site", "cross-site", "none")])
table("origin-null-same-origin-sign-in", "POST", "/sign-in/email", [
    (site, {"json": GOOD_IN, "origin": "null",
            "headers": [("Sec-Fetch-Site", site)]})
    for site in ("same-origin", "same-site", "cross-site", "none")])


def metadata_rows():
    for site in (None, "cross-site", "same-origin", "none", ""):
        for mode in (None, "navigate", "cors", ""):
            for origin in (None, "http://127.0.0.1:3100",
                           "https://evil.test"):
                headers = []
                if site is not None:
                    headers.append(("Sec-Fetch-Site", site))
                if mode is not None:
                    headers.append(("Sec-Fetch-Mode", mode))
                yield ("site %s, mode %s, origin %s" % (site, mode, origin),
                       {"json": GOOD_IN, "origin": origin,
                        "headers": headers})
    yield ("dest only", {"json": GOOD_IN, "headers": [("Sec-Fetch-Dest",
                                                       "document")]})
    yield ("upper case", {"json": GOOD_IN, "headers": [
        ("Sec-Fetch-Site", "CROSS-SITE"), ("Sec-Fetch-Mode", "navigate")]})
    yield ("navigate with cookie", {
        "json": GOOD_IN, "cookie": "a=b", "origin": "http://127.0.0.1:3100",
        "headers": [("Sec-Fetch-Site", "cross-site"),
                    ("Sec-Fetch-Mode", "navigate")]})
    yield ("bad schema", {"json": {}, "headers": [
        ("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "navigate")]})
    yield ("form navigation", {"form": "email=a%40b.de&password=p",
                               "headers": [("Sec-Fetch-Site", "cross-site"),
                                           ("Sec-Fetch-Mode", "navigate"),
                                           ("Sec-Fetch-Dest", "document")]})


table("fetch-metadata-sign-in", "POST", "/sign-in/email",
      list(metadata_rows()))
table("fetch-metadata-sign-up", "POST", "/sign-up/email",
      [(label, {**options, "json": {"name": "n", "email": "a@b.de",
                                    "password": "short"}})
       for label, options in list(metadata_rows())[:20]
       if "json" in options])
table("fetch-metadata-elsewhere", "POST", "/sign-out", [
    ("navigate", {"json": {}, "headers": [("Sec-Fetch-Site", "cross-site"),
                                          ("Sec-Fetch-Mode", "navigate")]}),
    ("navigate, form", {"form": "a=b", "headers": [
        ("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "navigate")]})])

URLS = (
    "/", "/a/b?x=1", "/a b", "/a#b", "/../a", "dash", "//evil", "/\\evil",
    "/%2f%2fevil", "/%5cevil", "/a//b", "/a/%2fb", "/a?x=%2f", "/a#%2f",
    "/a?x=//y", "/a\\b", "/a?x=\\", "javascript:alert(1)", "JavaScript:x",
    "data:text/html,x", "http://127.0.0.1:3100", "http://127.0.0.1:3100/",
    "http://127.0.0.1:3100/x?y#z", "http://127.0.0.1:3100.evil.test/",
    "http://127.0.0.1:3100@evil.test/", "http://evil.test",
    "https://evil.test/", "https://a.wild.test/x", "https://wild.test/x",
    "http://a.host.test/x", "http://exact.test:8080/x",
    "http://exact.test/x", "myapp://done", "other://pages/in/x",
    "other://pages/out", " /a", "/a ", "/\ta", "\t/a", "/a\n", "/\u0000a",
    "/\u00e4", "/a\u2028b", "/%", "/%zz", "/a;b", "/a,b", "/a:b", "/a@b",
    "/a=b", "/a+b", "/~a", "/a'b", '/a"b', "/a<b>", "/a|b", "/a{b}", "/a^b",
    "/a`b", "/a[b]", "/a!b", "/a$b", "/a&b", "/a(b)", "/a*b", "/.", "/..",
    "/./a", "/a/../../b", "?x", "#x", "", "*", "http:evil", "http:/evil",
    "http:\\\\evil", "https:/\\evil", "HTTP://127.0.0.1:3100/x",
    "http://127.0.0.1:3100\\@evil.test", "/%2F%2fevil", "/%255cevil",
    "/%09/evil", "/a/%00", "/" + "a" * 3000,
)
for _field in ("callbackURL", "redirectTo", "errorCallbackURL",
               "newUserCallbackURL"):
    table("redirect-" + _field, "POST", "/sign-in/email", [
        (repr(url)[:60], {"json": {**GOOD_IN, _field: url}})
        for url in (URLS if _field == "callbackURL" else URLS[:26])])
    table("redirect-types-" + _field, "POST", "/sign-in/email", [
        (repr(value), {"json": {**GOOD_IN, _field: value}})
        for value in (7, 0, True, False, None, [], ["/a"],
                      ["https://evil.test"], {}, {"a": 1})])
    table("redirect-elsewhere-" + _field, "POST", "/sign-out", [
        (repr(value), {"json": {_field: value}})
        for value in ("/a", "https://evil.test", "", 7, None, [], {})])
    table("redirect-query-" + _field, "POST", "/sign-out", [
        (None, {"path": "/sign-out?%s=%s" % (_field, value), "json": {}})
        for value in ("/a", "https://evil.test", "https%3A%2F%2Fevil.test",
                      "", "/a&callbackURL=https://evil.test")])
table("redirect-order", "POST", "/sign-in/email", [
    ("origin first", {"json": {"callbackURL": "https://evil.test"},
                      "cookie": "a=b", "origin": "https://evil.test"}),
    ("redirect before schema", {"json": {"callbackURL":
                                         "https://evil.test"}}),
    ("redirect before metadata", {
        "json": {**GOOD_IN, "callbackURL": "https://evil.test"},
        "headers": [("Sec-Fetch-Site", "cross-site"),
                    ("Sec-Fetch-Mode", "navigate")]}),
    ("schema before metadata", {
        "json": {"email": 7}, "headers": [("Sec-Fetch-Site", "cross-site"),
                                          ("Sec-Fetch-Mode", "navigate")]}),
    ("two bad fields", {"json": {**GOOD_IN, "redirectTo": "//x",
                                 "callbackURL": "//x"}}),
    ("body and query", {"path": "/sign-in/email?callbackURL=//x",
                        "json": {**GOOD_IN, "callbackURL": "/a"}}),
    ("query alone", {"path": "/sign-in/email?callbackURL=//x",
                     "json": GOOD_IN}),
])


@case()
def redirect_answers(w):
    w.sign_up(callbackURL="/welcome")
    for url in ("/home", "/a/b?x=1#y", "http://127.0.0.1:3100/x",
                "https://a.wild.test/x", "myapp://done", "", "/a b"):
        w.post("/sign-in/email", {"email": w.email(), "password": PASSWORD,
                                  "callbackURL": url}, cookie=None,
               label="sign-in to %r" % url)


@case()
def redirect_by_query(w):
    w.sign_up()
    w.post("/sign-in/email?callbackURL=/home",
           {"email": w.email(), "password": PASSWORD}, cookie=None)


@case("https")
def origins_of_https(w):
    for origin in ("https://auth.example.test", "https://AUTH.example.test",
                   "https://auth.example.test:443",
                   "http://auth.example.test",
                   "https://auth.example.test:8443", "https://example.test",
                   "https://x.auth.example.test"):
        w.post("/sign-out", {}, cookie="a=b", origin=origin, keep=False,
               label=origin)
