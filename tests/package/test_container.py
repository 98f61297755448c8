# SPDX-License-Identifier: MIT
"""The container recipe, its steps done in a fresh Debian: no engine runs here.
The service runs in it with a read-only root, as the recipe's user, without
capabilities, in a network namespace of its own; Apache, with a root of its
own, is in another and reaches it over TCP through a veth pair. PostgreSQL is
the test's own, its socket mounted into the service's root."""
import ctypes
import os
import socket
import subprocess

from root import CLEAN, TOP, Roots, run

import fcgi_client
import http_client
import processes
from backend import Probe
from containerfile import Image
from postgres import Cluster
from service import SECRET
from story import signed_up
from tap import Suite, check, equal, wait_until

suite = Suite()
roots = image = apache = cluster = probe = None
DATABASE = "container"
SERVICE, WEB, STRANGER = "10.89.7.5", "10.89.7.2", "10.89.7.9"
CLONE_NEWNET = 0x40000000

# As an engine does: read-only root, a volume, no capability, no new privilege.
CONTAINED = """
root=$1 volume=$2 database=$3 user=$4 group=$5; shift 5
mount --bind "$root" "$root" && mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount --bind "$volume" "$root/run/authbridge"
mount --bind "$database" "$root/mnt"
mount -o remount,ro,bind "$root"
exec chroot "$root" /usr/bin/setpriv --reuid="$user" --regid="$group" \
    --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all -- "$@"
"""


class Container:
    """The image with these words; in the namespace of `network` or here."""

    def __init__(self, words, group="65501", network=None, **environment):
        self.volume = roots.folder + "/volume"
        if not os.path.isdir(self.volume):
            os.mkdir(self.volume)
            os.chown(self.volume, 65501, 65501)
        user = image.settings["USER"].split(":")[0]
        command = ["sh", "-ec", CONTAINED, "sh", image.root.path, self.volume,
                   cluster.folder, user, group] + words
        command = ["unshare", "--mount", "--ipc", "--uts"] + command
        if network:
            command = ["ip", "netns", "exec", network] + command
        self.log_path = roots.folder + "/container.log"
        self.process = processes.Process(command, self.log_path, env={
            **CLEAN, "DATABASE_URL":
            "postgresql://authbridge@/%s?host=/mnt" % DATABASE,
            "AUTHBRIDGE_SECRET": SECRET, "AUTHBRIDGE_RATE_LIMIT": "off",
            **environment})

    def status(self):
        with open("/proc/%d/status" % self.process.pid) as text:
            return dict(line.rstrip("\n").split(":\t", 1)
                        for line in text if ":\t" in line)

    def close(self):
        if self.process.is_running():
            self.process.stop()
        return self.process.child.returncode


def answers(container, address):
    def ok():
        check(container.process.is_running(), container.process.log())
        try:
            return fcgi_client.request(address, "GET",
                                       "/api/auth/ok").status == 200
        except OSError:
            return False
    wait_until(ok, 10, "an answer")


@suite.case("the recipe's steps build an image that runs")
def _():
    global image
    image = Image(roots)
    equal(image.settings["USER"], "65501:65501")
    out = image.root.run("/usr/sbin/authbridge", "--version")
    check("authbridge" in out, out)
    linked = image.root.run("ldd", "/usr/sbin/authbridge")
    check("not found" not in linked, linked)
    check(not image.root.has("/usr/bin/gcc"), "a compiler is in the image")


@suite.case("migrate makes the schema from inside, as compose.yaml does")
def _():
    environment = {"DATABASE_URL":
                   "postgresql://postgres@/%s?host=/mnt" % DATABASE,
                   "AUTHBRIDGE_BASE_URL": "https://example.com"}
    container = Container(["/usr/bin/authbridgectl", "migrate",
                           "--service-role", "authbridge"], **environment)
    equal(container.process.child.wait(60), 0, container.process.log())


@suite.case("it serves under spawn-fcgi, unprivileged, on a read-only root")
def _():
    container = Container(image.words("ENTRYPOINT") + image.words("CMD"),
                          group="33", AUTHBRIDGE_BASE_URL="https://example.com")
    try:
        path = container.volume + "/authbridge.sock"
        answers(container, "unix:" + path)
        equal(os.stat(path).st_mode & 0o777, 0o660)
        equal((os.stat(path).st_uid, os.stat(path).st_gid), (65501, 33))
        status = container.status()
        equal(status["Name"], "authbridge", "spawn-fcgi becomes the service")
        equal((status["Uid"].split()[1], status["CapEff"], status["CapBnd"],
               status["NoNewPrivs"]), ("65501", "0" * 16, "0" * 16, "1"))
        writable = subprocess.run(
            ["nsenter", "--target", str(container.process.pid), "--mount",
             "--root", "touch", "/usr/x", "/etc/x", "/x"], check=False,
            stderr=subprocess.PIPE, text=True).stderr
        equal(writable.count("Read-only file system"), 3, writable)
        wait_until(lambda: fcgi_client.request(
            "unix:" + path, "GET", "/", extra=[("AUTHBRIDGE_MODE", "ready")]
            ).status == 200, 10, "ready")
    finally:
        code = container.close()
    equal(code, 0, "SIGTERM reaches it")
    os.unlink(path)


def make_network():
    """This process in a namespace of its own, beside the service's."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    name = "authbridge-%d" % os.getpid()
    run(["ip", "netns", "add", name])
    suite.finally_do(lambda: run(["ip", "netns", "delete", name]))
    for words in ("link set lo up", "link add web type veth peer name service",
                  "link set service netns " + name, "link set web up",
                  "address add %s/24 dev web" % WEB,
                  "address add %s/24 dev web" % STRANGER,
                  "-n %s link set lo up" % name,
                  "-n %s link set service up" % name,
                  "-n %s address add %s/24 dev service" % (name, SERVICE)):
        run(["ip"] + words.split())
    return name


def start_apache(port):
    """The sample, with the service's address, in a root of its own."""
    folder = apache.file("/srv/trial")
    run([TOP + "/tools/trial-webserver", "--server", "apache", "--dir", folder,
         "--port", str(port), "--service", SERVICE + ":9010", "--backend",
         probe.address, "--web", "/var/www", "--user", "www-data"])
    run(["sh", "-c", "sed -i 's|%s||g' %s/*.conf %s/run" % (
        apache.path, folder, folder)])
    process = processes.Process(apache.enter(["/srv/trial/run"]),
                                roots.folder + "/apache.log")
    processes.wait_for_port(process, "127.0.0.1:%d" % port)
    return process


@suite.case("Apache in its own root and network reaches it with listen_peers")
def _():
    global probe
    network = make_network()
    probe = Probe()
    suite.finally_do(lambda: probe.close())
    port = processes.free_port()
    container = Container(
        ["/usr/sbin/authbridge", "-l", SERVICE + ":9010", "-w", "2"],
        network=network, AUTHBRIDGE_LISTEN_PEERS=WEB + "/32",
        AUTHBRIDGE_BASE_URL="http://127.0.0.1:%d" % port)
    server = None
    try:
        answers(container, SERVICE + ":9010")
        server = start_apache(port)
        browser = signed_up(port)
        mine = [("Authorization", "Bearer " + browser.jwt)]
        answer = http_client.send(port, "GET", browser.own(), mine)
        equal((answer.status, answer.json()["user"]),
              (200, [browser.user_id]))
        equal(http_client.send(port, "GET", browser.own()).status, 401)
        equal(http_client.send(port, "GET", "/api/other/x", mine).status, 403)
        refused_stranger()
    finally:
        if server:
            server.stop()
        code = container.close()
    equal(code, 0, "exit code")


def refused_stranger():
    """An address that listen_peers does not name gets no answer."""
    peer = socket.create_connection((SERVICE, 9010), 5, (STRANGER, 0))
    with peer:
        peer.settimeout(5)
        try:
            peer.sendall(fcgi_client.encode(
                fcgi_client.parameters("GET", "/api/auth/ok", [], []), b"", 1))
            got = peer.recv(100)
        except ConnectionError:
            got = b""
    equal(got, b"", "a stranger was answered")


@suite.case("without listen_peers such an address is refused at start")
def _():
    container = Container(["/usr/sbin/authbridge", "-l", SERVICE + ":9010"],
                          AUTHBRIDGE_BASE_URL="https://example.com")
    code = container.process.child.wait(20)
    check(code in (64, 69, 78), code, container.process.log())
    check("listen_peers" in container.process.log(), container.process.log())


def set_up():
    global roots, apache, cluster
    roots = Roots()
    suite.finally_do(roots.close)
    apache = roots.make("apache")
    apache.run("apt-get", "update")
    apache.run("apt-get", "-y", "--no-install-recommends", "install",
               "apache2-bin", "media-types")
    cluster = Cluster(private=True)
    suite.finally_do(cluster.close)
    os.chmod(cluster.folder, 0o755)
    cluster.create_role("authbridge")
    cluster.create_database(DATABASE)


suite.main(set_up)
