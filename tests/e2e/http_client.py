# SPDX-License-Identifier: MIT
"""HTTP/1.1 with nothing in between: the request target goes out as given."""
import json
import socket


class Response:
    def __init__(self, status, reason, headers, body):
        self.status = status
        self.reason = reason
        self.headers = headers
        self.body = body

    def header(self, name):
        values = self.header_all(name)
        return values[0] if values else None

    def header_all(self, name):
        return [v for n, v in self.headers if n.lower() == name.lower()]

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return "<%s %s %r>" % (self.status, self.reason, self.body[:300])


def send(port, method="GET", target="/", headers=(), body=None, tls=None,
         host="127.0.0.1", timeout=30):
    """One request on one connection; target may be text or bytes."""
    target = target if isinstance(target, bytes) else target.encode()
    lines = [method.encode() + b" " + target + b" HTTP/1.1"]
    names = {name.lower() for name, _ in headers}
    headers = list(headers)
    if "host" not in names:
        headers.insert(0, ("Host", "%s:%d" % (host, port)))
    if body is not None and not names & {"content-length",
                                         "transfer-encoding"}:
        headers.append(("Content-Length", str(len(body))))
    headers.append(("Connection", "close"))
    for name, value in headers:
        value = value if isinstance(value, bytes) else value.encode()
        lines.append(name.encode() + b": " + value)
    return exchange(port, b"\r\n".join(lines) + b"\r\n\r\n" + (body or b""),
                    tls, host, timeout, method)


def exchange(port, data, tls=None, host="127.0.0.1", timeout=30,
             method="GET"):
    """Sends raw bytes, returns the Response that comes back."""
    peer = socket.create_connection((host, port), timeout)
    if tls:
        peer = tls.wrap_socket(peer, server_hostname=host)
    with peer:
        try:
            peer.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass    # refused early; the answer may still be there
        return _read(peer, method)


def _read(peer, method):
    data = b""

    def more():
        nonlocal data
        try:
            got = peer.recv(65536)
        except ConnectionResetError:
            got = b""
        data += got
        return got

    while True:
        while b"\r\n\r\n" not in data:
            if not more():
                raise ConnectionError("no whole answer: %r" % data[:200])
        head, _, data = data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        _, status, reason = (lines[0].split(" ", 2) + [""])[:3]
        if status != "100":
            break
    headers = [tuple(line.split(": ", 1)) if ": " in line
               else (line.rstrip(":"), "") for line in lines[1:]]
    known = {name.lower(): value for name, value in headers}
    if method == "HEAD" or status in ("204", "304"):
        body = b""
    elif known.get("transfer-encoding", "").lower() == "chunked":
        while more():
            pass
        body = _unchunk(data)
    elif "content-length" in known:
        while len(data) < int(known["content-length"]) and more():
            pass
        body = data[:int(known["content-length"])]
    else:
        while more():
            pass
        body = data
    return Response(int(status), reason, headers, body)


def _unchunk(data):
    body = b""
    while data:
        size, _, data = data.partition(b"\r\n")
        count = int(size.split(b";")[0], 16)
        if count == 0:
            break
        body += data[:count]
        data = data[count + 2:]
    return body
