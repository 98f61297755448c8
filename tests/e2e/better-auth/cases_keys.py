# SPDX-License-Identifier: MIT
"""The table of keys: which key signs, which are published, who made them."""
import base64
import json
import time

import cases
from cases import case
from world import PASSWORD, encoded, parsed

# doc/contract.md: of RFC 8032's first test key, under cases.SECRET
PUBLIC = ('{"crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",'
          '"kty":"OKP"}')
SEALED = (
    "000102030405060708090a0b0c0d0e0f1011121314151617278a52b325382e2d51039b330c"
    "1ab2979374670dafb2b84d270ea751e7dc3fff67f0341891f8301ab1f89aec8fe758127ac7"
    "154ca11126d3aa8cc1ae14d7957df2bdc09d22b6a01353e041dd18371617047a3b8bdeddb1"
    "58aba75ade2208bc80c05af73bc534a9ddf9139c436aeacf339ed37114a891dfb71f055bfb"
    "6868a025bba78b4717c6d9437429457c0285d1bb0e")
KID = "kidkidkidkidkidkidkidkidkidkid00"


def published(w):
    """Key ids in the answer of /jwks."""
    answer = w.get("/jwks", record=False, keep=False)
    return sorted(key["kid"] for key in answer.json()["keys"])


def soon(w, about, wanted, ask):
    """The service hears of a change a moment after it was made."""
    deadline = time.monotonic() + 5
    while (found := ask(w)) != wanted and time.monotonic() < deadline:
        time.sleep(0.02)
    w.note("%s: %s" % (about, found))


def signer(w):
    answer = w.get("/token", record=False, keep=False)
    if answer.status != 200:
        return str(answer.status)
    head = parsed(answer)["token"].partition(".")[0]
    header = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    return "known" if header["kid"] == KID else "own"


@case("keys")
def keys_that_come_and_go(w):
    w.sign_up()
    w.get("/token", label="the server's own key")
    own = published(w)
    w.sql("INSERT INTO jwks (id, \"publicKey\", \"privateKey\", "
          "\"createdAt\") VALUES ('%s', '%s', '%s', now() + interval "
          "'1 hour')" % (KID, PUBLIC, json.dumps(SEALED)))
    soon(w, "both are published", True,
         lambda w: published(w) == sorted(own + [KID]))
    w.note("begins in an hour: " + signer(w))
    w.sql("UPDATE jwks SET \"createdAt\" = now() WHERE id = '%s'" % KID)
    soon(w, "a newer key signs, without alg", "known", signer)
    for interval, signs, shown in (
            ("1 hour", "known", True), ("-1 hour", "own", True),
            ("-29 days", "own", True), ("-31 days", "own", False)):
        w.sql("UPDATE jwks SET \"expiresAt\" = now() + interval '%s' "
              "WHERE id = '%s'" % (interval, KID))
        soon(w, "expires in " + interval, signs, signer)
        soon(w, "published", shown, lambda w: KID in published(w))
    w.sql("UPDATE jwks SET \"expiresAt\" = NULL, \"createdAt\" = "
          "now() - interval '1 year' WHERE id = '%s'" % KID)
    soon(w, "an older key does not sign", "own", signer)
    w.sql("UPDATE jwks SET \"expiresAt\" = now() - interval '1 hour' "
          "WHERE id <> '%s'" % KID)
    soon(w, "unless it is the only one", "known", signer)
    w.get("/token", label="the known key signs")


@case("secrets")
def several_secrets(w):
    w.sign_up()
    w.get("/token")
    w.get("/jwks")
    rows = w.sql("SELECT \"privateKey\" FROM jwks")
    w.note([row[0][:7] for row in rows])
    token = w.token()
    w.get("/get-session", label="signed by the first")
    old = encoded("%s.%s" % (token, w.target.mac(token, cases.OLD)))
    w.get("/get-session", cookie=w.cookie("session_token", old), keep=False,
          label="signed by the second")
    w.post("/sign-in/email", {"email": w.email(), "password": PASSWORD},
           cookie=None)
    w.get("/get-session")
