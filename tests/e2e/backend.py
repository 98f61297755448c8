# SPDX-License-Identifier: MIT
"""Backends behind the gate: one that reports what it saw, and the example."""
import http.server
import json
import os
import posixpath
import shutil
import threading
import urllib.parse

import processes
from webserver import ROOT


class Probe:
    """Reports and remembers each request that reached it.

    `owner` is the user whose data a backend would serve that decodes and
    normalises the path as liberally as any framework does.
    """

    def __init__(self):
        self.hits = []
        self.lock = threading.Lock()
        probe = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                size = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(size)
                headers = [(n, v) for n, v in self.headers.items()]
                hit = {"method": self.command, "path": self.path,
                       "owner": owner_of(self.path), "headers": headers,
                       "user": self.headers.get_all("X-User-Id") or [],
                       "body": body.decode("latin-1")}
                with probe.lock:
                    probe.hits.append(hit)
                text = json.dumps(hit).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(text)

            def __getattr__(self, name):
                if name.startswith("do_"):
                    return self.answer
                raise AttributeError(name)

            def log_message(self, *_):
                pass

        class Listener(http.server.ThreadingHTTPServer):
            request_queue_size = 256
            daemon_threads = True

        self.server = Listener(("127.0.0.1", 0), Handler)
        self.address = "127.0.0.1:%d" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever,
                         daemon=True).start()

    def take(self):
        """The hits since the last call."""
        with self.lock:
            hits, self.hits = self.hits, []
        return hits

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def owner_of(target):
    """The third segment after absolute form, escapes and dots are gone."""
    if "://" in target[:10]:
        target = "/" + target.split("://", 1)[1].partition("/")[2]
    path = target.partition("?")[0].partition("#")[0]
    path = urllib.parse.unquote(urllib.parse.unquote(path))
    segments = []
    for segment in path.replace("\\", "/").split("/"):
        segment = segment.partition(";")[0]
        if segment == "..":
            del segments[-1:]
        elif segment not in ("", "."):
            segments.append(segment)
    return segments[1] if len(segments) > 1 and segments[0] == "api" else None


class TaskApi:
    """examples/fastapi under uvicorn, copied to where its user may read."""

    def __init__(self, folder, database_url, secret, issuer,
                 identity="gate", module="app"):
        """module: another one of this folder, to start in app's place."""
        self.port = processes.free_port()
        self.address = "127.0.0.1:%d" % self.port
        home = "%s/fastapi-%d" % (folder, self.port)
        shutil.copytree(ROOT + "/examples/fastapi", home,
                        ignore=shutil.ignore_patterns("__pycache__"))
        if module != "app":
            shutil.copy("%s/tests/e2e/%s.py" % (ROOT, module), home)
        env = dict(os.environ, TASKS_DATABASE_URL=database_url,
                   BETTER_AUTH_SECRET=secret, BETTER_AUTH_URL=issuer,
                   TASKS_IDENTITY=identity, PYTHONDONTWRITEBYTECODE="1",
                   HOME=home)
        self.process = processes.Process(
            ["/usr/bin/python3", "-m", "uvicorn", module + ":app",
             "--host", "127.0.0.1", "--port", str(self.port), "--log-level",
             "warning"],
            home + "/output.log", user=processes.SERVICE_USER, env=env,
            cwd=home)
        processes.wait_for_port(self.process, self.address)

    def close(self):
        if self.process.is_running():
            self.process.stop()
