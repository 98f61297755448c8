# SPDX-License-Identifier: MIT
"""Measures on this machine and writes a page with tables and plots.

    python3 bench/report [--quick | --tiny] [--section NAME]... [--merge]
                         [--out FOLDER]

--quick   about two minutes; --tiny: half a minute, only to see that it works
--section only this one; its figures join those already in FOLDER
--merge   measures nothing: writes the page anew from what is in FOLDER

Needs AUTHBRIDGE_BUILD; `make bench-report REPORT='OPTION...'` sets it.
"""
import argparse
import importlib
import json
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import machine  # noqa: E402
import page  # noqa: E402

SECTIONS = ("gate", "web", "backend", "better_auth", "hashing", "memory",
            "flood", "growth")


class Full:
    rounds = 5
    seconds = 3             # of a load through a web server
    requests = 40000        # of one to the gate, directly
    sign_ins = 150
    servers = "nginx", "apache", "lighttpd"
    users_few, users_many = 1000, 1000000
    warm = 20000


class Quick(Full):
    rounds = 3
    seconds = 1
    requests = 8000
    sign_ins = 30
    users_many = 50000
    warm = 5000


class Tiny(Full):
    rounds = 1
    seconds = 1
    requests = 800
    sign_ins = 4
    servers = "apache", "lighttpd"      # the backend stands behind nginx
    users_few, users_many = 100, 1000
    warm = 200


def measure(name, sizes, folder):
    section = importlib.import_module("section_" + name)
    left = dict(machine.moment(), rounds=sizes.rounds)
    begun = time.monotonic()
    figures = section.run(sizes)
    if isinstance(figures, dict):
        print("%s: skipped, %s" % (name, figures["skipped"]), flush=True)
        return
    left["figures"] = figures
    print("%s: %.0f s" % (name, time.monotonic() - begun), flush=True)
    with open("%s/%s.json" % (folder, name), "w", encoding="utf-8") as out:
        json.dump(left, out, indent=1)


def write_page(folder):
    sections = {}
    for name in SECTIONS:
        if os.path.exists("%s/%s.json" % (folder, name)):
            with open("%s/%s.json" % (folder, name),
                      encoding="utf-8") as source:
                sections[name] = json.load(source)
            section = importlib.import_module("section_" + name)
            sections[name].update(title=section.TITLE, means=section.MEANS)
    ran_on = machine.describe(os.environ["AUTHBRIDGE_BUILD"] + "/authbridge")
    text, pictures = page.render(sections, ran_on)
    for name, content in dict(pictures, **{"README.md": text}).items():
        with open("%s/%s" % (folder, name), "w", encoding="utf-8") as out:
            out.write(content)
    print("%s/README.md" % folder)


def main():
    parser = argparse.ArgumentParser(
        prog="bench/report", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--merge", action="store_true")
    parser.add_argument("--section", action="append", choices=SECTIONS)
    parser.add_argument("--out", default="bench-report")
    options = parser.parse_args()
    os.makedirs(options.out, exist_ok=True)
    sizes = Tiny if options.tiny else Quick if options.quick else Full
    if not options.merge:
        for name in options.section or SECTIONS:
            measure(name, sizes, options.out)
    write_page(options.out)


if __name__ == "__main__":
    main()
