# SPDX-License-Identifier: MIT
"""The service under test: its configuration, process and database."""
import os
import signal
import subprocess
import time

import fcgi_client
import processes
from logbook import Logbook
from tap import wait_until

SECRET = "e2e-secret-e2e-secret-e2e-secret-0123456789"


def build_folder():
    folder = os.environ.get("AUTHBRIDGE_BUILD")
    if not folder:
        raise SystemExit("set AUTHBRIDGE_BUILD to the build folder")
    return os.path.abspath(folder)


def binary(name):
    return build_folder() + "/" + name


def write_config(path, settings):
    """settings: a dict; a list gives a repeated key, None leaves it out."""
    with open(path, "w") as out:
        for key, value in settings.items():
            for one in value if isinstance(value, list) else [value]:
                if one is not None:
                    out.write("%s = %s\n" % (key, one))


def ask_mode(address, mode, timeout=5):
    """What AUTHBRIDGE_MODE=ready or metrics answers."""
    return fcgi_client.request(address, "GET", "/", timeout=timeout,
                               extra=[("AUTHBRIDGE_MODE", mode)])


class Service:
    """Started with a unix socket and a TCP address, both in `listen`."""

    count = 0

    def __init__(self, folder, database_url, base_url, options=(),
                 workers=2, **overrides):
        Service.count += 1
        self.folder = "%s/service-%d" % (folder, Service.count)
        os.mkdir(self.folder)
        processes.give_to(self.folder, processes.SERVICE_USER)
        self.unix = "unix:%s/authbridge.sock" % self.folder
        self.tcp = "127.0.0.1:%d" % processes.free_port()
        self.config = self.folder + "/authbridge.conf"
        self.log_path = self.folder + "/service.log"
        self.options = list(options)
        self.workers = workers
        self.settings = {
            "database_url": database_url, "secret": SECRET,
            "base_url": base_url,
            # One test host makes more sign-ups than the limits allow.
            "rate_limit": "off",
        }
        self.settings.update(overrides)
        write_config(self.config, self.settings)
        self.process = None

    def migrate(self):
        """As its owner, the database's superuser; the service itself then
        connects as whoever database_url names."""
        subprocess.run([binary("authbridgectl"), "-c", self.config,
                        "migrate"], check=True, stdout=subprocess.DEVNULL)

    def start(self, wait=True):
        command = [binary("authbridge"), "-c", self.config, "-l", self.unix,
                   "-l", self.tcp, "-w", str(self.workers)] + self.options
        self.process = processes.Process(command, self.log_path,
                                         user=processes.SERVICE_USER, cwd="/")
        processes.wait_for_port(self.process, self.tcp)
        processes.wait_for_port(self.process, self.unix)
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self, seconds=10):
        def is_ready():
            try:
                return ask_mode(self.unix, "ready").status == 200
            except (OSError, fcgi_client.Closed):
                return False
        wait_until(is_ready, seconds, "service ready")

    def stop(self, how=signal.SIGTERM):
        return self.process.stop(how, 15)

    def close(self):
        if self.process and self.process.is_running():
            self.stop()

    def logbook(self):
        return Logbook(self.log_path)

    def log(self):
        return self.process.log()

    def worker_pids(self):
        """The children that answer; the parent itself when it has none."""
        return processes.children_of(self.process.pid) or [self.process.pid]

    def run_until_exit(self, seconds=15):
        """For a configuration that must be refused: (exit code, output)."""
        started = time.monotonic()
        done = subprocess.run(
            [binary("authbridge"), "-c", self.config, "-l", self.unix],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=seconds, check=False, stdin=subprocess.DEVNULL,
            **processes.run_as(processes.SERVICE_USER))
        return done.returncode, done.stdout, time.monotonic() - started
