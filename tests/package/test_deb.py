# SPDX-License-Identifier: MIT
"""The Debian package: built, clean under lintian's errors, installed in a
fresh Debian, upgraded, removed and purged. No systemd runs in there: the
service is started as its units say (see unit_file.py)."""
import glob
import os
import re
import stat

from root import Roots, copy_tree, run

import fcgi_client
from tap import Suite, check, equal, wait_until
from unit_file import Started

suite = Suite()
roots = debian = None
old = new = None
DEFAULT = "/etc/default/authbridge"
CONF = "/etc/authbridge/authbridge.conf"
LUA = "/etc/authbridge/lighttpd-gate.lua"
before = set()


def build():
    """Two packages of one tree; the older one ships another default."""
    global old, new
    tree = roots.folder + "/src/authbridge"
    copy_tree(tree)
    env = {**os.environ, "DEB_BUILD_OPTIONS": "nocheck parallel=2"}
    command = ["dpkg-buildpackage", "-us", "-uc", "-b"]
    log = run(command, cwd=tree, env=env)
    check("error" not in re.findall(r"^dpkg-\w+: (\w+):", log, re.M), log)
    new = glob.glob(roots.folder + "/src/authbridge_*.deb")[0]
    run(["mkdir", roots.folder + "/new"])
    for name in glob.glob(roots.folder + "/src/authbridge*.*"):
        os.rename(name, roots.folder + "/new/" + os.path.basename(name))
    new = roots.folder + "/new/" + os.path.basename(new)
    run(["sed", "-i", r"1s/([^)]*)/(0.0.9~older)/", tree + "/debian/changelog"])
    run(["sed", "-i", "s/-w 2/-w 1/", tree + "/debian/authbridge.default"])
    # From a clean slate but for what is compiled already.
    run(["sh", "-c", "rm -rf debian/authbridge debian/debhelper-build-stamp"
         " && dpkg-buildpackage -us -uc -b -nc"], cwd=tree, env=env)
    old = glob.glob(roots.folder + "/src/authbridge_0.0.9*.deb")[0]


@suite.case("dpkg-buildpackage makes a package; lintian finds no error")
def _():
    build()
    changes = glob.glob(roots.folder + "/new/*.changes")[0]
    return run(["lintian", "--allow-root", "--fail-on", "error", changes])


def files():
    found = set()
    for top in ("etc", "usr", "lib", "var/lib/systemd", "run", "home", "srv"):
        for folder, names, leaves in os.walk(debian.file("/" + top)):
            found.update(os.path.join(folder, n) for n in names + leaves)
    return found


def install(package):
    target = debian.file("/tmp/" + os.path.basename(package))
    run(["cp", package, target])
    return debian.run(
        "apt-get", "-y", "--no-install-recommends", "-o",
        "Dpkg::Options::=--force-confold", "install",
        "/tmp/" + os.path.basename(package))


def status():
    return debian.run("dpkg-query", "-W", "-f",
                      "${db:Status-Abbrev} ${Version}", "authbridge")


def answers():
    """Started as its unit says, it answers; stopped, it ends with 0."""
    started = Started(debian)
    try:
        def ok():
            check(started.process.poll() is None,
                  debian.read("/tmp/service.log"))
            return fcgi_client.request(
                started.address, "GET", "/api/auth/ok").status == 200
        wait_until(ok, 10, "an answer")
        gate = fcgi_client.request(started.address, "GET",
                                   "/api/nobody/tasks", role=2)
        equal(gate.status, 401)
        with open("/proc/%d/status" % started.process.pid) as text:
            uid = re.search(r"^Uid:\s+(\d+)", text.read(), re.M).group(1)
        check(uid != "0", "runs as root")
    finally:
        code = started.close()
    equal(code, 0, "exit code")


def mode_of(path):
    entry = os.stat(debian.file(path))
    return stat.S_IMODE(entry.st_mode), entry.st_uid


def secret():
    return re.search(r"^secret = (\S+)$", debian.read(CONF), re.M).group(1)


@suite.case("an older version installs, makes its user, and answers")
def _():
    global before
    # So that only the package itself is told apart below.
    depends = run(["dpkg-deb", "-f", new, "Depends"])
    names = [re.split(r"[ (|]", d.strip())[0] for d in depends.split(",")]
    debian.run("apt-get", "update")
    debian.run("apt-get", "-y", "--no-install-recommends", "install", *names)
    before = files()
    install(old)
    check("0.0.9" in status() and status().startswith("ii"), status())
    user = [u for u in debian.read("/etc/passwd").splitlines()
            if u.startswith("authbridge:")]
    check(user and user[0].endswith(":/nonexistent:/usr/sbin/nologin"), user)
    equal(mode_of(CONF), (0o640, 0))
    check(len(secret()) >= 64, "no secret of its own")
    debian.run("authbridge", "--version")
    debian.run("sh", "-c", "test -x /usr/bin/authbridgectl"
               " && test -e /lib/systemd/system/authbridge.socket")
    answers()


@suite.case("an upgrade keeps configuration, secret and changed conffiles")
def _():
    kept = secret()
    for path, line in ((CONF, "\nlog_format = json\n"),
                       (DEFAULT, "\n# mine\n"), (LUA, "\n-- mine\n")):
        debian.write(path, debian.read(path) + line)
    changed = {path: debian.read(path) for path in (CONF, DEFAULT, LUA)}
    install(new)
    check("0.0.9" not in status() and status().startswith("ii"), status())
    for path, text in changed.items():
        equal(debian.read(path), text, path)
    equal(secret(), kept)
    equal(mode_of(CONF), (0o640, 0))
    check("-w 2" in debian.read(DEFAULT + ".dpkg-dist"), "no new default")
    answers()


@suite.case("removing keeps the configuration, installing again uses it")
def _():
    kept = secret()
    debian.run("apt-get", "-y", "remove", "authbridge")
    check(status().startswith("rc"), status())
    check(not debian.has("/usr/sbin/authbridge"), "the program is there")
    check(debian.has(CONF) and debian.has(DEFAULT), "configuration is gone")
    install(new)
    equal(secret(), kept)
    answers()
    debian.run("apt-get", "-y", "remove", "authbridge")


@suite.case("purging leaves nothing behind but the user")
def _():
    debian.run("apt-get", "-y", "purge", "authbridge")
    out = debian.run("sh", "-c", "dpkg-query -W authbridge 2>&1 || true")
    check("no packages found" in out or out.strip() == "authbridge", out)
    left = {p for p in files() - before
            if not re.search(r"/(cache|etc/(passwd|group|shadow|gshadow)-?"
                             r"|run/(authbridge|adduser))$", p)}
    equal(left, set(), "left behind")
    check("authbridge:" in debian.read("/etc/passwd"), "the user is gone")


def set_up():
    global roots, debian
    roots = Roots()
    suite.finally_do(roots.close)
    debian = roots.make("debian")


suite.main(set_up)
