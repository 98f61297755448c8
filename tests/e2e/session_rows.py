# SPDX-License-Identifier: MIT
"""Sessions put into the database without a sign-in, with their JWTs, and what
a service makes of them."""
import secrets
import string
import time

import fcgi_client
import tokens
from harness import SECRET

LETTERS = string.ascii_letters + string.digits


def new_id():
    return "".join(secrets.choice(LETTERS) for _ in range(32))


class Session:
    def __init__(self, base_url):
        self.user, self.id, self.token = new_id(), new_id(), new_id()
        now = int(time.time())
        self.jwt = tokens.sign({
            "sub": self.user, "sid": self.id, "iss": base_url,
            "aud": base_url, "iat": now, "exp": now + 900}, SECRET)


def make(world, count=1):
    """Sessions of as many users."""
    made = [Session(world.base_url) for _ in range(count)]
    world.sql('INSERT INTO public."user" (id, name, email, "emailVerified")'
              " VALUES " + ",".join("('%s', 'n', '%s@example.com', false)" % (
                  s.user, s.user.lower()) for s in made))
    world.sql('INSERT INTO public.session (id, "expiresAt", token, '
              '"updatedAt", "userId") VALUES ' + ",".join(
                  "('%s', now() + interval '1 day', '%s', now(), '%s')" % (
                      s.id, s.token, s.user) for s in made))
    return made


def gate(service, session):
    return fcgi_client.gate(service.unix, "GET",
                            "/api/%s/tasks" % session.user, session.jwt,
                            timeout=20).status


def get_session(service, session):
    answer = fcgi_client.request(
        service.unix, "GET", "/api/auth/get-session",
        [("Authorization", "Bearer " + session.token)], timeout=20)
    return answer.status, answer.body


def sign_out(service, session):
    return fcgi_client.request(
        service.unix, "POST", "/api/auth/sign-out",
        [("Authorization", "Bearer " + session.token)], timeout=20).status


def last_acceptance(service, session, ended, watch=0.4):
    """Seconds from `ended` to the last 200 that began after it; 0: none."""
    last = 0.0
    while time.monotonic() - ended < watch + last:
        started = time.monotonic()
        if gate(service, session) == 200:
            last = started - ended
    return last
