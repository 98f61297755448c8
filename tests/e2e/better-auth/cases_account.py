# SPDX-License-Identifier: MIT
"""Accounts: sign-up, sign-in, passwords, the user, and the switches."""
from cases import case, table
from world import PASSWORD

OTHER = "another horse 2"


@case("dev", "eddsa", "https")
def sign_up_story(w):
    w.sign_up()
    w.get("/get-session")
    w.get("/token")
    w.get("/list-sessions", unordered="userAgent")
    w.get("/list-accounts")
    w.post("/sign-out")
    w.get("/get-session")
    w.get("/token")


@case("dev", "https", "production")
def sign_in_story(w):
    w.sign_up()
    w.jar.clear()
    w.sign_in()
    w.get("/get-session")
    w.get("/token")
    w.post("/sign-out", {})
    w.get("/get-session")


@case()
def sign_up_taken(w):
    w.sign_up()
    body = {"name": "x", "email": w.email(), "password": PASSWORD}
    w.post("/sign-up/email", body, cookie=None, label="same")
    w.post("/sign-up/email", {**body, "email": w.email().upper()},
           cookie=None, label="upper case")
    w.post("/sign-up/email", {**body, "password": "short"}, cookie=None,
           label="short password")
    w.post("/sign-up/email", {**body, "password": "x" * 129}, cookie=None,
           label="long password")
    w.post("/sign-up/email", body, label="signed in")


@case()
def sign_in_refused(w):
    w.sign_up()
    for label, email, password in (
            ("wrong password", w.email(), "wrong horse 1"),
            ("empty password", w.email(), ""),
            ("129", w.email(), "x" * 129),
            ("unknown", w.email("stranger"), PASSWORD),
            ("unknown, empty", w.email("stranger"), ""),
            ("upper case password", w.email(), PASSWORD.upper()),
            ("space after", w.email(), PASSWORD + " ")):
        w.post("/sign-in/email", {"email": email, "password": password},
               cookie=None, label=label)
        w.post("/sign-in/email", {"email": email, "password": password},
               label=label + ", signed in")
    w.get("/get-session")


@case()
def sign_in_without_credential(w):
    w.sign_up()
    w.sql("DELETE FROM account WHERE \"userId\" = (SELECT id FROM \"user\" "
          "WHERE email = '%s')" % w.email())
    w.sign_in()
    w.post("/change-password", {"newPassword": OTHER,
                                "currentPassword": PASSWORD})
    w.post("/verify-password", {"password": PASSWORD})
    w.get("/list-accounts")


@case()
def sign_in_account_without_password(w):
    w.sign_up()
    w.sql("UPDATE account SET password = NULL WHERE \"userId\" = (SELECT id "
          "FROM \"user\" WHERE email = '%s')" % w.email())
    w.sign_in()
    w.post("/change-password", {"newPassword": OTHER,
                                "currentPassword": PASSWORD})
    w.post("/verify-password", {"password": PASSWORD})


@case()
def social_account_only(w):
    w.sign_up()
    w.sql("UPDATE account SET \"providerId\" = 'github', \"accountId\" = '77',"
          " scope = 'read:user,user:email' WHERE \"userId\" = (SELECT id FROM "
          "\"user\" WHERE email = '%s')" % w.email())
    w.sign_in()
    w.get("/list-accounts")
    w.post("/change-password", {"newPassword": OTHER,
                                "currentPassword": PASSWORD})


@case()
def two_accounts(w):
    w.sign_up()
    w.sql("""INSERT INTO account (id, "accountId", "providerId", "userId",
        scope, "createdAt", "updatedAt")
        SELECT reverse(id), '77', 'github', id, 'read:user', "createdAt",
            "updatedAt" FROM "user" WHERE email = '%s'""" % w.email())
    w.get("/list-accounts", unordered="providerId")
    w.sign_in()
    w.post("/verify-password", {"password": PASSWORD})


@case("dev", "https")
def remember_me(w):
    w.sign_up(rememberMe=False)
    w.get("/get-session", label="after sign-up")
    w.sign_in(rememberMe=False)
    w.get("/get-session", label="after sign-in")
    w.post("/update-user", {"name": "other"})
    w.post("/change-password", {"newPassword": OTHER,
                                "currentPassword": PASSWORD,
                                "revokeOtherSessions": True})
    w.get("/get-session", label="after change-password")
    w.post("/sign-out")
    w.sign_in(password=OTHER, rememberMe=True)
    w.get("/get-session", label="remembered")


@case()
def stale_dont_remember(w):
    w.sign_up(rememberMe=False)
    body = {"email": w.email(), "password": PASSWORD}
    w.post("/sign-in/email", body, label="sign in with the stale cookie")
    w.get("/get-session")


@case()
def several_sessions(w):
    w.sign_up()
    jars = []
    for at in range(3):
        w.jar.clear()
        w.post("/sign-in/email", {"email": w.email(), "password": PASSWORD},
               headers=[("User-Agent", "device %d" % at)])
        jars.append(dict(w.jar))
    w.get("/list-sessions", unordered="userAgent")
    w.jar = jars[0]
    tokens = []
    for jar in jars:
        w.jar = jar
        tokens.append(w.token())
    w.jar = dict(jars[0])
    w.post("/revoke-session", {"token": tokens[1]})
    w.get("/list-sessions", unordered="userAgent")
    w.post("/revoke-session", {"token": "unknown"})
    w.post("/revoke-session", {"token": ""})
    w.jar = dict(jars[1])
    w.get("/get-session", label="the revoked one")
    w.jar = dict(jars[0])
    w.post("/revoke-other-sessions")
    w.get("/list-sessions", unordered="userAgent")
    w.jar = dict(jars[2])
    w.get("/get-session", label="ended by revoke-other-sessions")
    w.jar = dict(jars[0])
    w.post("/revoke-session", {"token": tokens[0]}, keep=False,
           label="revoke the current one")
    w.get("/get-session", label="after revoking the current one")


@case()
def revoke_all(w):
    w.sign_up()
    w.sign_in()
    w.post("/revoke-sessions", keep=False)
    w.get("/get-session")
    w.sign_in()
    w.post("/revoke-sessions", raw=b"", keep=False)
    w.get("/list-sessions")


@case()
def revoke_another_users_session(w):
    w.sign_up("victim")
    token = w.token()
    victim = dict(w.jar)
    w.jar.clear()
    w.sign_up("attacker")
    w.post("/revoke-session", {"token": token})
    w.jar = victim
    w.get("/get-session")


@case()
def change_password(w):
    w.sign_up()
    old = dict(w.jar)
    for label, body in (
            ("wrong", {"newPassword": OTHER, "currentPassword": "wrong one"}),
            ("new too short", {"newPassword": "short",
                               "currentPassword": "wrong one"}),
            ("new too long", {"newPassword": "x" * 129,
                              "currentPassword": "x" * 129}),
            ("current too long", {"newPassword": OTHER,
                                  "currentPassword": "x" * 129}),
            ("current empty", {"newPassword": OTHER, "currentPassword": ""}),
            ("new 4 astral", {"newPassword": "😀" * 4,
                              "currentPassword": "wrong one"}),
            ("new 3 astral", {"newPassword": "😀" * 3,
                              "currentPassword": PASSWORD})):
        w.post("/change-password", body, label=label)
    w.post("/change-password", {"newPassword": OTHER,
                                "currentPassword": PASSWORD}, label="good")
    w.get("/get-session", label="same session")
    w.sign_in()
    w.jar.clear()
    w.sign_in(password=OTHER)
    w.post("/change-password", {"newPassword": PASSWORD,
                                "currentPassword": OTHER,
                                "revokeOtherSessions": True},
           label="revoke others")
    w.get("/get-session", label="new session")
    w.get("/list-sessions", unordered="userAgent")
    w.jar = old
    w.get("/get-session", label="old session")
    w.post("/change-password", {"newPassword": PASSWORD,
                                "currentPassword": PASSWORD},
           label="no session")


@case()
def change_password_keeps_others(w):
    w.sign_up()
    other = dict(w.jar)
    w.sign_in()
    w.post("/change-password", {"newPassword": OTHER,
                                "currentPassword": PASSWORD,
                                "revokeOtherSessions": False})
    w.jar = other
    w.get("/get-session")


@case()
def change_password_to_the_same(w):
    w.sign_up()
    w.post("/change-password", {"newPassword": PASSWORD,
                                "currentPassword": PASSWORD})
    w.sign_in()


@case()
def verify_password(w):
    w.sign_up()
    for label, password in (("right", PASSWORD), ("wrong", "wrong one"),
                            ("empty", ""), ("129", "x" * 129)):
        w.post("/verify-password", {"password": password}, label=label)


@case()
def update_user(w):
    w.sign_up()
    for label, body in (
            ("name", {"name": "other"}), ("image", {"image": "/a.png"}),
            ("both", {"name": "x", "image": "y"}), ("image null",
                                                    {"image": None}),
            ("nothing", {}), ("foreign keys", {"role": "admin", "id": "x"}),
            ("name and role", {"name": "z", "role": "admin"}),
            ("email", {"email": "x@example.com"}), ("email empty",
                                                    {"email": ""}),
            ("email null", {"email": None}),
            ("email and name", {"email": "x@example.com", "name": "q"}),
            ("emailVerified", {"emailVerified": True}),
            ("name empty", {"name": ""}), ("image empty", {"image": ""}),
            ("createdAt", {"createdAt": "2020-01-01T00:00:00.000Z"})):
        w.post("/update-user", body, label=label)
        w.get("/get-session", label="after " + label)
    w.post("/update-user", label="no body")
    w.get("/token")


@case()
def update_user_types(w):
    w.sign_up()
    for label, body in (
            ("name number", {"name": 7}), ("name null", {"name": None}),
            ("name true", {"name": True}), ("name array", {"name": ["a"]}),
            ("image number", {"image": 7}), ("image object", {"image": {}}),
            ("name NUL", {"name": "a\u0000b"}),
            ("body array", []), ("body text", "x"), ("body null", None)):
        w.post("/update-user", body, label=label, keep=False)


@case()
def update_session(w):
    w.sign_up()
    for label, body in (("empty", {}), ("token", {"token": "x"}),
                        ("expiresAt", {"expiresAt": "2030-01-01"}),
                        ("userId", {"userId": "x"}), ("array", []),
                        ("null", None)):
        w.post("/update-session", body, label=label)
    w.post("/update-session", label="no body")


@case()
def delete_user_off(w):
    w.sign_up()
    for label, body in (("empty", {}), ("password", {"password": PASSWORD}),
                        ("number", {"password": 7})):
        w.post("/delete-user", body, label=label)
    w.post("/delete-user", label="no body")
    w.post("/delete-user", {}, cookie=None, label="no session")
    w.get("/delete-user/callback?token=x")
    w.get("/delete-user/callback")
    w.get("/get-session")


@case("switches")
def delete_user(w):
    w.sign_up()
    for label, body in (("wrong", {"password": "wrong one"}),
                        ("number", {"password": 7}),
                        ("null", {"password": None}),
                        ("long", {"password": "x" * 129}),
                        ("token number", {"token": 7}),
                        ("bad token", {"token": "x"}),
                        ("bad callbackURL",
                         {"callbackURL": "https://evil.test"}),
                        ("callbackURL number", {"callbackURL": 7}),
                        ("array", [])):
        w.post("/delete-user", body, label=label)
    w.post("/delete-user", label="no body")
    w.post("/delete-user", {}, cookie=None, label="no session")
    w.get("/delete-user/callback?token=x")
    w.get("/delete-user/callback")
    w.post("/delete-user", {"password": PASSWORD}, keep=False, label="good")
    w.get("/get-session")
    w.sign_in()
    w.sign_up()


@case("switches")
def delete_user_by_freshness(w):
    w.sign_up()
    w.age_session(w.token(), "25 hours")
    w.post("/delete-user", {}, label="old session")
    w.post("/delete-user", {"password": ""}, label="old, empty password")
    w.sign_in()
    w.post("/delete-user", {}, label="fresh session")
    w.get("/get-session")


@case("switches")
def delete_user_with_callback(w):
    w.sign_up()
    w.post("/delete-user", {"password": PASSWORD, "callbackURL": "/bye"})


@case()
def change_email_off(w):
    w.sign_up()
    for label, body in (("good", {"newEmail": w.email("new")}),
                        ("bad", {"newEmail": "nope"}), ("empty", {}),
                        ("callback", {"newEmail": w.email("new"),
                                      "callbackURL": "https://evil.test"})):
        w.post("/change-email", body, label=label)
    w.post("/change-email", label="no body")
    w.post("/change-email", {"newEmail": w.email("new")}, cookie=None,
           label="no session")


@case("switches")
def change_email(w):
    w.sign_up()
    w.sign_up("taken")
    for label, body in (("same", {"newEmail": w.email("taken")}),
                        ("same, upper case",
                         {"newEmail": w.email("taken").upper()}),
                        ("new", {"newEmail": w.email("new")}),
                        ("taken", {"newEmail": w.email("user")}),
                        ("bad", {"newEmail": "nope"}), ("empty", {}),
                        ("number", {"newEmail": 7}),
                        ("with callback", {"newEmail": w.email("new"),
                                           "callbackURL": "/x"})):
        w.post("/change-email", body, label=label)
    w.post("/change-email", {"newEmail": w.email("new")}, cookie=None,
           label="no session")
    w.get("/get-session")


SESSION_ONLY = (
    ("GET", "/token"), ("GET", "/list-sessions"), ("POST", "/revoke-session"),
    ("POST", "/revoke-sessions"), ("POST", "/revoke-other-sessions"),
    ("POST", "/change-password"), ("POST", "/verify-password"),
    ("POST", "/update-user"), ("POST", "/update-session"),
    ("POST", "/delete-user"), ("POST", "/change-email"),
    ("GET", "/list-accounts"))
BODIES = {"/revoke-session": {"token": "x"},
          "/change-password": {"newPassword": OTHER,
                               "currentPassword": PASSWORD},
          "/verify-password": {"password": PASSWORD},
          "/update-user": {"name": "x"}, "/update-session": {"a": 1},
          "/delete-user": {}, "/change-email": {"newEmail": "x@example.com"}}


def every_endpoint(w, about, **options):
    for method, path in SESSION_ONLY:
        body = {}
        if path in BODIES:
            body["json"] = BODIES[path]
        elif method == "POST":
            body["json"] = {}
        w.request(method, path, label=about, **body, **options)


@case("dev", "switches")
def without_session(w):
    every_endpoint(w, "nothing", cookie=None)
    every_endpoint(w, "unknown cookie", cookie="a=b")
    every_endpoint(w, "bad signature", cookie=w.cookie(
        "session_token", "x" * 32 + "." + "A" * 43 + "%3D"))
    every_endpoint(w, "no row", cookie=w.cookie(
        "session_token", w.signed("x" * 32)))
    every_endpoint(w, "bearer, no row", cookie=None, bearer="x" * 32)


@case("https")
def without_session_https(w):
    every_endpoint(w, "no row", cookie=w.cookie(
        "session_token", w.signed("x" * 32)))


table("unconfigured", "POST", "", [
    (str(body), {"path": path, "json": body})
    for path, bodies in (
        ("/request-password-reset", ({}, {"email": "a@b.de"},
                                     {"email": "x"}, {"email": 7},
                                     {"email": "a@b.de",
                                      "redirectTo": "https://evil.test"})),
        ("/reset-password", ({}, {"newPassword": "password1"},
                             {"newPassword": "password1", "token": "x"},
                             {"newPassword": "x", "token": "x"},
                             {"newPassword": 7})),
        ("/send-verification-email", ({}, {"email": "a@b.de"},
                                      {"email": "x"}, {"email": 7})),
        ("/sign-in/social", ({}, {"provider": "github"}, {"provider": "x"},
                             {"provider": 7})),
        ("/set-password", ({}, {"newPassword": "password1"})),
        ("/sign-jwt", ({}, {"payload": {}})), ("/verify-jwt", ({},
                                                            {"token": "x"})),
        ("/link-social", ({}, {"provider": "github"})),
        ("/unlink-account", ({}, {"providerId": "credential"})),
        ("/refresh-token", ({}, {"providerId": "x"})),
        ("/get-access-token", ({}, {"providerId": "x"})),
    ) for body in bodies])
table("unconfigured-get", "GET", "", [
    (None, {"path": path}) for path in (
        "/verify-email", "/verify-email?token=", "/verify-email?token=x",
        "/verify-email?token=x&callbackURL=/y",
        "/verify-email?token=x&callbackURL=https://evil.test",
        "/reset-password/x", "/reset-password/x?callbackURL=/y",
        "/reset-password/x?callbackURL=https://evil.test",
        "/callback/github", "/callback/github?code=x", "/account-info")])
