#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Mutated tokens judged by us and by two other libraries.

    jws_oracle.py DRIVER [COUNT] [SEED]

Whatever the driver accepts, PyJWT and jwcrypto must accept with the same key
and the same claims; every token that was not mutated must be accepted by all.
We may refuse more: the reasons are counted and printed. TAP on stdout.
"""
import base64
import collections
import hashlib
import hmac
import json
import random
import subprocess
import sys
import time

try:
    import jwt
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
    from jwcrypto import jwk, jws
except ImportError as missing:
    print(f"1..0 # SKIP {missing}")
    sys.exit(0)

SECRET = b"conformance-secret-conformance-secret-0123456789"
ISSUER, AUDIENCE = "https://auth.example.com", "https://api.example.com"
NOW = int(time.time())


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def unb64(text):
    return base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))


def hs_kid():
    return "hs-" + hmac.new(SECRET, b"authbridge kid", hashlib.sha256).hexdigest()[:16]


class Key:
    """A key pair: signs as JWS wants it, and verifies in the libraries' forms."""

    def __init__(self, alg, kid, private):
        self.alg, self.kid, self.private = alg, kid, private
        if alg == "HS256":
            self.public = SECRET
            self.jwk = jwk.JWK(kty="oct", k=b64(SECRET).decode())
        else:
            self.public = private.public_key()
            pem = self.public.public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
            self.jwk = jwk.JWK.from_pem(pem)
            self.pem = pem

    def sign(self, data):
        if self.alg == "HS256":
            return hmac.new(SECRET, data, hashlib.sha256).digest()
        if self.alg == "RS256":
            return self.private.sign(data, padding.PKCS1v15(), hashes.SHA256())
        if self.alg == "EdDSA":
            return self.private.sign(data)
        r, s = utils.decode_dss_signature(self.private.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def public_row(self):
        fields = json.loads(self.jwk.export_public())
        return json.dumps({name: fields[name] for name in ("kty", "crv", "x", "y", "n", "e")
                           if name in fields}, separators=(",", ":"))


KEYS = [
    Key("HS256", hs_kid(), None),
    Key("EdDSA", "ed-key", ed25519.Ed25519PrivateKey.generate()),
    Key("ES256", "ec-key", ec.generate_private_key(ec.SECP256R1())),
    Key("RS256", "rsa-key", rsa.generate_private_key(65537, 2048)),
]
# Confusion: secrets an attacker can know, offered as HMAC keys.
KNOWN = [b"", b"\0" * 32] + [key.pem for key in KEYS[1:]] + \
        [key.pem.rstrip(b"\n") for key in KEYS[1:]] + [key.public_row().encode() for key in KEYS[1:]]


def good_claims(rng):
    return {"iat": NOW - 10, "sub": f"user{rng.randrange(1000)}", "sid": f"sid{rng.randrange(1000)}",
            "email": "ann@example.com", "name": "Änn \"quoted\" \U0001f600", "image": None,
            "exp": NOW + 9000, "iss": ISSUER,
            "aud": rng.choice([AUDIENCE, [AUDIENCE], ["x", AUDIENCE]])}


def good_header(key, rng):
    header = {"alg": key.alg, "kid": key.kid}
    if rng.random() < 0.5:
        header["typ"] = rng.choice(["JWT", "jwt", "at+jwt"])
    if rng.random() < 0.3:
        del header["kid"]
    return header


def compact(key, header, payload, secret=None):
    data = b64(header) + b"." + b64(payload)
    signature = key.sign(data) if secret is None else hmac.new(secret, data, hashlib.sha256).digest()
    return data + b"." + b64(signature)


def dumps(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


# --- mutations -------------------------------------------------------------

ALGS = ["none", "None", "NONE", "", "HS256", "hs256", "HS384", "HS512", "RS256", "RS384", "PS256",
        "ES256", "ES384", "EdDSA", "eddsa", None, 7, ["HS256"], {"a": 1}]
VALUES = [None, True, False, 0, -1, 1, 1.5, 1e9, 1e300, "", "x", "1", [], {}, [AUDIENCE], ["x"],
          NOW - 5000, NOW + 5000, NOW + 0.5, str(NOW + 5000), 2 ** 31, 2 ** 53, 2 ** 63, 10 ** 15,
          10 ** 15 - 1, ISSUER, AUDIENCE, ISSUER + "/", "a\x00b", "\u00e4", "\U0001f600", "a\tb"]
CLAIMS = ["exp", "nbf", "iat", "iss", "aud", "sub", "sid", "email", "name", "x"]
JUNK = [b" ", b"\n", b"\0", b"}", b"{}", b",", b"\xff", b"\xed\xa0\x80", b"//", b"\xef\xbb\xbf"]


def edit_text(text, rng):
    """One to three byte-level edits."""
    text = bytearray(text)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(text) + 1)
        kind = rng.randrange(5)
        byte = rng.choice(b"ABCxyz019-_+/=.!\n \x00\xff")
        if kind == 0 and at < len(text):
            text[at] = byte
        elif kind == 1:
            text.insert(at, byte)
        elif kind == 2 and at < len(text):
            del text[at]
        elif kind == 3:
            del text[at:]
        elif at < len(text):
            text[at] ^= 1 << rng.randrange(8)
    return bytes(text)


def edit_json(text, rng):
    """JSON-level edits that a lenient reader may not notice."""
    kind = rng.randrange(8)
    if kind == 0:
        name = rng.choice(CLAIMS + ["alg", "kid", "typ", "crit"])
        value = rng.choice(VALUES + ALGS)
        return text[:-1] + b"," + dumps(name) + b":" + dumps(value) + b"}"
    if kind == 1:
        return text + rng.choice(JUNK)
    if kind == 2:
        return rng.choice(JUNK) + text
    if kind == 3:
        at = rng.randrange(len(text) + 1)
        return text[:at] + rng.choice(JUNK) + text[at:]
    if kind == 4:
        name = rng.choice([b"alg", b"kid", b"exp", b"sub", b"iss", b"aud"])
        return text.replace(name, b"\\u00%02x" % name[0] + name[1:], 1)
    if kind == 5:
        return text.replace(b"e", b"\\u0065", rng.randint(1, 3))
    if kind == 6:
        return json.dumps(json.loads(text), indent=rng.choice([None, 1])).encode()
    return edit_text(text, rng)


def edit_header(header, rng):
    kind = rng.randrange(6)
    if kind == 0:
        header["alg"] = rng.choice(ALGS)
    elif kind == 1:
        header["kid"] = rng.choice([key.kid for key in KEYS] + ["x", "", None, 1, "../x", "k" * 200])
    elif kind == 2:
        header["typ"] = rng.choice(["JWS", "", "refresh", "application/jwt", "dpop+jwt", None, 1])
    elif kind == 3:
        header[rng.choice(["crit", "b64", "jku", "jwk", "x5u", "zip", "enc"])] = \
            rng.choice([["exp"], [], True, False, "http://x", {}])
    elif kind == 4:
        header.pop(rng.choice(sorted(header)))
    else:
        header["alg"] = rng.choice(KEYS).alg
    return header


def edit_claims(claims, rng):
    for _ in range(rng.randint(1, 2)):
        name = rng.choice(CLAIMS)
        if rng.random() < 0.25:
            claims.pop(name, None)
        else:
            claims[name] = rng.choice(VALUES)
    return claims


def edit_signature(token, key, rng):
    data, _, text = token.rpartition(b".")
    signature = bytearray(unb64(text))
    kind = rng.randrange(6)
    if kind == 0:
        signature = bytes(len(signature))
    elif kind == 1:
        signature = b""
    elif kind == 2:
        signature[rng.randrange(len(signature))] ^= 1 << rng.randrange(8)
    elif kind == 3:
        signature += rng.choice([b"\0", b"\x01", bytes(signature)])
    elif kind == 4:
        signature = signature[1:] if rng.random() < 0.5 else signature[:-1]
    elif key.alg == "ES256":
        r, s = (int.from_bytes(signature[i:i + 32], "big") for i in (0, 32))
        signature = utils.encode_dss_signature(r, s)
    return data + b"." + b64(bytes(signature))


def edit_last_character(token, rng):
    """The unused low bits of the last character of a part."""
    parts = token.split(b".")
    at = rng.randrange(3)
    if parts[at]:
        parts[at] = parts[at][:-1] + bytes([rng.choice(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefgh")])
    return b".".join(parts)


def make(rng):
    """A token and whether it was left as it should be."""
    key = rng.choice(KEYS)
    header, claims = good_header(key, rng), good_claims(rng)
    kind = rng.randrange(12)
    if kind == 0:
        return compact(key, dumps(header), dumps(claims)), True
    if kind in (1, 2):
        return edit_text(compact(key, dumps(header), dumps(claims)), rng), False
    if kind == 3:
        return compact(key, dumps(edit_header(header, rng)), dumps(claims)), False
    if kind in (4, 5):
        return compact(key, dumps(header), dumps(edit_claims(claims, rng))), False
    if kind == 6:
        return compact(key, edit_json(dumps(header), rng), dumps(claims)), False
    if kind in (7, 8):
        return compact(key, dumps(header), edit_json(dumps(claims), rng)), False
    if kind == 9:
        return edit_signature(compact(key, dumps(header), dumps(claims)), key, rng), False
    if kind == 10:
        header["alg"] = rng.choice(["HS256", "HS256", "none", key.alg])
        return compact(key, dumps(header), dumps(claims), rng.choice(KNOWN)), False
    token = compact(key, dumps(header), dumps(claims))
    parts = token.split(b".")
    return rng.choice([edit_last_character(token, rng), token + b"." + parts[2],
                       b".".join(parts[:2]) + b".", b"." .join(parts[::-1]), token + b"=",
                       token.upper(), b"..", parts[0] + b".." + parts[2]]), False


# --- the oracles -----------------------------------------------------------

def strict_claims(claims):
    """What both libraries leave to their caller."""
    sub, exp, iat = claims.get("sub"), claims.get("exp"), claims.get("iat", 0)
    return isinstance(sub, str) and sub != "" and isinstance(exp, int) and \
        isinstance(iat, int) and iat <= NOW + 60 + 30


def by_pyjwt(token, key):
    try:
        return jwt.decode(token, key.public, algorithms=[key.alg], audience=AUDIENCE,
                          issuer=ISSUER, options={"require": ["exp", "iss", "aud", "sub"],
                                                  "verify_iat": False})
    except (jwt.InvalidTokenError, ValueError, TypeError, KeyError, AttributeError, OverflowError,
            UnicodeError):
        return None


def by_jwcrypto(token, key):
    try:
        entry = jws.JWS()
        entry.allowed_algs = [key.alg]
        entry.deserialize(token.decode("ascii"))
        entry.verify(key.jwk, alg=key.alg)
        return json.loads(entry.payload)
    except Exception:  # it raises whatever its parsers raise
        return None


def oracle(token):
    """The claims that both libraries agree on, or None."""
    try:
        kid = jwt.get_unverified_header(token).get("kid")
    except Exception:
        return None
    for key in KEYS:
        if kid is not None and kid != key.kid:
            continue
        first, second = by_pyjwt(token, key), by_jwcrypto(token, key)
        if first is not None and first == second and strict_claims(first):
            return first
    return None


def start(driver):
    process = subprocess.Popen([driver], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    lines = [f"secret {SECRET.hex()}"]
    lines += [f"row {key.kid} {key.alg} {key.public_row()}" for key in KEYS[1:]]
    lines.append(f"rules {NOW} {ISSUER} {AUDIENCE}")
    return process, "".join(line + "\n" for line in lines).encode()


def main():
    driver = sys.argv[1]
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 5000
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    rng = random.Random(seed)
    tokens = [make(rng) for _ in range(count)]
    process, preamble = start(driver)
    body = b"".join(b"token " + token.hex().encode() + b"\n" for token, _ in tokens)
    answers = process.communicate(preamble + body)[0].decode("utf-8", "replace").splitlines()
    if process.returncode != 0 or len(answers) != count:
        sys.exit(f"Bail out! the driver ended with {process.returncode}")
    wrong, stricter, accepted = [], collections.Counter(), 0
    for (token, whole), answer in zip(tokens, answers):
        claims = oracle(token)
        if answer.startswith("accept"):
            accepted += 1
            if claims is None or answer != f"accept {claims['sub']} {claims.get('sid', '')}":
                wrong.append((token, answer))
        elif whole:
            wrong.append((token, answer))
        elif claims is not None:
            stricter[answer] += 1
        if whole and claims is None:
            wrong.append((token, "refused by the oracles"))
    print("1..2")
    print(f"{'not ' if wrong else ''}ok 1 - {count} tokens (seed {seed}): what we accept, "
          f"PyJWT and jwcrypto accept")
    for token, answer in wrong[:10]:
        print(f"# {answer}: {token!r}")
    enough = count // 20 < accepted < count
    print(f"{'' if enough else 'not '}ok 2 - {accepted} accepted; stricter than both: "
          f"{dict(stricter)}")
    sys.exit(0)


main()
