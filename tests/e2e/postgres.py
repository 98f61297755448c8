# SPDX-License-Identifier: MIT
"""A throw-away PostgreSQL cluster on a unix socket.

One cluster serves a whole run when AUTHBRIDGE_E2E_CLUSTER names the folder of
one that is already running (its socket stands there); `python3 postgres.py`
starts one and prints that setting.
"""
import os
import signal
import subprocess
import sys
import time

import processes


def _bindir():
    for command in (["pg_config", "--bindir"],):
        try:
            return subprocess.check_output(command, text=True).strip()
        except (OSError, subprocess.CalledProcessError):
            pass
    versions = sorted(os.listdir("/usr/lib/postgresql"), key=int)
    return "/usr/lib/postgresql/%s/bin" % versions[-1]


class Cluster:
    def __init__(self, private=False):
        """private: never a shared one, for tests that stop or pause it."""
        shared = os.environ.get("AUTHBRIDGE_E2E_CLUSTER")
        self.owned = private or not shared
        self.process = None
        self.folder = processes.make_folder() if self.owned else shared
        if self.owned:
            self._initdb()
            self.start()

    def _initdb(self):
        processes.give_to(self.folder, "postgres")
        subprocess.run(
            [_bindir() + "/initdb", "-D", self.folder + "/data", "-U",
             "postgres", "-A", "trust", "--no-sync", "-E", "UTF8",
             "--locale=C.UTF-8"], check=True, stdout=subprocess.DEVNULL,
            cwd="/", **processes.run_as("postgres"))

    def settings(self):
        return {"listen_addresses": "", "fsync": "off",
                "full_page_writes": "off", "max_connections": "300",
                "unix_socket_directories": self.folder}

    @classmethod
    def replica(cls, primary):
        """A hot standby that follows `primary` asynchronously."""
        made = cls.__new__(cls)
        made.owned, made.process = True, None
        made.folder = processes.make_folder()
        processes.give_to(made.folder, "postgres")
        subprocess.run(
            [_bindir() + "/pg_basebackup", "-D", made.folder + "/data", "-R",
             "-c", "fast", "--no-sync", "-d", primary.url("replication")],
            check=True, stdout=subprocess.DEVNULL, cwd="/",
            **processes.run_as("postgres"))
        made.start()
        return made

    def promote(self):
        """Of a stopped replica, which does not see its primary again."""
        self.start(primary_conninfo="")
        self.sql("postgres", "SELECT pg_promote()")

    def start(self, **more):
        command = [_bindir() + "/postgres", "-D", self.folder + "/data"]
        for name, value in dict(self.settings(), **more).items():
            command += ["-c", "%s=%s" % (name, value)]
        self.process = processes.Process(
            command, self.folder + ".log", user="postgres", cwd="/")
        deadline = time.monotonic() + 30
        while not self._answers():
            if time.monotonic() > deadline or not self.process.is_running():
                raise AssertionError(self.process.log())
            time.sleep(0.05)

    def stop(self, how=signal.SIGINT):
        self.process.stop(how, 30)

    def close(self):
        if self.owned:
            if self.process.is_running():
                self.stop(signal.SIGQUIT)
            processes.remove_folder(self.folder)
            os.unlink(self.folder + ".log")

    def _answers(self):
        return subprocess.run(
            ["psql", "-XAtqc", "SELECT 1", self.url("postgres")],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            check=False).returncode == 0

    def url(self, database, role="postgres"):
        return "postgresql://%s@/%s?host=%s" % (role, database, self.folder)

    def sql(self, database, text, role="postgres"):
        """Runs SQL, returns the rows as lists of text."""
        done = subprocess.run(
            ["psql", "-XAtq", "-F", "\x1f", "-v", "ON_ERROR_STOP=1", "-f",
             "-", self.url(database, role)], input=text, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        if done.returncode:
            raise AssertionError("psql: " + done.stderr)
        return [line.split("\x1f") for line in done.stdout.splitlines()]

    def create_role(self, name):
        """A role for logins, shared by all databases; may exist already."""
        self.sql("postgres", """DO $$ BEGIN CREATE ROLE %s LOGIN;
            EXCEPTION WHEN duplicate_object OR unique_violation THEN END $$
            """ % name)

    def create_database(self, name):
        self.sql("postgres", 'CREATE DATABASE "%s"' % name)

    def drop_database(self, name):
        self.sql("postgres", 'DROP DATABASE IF EXISTS "%s" WITH (FORCE)'
                 % name)


if __name__ == "__main__":
    cluster = Cluster(private=True)
    print("AUTHBRIDGE_E2E_CLUSTER=" + cluster.folder, flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        signal.pause()
    except KeyboardInterrupt:
        pass
    finally:
        cluster.close()
