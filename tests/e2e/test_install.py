# SPDX-License-Identifier: MIT
"""make install puts everything in its place, and make uninstall takes it."""
import os
import subprocess

import processes
from service import build_folder
from tap import Suite, check, equal
from webserver import ROOT

suite = Suite()
target = None
PLACES = [
    "usr/sbin/authbridge", "usr/bin/authbridgectl",
    "usr/share/man/man8/authbridge.8",
    "usr/share/man/man5/authbridge.conf.5",
    "usr/share/man/man1/authbridgectl.1",
    "usr/share/bash-completion/completions/authbridgectl",
    "usr/share/authbridge/sql/grants.sql",
    "lib/systemd/system/authbridge.service",
    "lib/systemd/system/authbridge.socket",
    "usr/share/doc/authbridge/deployment.md",
] + ["usr/share/doc/authbridge/examples/" + name for name in (
    "Containerfile", "compose.yaml", "apache.conf", "lighttpd.conf",
    "lighttpd-gate.lua", "lighttpd-cors.lua", "nginx.conf",
    "authbridge.conf")]


def make(goal):
    """In a copy, since make must not rewrite the build that others test."""
    done = subprocess.run(
        ["make", "-s", "-C", target + "/build", goal,
         "DESTDIR=" + target + "/dest"], stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, check=False)
    equal(done.returncode, 0, done.stdout[-2000:])


def files():
    return {os.path.relpath(os.path.join(folder, name), target + "/dest")
            for folder, _, names in os.walk(target + "/dest")
            for name in names}


@suite.case("everything is installed in its place")
def _():
    make("install")
    equal([p for p in PLACES if p not in files()], [], "missing")
    with open(target + "/dest/lib/systemd/system/authbridge.service") as unit:
        text = unit.read()
    check("ExecStart=/usr/sbin/authbridge " in text
          and "/etc/default/authbridge" in text, text)
    for program in ("usr/sbin/authbridge", "usr/bin/authbridgectl"):
        out = subprocess.run([target + "/dest/" + program, "--version"],
                             stdout=subprocess.PIPE, text=True, check=True)
        check("authbridge" in out.stdout, out.stdout)


@suite.case("nothing is left after make uninstall")
def _():
    make("uninstall")
    equal(files(), set())


def set_up():
    global target
    target = processes.make_folder()
    suite.finally_do(lambda: processes.remove_folder(target))
    subprocess.run(["cp", "-a", build_folder(), target + "/build"], check=True)
    subprocess.run(
        [ROOT + "/configure", "-q", "--prefix=/usr", "--sysconfdir=/etc",
         "--with-systemdsystemunitdir=/lib/systemd/system"],
        cwd=target + "/build", check=True, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL)


suite.main(set_up)
