# SPDX-License-Identifier: MIT
"""The real Better Auth as a child process (server.mjs), and its packages."""
import json
import os
import subprocess
import time

import nodejs
import processes

HERE = os.path.dirname(os.path.abspath(__file__))
SCRIPTS = ("package.json", "package-lock.json", ".npmrc", "options.mjs",
           "server.mjs", "migrate.mjs", "clients.mjs")
_folder = None


def folder():
    """Where the scripts stand beside their node_modules; Skip without them.

    AUTHBRIDGE_NODE_DIR, or a folder of the build, so that the source tree stays
    as it is; without either beside the scripts.
    """
    global _folder
    if _folder:
        return _folder
    place = os.environ.get("AUTHBRIDGE_NODE_DIR")
    if not place and os.environ.get("AUTHBRIDGE_BUILD"):
        place = os.path.abspath(os.environ["AUTHBRIDGE_BUILD"]) + "/node"
    place = place or HERE
    if place != HERE:
        nodejs.copy(HERE, place, SCRIPTS)
    nodejs.install(place)
    _folder = place
    return place


def node(script, settings, env=None, timeout=120):
    """Runs a script to its end and returns what it printed."""
    done = subprocess.run(
        ["node", folder() + "/" + script, json.dumps(settings)], text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
        env=nodejs.environment(**(env or {})), timeout=timeout)
    if done.returncode:
        raise AssertionError("%s: %s%s" % (script, done.stdout, done.stderr))
    return done.stdout


def database_settings(cluster, database):
    return {"host": cluster.folder, "user": "postgres", "database": database}


class Reference:
    """Runs until close; `port` on loopback."""

    count = 0

    def __init__(self, cluster, database, log_folder, mode="development",
                 wait=True, **settings):
        settings["database"] = database_settings(cluster, database)
        self.settings = settings
        Reference.count += 1
        self.log_path = "%s/reference-%d.log" % (log_folder, Reference.count)
        self.process = processes.Process(
            ["node", folder() + "/server.mjs", json.dumps(settings)],
            self.log_path, env=nodejs.environment(NODE_ENV=mode))
        self.port = None
        if wait:
            self.wait()

    def wait(self, seconds=30):
        deadline = time.monotonic() + seconds
        while self.port is None:
            for line in self.process.log().splitlines():
                if line.startswith("listening "):
                    self.port = int(line.split()[1])
            if self.port is None:
                if (not self.process.is_running()
                        or time.monotonic() > deadline):
                    raise AssertionError("server.mjs: " + self.process.log())
                time.sleep(0.05)

    def close(self):
        if self.process.is_running():
            self.process.stop()
