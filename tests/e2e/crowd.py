# SPDX-License-Identifier: MIT
"""Many FastCGI clients in one process, without threads: what a flood of
requests at a web server becomes at the service.

`Crowd.run` starts requests as a plan gives them, reads what comes back and
counts the answers by kind and status.
"""
import collections
import selectors
import socket
import time

import fcgi_wire as wire

PATIENCE = 30
GONE = "gone"   # left on purpose, no answer expected
END = wire.record(wire.END_REQUEST, b"\0" * 8)[:2]


class Visit:
    __slots__ = ("kind", "peer", "to_send", "got", "started")

    def __init__(self, kind, peer, to_send, started):
        self.kind = kind
        self.peer = peer
        self.to_send = to_send
        self.got = b""
        self.started = started


class Crowd:
    def __init__(self, address):
        self.path = address[len("unix:"):]
        self.selector = selectors.DefaultSelector()
        self.answers = collections.Counter()    # (kind, status or None)
        self.bare = 0       # 503 and 429 that do not say when to come back
        self.times = collections.defaultdict(list)
        self.open = 0

    def start(self, kind, data, leave=False):
        """leave: goes once everything is sent, or all it wants to send."""
        peer = socket.socket(socket.AF_UNIX)
        peer.setblocking(False)
        try:
            peer.connect(self.path)
            peer.send(data)
        except OSError:
            self.answers[kind, None] += 1
            peer.close()
            return
        if leave:
            self.answers[kind, GONE] += 1
            peer.close()
            return
        self.open += 1
        self.selector.register(peer, selectors.EVENT_READ, Visit(
            kind, peer, b"", time.monotonic()))

    def poll(self, seconds):
        for key, _ in self.selector.select(seconds):
            self._read(key.data)

    def finish(self):
        """Waits for the answers to what was started."""
        deadline = time.monotonic() + PATIENCE
        while self.open and time.monotonic() < deadline:
            self.poll(0.1)
        for key in list(self.selector.get_map().values()):
            self._end(key.data, None)

    def _read(self, visit):
        try:
            data = visit.peer.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        visit.got += data
        if not data or END in visit.got[-16:]:
            self._end(visit, self._status(visit.got))

    def _status(self, got):
        at = got.find(b"Status: ")
        if at < 0:
            return None
        status = int(got[at + 8:at + 11])
        if status in (429, 503) and b"retry-after" not in got.lower():
            self.bare += 1
        return status

    def _end(self, visit, status):
        self.selector.unregister(visit.peer)
        visit.peer.close()
        self.open -= 1
        self.answers[visit.kind, status] += 1
        self.times[visit.kind].append(time.monotonic() - visit.started)

    def at_rate(self, rate, seconds, make):
        """Starts make() -> (kind, bytes) that often, however slow the answers;
        then waits for the rest."""
        begun = time.monotonic()
        started = 0
        while True:
            now = time.monotonic() - begun
            if now > seconds:
                break
            while started < rate * now:
                self.start(*make())
                started += 1
            self.poll(0.002)
        self.finish()
        return started

    def in_parallel(self, clients, seconds, make):
        """That many clients, each with a request under way all the time."""
        end = time.monotonic() + seconds
        started = 0
        while time.monotonic() < end:
            for _ in range(256):
                if self.open >= clients:
                    break
                self.start(*make())
                started += 1
            self.poll(0.01)
        self.finish()
        return started
