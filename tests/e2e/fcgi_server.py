# SPDX-License-Identifier: MIT
"""A small FastCGI server for stubs: it sends exactly the bytes it is told.

handler(Request) returns the raw records to send (see fcgi_wire), or None to
close the connection without a word.
"""
import os
import socket
import struct
import threading

import fcgi_wire as wire


class Request:
    def __init__(self, role, params, body):
        self.role = role
        self.pairs = params
        self.body = body
        self.params = {}
        for name, value in params:
            self.params.setdefault(name, value)

    def get(self, name, default=""):
        return self.params.get(name, default)


class Server:
    def __init__(self, address, handler, mode=0o666):
        self.handler = handler
        if address.startswith("unix:"):
            self.socket = socket.socket(socket.AF_UNIX)
            if os.path.exists(address[5:]):
                os.unlink(address[5:])
            self.socket.bind(address[5:])
            os.chmod(address[5:], mode)
        else:
            host, port = address.rsplit(":", 1)
            self.socket = socket.socket()
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.socket.bind((host, int(port)))
        self.socket.listen(512)

    def start(self):
        threading.Thread(target=self.serve, daemon=True).start()
        return self

    def serve(self):
        while True:
            try:
                peer, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve_one, args=(peer,),
                             daemon=True).start()

    def close(self):
        self.socket.close()

    def _serve_one(self, peer):
        with peer:
            try:
                request = _read_request(peer)
                answer = self.handler(request)
                if answer:
                    peer.sendall(answer)
            except (OSError, struct.error):
                pass


def _exactly(peer, size):
    got = b""
    while len(got) < size:
        more = peer.recv(size - len(got))
        if not more:
            raise OSError("closed")
        got += more
    return got


def _read_request(peer):
    role, params, body = None, b"", b""
    while True:
        _, kind, _, size, padding, _ = struct.unpack("!BBHHBB",
                                                     _exactly(peer, 8))
        content = _exactly(peer, size + padding)[:size]
        if kind == wire.BEGIN_REQUEST:
            role = struct.unpack("!HB5x", content)[0]
        elif kind == wire.PARAMS:
            params += content
            # Servers end an authorizer's STDIN late or never.
            if not content and role == wire.AUTHORIZER:
                break
        elif kind == wire.STDIN:
            body += content
            if not content:
                break
    return Request(role, wire.parse_pairs(params), body)
