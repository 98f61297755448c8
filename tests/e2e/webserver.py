# SPDX-License-Identifier: MIT
"""Apache, lighttpd and nginx on the sample configurations of etc/."""
import os
import ssl
import subprocess

import processes

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
BINARIES = {"apache": "/usr/sbin/apache2", "lighttpd": "/usr/sbin/lighttpd",
            "nginx": "/usr/sbin/nginx"}


def available():
    """The servers to test: all three, or AUTHBRIDGE_E2E_SERVERS."""
    return os.environ.get("AUTHBRIDGE_E2E_SERVERS",
                          "apache lighttpd nginx").split()


class Certificate:
    """A self-signed one for 127.0.0.1."""

    def __init__(self, folder):
        self.cert = folder + "/cert.pem"
        self.key = folder + "/key.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", self.key,
             "-out", self.cert, "-days", "2", "-subj", "/CN=127.0.0.1",
             "-addext", "subjectAltName=IP:127.0.0.1"], check=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.chmod(self.key, 0o644)   # a throw-away key

    def context(self):
        context = ssl.create_default_context(cafile=self.cert)
        return context


class WebServer:
    def __init__(self, name, folder, service, backend, web,
                 certificate=None, port=None, frontend=None,
                 allow_origin=None, edit=None, start=True):
        """service: FastCGI address; backend: host:port; web: static root,
        unless frontend (host:port) serves the pages; allow_origin: where else
        pages may come from; edit: what a reader does to the sample, a function
        of its text."""
        self.name = name
        self.port = port or processes.free_port()
        self.folder = folder + "/" + name
        self.tls = certificate.context() if certificate else None
        self.redirect_port = processes.free_port() if certificate else None
        command = [ROOT + "/tools/trial-webserver", "--server", name, "--dir",
                   self.folder, "--port", str(self.port), "--service",
                   service, "--backend", backend, "--web", web, "--user",
                   processes.SERVICE_USER]
        if certificate:
            command += ["--cert", certificate.cert, "--key", certificate.key,
                        "--redirect-port", str(self.redirect_port)]
        if frontend:
            command += ["--frontend", frontend]
        if allow_origin:
            command += ["--allow-origin", allow_origin]
        subprocess.run(command, check=True)
        if edit:
            self._edit(edit)
        self.process = None
        if start:
            self.start()

    def start(self):
        self.process = processes.Process([self.folder + "/run"],
                                         self.folder + "/output.log", cwd="/")
        processes.wait_for_port(self.process, "127.0.0.1:%d" % self.port)

    def _edit(self, edit):
        with open(self.folder + "/site.conf") as file:
            text = file.read()
        with open(self.folder + "/site.conf", "w") as file:
            file.write(edit(text))

    @property
    def origin(self):
        return "%s://127.0.0.1:%d" % ("https" if self.tls else "http",
                                      self.port)

    def close(self):
        if self.process and self.process.is_running():
            self.process.stop()
