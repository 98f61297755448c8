# SPDX-License-Identifier: MIT
"""Runs the end-to-end tests, all or those named, on one PostgreSQL cluster.

    AUTHBRIDGE_BUILD=DIR /usr/bin/python3 tests/e2e/run.py [test_story.py ...]

Prints each file's TAP under its name and ends with `N passed, N failed`.
"""
import glob
import os
import re
import subprocess
import sys

from postgres import Cluster

HERE = os.path.dirname(os.path.abspath(__file__))
SECONDS_PER_FILE = 900


def run_file(path, env):
    """(passed, failed, skipped) of one file; its output goes out as it comes."""
    print("# " + os.path.basename(path), flush=True)
    counts = {"ok": 0, "not ok": 0, "skip": 0}
    child = subprocess.Popen([sys.executable, path], env=env, text=True,
                             stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT)
    try:
        for line in child.stdout:
            print(line, end="", flush=True)
            found = re.match(r"(not ok|ok)\b(.*)", line)
            if found:
                skipped = "# SKIP" in found[2]
                counts["skip" if skipped else found[1]] += 1
        code = child.wait(SECONDS_PER_FILE)
    finally:
        child.kill()
    # A file that broke without a failed case is a failure, too.
    if code and not counts["not ok"]:
        counts["not ok"] = 1
    return counts["ok"], counts["not ok"], counts["skip"]


def main():
    names = sys.argv[1:] or sorted(glob.glob(HERE + "/test_*.py"))
    cluster = Cluster()
    env = dict(os.environ, AUTHBRIDGE_E2E_CLUSTER=cluster.folder,
               PYTHONDONTWRITEBYTECODE="1")
    try:
        results = [run_file(os.path.join(HERE, name), env) for name in names]
    finally:
        cluster.close()
    passed, failed, skipped = (sum(column) for column in zip(*results))
    print("%d passed, %d failed, %d skipped" % (passed, failed, skipped))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
