# SPDX-License-Identifier: MIT
"""Sessions: cookies, bearer, sliding, expiry, freshness, tokens."""
import base64
import json

from cases import case
from world import PASSWORD, encoded, parsed


@case("dev", "https")
def cookie_forms(w):
    w.sign_up()
    w.fix_token()
    name = w.cookie_name("session_token")
    raw = w.signed(w.token())
    good = encoded(raw)
    token, mac = raw.split(".")
    forms = (
        ("encoded", "%s=%s" % (name, good)),
        ("raw", "%s=%s" % (name, raw)),
        ("quoted", '%s="%s"' % (name, good)),
        ("quoted raw", '%s="%s"' % (name, raw)),
        ("half quoted", '%s="%s' % (name, good)),
        ("single quoted", "%s='%s'" % (name, good)),
        ("lower case escapes", "%s=%s" % (name, good.replace(
            "%2B", "%2b").replace("%2F", "%2f").replace("%3D", "%3d"))),
        ("all escaped", "%s=%s" % (name, "".join(
            "%%%02X" % ord(c) for c in raw))),
        ("twice escaped", "%s=%s" % (name, encoded(good))),
        ("bad escape", "%s=%s%%zz" % (name, good)),
        ("space around", "  %s = %s  " % (name, good)),
        ("spaces before", "a=b;     %s=%s" % (name, good)),
        ("no space", "a=b;%s=%s;c=d" % (name, good)),
        ("comma", "a=b, %s=%s" % (name, good)),
        ("tab", "a=b;\t%s=%s" % (name, good)),
        ("garbage elements", ";;=;x;=y; %s=%s; ;" % (name, good)),
        ("first good", "%s=%s; %s=bad" % (name, good, name)),
        ("first bad", "%s=bad; %s=%s" % (name, name, good)),
        ("first empty", "%s=; %s=%s" % (name, name, good)),
        ("upper case name", "%s=%s" % (name.upper(), good)),
        ("escaped name", "%s=%s" % (name.replace("_", "%5F"), good)),
        ("other prefix", "%s=%s" % (
            name[9:] if name.startswith("__Secure-") else "__Secure-" + name,
            good)),
        ("host prefix", "__Host-%s=%s" % (name, good)),
        ("empty", "%s=" % name), ("name only", name),
        ("token only", "%s=%s" % (name, token)),
        ("token and dot", "%s=%s." % (name, token)),
        ("no padding", "%s=%s" % (name, raw.rstrip("="))),
        ("more padding", "%s=%s=" % (name, raw)),
        ("first byte of the signature", "%s=%s.%s" % (
            name, token, encoded(("B" if mac[0] == "A" else "A") + mac[1:]))),
        ("url-safe signature", "%s=%s.%s" % (
            name, token, mac.replace("+", "-").replace("/", "_"))),
        ("signature of another", "%s=x%s.%s" % (name, token[1:],
                                                encoded(mac))),
        ("dot in the token", "%s=%s" % (name, encoded(w.signed("a.b")))),
        ("upper case token", "%s=%s" % (name, encoded(w.signed(
            token.swapcase())))),
        ("8-bit byte", b"x=\xe4; " + ("%s=%s" % (name, good)).encode()),
        ("equals in value", "a==b=; %s=%s" % (name, good)),
        ("other cookies only", "a=b; c=d"),
        ("200 others", "; ".join("c%d=v" % at for at in range(200))
         + "; %s=%s" % (name, good)),
    )
    for label, cookie in forms:
        w.get("/get-session", cookie=cookie, keep=False, label=label)
    w.post("/update-user", {"name": "x"}, keep=False, label="post, raw",
           cookie="%s=%s" % (name, raw))


@case()
def cookie_unpadded_tail(w):
    """The last base64 character holds two unused bits."""
    w.sign_up()
    w.fix_token()
    token, mac = w.signed(w.token()).split(".")
    alphabet = ("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                "0123456789+/")
    twin = alphabet[alphabet.index(mac[42]) ^ 1]
    w.get("/get-session", keep=False, cookie=w.cookie(
        "session_token", encoded("%s.%s%s=" % (token, mac[:42], twin))))


@case("dev", "https")
def clearing(w):
    w.sign_up()
    cookies = dict(w.jar)
    w.post("/sign-out", label="sign-out")
    w.get("/get-session", label="nothing left")
    w.jar = cookies
    w.get("/get-session", label="signed, no row", keep=False)
    w.get("/token", label="token, no row", keep=False)
    w.post("/sign-out", label="sign-out again")
    w.post("/sign-out", cookie=None, label="sign-out without a cookie")
    w.post("/sign-out", raw=None, json={}, cookie=None, label="empty object")
    w.request("POST", "/sign-out", raw=b"", media=None, cookie=None,
              label="empty body")


@case()
def sign_out_forms(w):
    for label, options in (
            ("bearer", lambda: {"cookie": None, "bearer": w.token()}),
            ("signed bearer", lambda: {"cookie": None,
                                       "bearer": w.signed(w.token())}),
            ("bad bearer", lambda: {"cookie": None,
                                    "bearer": w.token() + ".bad"}),
            ("unknown bearer and cookie", lambda: {"bearer": "x" * 32})):
        w.sign_up(label.replace(" ", "-"))
        kept = dict(w.jar)
        w.post("/sign-out", label=label, **options())
        w.jar = kept
        w.get("/get-session", label="after " + label)


@case()
def sign_out_ends_one(w):
    w.sign_up()
    first = dict(w.jar)
    w.sign_in()
    w.post("/sign-out")
    w.jar = first
    w.get("/get-session")


@case()
def session_data_cookie(w):
    w.sign_up()
    w.get("/get-session", cookie=w.cookie("session_token", w.session_cookie())
          + "; " + w.cookie("session_data", "x"), label="with a session")
    w.get("/get-session", cookie=w.cookie("session_data", "x"),
          label="alone")


@case("dev", "https")
def bearer_forms(w):
    w.sign_up()
    w.fix_token()
    token, signed = w.token(), w.signed(w.token())
    for label, value in (
            ("raw", "Bearer " + token), ("signed", "Bearer " + signed),
            ("signed, escaped", "Bearer " + encoded(signed)),
            ("lower case scheme", "bearer " + token),
            ("upper case scheme", "BEARER " + token),
            ("spaces", "Bearer    " + token + "   "),
            ("tab", "Bearer\t" + token), ("no space", "Bearer" + token),
            ("empty", "Bearer "), ("scheme only", "Bearer"),
            ("two tokens", "Bearer %s %s" % (token, token)),
            ("comma", "Bearer %s, Bearer x" % token),
            ("quoted", 'Bearer "%s"' % token),
            ("other scheme", "Basic " + token), ("no scheme", token),
            ("unknown", "Bearer " + "x" * 32),
            ("bad signature", "Bearer " + token + "." + "A" * 43 + "="),
            ("short signature", "Bearer " + token + ".x"),
            ("dot at the end", "Bearer " + token + "."),
            ("only a dot", "Bearer ."),
            ("signed unknown", "Bearer " + w.signed("x" * 32)),
            ("bad escape", "Bearer " + token + "%zz"),
            ("escaped token", "Bearer %" + "%02X" % ord(token[0])
             + token[1:]),
            ("umlaut", "Bearer \u00e4".encode("latin-1")),
            ("semicolon", "Bearer " + token + ";x")):
        w.get("/get-session", cookie=None, keep=False,
              headers=[("Authorization", value)], label=label)
        w.get("/get-session", keep=False, headers=[("Authorization", value)],
              label=label + ", with a good cookie")
        w.get("/token", cookie=None, keep=False,
              headers=[("Authorization", value)], label="token, " + label)


@case()
def bearer_story(w):
    w.sign_up()
    bearer = {"cookie": None, "bearer": w.token()}
    w.get("/list-sessions", **bearer)
    w.get("/list-accounts", **bearer)
    w.post("/update-user", {"name": "x"}, keep=False, **bearer)
    w.post("/update-user", {"name": "y"}, keep=False,
           origin="https://evil.test", label="foreign origin", **bearer)
    w.post("/update-user", {"name": "y"}, keep=False, bearer=w.token(),
           cookie="a=b", origin=None, label="any cookie, no origin")
    w.post("/update-user", {"name": "y"}, keep=False, bearer=w.token(),
           cookie="a=b", origin=w.base, label="any cookie, origin")
    w.post("/change-password", {"newPassword": "another horse 2",
                                "currentPassword": PASSWORD,
                                "revokeOtherSessions": True}, **bearer)
    w.get("/get-session", label="the old token", **bearer)


@case()
def bearer_beats_cookie(w):
    w.sign_up("first")
    token = w.token()
    w.jar.clear()
    w.sign_up("second")
    w.get("/get-session", bearer=token)
    w.get("/token", bearer=token)
    w.post("/update-user", {"name": "x"}, bearer=token, keep=False)
    w.post("/sign-out", bearer=token, keep=False)
    w.get("/get-session", label="the cookie's session")
    w.get("/get-session", label="the bearer's session", bearer=token,
          keep=False)


@case()
def bearer_jwt_is_no_session(w):
    w.sign_up()
    jwt = w.get("/token").json().get("token", "")
    w.get("/get-session", cookie=None, bearer=jwt)
    w.get("/token", cookie=None, bearer=jwt)


def moved(w, interval):
    """expiresAt becomes now + interval."""
    w.sql("UPDATE session SET \"expiresAt\" = now() + interval '%s' "
          "WHERE token = '%s'" % (interval, w.token()))


@case("dev", "https")
def sliding(w):
    w.sign_up()
    for label, interval in (("6 days 1 minute", "6 days 1 minute"),
                            ("5 days 23 hours", "5 days 23 hours"),
                            ("1 minute", "1 minute")):
        moved(w, interval)
        w.get("/get-session", label=label)
        w.get("/get-session", label=label + ", again")
    moved(w, "1 day")
    w.get("/token", label="token slides")
    moved(w, "1 day")
    w.get("/list-sessions", label="list-sessions slides")
    moved(w, "1 day")
    w.get("/list-accounts", label="list-accounts slides")
    moved(w, "1 day")
    w.post("/update-user", {"name": "x"}, label="update-user slides")
    moved(w, "1 day")
    w.post("/verify-password", {"password": "wrong one"},
           label="a refusal slides")
    moved(w, "1 day")
    w.post("/update-session", {}, label="update-session slides")
    moved(w, "1 day")
    w.get("/get-session", cookie=None, bearer=w.token(), keep=False,
          label="bearer slides")
    w.get("/get-session", label="at the end")


@case()
def sliding_on_password_change(w):
    w.sign_up()
    moved(w, "1 day")
    w.post("/change-password", {"newPassword": "another horse 2",
                                "currentPassword": PASSWORD,
                                "revokeOtherSessions": True})
    w.get("/get-session")


@case()
def sliding_on_revoke(w):
    w.sign_up()
    moved(w, "1 day")
    w.post("/revoke-other-sessions", {})
    moved(w, "1 day")
    w.post("/sign-out", {}, label="sign-out does not slide")


@case()
def disable_refresh(w):
    w.sign_up()
    moved(w, "5 days")
    for query in ("?disableRefresh=true", "?disableRefresh=false",
                  "?disableRefresh=1", "?disableCookieCache=true",
                  "?disableRefresh=", "?disableRefresh"):
        w.get("/get-session" + query)
    w.get("/get-session?x=1&disableRefresh=0")


@case()
def disable_refresh_twice(w):
    w.sign_up()
    moved(w, "5 days")
    w.get("/get-session?disableRefresh=a&disableRefresh=b")
    w.get("/get-session?disablerefresh=true")


@case("dev", "https")
def dont_remember_never_slides(w):
    w.sign_up(rememberMe=False)
    moved(w, "1 hour")
    w.get("/get-session")
    w.get("/token")
    cookie = w.cookie("session_token", w.session_cookie())
    bad = cookie + "; " + w.cookie("dont_remember", "true.bad")
    w.get("/get-session", cookie=bad, keep=False, label="badly signed")
    moved(w, "1 hour")
    w.get("/get-session", cookie=cookie, keep=False, label="cookie dropped")


@case()
def dont_remember_values(w):
    w.sign_up()
    cookie = w.cookie("session_token", w.session_cookie())
    for label, value in (("true", w.signed("true")),
                         ("true, encoded", encoded(w.signed("true"))),
                         ("false", w.signed("false")),
                         ("empty text", w.signed("")),
                         ("unsigned", "true")):
        moved(w, "1 day")
        w.get("/get-session", keep=False, label=label,
              cookie=cookie + "; " + w.cookie("dont_remember", value))


@case("dev", "https")
def expired(w):
    for name, method, path, body in (
            ("get-session", "GET", "/get-session", None),
            ("token", "GET", "/token", None),
            ("list-sessions", "GET", "/list-sessions", None),
            ("update-user", "POST", "/update-user", {"name": "x"}),
            ("sign-out", "POST", "/sign-out", {})):
        w.jar.clear()
        w.sign_up(name)
        moved(w, "-1 second")
        token = w.token()
        options = {} if body is None else {"json": body}
        w.request(method, path, keep=False, label="expired", **options)
        rows = w.sql("SELECT count(*) FROM session WHERE token = '%s'"
                     % token)
        w.note("%s: rows left %s" % (name, rows[0][0]))


@case()
def expired_bearer(w):
    w.sign_up()
    moved(w, "-1 second")
    w.get("/get-session", cookie=None, bearer=w.token(), keep=False)
    w.get("/token", cookie=None, bearer=w.token(), keep=False)


@case()
def user_gone(w):
    w.sign_up()
    w.sql("DELETE FROM \"user\" WHERE email = '%s'" % w.email())
    w.get("/get-session", keep=False)
    w.get("/token", keep=False)
    w.sign_in()


@case()
def freshness(w):
    w.sign_up()
    w.age_session(w.token(), "23 hours 59 minutes")
    w.get("/list-sessions", label="23:59")
    w.age_session(w.token(), "2 minutes")
    w.get("/list-sessions", label="24:01")
    w.get("/list-accounts", label="accounts, 24:01")
    w.post("/revoke-other-sessions", {}, label="revoke, 24:01")
    w.post("/change-password", {"newPassword": "another horse 2",
                                "currentPassword": PASSWORD},
           label="password, 24:01")
    w.get("/get-session")


@case()
def freshness_is_not_the_slide(w):
    w.sign_up()
    w.age_session(w.token(), "2 days")
    w.get("/get-session", label="slides")
    w.get("/list-sessions", label="still not fresh")


@case()
def list_sessions_hides_expired(w):
    w.sign_up()
    moved(w, "-1 hour")
    w.sign_in()
    w.get("/list-sessions", unordered="userAgent")


@case()
def more_sessions_than_are_listed(w):
    w.sign_up()
    w.sql("""INSERT INTO session (id, "expiresAt", token, "createdAt",
        "updatedAt", "ipAddress", "userAgent", "userId")
        SELECT '%(slug)s' || n, now() + interval '1 day', '%(slug)s' || n,
            now(), now(), '', 'more', id
        FROM "user", generate_series(1, 120) n WHERE email = '%(email)s'"""
          % {"slug": w.slug, "email": w.email()})
    listed = parsed(w.get("/list-sessions", record=False))
    w.note("%d listed" % len(listed))
    w.post("/revoke-sessions", {}, keep=False)
    w.note(w.sql("SELECT count(*) FROM session s JOIN \"user\" u ON u.id = "
                 "s.\"userId\" WHERE email = '%s'" % w.email()))


@case()
def signed_in_already(w):
    """Who signs in or up beside another session gets one of its own."""
    w.sign_up()
    first = w.token()
    w.post("/sign-in/email", {"email": w.email(), "password": PASSWORD},
           bearer=first, cookie=None, label="with a bearer")
    w.post("/sign-in/email", {"email": w.email(), "password": PASSWORD},
           label="with a cookie")
    w.note("the same token" if w.token() == first else "another token")
    w.post("/sign-up/email", {"name": "n", "email": w.email("next"),
                              "password": PASSWORD}, label="signing up")
    w.get("/get-session")
    w.get("/get-session", cookie=None, bearer=first, label="the first one")


@case()
def chosen_session_cookie(w):
    """A session token that somebody else chose does not become good."""
    w.sign_up()
    chosen = w.cookie("session_token", encoded(w.signed("z" * 32)))
    w.jar.clear()
    w.post("/sign-in/email", {"email": w.email(), "password": PASSWORD},
           cookie=chosen, origin=w.base)
    w.note("chosen" if w.token() == "z" * 32 else "new")
    w.get("/get-session", cookie=chosen, keep=False)


@case()
def post_get_session(w):
    w.post("/get-session", {}, cookie=None)
    w.post("/get-session", cookie=None, label="no body")
    w.sign_up()
    w.post("/get-session", {})
    w.post("/get-session", {}, origin=None, label="no origin")


@case("dev", "eddsa")
def token_claims(w):
    w.sign_up(image="/a.png")
    w.get("/token")
    w.get("/token", label="again")
    w.get("/get-session")
    w.post("/update-user", {"name": "Änn 😀", "image": None})
    w.get("/token", label="after update-user")
    w.get("/jwks")


@case()
def token_verified_address(w):
    w.sign_up()
    w.sql("UPDATE \"user\" SET \"emailVerified\" = true WHERE email = '%s'"
          % w.email())
    w.get("/token")
    w.get("/get-session")


@case()
def token_of_a_short_session(w):
    w.sign_up(rememberMe=False)
    moved(w, "5 minutes")
    w.get("/token")


@case()
def microseconds(w):
    w.sign_up()
    w.sql("UPDATE session SET \"createdAt\" = date_trunc('hour', now()) - "
          "interval '0.000001 s' WHERE token = '%s'" % w.token())
    answer = w.get("/get-session", record=False)
    w.note(json.loads(answer.body)["session"]["createdAt"][-9:])


@case()
def jwt_in_old_tokens(w):
    """A session token is an opaque text for whoever made the row."""
    w.sign_up()
    old = w.token()
    odd = base64.urlsafe_b64encode(w.slug.encode()).decode()[:40]
    w.sql("UPDATE session SET token = '%s' WHERE token = '%s'" % (odd, old))
    w.get("/get-session", keep=False,
          cookie=w.cookie("session_token", encoded(w.signed(odd))),
          label="a token that is not 32 characters")
    w.get("/get-session", keep=False, cookie=None, bearer=odd,
          label="as bearer")
