# SPDX-License-Identifier: MIT
"""node and npm for the tests that run JavaScript.

Distributions keep a node for years, so where the system's is older than OLDEST
npm installs the one that node/package-lock.json pins, beside the build.
"""
import fcntl
import functools
import glob
import json
import os
import shutil
import subprocess

import tap

OLDEST = 20
HERE = os.path.dirname(os.path.abspath(__file__))


@functools.lru_cache(None)
def folder():
    """Of a node that is new enough; Skip when none is to be had."""
    if not shutil.which("node") or not shutil.which("npm"):
        raise tap.Skip("node and npm are not installed")
    if release("node") >= OLDEST:
        return os.path.dirname(shutil.which("node"))
    place = HERE + "/node"
    if os.environ.get("AUTHBRIDGE_BUILD"):
        place = os.path.abspath(os.environ["AUTHBRIDGE_BUILD"]) + "/node-own"
        copy(HERE + "/node", place, ("package.json", "package-lock.json",
                                     ".npmrc"))
    pattern = place + "/node_modules/node-linux-*/bin/node"
    with _alone(place):
        if not any(release(node) >= OLDEST for node in glob.glob(pattern)):
            _npm_ci(place, os.environ)
    for node in glob.glob(pattern):
        if release(node) >= OLDEST:
            return os.path.dirname(node)
    raise tap.Skip("node is older than %d, and npm installed no other: no "
                   "network, or none for this machine" % OLDEST)


def release(node):
    """The major number."""
    return int(subprocess.check_output([node, "-p", "process.version"],
                                       text=True)[1:].split(".")[0])


def environment(**more):
    """For a child that runs node or npm."""
    return {**os.environ,
            "PATH": folder() + ":" + os.environ.get("PATH", ""), **more}


def copy(source, place, names):
    os.makedirs(place, exist_ok=True)
    for name in names:
        if os.path.exists(source + "/" + name):
            shutil.copyfile(source + "/" + name, place + "/" + name)


def install(place):
    """node_modules as place/package-lock.json says, if they are not so yet."""
    env = environment()
    with _alone(place):
        if not _is_installed(place):
            _npm_ci(place, env)


def _alone(place):
    """Two tests must not install into one folder at a time."""
    lock = open(place + "/package.json", encoding="utf-8")
    fcntl.flock(lock, fcntl.LOCK_EX)
    return lock


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


def _npm_ci(place, env):
    done = subprocess.run(
        ["npm", "ci", "--fetch-retries=1", "--fetch-timeout=30000"],
        cwd=place, check=False, env=env,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise tap.Skip("npm ci failed: " + done.stdout.strip()[-300:])
