# SPDX-License-Identifier: MIT
"""Who is asking? Two dependencies to choose from.

gate_user   the web server's gate has judged the request and put the user into
            the header X-User-Id. Use it when the backend can only be reached
            through that web server (listen on loopback or a unix socket).
jwt_user    verifies the JWT itself with the shared secret. Use it when a
            request may arrive without passing the gate. It cannot know that a
            session has ended; the gate does.

Either returns the user's id, which then filters every query:

    @app.get("/api/{user_id}/tasks")
    def tasks(user: str = Depends(gate_user)): ...
"""
import os

import jwt
from fastapi import Header, HTTPException, Request

CHALLENGE = {"WWW-Authenticate": "Bearer"}


def gate_user(user_id: str, request: Request) -> str:
    """The identity that the gate forwarded; the path must agree with it."""
    forwarded = request.headers.getlist("x-user-id")
    # None: someone reached the backend past the gate. Two: a client's own
    # header came through, so the web server is set up wrongly.
    if len(forwarded) != 1 or not forwarded[0]:
        raise HTTPException(401, "Unauthorized", CHALLENGE)
    return same_user(user_id, forwarded[0])


def jwt_user(user_id: str, authorization: str = Header("")) -> str:
    """The subject of the bearer token; the path must agree with it."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise HTTPException(401, "Unauthorized", CHALLENGE)
    try:
        claims = jwt.decode(
            token, os.environ["BETTER_AUTH_SECRET"], algorithms=["HS256"],
            audience=os.environ["BETTER_AUTH_URL"],
            issuer=os.environ["BETTER_AUTH_URL"],
            options={"require": ["exp", "iat", "iss", "aud", "sub"]})
    except (jwt.InvalidTokenError, OverflowError):
        raise HTTPException(401, "Unauthorized", {
            "WWW-Authenticate": 'Bearer error="invalid_token"'}) from None
    if not isinstance(claims["sub"], str) or not claims["sub"]:
        raise HTTPException(401, "Unauthorized", CHALLENGE)
    return same_user(user_id, claims["sub"])


def same_user(path_id: str, user: str) -> str:
    if path_id != user:
        raise HTTPException(403, "Forbidden")
    return user
