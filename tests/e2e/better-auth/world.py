# SPDX-License-Identifier: MIT
"""One client of one server: sends requests, keeps cookies, records answers.

A case of the differential test is a function of a World. It runs once per
server, and what the two worlds recorded is compared (normal.py, compare.py).
"""
import hashlib
import json as json_text
import re
import time
from urllib.parse import quote, unquote

BASE_PATH = "/api/auth"
AUTO = object()
PASSWORD = "correct horse 1"


class World:
    def __init__(self, target, case):
        self.target = target
        self.case = case
        self.jar = {}
        self.records = []
        self.slug = re.sub(r"[^a-z0-9]+", "-", case.lower()).strip("-")

    @property
    def base(self):
        return self.target.base_url

    def email(self, name="user"):
        return "%s.%s@example.com" % (name, self.slug)

    def sql(self, text):
        return self.target.sql(text)

    # Requests

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def post(self, path, json=AUTO, **options):
        return self.request("POST", path, json=json, **options)

    def request(self, method, path, json=AUTO, form=None, raw=None,
                media=AUTO, cookie=AUTO, origin=AUTO, bearer=None,
                headers=(), label=None, unordered=None, whole=False,
                keep=True, record=True):
        """json, form or raw: the body. media: Content-Type, None for none.
        cookie: a Cookie header, None for none; by default the jar.
        origin: by default the base URL where a cookie goes with a POST.
        unordered: key that sorts a list in the answer. whole: path is the
        target itself. keep: take the answer's cookies into the jar. record:
        compare the answer."""
        headers = list(headers)
        body = raw
        if json is not AUTO:
            body = json_text.dumps(json).encode()
        elif form is not None:
            body = form.encode()
        if media is AUTO:
            media = None if body is None else (
                "application/json" if form is None
                else "application/x-www-form-urlencoded")
        if media is not None:
            headers.append(("Content-Type", media))
        if cookie is AUTO:
            cookie = "; ".join("%s=%s" % pair for pair in self.jar.items())
        if cookie:
            headers.append(("Cookie", cookie))
        if origin is AUTO:
            origin = self.base if cookie and method != "GET" else None
        if origin is not None:
            headers.append(("Origin", origin))
        if bearer is not None:
            headers.append(("Authorization", "Bearer " + bearer))
        if not any(n.lower() == "user-agent" for n, _ in headers):
            headers.append(("User-Agent", "differential/1"))
        target = path if whole else BASE_PATH + path
        answer = self.target.send(method, target, headers, body)
        answer.at = time.time()
        answer.unordered = unordered
        answer.label = "%s %s" % (method, path[:100])
        if label:
            answer.label += " (%s)" % label
        if record:
            self.records.append(answer)
        if keep:
            self._keep(answer)
        return answer

    def note(self, text):
        """Something that must be equal for both servers."""
        self.records.append(str(text))

    def _keep(self, answer):
        for line in answer.header_all("set-cookie"):
            pair, *attributes = line.split("; ")
            name, _, value = pair.partition("=")
            if "Max-Age=0" in attributes:
                self.jar.pop(name, None)
            else:
                self.jar[name] = value

    # Steps that most cases begin with

    def sign_up(self, name="user", password=PASSWORD, **extra):
        """A new user, signed in; returns the answer's JSON."""
        body = {"name": name, "email": self.email(name),
                "password": password, **extra}
        return parsed(self.post("/sign-up/email", body, cookie=None))

    def sign_in(self, name="user", password=PASSWORD, **extra):
        body = {"email": self.email(name), "password": password, **extra}
        return parsed(self.post("/sign-in/email", body, cookie=None))

    # What a client can know

    def cookie_name(self, name):
        prefix = "__Secure-" if self.base.startswith("https") else ""
        return prefix + "better-auth." + name

    def session_cookie(self):
        return self.jar[self.cookie_name("session_token")]

    def token(self):
        return unquote(self.session_cookie()).rpartition(".")[0]

    def signed(self, text):
        """The cookie value that the server would make, not yet encoded."""
        return "%s.%s" % (text, self.target.mac(text))

    def cookie(self, name, value):
        return "%s=%s" % (self.cookie_name(name), value)

    # What only the database's owner can do

    def fix_token(self):
        """Gives the session of the jar a token that is the same for both
        servers, and whose signature holds both + and /."""
        for number in range(10000):
            token = hashlib.sha256(b"%s %d" % (
                self.slug.encode(), number)).hexdigest()[:32]
            if {"+", "/"} <= set(self.target.mac(token)):
                break
        self.sql("UPDATE session SET token = '%s' WHERE token = '%s'"
                 % (token, self.token()))
        self.jar[self.cookie_name("session_token")] = encoded(
            self.signed(token))

    def shift_session(self, token, interval, columns=("expiresAt",)):
        """Moves times of one session: '-25 hours'."""
        moves = ", ".join('"%s" = "%s" + interval \'%s\''
                          % (column, column, interval) for column in columns)
        self.sql("UPDATE session SET %s WHERE token = '%s'" % (moves, token))

    def age_session(self, token, interval):
        """As if the session had been made `interval` ('25 hours') ago."""
        self.shift_session(token, "-" + interval,
                           ("expiresAt", "createdAt", "updatedAt"))


def parsed(answer):
    try:
        return answer.json()
    except ValueError:
        return {}


def encoded(text):
    """As encodeURIComponent."""
    return quote(text, safe="!~*'()")
