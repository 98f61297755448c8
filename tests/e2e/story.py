# SPDX-License-Identifier: MIT
"""A browser's side of the story: cookies, an origin and a JWT."""
import itertools
import json
import os
import time

import http_client

PASSWORD = "correct horse battery"
_serial = itertools.count(1)


def fresh_email(name="user"):
    return "%s-%d-%d@example.com" % (name, os.getpid(), next(_serial))


class Browser:
    """Keeps cookies as a browser does and sends its Origin with a POST."""

    def __init__(self, port, tls=None, origin=None):
        self.port = port
        self.tls = tls
        self.origin = origin or "%s://127.0.0.1:%d" % (
            "https" if tls else "http", port)
        self.cookies = {}
        self.jwt = None
        self.user = None

    def send(self, method, target, headers=(), body=None, timeout=30):
        headers = list(headers)
        if self.cookies:
            headers.append(("Cookie", "; ".join(
                "%s=%s" % pair for pair in self.cookies.items())))
        if method not in ("GET", "HEAD"):
            headers.append(("Origin", self.origin))
        answer = http_client.send(self.port, method, target, headers, body,
                                  self.tls, timeout=timeout)
        self._keep_cookies(answer)
        return answer

    def _keep_cookies(self, answer):
        for text in answer.header_all("set-cookie"):
            first, *attributes = [part.strip() for part in text.split(";")]
            name, _, value = first.partition("=")
            if "max-age=0" in (a.lower() for a in attributes):
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value

    def post(self, target, body=None):
        text = b"" if body is None else json.dumps(body).encode()
        headers = [("Content-Type", "application/json")] if text else []
        return self.send("POST", target, headers, text)

    def _signed_in(self, answer):
        if answer.status == 200:
            self.jwt = answer.header("set-auth-jwt")
            self.user = answer.json()["user"]
        return answer

    def sign_up(self, email=None, password=PASSWORD, name="Ann"):
        self.email = email or fresh_email()
        return self._signed_in(self.post("/api/auth/sign-up/email", {
            "name": name, "email": self.email, "password": password}))

    def sign_in(self, email, password=PASSWORD, **more):
        self.email = email
        return self._signed_in(self.post("/api/auth/sign-in/email", dict(
            {"email": email, "password": password}, **more)))

    def sign_out(self):
        return self.post("/api/auth/sign-out", {})

    def get_session(self):
        return self.send("GET", "/api/auth/get-session")

    def token(self):
        answer = self.send("GET", "/api/auth/token")
        if answer.status == 200:
            self.jwt = answer.json()["token"]
        return answer

    @property
    def user_id(self):
        return self.user["id"]

    def api(self, method, target, token=True, headers=(), body=None):
        """A call as the frontend makes it: bearer token, no cookie."""
        headers = list(headers)
        if token is True:
            token = self.jwt
        if token:
            headers.append(("Authorization", "Bearer " + token))
        return http_client.send(self.port, method, target, headers, body,
                                self.tls)

    def refused_soon(self, token=True, seconds=1):
        """The status of one's own path, as 401 or after that time: the other
        workers hear of an ended session a moment later."""
        deadline = time.monotonic() + seconds
        while True:
            status = self.api("GET", self.own(), token).status
            if status == 401 or time.monotonic() > deadline:
                return status

    def own(self, rest="/tasks"):
        return "/api/%s%s" % (self.user_id, rest)


def signed_up(port, tls=None):
    """A fresh user, signed in, with a JWT."""
    browser = Browser(port, tls)
    answer = browser.sign_up()
    if answer.status != 200 or not browser.jwt:
        raise AssertionError("sign-up: %r" % answer)
    return browser
