# SPDX-License-Identifier: MIT
"""`make bench-report` works: each section measures, and the page is whole.

With tiny sizes, whose figures say nothing; AUTHBRIDGE_LONG=1 takes those of
--quick, and the Better Auth server too.
"""
import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree

import processes
from service import build_folder
from tap import Suite, check, equal
from webserver import ROOT

sys.path.insert(0, ROOT + "/bench/report")

import page  # noqa: E402
import plot  # noqa: E402
import rounds  # noqa: E402

LONG = os.environ.get("AUTHBRIDGE_LONG") == "1"
SECTIONS = ["gate", "web", "backend", "hashing", "memory", "flood", "growth"]
SECTIONS += ["better_auth"] if LONG else []
suite = Suite()
folder = None


def setup():
    global folder
    folder = processes.make_folder()
    suite.finally_do(lambda: processes.remove_folder(folder))


def report(*options):
    words = ["--out", folder] + list(options)
    done = subprocess.run(
        ["make", "-s", "-C", build_folder(), "bench-report",
         "REPORT=" + " ".join(words)], stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, check=False)
    equal(done.returncode, 0, done.stdout[-3000:])
    return done.stdout


@suite.each("measures: %s", SECTIONS)
def measures(name):
    report("--quick" if LONG else "--tiny", "--section", name)
    with open("%s/%s.json" % (folder, name), encoding="utf-8") as source:
        section = json.load(source)
    check(section["figures"], "no figure")
    for one in section["figures"]:
        check(len(one["rows"]) >= 2, one["title"])
        for row in one["rows"]:
            check(all(value > 0 for value in row["values"]), one["title"], row)


@suite.case("the page joins what sections left, with a plot for each table")
def joined():
    report("--merge")
    with open(folder + "/README.md", encoding="utf-8") as source:
        text = source.read()
    with open("/proc/sys/kernel/hostname", encoding="ascii") as name:
        host = name.read().strip()
    for private in (folder, ROOT, build_folder(), host):
        check(private not in text, private)
    equal(len(re.findall(r"(?m)^## ", text)), len(SECTIONS) + 1)
    check("\n## Where authbridge loses\n" in text)
    pictures = re.findall(r"!\[[^]]*\]\(([^)]*)\)", text)
    equal(len(set(pictures)), len(pictures), "pictures twice")
    equal(len(pictures), len(re.findall(r"(?m)^### ", text)))
    for picture in pictures:
        xml.etree.ElementTree.parse("%s/%s" % (folder, picture))
    return "%d tables" % len(pictures)


@suite.case("medians, ratios and losses are what they should be")
def sums():
    order = []
    rounds.alternate("ab", 3, order.append)
    equal("".join(order), "abbaab", "order")
    one = rounds.figure("t", "ms", "less", {"x": [1, 2, 3], "y": [2, 3, 9]},
                        ["y"])
    equal([rounds.median(row) for row in one["rows"]], [2, 3])
    equal(rounds.ratio(one["rows"][1], one["rows"][0]), 2)
    x, y = one["rows"]
    equal(list(rounds.lost(one)), [(y, x)])
    one["better"] = "more"
    equal(list(rounds.lost(one)), [])
    equal([plot.number(n) for n in (12345.6, 99.44, 0.0123)],
          ["12,346", "99.4", "0.0123"])
    one["better"] = "less"
    text, pictures = page.render(
        {"s": dict(title="S", means="m", when="w", rounds=3, load="0",
                   figures=[one])}, [("processor", "<p>")])
    check("- S, t: 3 ms of y, against 2 of x." in text, text)
    equal(list(pictures), ["s-t.svg"])
    xml.etree.ElementTree.fromstring(pictures["s-t.svg"])


if __name__ == "__main__":
    suite.main(setup)
