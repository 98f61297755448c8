# SPDX-License-Identifier: MIT
"""What the sections measure: a database cluster of their own, services, web
servers and loads. Everything lives in one temporary folder."""
import base64
import contextlib
import hashlib
import hmac
import json
import os
import struct
import subprocess
import sys
import urllib.parse

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path.insert(0, ROOT + "/tests/e2e")

import fcgi_client  # noqa: E402
import fcgi_wire  # noqa: E402
import processes  # noqa: E402
from postgres import Cluster  # noqa: E402
from service import SECRET, Service, binary  # noqa: E402

PASSWORD = "correct horse battery"
ROLE = "authbridge"


class Stage(contextlib.ExitStack):
    """Closes what was made on it, the last first."""

    def __init__(self):
        super().__init__()
        self.folder = processes.make_folder()
        self.callback(processes.remove_folder, self.folder)
        self.cluster = Cluster(private=True)
        self.callback(self.cluster.close)
        self.cluster.create_role(ROLE)

    def own(self, thing):
        self.callback(thing.close)
        return thing

    def database(self, name):
        """A migrated one, open to the service's role; its owner's URL."""
        self.cluster.create_database(name)
        url = self.cluster.url(name)
        Service(self.folder, url, "http://127.0.0.1:1").migrate()
        with open(ROOT + "/sql/grants.sql", encoding="utf-8") as grants:
            self.cluster.sql(name, "SET authbridge.service_role = '%s';\n%s"
                             % (ROLE, grants.read()))
        return url

    def service(self, database, base_url="http://127.0.0.1:1", options=(),
                workers=1, **settings):
        settings.setdefault("log_level", "error")
        service = Service(self.folder, self.cluster.url(database, ROLE),
                          base_url, options, workers, **settings)
        return self.own(service).start()

    def process(self, command, address, name):
        process = processes.Process(command, "%s/%s.log" % (self.folder,
                                                            name))
        self.callback(process.stop)
        processes.wait_for_port(process, address)
        return process

    def worker(self, program, threads, name, tcp=False):
        """bench_null or bench_door; its address."""
        name = program + "-" + name
        address = ("127.0.0.1:%d" % processes.free_port() if tcp else
                   "unix:%s/%s.sock" % (self.folder, name))
        self.process([binary("bench/" + program), address, str(threads)],
                     address, name)
        if not tcp:
            os.chmod(address[len("unix:"):], 0o666)  # the web servers' user
        return address


def sign_up(service, email="bench@example.com"):
    """The new user's id, its session cookie and its JWT."""
    body = json.dumps({"name": "Ann", "email": email,
                       "password": PASSWORD}).encode()
    answer = fcgi_client.request(
        service.unix, "POST", "/api/auth/sign-up/email",
        [("Content-Type", "application/json"),
         ("Origin", service.settings["base_url"])], body)
    if answer.status != 200:
        raise AssertionError("sign-up: %s" % answer.body)
    cookie = next(value.split(";")[0] for value
                  in answer.header_all("set-cookie") if "session_token" in value)
    return (json.loads(answer.body)["user"]["id"], cookie,
            answer.header("set-auth-jwt"))


def session_cookie(token, secret=SECRET):
    mac = hmac.new(secret.encode(), token.encode(), hashlib.sha256).digest()
    signed = token + "." + base64.b64encode(mac).decode()
    return "better-auth.session_token=" + urllib.parse.quote(signed, safe="")


def gate_request(path, jwt, keep):
    params = fcgi_client.parameters("GET", path,
                                    [("Authorization", "Bearer " + jwt)])
    return fcgi_client.encode(params, role=fcgi_wire.AUTHORIZER,
                              flags=fcgi_wire.KEEP_CONN if keep else 0)


def endpoint_request(method, path, headers=(), body=b"", keep=True):
    params = fcgi_client.parameters(method, "/api/auth" + path, headers)
    return fcgi_client.encode(params, body,
                              flags=fcgi_wire.KEEP_CONN if keep else 0)


def sign_in_request(email, password=PASSWORD):
    body = json.dumps({"email": email, "password": password}).encode()
    return endpoint_request("POST", "/sign-in/email",
                            [("Content-Type", "application/json"),
                             ("Origin", "http://127.0.0.1:1")], body)


def write_requests(path, requests):
    with open(path, "wb") as out:
        for request in requests:
            out.write(struct.pack("!L", len(request)) + request)
    return path


class Load:
    """One run of bench/load_fcgi: a rate, and latencies in microseconds."""

    def __init__(self, address, requests, count, connections=8, keep=True):
        command = [binary("bench/load_fcgi"), "-c", str(connections), "-n",
                   str(count), "-f", requests] + (["-k"] if keep else [])
        done = subprocess.run(command + [address], stdout=subprocess.PIPE,
                              text=True, check=True)
        (self.rate, self.median, self.p90, self.p99, self.p999, self.worst,
         _) = map(float, done.stdout.split())


def memory_kib(pid):
    """Proportional set size of a process and its children."""
    total = 0
    for each in [pid] + processes.children_of(pid):
        with open("/proc/%d/smaps_rollup" % each, encoding="ascii") as rollup:
            total += sum(int(line.split()[1]) for line in rollup
                         if line.startswith("Pss:"))
    return total
