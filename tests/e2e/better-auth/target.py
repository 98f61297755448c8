# SPDX-License-Identifier: MIT
"""A server under comparison: where to send, its database and its secret."""
import base64
import hashlib
import hmac

import fcgi_client
import http_client


class HttpTarget:
    def __init__(self, name, port, cluster, database, base_url, secret):
        self.name = name
        self.port = port
        self.cluster = cluster
        self.database = database
        self.base_url = base_url
        self.secret = secret
        self.jwks_cache = None

    def send(self, method, target, headers, body):
        host = self.base_url.split("://")[1]
        return http_client.send(self.port, method, target,
                                [("Host", host)] + headers, body)

    def sql(self, text):
        return self.cluster.sql(self.database, text)

    def mac(self, text, secret=None):
        digest = hmac.new((secret or self.secret).encode(), text.encode(),
                          hashlib.sha256)
        return base64.b64encode(digest.digest()).decode()

    def jwks(self):
        """The published keys by kid, read anew when one is missing."""
        answer = self.send("GET", "/api/auth/jwks", [], None)
        return {key["kid"]: key for key in answer.json()["keys"]}


class FastCgiTarget(HttpTarget):
    """The service itself, without a web server that would rewrite the request
    target or the reason phrase."""

    def __init__(self, name, address, *rest):
        super().__init__(name, None, *rest)
        self.address = address

    def send(self, method, target, headers, body):
        host = self.base_url.split("://")[1]
        scheme = self.base_url.split("://")[0]
        headers = [("Host", host)] + [(n, v.strip(b" \t" if isinstance(
            v, bytes) else " \t")) for n, v in headers]
        extra = [("REQUEST_SCHEME", scheme)]
        params = [(n, v) for n, v in
                  fcgi_client.parameters(method, target, headers)
                  if n != "REQUEST_SCHEME"]
        answer = None
        with fcgi_client.Connection(self.address, 30) as connection:
            connection.send(_encode(params + extra, body))
            answer = connection.read_answer()
        status = answer.header("status") or "0 no Status line"
        code, _, reason = status.partition(" ")
        kept = [(n, v) for n, v in answer.headers if n.lower() != "status"]
        return http_client.Response(int(code), reason, kept, answer.body)


def _encode(params, body):
    if body is None:
        return fcgi_client.encode(params, None)
    # An empty body still has a length, as behind a web server.
    if body == b"":
        params = params + [("CONTENT_LENGTH", "0")]
    return fcgi_client.encode(params, body)
