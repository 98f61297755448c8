# SPDX-License-Identifier: MIT
"""What a running service has given up, and what its memory still holds: no
password that came and no token that went, and no secret in pages that a core
dump would have.

What a client sent in headers is wiped as well, but for the buffer that libfcgi
frees as it is.
"""
import json
import os
import re
import secrets

import fcgi_client
import processes
from harness import SECRET, World
from story import fresh_email
from tap import Skip, Suite, check, equal

suite = Suite()
world = None
ROUNDS = 40     # so that every thread has worked


def setup():
    global world
    if not processes.am_root():
        raise Skip("another's memory is shown to root alone")
    world = World(suite, backend=None, workers=2)


def pids():
    parent = world.service.process.pid
    return [parent] + processes.children_of(parent)


def mappings(pid):
    """(start, end, flags) of what can be read."""
    found = []
    with open("/proc/%d/smaps" % pid) as smaps:
        for line in smaps:
            head = re.match(r"([0-9a-f]+)-([0-9a-f]+) r\S+ .*?(\[\w+\])?$",
                            line)
            if head:
                found.append([int(head[1], 16), int(head[2], 16), head[3]])
            elif re.match(r"[0-9a-f]+-", line):
                found.append(None)
            elif line.startswith("VmFlags:") and found[-1]:
                found[-1].append(line.split()[1:])
    return [m for m in found if m and m[2] not in ("[vvar]", "[vsyscall]")]


def places_of(needles):
    """{needle's name: [(pid, mapping)]} over the whole service."""
    found = {name: [] for name in needles}
    for pid in pids():
        with open("/proc/%d/mem" % pid, "rb", buffering=0) as memory:
            for start, end, kind, flags in mappings(pid):
                memory.seek(start)
                try:
                    data = memory.read(end - start)
                except OSError:
                    continue
                for name, needle in needles.items():
                    if needle in data:
                        found[name].append((pid, hex(start), kind, flags))
    return found


def post(name, body, cookie=None):
    headers = [("Content-Type", "application/json"),
               ("Origin", world.base_url)]
    if cookie:
        headers.append(("Cookie", cookie))
    return fcgi_client.request(world.service.unix, "POST", "/api/auth" + name,
                               headers, json.dumps(body).encode())


@suite.case("passwords and issued tokens are gone with their request")
def requests_leave_nothing():
    password, renewed = ("pw-" + secrets.token_hex(12) for _ in range(2))
    email, needles = fresh_email("memory"), {}
    answer = post("/sign-up/email", {"name": "Ann", "email": email,
                                     "password": password})
    equal(answer.status, 200, answer.body)
    for number in range(ROUNDS):
        answer = post("/sign-in/email", {"email": email,
                                         "password": password})
        equal(answer.status, 200, answer.body)
        jwt = answer.header("set-auth-jwt")
        needles["signature %d" % number] = jwt.rpartition(".")[2].encode()
        cookie = answer.header("set-cookie").partition(";")[0]
        if number < ROUNDS - 1:
            needles["cookie %d" % number] = cookie.partition("=")[2].encode()
    equal(post("/sign-in/email", {"email": email,
                                  "password": renewed}).status, 401)
    equal(post("/change-password", {"currentPassword": password,
                                    "newPassword": renewed},
               cookie).status, 200)
    needles.update({"password": password.encode(), "new": renewed.encode()})
    # Other requests come by, which overwrite nothing on purpose.
    for _ in range(2 * ROUNDS):
        fcgi_client.gate(world.service.unix, "GET", "/api/nobody/x")
    found = {name: at for name, at in places_of(needles).items() if at}
    equal({name: [(pid, at) for pid, at, _, _ in places]
           for name, places in found.items()}, {}, "still there")


@suite.case("the secret lies in pages that no dump would have")
def secret_out_of_dumps():
    for pid, start, kind, flags in places_of(
            {"secret": SECRET.encode()})["secret"]:
        check("dd" in flags, "a dump of", pid, "would have the secret:",
              start, kind, flags)


@suite.case("parent and workers have given up what they do not need")
def given_up():
    parent = world.service.process.pid
    for pid in pids():
        with open("/proc/%d/status" % pid) as status:
            fields = dict(re.findall(r"(?m)^(\w+):\s+(.*)$", status.read()))
        equal(fields["NoNewPrivs"], "1", pid)
        equal(fields["CapEff"], "0" * 16, pid)
        equal(fields["Seccomp"], "0" if pid == parent else "2", pid)
        with open("/proc/%d/limits" % pid) as limits:
            check(re.search(r"Max core file size +0 +0 ", limits.read()), pid)
        # What cannot be dumped belongs to root, whoever runs it.
        equal(os.stat("/proc/%d/mem" % pid).st_uid, 0, "dumpable", pid)


if __name__ == "__main__":
    suite.main(setup)
