# SPDX-License-Identifier: MIT
"""Two network namespaces, joined by a third whose bridge can be taken apart.

A cut loses every packet in both directions and tells nobody: no reset, no
ICMP, no carrier change at either end. Needs root and iproute2.
"""
import ctypes
import os
import subprocess

from tap import Skip

CLONE_NEWNET = 0x40000000
SERVICE_ADDRESS, DATABASE_ADDRESS = "10.77.0.1", "10.77.0.2"


def _ip(*words):
    done = subprocess.run(["ip", *words], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise OSError("ip %s: %s" % (" ".join(words), done.stdout.strip()))


class Network:
    """Namespaces of a service and of its database; made and removed whole."""

    def __init__(self):
        stem = "ab%d" % os.getpid()
        self.names = [stem + "s", stem + "d", stem + "m"]
        self.service, self.database, self.middle = self.names
        try:
            self._make()
        except OSError as why:
            self.remove()
            raise Skip("no network namespaces: %s" % why) from why

    def _make(self):
        for name in self.names:
            _ip("netns", "add", name)
            _ip("-n", name, "link", "set", "lo", "up")
        _ip("-n", self.middle, "link", "add", "br0", "type", "bridge")
        _ip("-n", self.middle, "link", "set", "br0", "up")
        for name, port, address in (
                (self.service, "p0", SERVICE_ADDRESS),
                (self.database, "p1", DATABASE_ADDRESS)):
            _ip("-n", self.middle, "link", "add", port, "type", "veth",
                "peer", "name", "eth0", "netns", name)
            _ip("-n", name, "addr", "add", address + "/24", "dev", "eth0")
            _ip("-n", name, "link", "set", "eth0", "up")
            _ip("-n", self.middle, "link", "set", port, "up")
        self.join()

    def cut(self):
        _ip("-n", self.middle, "link", "set", "p0", "nomaster")

    def join(self):
        for port in ("p0", "p1"):
            _ip("-n", self.middle, "link", "set", port, "master", "br0")

    def remove(self):
        for name in self.names:
            subprocess.run(["ip", "netns", "del", name], check=False,
                           stderr=subprocess.DEVNULL)


class inside:
    """This thread, and what it starts, in a namespace for a while."""

    def __init__(self, name):
        self.path = "/run/netns/" + name

    def __enter__(self):
        # pylint: disable-next=consider-using-with
        self.home = open("/proc/thread-self/ns/net", "rb")
        with open(self.path, "rb") as there:
            self._enter(there)

    def __exit__(self, *_):
        self._enter(self.home)
        self.home.close()

    @staticmethod
    def _enter(namespace):
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.setns(namespace.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")
