# SPDX-License-Identifier: MIT
"""A Debian in a folder, entered with chroot in a mount namespace of its own.

AUTHBRIDGE_ROOT names an unpacked Debian 12 to copy instead of fetching one.
"""
import os
import shutil
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path.insert(0, TOP + "/tests/e2e")
sys.dont_write_bytecode = True

ENTER = """
mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && exec chroot "$0" "$@"
"""
CLEAN = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
         "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8",
         "HOME": "/root"}


def run(command, **options):
    """Runs it; its output, or an error that shows it."""
    done = subprocess.run(command, text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False, **options)
    if done.returncode != 0:
        raise AssertionError("%s: exit %d\n%s" % (
            " ".join(command), done.returncode, done.stdout[-4000:]))
    return done.stdout


class Roots:
    """A work folder, and in it one root after another."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="authbridge-roots.")
        os.chmod(self.folder, 0o755)
        self.base = os.environ.get("AUTHBRIDGE_ROOT")

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def _make_base(self):
        self.base = self.folder + "/base"
        run(["debootstrap", "--variant=minbase", "bookworm", self.base])

    def make(self, name):
        if not self.base:
            self._make_base()
        path = self.folder + "/" + name
        run(["cp", "-a", "--reflink=auto", self.base, path])
        shutil.copy("/etc/resolv.conf", path + "/etc/resolv.conf")
        # As where nothing may be started: there is no init in here.
        with open(path + "/usr/sbin/policy-rc.d", "w") as policy:
            policy.write("#!/bin/sh\nexit 101\n")
        os.chmod(path + "/usr/sbin/policy-rc.d", 0o755)
        return Root(path)


class Root:
    def __init__(self, path):
        self.path = path

    def enter(self, command):
        """The words that run a command inside."""
        return ["unshare", "--mount", "sh", "-ec", ENTER, self.path] + command

    def run(self, *command, **env):
        return run(self.enter(list(command)), env={**CLEAN, **env})

    def file(self, path):
        return self.path + path

    def read(self, path):
        with open(self.file(path)) as text:
            return text.read()

    def write(self, path, text):
        os.makedirs(os.path.dirname(self.file(path)), exist_ok=True)
        with open(self.file(path), "w") as out:
            out.write(text)

    def has(self, path):
        return os.path.lexists(self.file(path))


def copy_tree(to):
    """What git knows of this tree or would add, or a whole archive."""
    os.makedirs(to)
    listing = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached",
         "--others", "--exclude-standard"], cwd=TOP, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    if listing.returncode != 0:
        run(["cp", "-a", TOP + "/.", to])
        return
    names = b"\0".join(n for n in listing.stdout.split(b"\0")
                       if n and os.path.isfile(os.path.join(TOP, n.decode())))
    packed = subprocess.run(["tar", "-c", "--null", "-T", "-"], cwd=TOP,
                            input=names, stdout=subprocess.PIPE, check=True)
    subprocess.run(["tar", "-x"], cwd=to, input=packed.stdout, check=True)
