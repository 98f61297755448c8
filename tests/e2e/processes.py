# SPDX-License-Identifier: MIT
"""Temporary folders, free ports and child processes of one test run."""
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time


def am_root():
    return os.geteuid() == 0


def run_as(name):
    """Popen arguments that drop root to this user; none when not root."""
    if not am_root():
        return {}
    entry = pwd.getpwnam(name)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


# The service, web servers and backends run as this user when root tests.
SERVICE_USER = "www-data"


def make_folder():
    """A folder that the unprivileged users may pass through and read."""
    path = tempfile.mkdtemp(prefix="authbridge-e2e.")
    os.chmod(path, 0o755)
    return path


def remove_folder(path):
    shutil.rmtree(path, ignore_errors=True)


def give_to(path, user):
    if am_root():
        entry = pwd.getpwnam(user)
        os.chown(path, entry.pw_uid, entry.pw_gid)


_given = set()


def free_port():
    """A port nobody listens on, never the same twice in one process."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        if port not in _given:
            _given.add(port)
            return port


class Process:
    """A child with its output in a file; stopped by pid, always reaped."""

    def __init__(self, command, log_path, user=None, env=None, cwd=None):
        self.command = command
        self.log_path = log_path
        with open(log_path, "ab") as log:
            self.child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=env, cwd=cwd, **(run_as(user) if user else {}))

    @property
    def pid(self):
        return self.child.pid

    def is_running(self):
        return self.child.poll() is None

    def stop(self, how=signal.SIGTERM, seconds=10):
        if self.child.poll() is None:
            self.child.send_signal(how)
        try:
            return self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
            raise AssertionError("%s did not stop within %s s" % (
                self.command[0], seconds)) from None

    def log(self):
        with open(self.log_path, errors="replace") as log:
            return log.read()


def children_of(parent):
    """The pids of a process's children, from /proc."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open("/proc/%s/stat" % entry) as stat:
                # The name in brackets may hold anything.
                fields = stat.read().rpartition(")")[2].split()
        except OSError:
            continue    # it has just ended
        if int(fields[1]) == parent:
            found.append(int(entry))
    return sorted(found)


def wait_for_port(process, address, seconds=20):
    """Waits until something accepts at host:port or unix:/path."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if address.startswith("unix:"):
                with socket.socket(socket.AF_UNIX) as probe:
                    probe.connect(address[5:])
            else:
                host, port = address.rsplit(":", 1)
                socket.create_connection((host, int(port)), 2).close()
            return
        except OSError:
            pass
        if not process.is_running() or time.monotonic() > deadline:
            raise AssertionError("%s does not listen at %s:\n%s" % (
                process.command[0], address, process.log()[-4000:]))
        time.sleep(0.02)
