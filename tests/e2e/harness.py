# SPDX-License-Identifier: MIT
"""A whole world for a test file: database, service, web servers, backend.

    world = World(suite)        cleans up when the suite ends
    world.browsers()            {server name: port}

Everything lives in one temporary folder and listens on free loopback ports.
"""
import os
import signal
import sys

import processes
from backend import Probe, TaskApi
from postgres import Cluster
from service import SECRET, Service, binary
from tap import Skip
from webserver import ROOT, Certificate, WebServer, available

__all__ = ["World", "SECRET"]


class World:
    def __init__(self, suite, tls=False, servers=None, backend="probe",
                 private_cluster=False, start=True, pages=None, **settings):
        """backend: "probe", "tasks" or None (no web servers then). pages: the
        web servers' arguments about where pages come from."""
        # Lets the finalizers run when the harness is told to stop.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
        if not os.access(binary("authbridge"), os.X_OK):
            raise Skip("no authbridge in AUTHBRIDGE_BUILD")
        self.suite = suite
        self.pages = pages or {}
        self.folder = self._own(processes.make_folder(),
                                processes.remove_folder)
        self.cluster = self._own(self._make_cluster(private_cluster),
                                 Cluster.close)
        self.database = "e2e_%d" % os.getpid()
        self.cluster.create_database(self.database)
        self._own(self.database, self.cluster.drop_database)
        self.certificate = Certificate(self.folder) if tls else None
        names = [] if backend is None else (servers or available())
        ports = {name: processes.free_port() for name in names}
        scheme = "https" if tls else "http"
        origins = ["%s://127.0.0.1:%d" % (scheme, port)
                   for port in ports.values()] or ["http://127.0.0.1:1"]
        self.base_url = origins[0]
        settings.setdefault("trusted_origins", ", ".join(origins[1:]) or None)
        self.service = self._own(self._make_service(settings), Service.close)
        if start:
            self.service.start()
        self.probe = self.tasks = None
        if backend == "probe":
            self.probe = self._own(Probe(), Probe.close)
        elif backend == "tasks":
            self.tasks = self._own(self.task_api(), TaskApi.close)
        self.servers = {name: self._own(self._web_server(name, port),
                                        WebServer.close)
                        for name, port in ports.items()}

    def _make_cluster(self, private):
        return Cluster(private)

    def _own(self, thing, close):
        self.suite.finally_do(lambda: close(thing))
        return thing

    own = _own      # for what a test file adds

    def _make_service(self, settings):
        owner = Service(self.folder, self.cluster.url(self.database),
                        self.base_url)
        owner.migrate()
        url = self._restricted_role()
        return Service(self.folder, url, self.base_url, **settings)

    def _restricted_role(self):
        """The role of sql/grants.sql, which owns nothing."""
        with open(ROOT + "/sql/grants.sql") as grants:
            text = grants.read()
        self.cluster.create_role("authbridge")
        self.sql("SET authbridge.service_role = 'authbridge';\n" + text)
        return self.cluster.url(self.database, "authbridge")

    def extra_service(self, **settings):
        """Another service on the same database, not yet started."""
        return self._own(Service(
            self.folder, self.cluster.url(self.database, "authbridge"),
            settings.pop("base_url", self.base_url), **settings),
            Service.close)

    def task_api(self, identity="gate"):
        self.make_tasks()
        return TaskApi(self.folder,
                       self.cluster.url(self.database, "tasks_app"), SECRET,
                       self.base_url, identity)

    def make_tasks(self):
        """The example's table and its role, which owns nothing."""
        with open(ROOT + "/sql/example-rls.sql") as file:
            self.sql(file.read())

    def extra_task_api(self, identity):
        return self._own(self.task_api(identity), TaskApi.close)

    def _web_server(self, name, port):
        backend = (self.probe or self.tasks).address
        return self.web_server(name, self.service, backend, port)

    def web_server(self, name, service, backend, port=None, folder=None,
                   **pages):
        address = service.tcp if name == "apache" else service.unix
        return WebServer(name, folder or self.folder, address, backend,
                         ROOT + "/examples/web", self.certificate, port,
                         **(pages or self.pages))

    def extra_web_server(self, name, service, backend, folder, **pages):
        return self._own(self.web_server(name, service, backend, None, folder,
                                         **pages), WebServer.close)

    def sql(self, text):
        return self.cluster.sql(self.database, text)
