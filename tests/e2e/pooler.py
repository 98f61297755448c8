# SPDX-License-Identifier: MIT
"""PgBouncer before the test's PostgreSQL, in transaction mode unless told.

No reset query runs between clients in that mode, so whatever one leaves behind
on a server's connection, the next one meets.
"""
import os
import signal
import subprocess

import processes

BINARY = "/usr/sbin/pgbouncer"
ADMIN = "pooler_admin"


class Pooler:
    count = 0

    def __init__(self, folder, cluster, database, roles, size=4,
                 mode="transaction", **settings):
        Pooler.count += 1
        self.folder = "%s/pgbouncer-%d" % (folder, Pooler.count)
        os.mkdir(self.folder)
        self.database = database
        self.port = processes.free_port()
        self.config = self.folder + "/pgbouncer.ini"
        self.settings = {
            "pool_mode": mode, "default_pool_size": size,
            "auth_type": "trust", "auth_file": self.folder + "/users",
            "admin_users": ADMIN, "unix_socket_dir": self.folder,
            "listen_addr": "127.0.0.1", "listen_port": self.port,
            "max_client_conn": 500, "log_connections": 0,
            "log_disconnections": 0,
        }
        self.settings.update(settings)
        with open(self.folder + "/users", "w") as users:
            users.writelines('"%s" ""\n' % role for role in [ADMIN, *roles])
        self.lead_to(cluster)
        processes.give_to(self.folder, processes.SERVICE_USER)
        self.process = None
        self.start()

    def lead_to(self, cluster):
        """Writes the configuration; `reload` makes a running one take it."""
        with open(self.config, "w") as out:
            out.write("[databases]\n%s = host=%s\n[pgbouncer]\n" % (
                self.database, cluster.folder))
            out.writelines("%s = %s\n" % pair
                           for pair in self.settings.items())

    def start(self):
        self.process = processes.Process(
            [BINARY, "-q", self.config], self.folder + "/output.log",
            user=processes.SERVICE_USER, cwd="/")
        processes.wait_for_port(self.process, "127.0.0.1:%d" % self.port)

    def stop(self, how=signal.SIGQUIT):
        """At once, as a crash would; SIGINT waits for transactions."""
        self.process.stop(how)

    def close(self):
        if self.process.is_running():
            self.stop()

    def url(self, role, tcp=False):
        place = "127.0.0.1" if tcp else self.folder
        return "postgresql://%s@/%s?host=%s&port=%d" % (
            role, self.database, place, self.port)

    def console(self, command):
        """SHOW, PAUSE, RESUME, RECONNECT …: rows as lists of text."""
        done = subprocess.run(
            ["psql", "-XAtqF", "\x1f", "-c", command,
             "postgresql://%s@/pgbouncer?host=%s&port=%d" % (
                 ADMIN, self.folder, self.port)], check=True, text=True,
            stdout=subprocess.PIPE)
        return [line.split("\x1f") for line in done.stdout.splitlines()]
