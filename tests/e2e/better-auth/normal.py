# SPDX-License-Identifier: MIT
"""Answers in a form that two servers can be compared in.

An answer becomes a flat dict of part -> text. Ids and tokens become <id1>,
<id2> in the order of first sight within a case, so equal shapes mean equal
identities (the token of the body is the one in the cookie, the subject of the
JWT is the user's id). Times become their distance from the answer. Signatures
are checked and become a word.
"""
import base64
import datetime
import hashlib
import hmac
import json
import re
from urllib.parse import quote, unquote

# What a web server adds, and what says only how the bytes were carried.
CARRIAGE = {"date", "connection", "keep-alive", "transfer-encoding",
            "content-length", "server"}
ID = re.compile(r"[A-Za-z0-9]{32}")
PUBLIC_KEY = re.compile(r"[\w-]{43}")
SECONDS = re.compile(r"1[789]\d{8}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
JWT = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+")


class Normal:
    """The forms of one world; the symbols are shared by its answers."""

    def __init__(self, target):
        self.target = target
        self.symbols = {}
        self.kids = {}
        self.at = 0

    def answer(self, answer):
        self.at = answer.at
        parts = {"status": str(answer.status), "reason": answer.reason}
        self._body(answer, parts)
        names = []
        for name, value in answer.headers:
            name = name.lower()
            if name == "set-cookie":
                names.append(value.partition("=")[0])
                self._cookie("cookie.%s%s" % (
                    names[-1], "'" * (names.count(names[-1]) - 1)),
                    value, parts)
            elif name not in CARRIAGE:
                self._header(name, value, parts)
        if names:
            parts["cookies"] = " ".join(n for n in names
                                        if "better-auth." in n)
        return parts

    def _header(self, name, value, parts):
        part = "header." + name
        if part in parts:
            parts["repeated." + name] = "yes"
        if name == "set-auth-token":
            parts[part] = self._signed(value)
        elif name == "set-auth-jwt":
            self.jwt(part, value, parts)
        elif name == "x-retry-after":
            parts[part] = retry_after(value)
        else:
            parts[part] = value

    def _cookie(self, part, line, parts):
        pair, _, attributes = line.partition("; ")
        value = pair.partition("=")[2]
        parts[part + ".attributes"] = attributes
        if value == "":
            parts[part + ".value"] = "(empty)"
            return
        plain = unquote(value)
        if quote(plain, safe="!~*'()") != value:
            parts[part + ".encoding"] = "not as encodeURIComponent: " + value
        parts[part + ".value"] = self._signed(
            plain, self._known if "authbridge." in pair else self._text)

    def _signed(self, text, form=None):
        head, _, mac = text.rpartition(".")
        good = hmac.compare_digest(mac, self.target.mac(head))
        return "%s signed %s" % (
            ":".join(map(form or self._text, head.split(":"))),
            "well" if good else "badly: " + text)

    def _body(self, answer, parts):
        kind = answer.header("content-type") or ""
        if not kind.startswith("application/json"):
            parts["body"] = answer.body.decode("utf-8", "replace")[:200]
            return
        try:
            value = json.loads(answer.body)
        except ValueError:
            parts["body"] = "not JSON: %r" % answer.body[:200]
            return
        if answer.unordered and isinstance(value, list):
            value.sort(key=lambda item: str(item.get(answer.unordered)))
        self._value("body", value, parts)

    def _value(self, part, value, parts):
        if isinstance(value, dict):
            parts[part + " (keys)"] = " ".join(value)
            for key, inner in value.items():
                if key == "kid":
                    inner = self._kid(inner)
                self._value(part + "." + key, inner, parts)
        elif isinstance(value, list):
            parts[part + " (length)"] = str(len(value))
            for at, inner in enumerate(value):
                self._value("%s.%d" % (part, at), inner, parts)
        elif isinstance(value, str):
            if JWT.fullmatch(value) and value.startswith("ey"):
                self.jwt(part, value, parts)
            else:
                parts[part] = json.dumps(self._text(value))
        else:
            parts[part] = json.dumps(value)

    def _text(self, text):
        if ID.fullmatch(text):
            return self.symbols.setdefault(
                text, "<id%d>" % (len(self.symbols) + 1))
        if SECONDS.fullmatch(text):
            return self._distance(int(text))
        if PUBLIC_KEY.fullmatch(text):
            return "<32 bytes>"
        if TIME.fullmatch(text):
            when = datetime.datetime.fromisoformat(text[:-1] + "+00:00")
            # One from long ago is a text that somebody sent.
            if abs(when.timestamp() - self.at) > 90 * 86400:
                return text
            return self._distance(when.timestamp())
        return text

    def _known(self, text):
        """Of an addition, which must not shift the numbers of what both have."""
        if ID.fullmatch(text):
            return self.symbols.get(text, "<new>")
        return self._text(text)

    def _distance(self, moment):
        minutes = round((moment - self.at) / 60)
        if minutes == 0:
            return "<now>"
        days, rest = divmod(abs(minutes), 1440)
        return "<now%s%dd%02dh%02dm>" % ("-" if minutes < 0 else "+", days,
                                         rest // 60, rest % 60)

    def jwt(self, part, token, parts):
        head, claims, mac = token.split(".")
        header, claims = _decoded(head), _decoded(claims)
        for name, value in header.items():
            if name == "kid":
                value = self._kid(value)
            parts["%s.header.%s" % (part, name)] = str(value)
        parts[part + ".signature"] = self._jwt_signature(token, header, mac)
        for name, value in claims.items():
            if name in ("sid", "jti"):
                value = self._known(value)
            elif name in ("iat", "exp", "nbf") and isinstance(value, int):
                value = self._distance(value)
            elif isinstance(value, str):
                value = json.dumps(self._text(value))
            else:
                value = json.dumps(value)
            parts["%s.claims.%s" % (part, name)] = value

    def _kid(self, kid):
        if not ID.fullmatch(kid):
            return kid
        return self.kids.setdefault(kid, "<kid%d>" % (len(self.kids) + 1))

    def _jwt_signature(self, token, header, mac):
        signed = token.rpartition(".")[0].encode()
        if header.get("alg") == "HS256":
            want = hmac.new(self.target.secret.encode(), signed,
                            hashlib.sha256).digest()
            return "good" if hmac.compare_digest(want, _bytes(mac)) else "bad"
        return "good" if verifies(self.target.jwks(), signed, header,
                                  _bytes(mac)) else "bad"


def retry_after(value):
    """Which window refused: it began a little earlier, more so under load."""
    for window in (10, 60):
        if value.isdigit() and window / 2 < int(value) <= window:
            return "of %d" % window
    return value


def verifies(keys, signed, header, mac):
    """EdDSA through a published key set."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (
        Ed25519PublicKey)
    key = keys.get(header.get("kid"))
    if not key or key.get("crv") != "Ed25519" or header["alg"] != "EdDSA":
        return False
    try:
        Ed25519PublicKey.from_public_bytes(_bytes(key["x"])).verify(mac,
                                                                   signed)
        return True
    except InvalidSignature:
        return False


def _bytes(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _decoded(text):
    return json.loads(_bytes(text))
