# SPDX-License-Identifier: MIT
"""What a report ran on. No host name, no path: reports are published."""
import os
import platform
import re
import subprocess
import time

PROGRAMS = (
    ("PostgreSQL", ["psql", "--version"]),
    ("nginx", ["/usr/sbin/nginx", "-v"]),
    ("Apache", ["/usr/sbin/apache2", "-v"]),
    ("lighttpd", ["/usr/sbin/lighttpd", "-v"]),
    ("Node.js", ["node", "--version"]),
    ("wrk", ["wrk", "-v"]),
)


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as info:
        found = re.search(r"^model name\s*: (.*)$", info.read(), re.M)
    return found[1] if found else platform.machine()


def memory_gib():
    with open("/proc/meminfo", encoding="ascii") as info:
        return int(info.readline().split()[1]) / 2 ** 20


def version_of(command):
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, check=False,
                              stderr=subprocess.STDOUT, text=True)
    except OSError:
        return None
    found = re.search(r"\d+\.\d+(\.\d+)*", done.stdout)
    return found[0] if found else None


def python_version_of(package):
    code = "import %s; print(%s.__version__)" % (package, package)
    return version_of(["/usr/bin/python3", "-c", code])


def describe(service):
    """(what, value) pairs; `service` is the path of the program measured."""
    rows = [
        ("processor", "%s, %d cores" % (processor(), os.cpu_count())),
        ("memory", "%.0f GiB" % memory_gib()),
        ("kernel", "%s %s" % (platform.system(),
                           platform.release().split("-")[0])),
        ("authbridge", version_of([service, "--version"])),
    ]
    rows += [(name, version_of(command)) for name, command in PROGRAMS]
    rows += [("Python", platform.python_version())]
    rows += [(name, python_version_of(name))
             for name in ("fastapi", "uvicorn", "jwt")]
    return [(name, value) for name, value in rows if value]


def moment():
    """When, and how busy the machine was before the section began."""
    return {"when": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
            "load": "%.2f" % os.getloadavg()[0]}
