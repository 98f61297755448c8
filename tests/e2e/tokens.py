# SPDX-License-Identifier: MIT
"""HS256 tokens made and taken apart by hand, good ones and bad ones."""
import base64
import hashlib
import hmac
import json
import time


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def claims(token):
    return json.loads(unb64(token.split(".")[1]))


def header(token):
    return json.loads(unb64(token.split(".")[0]))


def sign(payload, secret, head=None, digest=hashlib.sha256):
    """payload and head: a dict, or the JSON text itself."""
    def part(value):
        return b64(value.encode() if isinstance(value, str)
                   else json.dumps(value, separators=(",", ":")).encode())

    head = {"alg": "HS256", "typ": "JWT"} if head is None else head
    signed = part(head) + "." + part(payload)
    mac = hmac.new(secret.encode(), signed.encode(), digest).digest()
    return signed + "." + b64(mac)


def resign(token, secret, **changes):
    """The token with claims changed (None removes one), signed properly."""
    payload = claims(token)
    for name, value in changes.items():
        if value is None:
            payload.pop(name, None)
        else:
            payload[name] = value
    head = unb64(token.split(".")[0]).decode()
    return sign(payload, secret, head)


def broken(token, secret):
    """(name, token) pairs; each is made from a good token, none is good."""
    head, body, mac = token.split(".")
    now = int(time.time())
    text = unb64(body).decode()
    flipped = bytearray(unb64(mac))
    flipped[0] ^= 1
    cases = [
        ("empty", ""), ("word", "x"), ("two dots", ".."),
        ("two parts", head + "." + body),
        ("four parts", token + ".x"),
        ("no signature", head + "." + body + "."),
        ("flipped signature", "%s.%s.%s" % (head, body, b64(bytes(flipped)))),
        ("short signature", "%s.%s.%s" % (head, body, mac[:-4])),
        ("padding", token + "="),
        ("payload swapped", "%s.%s.%s" % (
            head, b64(text.replace(claims(token)["sub"], "someone").encode()),
            mac)),
        ("other secret", sign(claims(token), "another-secret-" * 4,
                              unb64(head).decode())),
        ("empty secret", sign(claims(token), "", unb64(head).decode())),
        ("HS512", sign(claims(token), secret, {"alg": "HS512", "typ": "JWT"},
                       hashlib.sha512)),
        ("crit", sign(claims(token), secret,
                      {"alg": "HS256", "typ": "JWT", "crit": ["x"], "x": 1})),
        ("typ of another kind", sign(claims(token), secret,
                                     {"alg": "HS256", "typ": "refresh+jwt"})),
        ("array payload", sign("[]", secret, unb64(head).decode())),
        ("payload not JSON", sign("{", secret, unb64(head).decode())),
        ("trailing text", sign(text + "x", secret, unb64(head).decode())),
        ("duplicate sub", sign(text[:-1] + ',"sub":"x"}', secret,
                               unb64(head).decode())),
        ("expired", resign(token, secret, exp=now - 1)),
        ("exp as text", resign(token, secret, exp=str(now + 900))),
        ("exp as real", sign(text.replace(
            '"exp":%d' % claims(token)["exp"],
            '"exp":%d.5' % claims(token)["exp"]), secret,
            unb64(head).decode())),
        ("exp 1e400", sign(text.replace(
            '"exp":%d' % claims(token)["exp"], '"exp":1e400'), secret,
            unb64(head).decode())),
        ("exp negative", resign(token, secret, exp=-1)),
        ("exp 2^63", resign(token, secret, exp=2 ** 63)),
        ("not yet", resign(token, secret, nbf=now + 300)),
        ("from the future", resign(token, secret, iat=now + 300)),
        ("sub not text", resign(token, secret, sub=7)),
        ("sub empty", resign(token, secret, sub="")),
        ("sid not text", resign(token, secret, sid=7)),
        ("foreign issuer", resign(token, secret, iss="https://evil.test")),
        ("foreign audience", resign(token, secret, aud="https://evil.test")),
    ]
    for alg in ("none", "None", "nOnE", ""):
        bare = b64(json.dumps({"alg": alg}).encode()) + "." + body + "."
        cases.append(("alg %r unsigned" % alg, bare))
        cases.append(("alg %r signed" % alg,
                      sign(claims(token), secret, {"alg": alg})))
    cases.append(("no alg", sign(claims(token), secret, {"typ": "JWT"})))
    return cases


# iat is always there, but nothing is judged by its absence.
REQUIRED_CLAIMS = ("exp", "iss", "aud", "sub", "sid")
