# SPDX-License-Identifier: MIT
"""Differences between two normal forms, and the list of deliberate ones.

The list is the table of doc/differences.md: id | request | part | reference |
authbridge | reason. The four in the middle are glob patterns between
backquotes; `request` is "VARIANT/CASE: METHOD PATH (what is special)", the path
below the base path. A part that one side lacks has the value (absent).
"""
import re

ABSENT = "(absent)"


class Difference:
    def __init__(self, request, part, reference, ours):
        self.request = request
        self.part = part
        self.reference = reference
        self.ours = ours

    def __str__(self):
        return "%s | %s | reference %s | ours %s" % (
            self.request, self.part, self.reference, self.ours)


def kind(parts):
    """Status, code or shape of the body: what all else follows from."""
    for name in ("body.code", "body.message", "body (keys)", "body"):
        if parts.get(name):
            return "%s %s" % (parts["status"], parts[name].strip('"'))
    return parts.get("status", ABSENT)


def differences(request, reference, ours):
    """One difference called `answer` when the answers are of two kinds."""
    if kind(reference) != kind(ours):
        yield Difference(request, "answer", kind(reference), kind(ours))
        return
    for part in sorted(set(reference) | set(ours)):
        pair = reference.get(part, ABSENT), ours.get(part, ABSENT)
        if pair[0] != pair[1]:
            yield Difference(request, part, *pair)


class Listed:
    def __init__(self, identity, request, part, reference, ours):
        self.identity = identity
        self.seen = 0
        self.patterns = [re.compile(_translated(glob)) for glob in (
            request, part, reference, ours)]

    def covers(self, difference):
        values = (difference.request, difference.part, difference.reference,
                  difference.ours)
        if not all(p.fullmatch(v) for p, v in zip(self.patterns, values)):
            return False
        self.seen += 1
        return True


def _translated(glob):
    """A glob in which only * and ? are special."""
    return "(?s:%s)" % "".join(
        ".*" if c == "*" else "." if c == "?" else re.escape(c) for c in glob)


def read_list(path):
    """The rows whose first cell is an id such as D-012."""
    rows = []
    with open(path, encoding="utf-8") as text:
        for line in text:
            cells = [c.strip() for c in re.split(r"(?<!\\)\|",
                                                 line.strip().strip("|"))]
            if len(cells) == 6 and re.fullmatch(r"D-\d+", cells[0]):
                cells = [c.replace("\\|", "|").strip("`") for c in cells]
                rows.append(Listed(*cells[:5]))
    if len({row.identity for row in rows}) != len(rows):
        raise AssertionError("%s: an id stands twice" % path)
    return rows
