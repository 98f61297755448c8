# SPDX-License-Identifier: MIT
"""The page, from what the sections left behind."""
import re

import plot
from rounds import lost, median, ratio

HEAD = """\
# What authbridge costs, measured

Made by `make bench-report`, which measures on the machine it runs on; run it on
yours. One section alone: `make bench-report REPORT='--section NAME'`.

Every comparison ran side by side: each round measured every row, one after the
other, every other round backwards. A table shows the median of the rounds, the
lowest and the highest, and the median of each round's ratio to the first row.
Load generator, database, web server and the programs measured share the
machine's processors, so a difference here is rather smaller than it is apart.
"""


def slug(text):
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def table(one):
    rows = ["| | %s | lowest to highest | to the first |" % one["unit"],
            "|---|---:|---:|---:|"]
    for row in one["rows"]:
        rows.append("| %s | %s | %s to %s | %.2f |" % (
            row["name"], plot.number(median(row)),
            plot.number(min(row["values"])), plot.number(max(row["values"])),
            ratio(row, one["rows"][0])))
    return rows


def section_text(name, section):
    lines = ["## " + section["title"], "", section["means"].strip(), "",
             "`%s`: %s, %d rounds, load average before it %s." % (
                 name, section["when"], section["rounds"], section["load"]),
             ""]
    for one in section["figures"]:
        lines += ["### " + one["title"], ""] + table(one) + [""]
        lines += ["![%s](%s.svg)" % (one["title"], picture(name, one)), ""]
        if one["note"]:
            lines += [one["note"], ""]
    return lines


def picture(name, one):
    return name + "-" + slug(one["title"])


def losses(sections):
    """Where what authbridge is compared with is better."""
    lines = []
    for section in sections.values():
        for one in section["figures"]:
            lines += ["- %s, %s: %s %s of %s, against %s of %s." % (
                section["title"], one["title"], plot.number(median(row)),
                one["unit"], row["name"], plot.number(median(other)),
                other["name"]) for row, other in lost(one)]
    return lines


def render(sections, machine):
    """(Markdown, {file name: SVG}); `sections`: {name: what it left}."""
    lines = [HEAD, "| ran on | |", "|---|---|"]
    lines += ["| %s | %s |" % pair for pair in machine] + [""]
    pictures = {}
    for name, section in sections.items():
        lines += section_text(name, section)
        for one in section["figures"]:
            pictures[picture(name, one) + ".svg"] = plot.svg(one)
    worse = losses(sections)
    lines += ["## Where authbridge loses", ""]
    lines += ["Every row above in which it is worse than what it is compared "
              "with:", ""] + worse if worse else ["In no row above."]
    return "\n".join(lines) + "\n", pictures
