# SPDX-License-Identifier: MIT
"""Tens of thousands of request targets against each sample configuration,
with a backend behind the gate and with files behind it.

Whoever served user X's tasks, however it read the target, the token was X's;
and every canonical target is let through. A sample of the corpus; all of it
with AUTHBRIDGE_LONG=1.
"""
import collections
import concurrent.futures
import functools
import os
import re
import socket
import socketserver
import subprocess
import threading

import http_client
import path_corpus
import processes
import tokens
from harness import SECRET, World
from story import signed_up
from tap import Suite, check
from webserver import ROOT, available

suite = Suite()
SERVERS = available()
LONG = os.environ.get("AUTHBRIDGE_LONG") == "1"
SAMPLE = 600
CLIENTS = 8
TAG = b"X-Case"

world = backend = people = corpus = None


class Backend:
    """Remembers (case, request line, identity headers) of what reached it."""

    def __init__(self):
        self.hits = []
        hits = self.hits

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                self.request.settimeout(10)
                head = b""
                while b"\r\n\r\n" not in head:
                    got = self.request.recv(65536)
                    if not got:
                        return
                    head += got
                lines = head.partition(b"\r\n\r\n")[0].split(b"\r\n")
                fields = [line.partition(b": ")[::2] for line in lines[1:]]
                users = [v for n, v in fields
                         if n.upper().replace(b"_", b"-") == b"X-USER-ID"]
                cases = [v for n, v in fields if n.upper() == TAG.upper()]
                hits.append((cases, lines[0], users))
                self.request.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3"
                                     b"\r\nConnection: close\r\n\r\nhit")

        class Listener(socketserver.ThreadingTCPServer):
            request_queue_size = 256
            daemon_threads = True
            allow_reuse_address = True

        self.server = Listener(("127.0.0.1", 0), Handler)
        self.address = "127.0.0.1:%d" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever,
                         daemon=True).start()

    def take(self):
        taken, self.hits[:] = list(self.hits), []
        return taken

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class StaticServer:
    """The sample without its line that names a backend: files it is then."""

    def __init__(self, name, folder, service, web):
        self.port = processes.free_port()
        self.folder = folder + "/static-" + name
        subprocess.run(
            [ROOT + "/tools/trial-webserver", "--server", name, "--dir",
             self.folder, "--port", str(self.port), "--service", service,
             "--backend", "127.0.0.1:1", "--web", web, "--user",
             processes.SERVICE_USER], check=True)
        self._without_backend(self.folder + "/site.conf")
        self.process = processes.Process([self.folder + "/run"],
                                         self.folder + "/output.log", cwd="/")
        processes.wait_for_port(self.process, "127.0.0.1:%d" % self.port)

    @staticmethod
    def _without_backend(path):
        with open(path) as sample:
            text, count = re.subn(
                r'(?m)^\s*(ProxyPass\s+"/api/" |proxy\.server = |'
                r'proxy_pass http:).*\n', "", sample.read())
        check(count == 1, "the line that names the backend:", count)
        with open(path, "w") as sample:
            sample.write(text)

    def close(self):
        if self.process.is_running():
            self.process.stop()


class People:
    """Two users, and what may stand in a request's Authorization."""

    def __init__(self, port):
        mine, other = signed_up(port), signed_up(port)
        self.me, self.you = mine.user_id.encode(), other.user_id.encode()
        self.ids = [self.me, self.you]
        broken = dict(tokens.broken(mine.jwt, SECRET))["flipped signature"]
        self.tokens = [(None, None), (self.you, other.jwt), (None, broken),
                       ] + [(self.me, mine.jwt)] * 5

    def token(self, number):
        """(whose it is, the token) of a case; mostly one's own."""
        return self.tokens[number % len(self.tokens)]


def files(folder):
    """api/ID/tasks, index.html and sub/index.html of each user."""
    web = folder + "/static"
    for name in people.ids:
        home = "%s/api/%s" % (web, name.decode())
        os.makedirs(home + "/sub")
        for place in ("/tasks", "/index.html", "/sub/index.html"):
            with open(home + place, "w") as out:
                out.write("FILE OF %s\n" % name.decode())
    return web


def setup():
    global world, backend, people, corpus
    world = World(suite, backend=None, trusted_origins="http://127.0.0.1:*")
    backend = Backend()
    suite.finally_do(backend.close)
    start = functools.partial(world.extra_web_server, service=world.service,
                              folder=world.folder)
    world.servers = {name: start(name, backend=backend.address)
                     for name in SERVERS}
    people = People(next(iter(world.servers.values())).port)
    web = files(world.folder)
    for name in SERVERS:
        address = (world.service.tcp if name == "apache"
                   else world.service.unix)
        server = StaticServer(name, world.folder, address, web)
        suite.finally_do(server.close)
        world.servers["static " + name] = server
    corpus = list(enumerate(path_corpus.corpus(people.me, people.you)))
    check(len(corpus) >= 20000, len(corpus))
    if not LONG:
        corpus = corpus[::len(corpus) // SAMPLE]


def send(port, number, method, target):
    """(status or None, the whole answer); nothing is interpreted twice."""
    token = people.token(number)[1]
    request = b"%s %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n%s: %d\r\n" % (
        method, target, port, TAG, number)
    if token:
        request += b"Authorization: Bearer %s\r\n" % token.encode()
    if method in (b"POST", b"PUT", b"PATCH"):
        request += b"Content-Length: 0\r\n"
    request += b"Connection: close\r\n\r\n"
    data = b""
    try:
        with socket.create_connection(("127.0.0.1", port), 30) as peer:
            peer.sendall(request)
            while True:
                got = peer.recv(65536)
                if not got:
                    break
                data += got
    except ConnectionError:
        pass    # refused early
    status = re.match(rb"HTTP/1\.[01] (\d{3})", data)
    return int(status[1]) if status else None, data


def send_all(port):
    def one(item):
        number, (_, method, target) = item
        return number, send(port, number, method, target)

    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
        return dict(pool.map(one, corpus))


@functools.lru_cache(None)
def owners(target):
    return path_corpus.owners(target, people.ids)


def must_be_allowed(number, method, target):
    """One's own canonical target, with the right token. In a query, which is
    not the gate's, the servers refuse characters of their own choice."""
    owner = people.token(number)[0]
    path, _, query = target.partition(b"?")
    return (owner is not None and method in path_corpus.SAFE_METHODS and
            path_corpus.is_canonical(target) and
            all(byte in path_corpus.CANONICAL + b"/?" for byte in query) and
            (path + b"/").startswith(b"/api/%s/" % owner))


def summary(answers, reached):
    """For the reader: how many were answered how."""
    seen = collections.Counter(status for status, _ in answers.values())
    return "%d targets: %d served; %s" % (len(answers), reached, ", ".join(
        "%s: %d" % pair for pair in sorted(seen.items(), key=str)))


@suite.each("A_SC_003 B_SC_005 no target is judged as one path and served as"
            " another: %s", SERVERS)
def backend_behind(name):
    backend.take()
    answers = send_all(world.servers[name].port)
    hits = backend.take()
    reached = set()
    for cases, line, users in hits:
        check(len(cases) == 1, "a case of its own", cases, line)
        number = int(cases[0])
        owner = people.token(number)[0]
        target = line.split(b" ", 1)[1].rpartition(b" ")[0]
        about = number, by_number(number), line, users
        check(owner is not None, "reached without a token", *about)
        check(users == [owner], "identity", *about)
        check(owners(target) <= {owner}, "may be read as another's", *about)
        reached.add(number)
    for number, (_, method, target) in corpus:
        if must_be_allowed(number, method, target):
            check(number in reached and answers[number][0] == 200,
                  "canonical", method, target, answers[number])
    return summary(answers, len(hits))


def by_number(number):
    return next(case for at, case in corpus if at == number)


@suite.each("A_SC_003 B_SC_005 no target opens another user's file: %s",
            SERVERS)
def files_behind(name):
    answers = send_all(world.servers["static " + name].port)
    served = 0
    for number, (_, method, target) in corpus:
        owner = people.token(number)[0]
        status, data = answers[number]
        shown = {name for name in people.ids if b"FILE OF " + name in data}
        check(shown <= {owner}, "served", shown, method, target, data[:400])
        served += bool(shown)
        if (must_be_allowed(number, method, target) and
                max(map(len, target.split(b"/"))) < 256):  # a file's name
            check(status not in (401, 403), "canonical", method, target,
                  data[:400])
    for place in ("/tasks", "/", "/sub/"):
        answer = http_client.send(
            world.servers["static " + name].port, "GET",
            "/api/%s%s" % (people.me.decode(), place),
            [("Authorization", "Bearer " + people.tokens[-1][1])])
        check(answer.status == 200 and people.me in answer.body, place,
              answer)
    return summary(answers, served)


if __name__ == "__main__":
    suite.main(setup)
