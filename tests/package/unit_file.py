# SPDX-License-Identifier: MIT
"""Does what systemd would for authbridge.socket and authbridge.service, as far
as the test can without systemd: the socket with its owner and mode, the user,
the umask, the environment file, and ExecStart. The sandboxing is not applied.
"""
import configparser
import os
import shlex
import socket
import subprocess

START = """
import os, sys
root, uid, gid, mask = sys.argv[1], *map(int, sys.argv[2:5])
os.dup2(int(sys.argv[5]), 3, inheritable=True)
os.chroot(root)
os.chdir("/")
os.setgroups([])
os.setgid(gid)
os.setuid(uid)
os.umask(mask)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execv(sys.argv[6], sys.argv[6:])
"""


def read(path):
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str
    with open(path) as text:
        unit.read_file(text)
    return unit


class Started:
    def __init__(self, root, units="/lib/systemd/system"):
        self.unit = read(root.file(units + "/authbridge.service"))["Service"]
        place = read(root.file(units + "/authbridge.socket"))["Socket"]
        self.path = root.file(place["ListenStream"])
        self.listener = self._listen(root, place)
        self.log = open(root.file("/tmp/service.log"), "ab")
        self.process = subprocess.Popen(
            self._command(root), env=self._environment(root),
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
            pass_fds=[self.listener.fileno()])
        self.address = "unix:" + self.path

    def _listen(self, root, place):
        os.makedirs(os.path.dirname(self.path), exist_ok=True)
        os.chmod(os.path.dirname(self.path), int(place["DirectoryMode"], 8))
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(self.path)
        os.chown(self.path, 0, self._id(root, "/etc/group",
                                        place["SocketGroup"]))
        os.chmod(self.path, int(place["SocketMode"], 8))
        listener.listen(int(place["Backlog"]))
        return listener

    @staticmethod
    def _id(root, table, name):
        for line in root.read(table).splitlines():
            if line.split(":")[0] == name:
                return int(line.split(":")[2])
        raise AssertionError("%s is not in %s" % (name, table))

    def _environment(self, root):
        env = {"PATH": "/usr/bin:/bin"}
        for line in root.read(
                self.unit["EnvironmentFile"].lstrip("-")).splitlines():
            if "=" in line and not line.startswith("#"):
                name, value = line.split("=", 1)
                env[name] = " ".join(shlex.split(value))
        self.options = env.get("OPTIONS", "")
        return env

    def _command(self, root):
        self._environment(root)
        words = self.unit["ExecStart"].replace("$OPTIONS", self.options)
        return ["/usr/bin/python3", "-c", START, root.path,
                str(self._id(root, "/etc/passwd", self.unit["User"])),
                str(self._id(root, "/etc/group", self.unit["Group"])),
                str(int(self.unit["UMask"], 8)), str(self.listener.fileno()),
                ] + words.split()

    def close(self):
        self.process.terminate()
        code = self.process.wait(20)
        self.listener.close()
        self.log.close()
        if os.path.exists(self.path):
            os.unlink(self.path)
        return code
