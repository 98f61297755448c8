# SPDX-License-Identifier: MIT
"""Bodies: media types, JSON, forms, the type of every field, e-mail syntax,
password lengths, sizes."""
from cases import case, table
from world import PASSWORD

SIGN_UP, SIGN_IN = "/sign-up/email", "/sign-in/email"
JSON_POSTS = ("/sign-out", "/revoke-session", "/revoke-sessions",
              "/revoke-other-sessions", "/change-password", "/update-user",
              "/verify-password", "/update-session", "/delete-user",
              "/change-email")
GOOD_IN = {"email": "nobody@example.com", "password": PASSWORD}
GOOD_UP = {"name": "n", "email": "nobody@example.com", "password": "short"}
WRONG_TYPES = (("number", 7), ("zero", 0), ("true", True), ("false", False),
               ("null", None), ("array", []), ("array of text", ["a"]),
               ("object", {}), ("empty text", ""))

MEDIA = (
    ("json", "application/json"),
    ("json, charset", "application/json; charset=utf-8"),
    ("json, upper case", "APPLICATION/JSON"),
    ("json, no space", "application/json;charset=latin1"),
    ("json, space before semicolon", "application/json ; a=b"),
    ("vendor json", "application/vnd.api+json"),
    ("json-patch", "application/json-patch+json"),
    ("text", "text/plain"),
    ("text, charset", "text/plain;charset=UTF-8"),
    ("multipart", "multipart/form-data; boundary=x"),
    ("octets", "application/octet-stream"),
    ("form", "application/x-www-form-urlencoded"),
    ("form, charset", "application/x-www-form-urlencoded; charset=utf-8"),
    ("nonsense", "nonsense"),
    ("quote", 'a/"b'),
    ("two", "application/json, text/plain"),
    ("none", None),
)
RAW_JSON = (
    ("empty", b""),
    ("space", b" "),
    ("cut", b'{"email":'),
    ("garbage after", b'{"email":"a@b.de","password":"password1"} x'),
    ("second value", b'{}{}'),
    ("single quotes", b"{'email':'a@b.de'}"),
    ("trailing comma", b'{"email":"a@b.de",}'),
    ("comment", b'{/* */}'),
    ("NaN", b'{"email":NaN}'),
    ("leading zero", b'{"email":01}'),
    ("bare word", b'nope'),
    ("control character", b'{"email":"a\x01b"}'),
    ("bad escape", b'{"email":"\\x41"}'),
    ("BOM", b'\xef\xbb\xbf{"email":"nobody@example.com","password":"p"}'),
    ("BOM alone", b'\xef\xbb\xbf'),
    ("two BOMs", b'\xef\xbb\xbf\xef\xbb\xbf{}'),
    ("invalid UTF-8", b'{"email":"\xff\xfe@b.de","password":"password1"}'),
    ("overlong UTF-8", b'{"email":"\xc0\x80@b.de","password":"password1"}'),
    ("UTF-8 surrogate",
     b'{"email":"nobody@example.com","password":"\xed\xa0\x80"}'),
    ("duplicate key",
     b'{"email":7,"password":"p","email":"nobody@example.com"}'),
    ("duplicate key, last wrong",
     b'{"email":"nobody@example.com","password":"p","email":7}'),
    ("escaped key", b'{"\\u0065mail":"nobody@example.com","password":"p"}'),
    ("surrogate pair", b'{"email":"\\ud83d\\ude00@b.de","password":"p"}'),
    ("lone surrogate",
     b'{"email":"nobody@example.com","password":"\\ud800"}'),
    ("NUL", b'{"email":"nobody@example.com","password":"a\\u0000b"}'),
    ("NUL in the address", b'{"email":"no\\u0000b@example.com",'
     b'"password":"password1"}'),
    ("null", b"null"), ("number", b"7"), ("text", b'"text"'),
    ("true", b"true"), ("array", b"[]"), ("huge number", b"1e999"),
    ("white space around", b' \t\r\n{"email":"nobody@example.com",'
     b'"password":"p"}\n '),
    ("form feed before", b'\x0c{}'),
    ("deep", b'{"email":' + b"[" * 900 + b"]" * 900 + b'}'),
    ("__proto__", b'{"__proto__":{"email":"a@b.de"},"password":"p"}'),
)

table("media-sign-in", "POST", SIGN_IN,
      [(label, {"json": GOOD_IN, "media": media}) for label, media in MEDIA])
table("media-sign-up", "POST", SIGN_UP,
      [(label, {"json": GOOD_UP, "media": media}) for label, media in MEDIA])
table("media-sign-out", "POST", "/sign-out",
      [(label, {"json": {}, "media": media}) for label, media in MEDIA])
table("media-of-empty-body", "POST", "/sign-out",
      [(label, {"raw": b"", "media": media}) for label, media in MEDIA])
table("media-unknown-path", "POST", "/nothing",
      [("text", {"raw": b"x", "media": "text/plain"}),
       ("bad json", {"raw": b"{", "media": "application/json"})])
table("json-sign-in", "POST", SIGN_IN,
      [(label, {"raw": raw, "media": "application/json"})
       for label, raw in RAW_JSON])
table("json-sign-out", "POST", "/sign-out",
      [(label, {"raw": raw, "media": "application/json"})
       for label, raw in RAW_JSON])
table("json-change-password", "POST", "/change-password",
      [(label, {"raw": raw, "media": "application/json"})
       for label, raw in RAW_JSON])
table("json-sign-up-not-object", "POST", SIGN_UP,
      [(raw.decode(), {"raw": raw, "media": "application/json"})
       for raw in (b"null", b"7", b'"x"', b"true", b"[]", b"{}")])

FIELDS = {
    SIGN_UP: (GOOD_UP, ("name", "email", "password", "image", "callbackURL",
                        "rememberMe")),
    SIGN_IN: (GOOD_IN, ("email", "password", "callbackURL", "rememberMe")),
    "/change-password": ({"newPassword": PASSWORD,
                          "currentPassword": PASSWORD},
                         ("newPassword", "currentPassword",
                          "revokeOtherSessions")),
    "/revoke-session": ({"token": "x"}, ("token",)),
    "/verify-password": ({"password": PASSWORD}, ("password",)),
    "/change-email": ({"newEmail": "x@example.com"},
                      ("newEmail", "callbackURL")),
}


def field_rows(body, fields):
    for field in fields:
        yield ("%s absent" % field,
               {"json": {k: v for k, v in body.items() if k != field}})
        for label, value in WRONG_TYPES:
            yield ("%s %s" % (field, label), {"json": {**body, field: value}})
    yield "all absent", {"json": {}}
    yield "no body", {}
    yield "everything wrong", {"json": {field: 7 for field in fields}}


for _path, (_body, _fields) in FIELDS.items():
    table("fields-" + _path.strip("/").replace("/", "-"), "POST", _path,
          list(field_rows(_body, _fields)))


@case()
def fields_with_a_session(w):
    w.sign_up()
    for path in JSON_POSTS:
        if path == "/sign-out":
            continue
        for label, value in (("number", 7), ("null", None), ("array", []),
                             ("object", {})):
            for field in FIELDS.get(path, ({}, ("token",)))[1]:
                if path == "/revoke-sessions" or field == "image":
                    continue
                w.post(path, {field: value}, keep=False,
                       label="%s %s %s" % (path, field, label))


# Forms

FORMS = (
    ("unknown user", "email=nobody%40example.com&password=password1"),
    ("plus is a space", "email=nobody%40example.com&password=a+b"),
    ("empty", ""),
    ("one field", "email=nobody%40example.com"),
    ("duplicate", "email=x%40example.com&email=nobody%40example.com"
     "&password=p"),
    ("rememberMe", "email=nobody%40example.com&password=p&rememberMe=false"),
    ("callbackURL", "email=nobody%40example.com&password=p"
     "&callbackURL=%2Fhome"),
    ("foreign callbackURL", "email=nobody%40example.com&password=p"
     "&callbackURL=https%3A%2F%2Fevil.test"),
    ("bad escapes", "email=%zz&password=%"),
    ("bad UTF-8", "email=nobody%40example.com&password=%ff%fe"),
    ("semicolons", "email=nobody%40example.com;password=p"),
    ("no values", "email&password"),
    ("json inside", '{"email":"nobody@example.com","password":"p"}'),
)
table("forms-sign-in", "POST", SIGN_IN,
      [(label, {"form": form}) for label, form in FORMS])
table("forms-sign-up", "POST", SIGN_UP,
      [(label, {"form": form}) for label, form in FORMS])
table("forms-elsewhere", "POST", "/sign-out", [("form", {"form": "a=b"})])


@case()
def form_story(w):
    w.request("POST", SIGN_UP, form="name=A+b&email=%s&password=p%%40ssword"
              % w.email().replace("@", "%40"), cookie=None)
    w.request("POST", SIGN_IN, form="email=%s&password=p%%40ssword"
              % w.email().replace("@", "%40"), cookie=None)
    w.get("/get-session")


# E-mail syntax

EMAILS = """a@b.c a@1.2.3.4 a@c.d1 a@c.xn--p1ai a'b@c.de a@c-.de a@-c.de
a@b.de .a@b.de a.@b.de a..b@c.de a.b@c.de a+b@c.de a_b@c.de a-b@c.de -a@b.de
a-@b.de a+@b.de a'@b.de 'a@b.de a_@b.de a@b a@b. a@.de a@b..de a@b.d a@b.de.
@b.de a@ a@@b.de a@b@c.de a!b@c.de a#b@c.de a$b@c.de a%b@c.de a&b@c.de
a*b@c.de a/b@c.de a=b@c.de a?b@c.de a^b@c.de a{b@c.de a|b@c.de a~b@c.de
"a"@b.de a@[127.0.0.1] a@b_c.de a@b.d-e a@b.co.uk A@B.DE a@B.De a,b@c.de
a;b@c.de a:b@c.de <a@b.de> a@b.museum 1@2.de a@1.de a@b.1de a@b.de1 a@a-b.de
a@a--b.de mailto:a@b.de a\\b@c.de a(b)@c.de""".split() + [
    "", " ", "a b@c.de", " a@b.de", "a@b.de ", "a@b.de\n", "a\t@b.de",
    "ä@b.de", "a@ä.de", "a@b.äö", "a@b.de\u0000", "\u0000", "a@b。de",
    "K@b.de", "a" * 64 + "@b.de", "a" * 65 + "@b.de", "a" * 300 + "@b.de",
    "a@" + "b" * 64 + ".de", "a@" + "b." * 130 + "de", "a@b." + "d" * 70]

table("email-sign-up", "POST", SIGN_UP,
      [(repr(email)[:60] + " %d" % len(email),
        {"json": {"name": "n", "email": email, "password": "short"}})
       for email in EMAILS])
# A good address costs a password hash there: a shorter list.
table("email-sign-in", "POST", SIGN_IN,
      [(repr(email)[:60] + " %d" % len(email),
        {"json": {"email": email, "password": "x" * 129}})
       for email in EMAILS])


@case()
def email_case(w):
    w.post(SIGN_UP, {"name": "n", "email": "Upper.Case@Email-Case.TEST",
                     "password": PASSWORD}, cookie=None)
    for email in ("upper.case@email-case.test", "UPPER.CASE@EMAIL-CASE.TEST"):
        w.post(SIGN_IN, {"email": email, "password": PASSWORD}, cookie=None)
    w.post(SIGN_UP, {"name": "n", "email": "upper.CASE@email-case.test",
                     "password": PASSWORD}, cookie=None)


# Passwords, counted in UTF-16 code units before normalisation

PASSWORDS = (
    ("7", "a" * 7), ("8", "a" * 8), ("128", "a" * 128), ("129", "a" * 129),
    ("empty", ""), ("7 umlauts", "ä" * 7), ("8 umlauts", "ä" * 8),
    ("3 astral", "😀" * 3), ("4 astral", "😀" * 4), ("64 astral", "😀" * 64),
    ("65 astral", "😀" * 65), ("64 astral and one", "😀" * 64 + "a"),
    ("128 umlauts", "ä" * 128), ("8 NULs", "\u0000" * 8),
    ("8 spaces", " " * 8), ("7 ligatures that normalise to 14", "ﬁ" * 7),
    ("128 ligatures", "ﬁ" * 128), ("8 combining", "e\u0301" * 4),
    ("8 lone surrogates", "\ud800" * 8))


@case()
def password_lengths(w):
    for label, password in PASSWORDS:
        email = w.email("p%d" % len(w.records))
        w.post(SIGN_UP, {"name": "n", "email": email, "password": password},
               cookie=None, keep=False, label="sign-up " + label)
        w.post(SIGN_IN, {"email": email, "password": password},
               cookie=None, keep=False, label="sign-in " + label)


@case()
def password_normal_forms(w):
    composed, split = "caf\u00e9 au lait", "cafe\u0301 au lait"
    w.sign_up(password=composed)
    for label, password in (("composed", composed), ("split", split),
                            ("wide", "\uff43\uff41\uff46\u00e9 au lait"),
                            ("other", "cafe au lait"),
                            ("cut", composed[:-1]), ("longer", composed + " "),
                            ("upper case", composed.upper())):
        w.post(SIGN_IN, {"email": w.email(), "password": password},
               cookie=None, keep=False, label=label)


# Values that are stored

STORED = (
    ("empty", ""), ("spaces", "  a  "), ("html", "<b>&\"'</b>"),
    ("umlaut", "Ä\u00a0ö"), ("astral", "😀"), ("combining", "e\u0301"),
    ("bidi", "\u202eabc"), ("line feed", "a\nb"), ("tab", "a\tb"),
    ("delete", "a\u007fb"), ("escape", "a\u001bb"), ("quote", 'a"b\\c'),
    ("slash", "a/b"), ("line separator", "a\u2028b"), ("U+FFFF", "a\uffffb"),
    ("a time", "2026-01-01T00:00:00.000Z"), ("number-like", "7"),
    ("255", "n" * 255))


@case()
def stored_text(w):
    w.sign_up()
    for label, text in STORED:
        w.post("/update-user", {"name": text}, label="name " + label)
        w.get("/get-session", label="read name " + label)
    for label, text in STORED:
        w.post("/update-user", {"image": text}, label="image " + label)
    w.get("/get-session")


@case()
def sign_up_stores_text(w):
    for at, (label, text) in enumerate(STORED[:10]):
        w.sign_up("u%d" % at)
        body = {"name": text, "email": w.email("v%d" % at),
                "password": PASSWORD, "image": text}
        w.post(SIGN_UP, body, cookie=None, label="sign-up " + label)


@case()
def sign_up_nul(w):
    w.post(SIGN_UP, {"name": "a\u0000b", "email": w.email(),
                     "password": PASSWORD}, cookie=None)
    w.post(SIGN_UP, {"name": "n", "email": w.email(),
                     "password": PASSWORD, "image": "\u0000"}, cookie=None)
    w.post(SIGN_UP, {"name": "a\ud800b", "email": w.email("lone"),
                     "password": PASSWORD}, cookie=None)


@case()
def sign_up_foreign_keys(w):
    w.post(SIGN_UP, {"name": "n", "email": w.email(), "password": PASSWORD,
                     "id": "mine", "role": "admin", "emailVerified": True,
                     "createdAt": "2000-01-01T00:00:00.000Z",
                     "userId": "other", "banned": False}, cookie=None)
    w.get("/get-session")


@case()
def user_agent_and_address(w):
    w.sign_up()
    for label, agent in (("empty", ""), ("umlaut", "a\u00e4".encode("latin-1")),
                         ("long", "x" * 300), ("html", "<b>")):
        w.post(SIGN_IN, {"email": w.email(), "password": PASSWORD},
               cookie=None, headers=[("User-Agent", agent)], label=label)
        w.get("/get-session", label="read " + label)


@case()
def bounds(w):
    """Sizes that the reference leaves open."""
    w.sign_up()
    w.post("/update-user", {"name": "n" * 513}, keep=False, label="name")
    w.post("/update-user", {"image": "i" * 2049}, keep=False, label="image")
    w.sign_up("agent")
    w.post(SIGN_IN, {"email": w.email("agent"), "password": PASSWORD},
           cookie=None, headers=[("User-Agent", "a" * 600)], label="agent")
    w.get("/get-session", label="agent")
    for field, value in (("name", "n" * 513), ("image", "i" * 2049),
                         ("email", "e" * 310 + "@example.com")):
        w.post(SIGN_UP, {"name": "n", "email": w.email(field),
                         "password": PASSWORD, field: value}, cookie=None,
               keep=False, label=field)


@case()
def too_large(w):
    w.post(SIGN_IN, {"email": "nobody@example.com", "password": "p",
                     "more": "x" * 20000}, cookie=None, label="20 kB")
    w.post(SIGN_IN, {"email": "nobody@example.com", "password": "p",
                     "more": "x" * 200000}, cookie=None, label="200 kB")
