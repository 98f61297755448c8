# SPDX-License-Identifier: MIT
"""A FastCGI client that can also misbehave.

`request` is the honest one; `Connection` sends any bytes and reads whatever
records come back.
"""
import socket
import struct

import fcgi_wire as wire


class Closed(Exception):
    """The peer closed the connection before the answer was whole."""


class Answer:
    """What came back: the records as (kind, content), and their meaning."""

    def __init__(self, records):
        self.records = records
        self.stdout = b"".join(c for k, c in records if k == wire.STDOUT)
        self.stderr = b"".join(c for k, c in records if k == wire.STDERR)
        ends = [c for k, c in records if k == wire.END_REQUEST]
        self.app_status, self.protocol_status = struct.unpack(
            "!LB3x", ends[-1]) if ends else (None, None)
        head, _, self.body = self.stdout.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        self.headers = [tuple(line.split(": ", 1)) for line in lines
                        if ": " in line]

    @property
    def status(self):
        value = self.header("status")
        return int(value.split()[0]) if value else None

    def header(self, name):
        values = self.header_all(name)
        return values[0] if values else None

    def header_all(self, name):
        return [v for n, v in self.headers if n.lower() == name.lower()]


def connect(address, timeout=10):
    """address: unix:/path or host:port."""
    if address.startswith("unix:"):
        peer = socket.socket(socket.AF_UNIX)
        peer.settimeout(timeout)
        peer.connect(address[5:])
        return peer
    host, port = address.rsplit(":", 1)
    return socket.create_connection((host.strip("[]"), int(port)), timeout)


class Connection:
    def __init__(self, address, timeout=10):
        self.socket = connect(address, timeout)
        self.pending = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def read_record(self):
        header = self._exactly(8)
        _, kind, _, size, padding, _ = struct.unpack("!BBHHBB", header)
        content = self._exactly(size + padding)
        return kind, content[:size]

    def read_answer(self):
        records = []
        while not records or records[-1][0] != wire.END_REQUEST:
            try:
                records.append(self.read_record())
            except ConnectionError as error:
                raise Closed(str(error)) from error
        return Answer(records)

    def is_closed_by_peer(self, seconds=5):
        """True once the peer has closed; False if it stays open or answers."""
        self.socket.settimeout(seconds)
        try:
            return self.socket.recv(1) == b""
        except ConnectionError:
            return True
        except socket.timeout:
            return False

    def _exactly(self, size):
        while len(self.pending) < size:
            got = self.socket.recv(65536)
            if not got:
                raise Closed("closed after %d bytes" % len(self.pending))
            self.pending += got
        taken, self.pending = self.pending[:size], self.pending[size:]
        return taken


def parameters(method="GET", uri="/", headers=(), extra=()):
    """CGI parameters as a web server makes them."""
    params = [("REQUEST_METHOD", method), ("REQUEST_URI", uri),
              ("QUERY_STRING", uri.partition("?")[2]),
              ("SERVER_PROTOCOL", "HTTP/1.1"), ("REMOTE_ADDR", "127.0.0.1"),
              ("REMOTE_PORT", "40000"), ("SERVER_NAME", "127.0.0.1"),
              ("REQUEST_SCHEME", "http")]
    for name, value in headers:
        key = name.upper().replace("-", "_")
        if key == "CONTENT_TYPE":
            params.append((key, value))
        params.append(("HTTP_" + key, value))
    return params + list(extra)


def encode(params, body=b"", role=wire.RESPONDER, flags=0, size=65535,
           request_id=1):
    """A whole request as bytes; size bounds the content of each record."""
    if body is None:
        body = b""
    elif role == wire.RESPONDER and body:
        params = list(params) + [("CONTENT_LENGTH", str(len(body)))]
    out = wire.begin(role, flags, request_id)
    out += wire.stream(wire.PARAMS, wire.pairs(params), request_id, size)
    if role == wire.RESPONDER:
        out += wire.stream(wire.STDIN, body, request_id, size)
    return out


def request(address, method="GET", uri="/", headers=(), body=b"",
            role=wire.RESPONDER, extra=(), timeout=10):
    with Connection(address, timeout) as connection:
        connection.send(encode(parameters(method, uri, headers, extra), body,
                               role))
        return connection.read_answer()


def gate(address, method="GET", uri="/", token=None, headers=(), extra=(),
         timeout=10):
    """Asks the authorizer."""
    headers = list(headers)
    if token is not None:
        headers.append(("Authorization", "Bearer " + token))
    return request(address, method, uri, headers, role=wire.AUTHORIZER,
                   extra=extra, timeout=timeout)
