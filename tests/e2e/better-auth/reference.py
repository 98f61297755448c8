# SPDX-License-Identifier: MIT
"""The real Better Auth as a child process (server.mjs), and its packages."""
import json
import os
import shutil
import subprocess
import time

import processes
import tap

HERE = os.path.dirname(os.path.abspath(__file__))
SCRIPTS = ("package.json", "package-lock.json", ".npmrc", "options.mjs",
           "server.mjs", "migrate.mjs", "clients.mjs", "load.mjs")
_folder = None


def folder():
    """Where the scripts stand beside their node_modules; Skip without them.

    AUTHBRIDGE_NODE_DIR, or a folder of the build, so that the source tree stays
    as it is; without either beside the scripts.
    """
    global _folder
    if _folder:
        return _folder
    if node_release() < 20:
        raise tap.Skip("node 20 or newer is not installed")
    place = os.environ.get("AUTHBRIDGE_NODE_DIR")
    if not place and os.environ.get("AUTHBRIDGE_BUILD"):
        place = os.path.abspath(os.environ["AUTHBRIDGE_BUILD"]) + "/node"
    place = place or HERE
    if place != HERE:
        os.makedirs(place, exist_ok=True)
        for name in SCRIPTS:
            if os.path.exists(HERE + "/" + name):
                shutil.copyfile(HERE + "/" + name, place + "/" + name)
    if not _is_installed(place):
        _install(place)
    _folder = place
    return place


def node_release():
    """The major number; 0 without node."""
    if not shutil.which("node"):
        return 0
    return int(subprocess.check_output(["node", "-p", "process.version"],
                                       text=True)[1:].split(".")[0])


def _is_installed(place):
    try:
        with open(place + "/package-lock.json", encoding="utf-8") as wanted:
            want = json.load(wanted)["packages"]
        with open(place + "/node_modules/.package-lock.json",
                  encoding="utf-8") as found:
            have = json.load(found)["packages"]
    except OSError:
        return False
    return all(name in have and have[name]["version"] == entry["version"]
               for name, entry in want.items()
               if name and not entry.get("optional"))


def _install(place):
    if not shutil.which("npm"):
        raise tap.Skip("npm is not installed")
    done = subprocess.run(
        ["npm", "ci", "--fetch-retries=1", "--fetch-timeout=30000"],
        cwd=place, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise tap.Skip("npm ci failed: " + done.stdout.strip()[-300:])


def node(script, settings, env=None, timeout=120):
    """Runs a script to its end and returns what it printed."""
    done = subprocess.run(
        ["node", folder() + "/" + script, json.dumps(settings)], text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
        env={**os.environ, **(env or {})}, timeout=timeout)
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
            self.log_path, env={**os.environ, "NODE_ENV": mode})
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
