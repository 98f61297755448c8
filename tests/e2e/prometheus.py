# SPDX-License-Identifier: MIT
"""Prometheus's text format 0.0.4, read strictly: what a scraper would take or
merely tolerate is an error here, and so is what its conventions forbid."""
import math
import re

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"'
SAMPLE = re.compile(r"(%s)(?:\{(%s(?:,%s)*)\})? (\S+)" % (NAME, LABEL, LABEL))
VALUE = re.compile(r"[0-9]+(\.[0-9]+)?(e[+-][0-9]+)?|\+Inf")
SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("",),
            "gauge": ("",)}


class Malformed(Exception):
    pass


def need(condition, *about):
    if not condition:
        raise Malformed(" ".join(str(each) for each in about))


class Family:
    """One metric: its kind, help, and {labels: value} for each suffix."""

    def __init__(self, name, text):
        self.name, self.help, self.kind = name, text, None
        self.samples = {}

    def add(self, line):
        match = SAMPLE.fullmatch(line)
        need(match, "no sample:", line)
        name, labels, value = match[1], match[2] or "", match[match.lastindex]
        suffix = name[len(self.name):]
        need(name.startswith(self.name) and suffix in SUFFIXES[self.kind],
             line, "does not belong to", self.name)
        need(VALUE.fullmatch(value), "value:", line)
        pairs = tuple((pair[1], pair[2])
                      for pair in re.finditer(LABEL, labels))
        need(len(dict(pairs)) == len(pairs), "a label twice:", line)
        need((suffix, pairs) not in self.samples, "twice:", line)
        self.samples[suffix, pairs] = float(value.replace("+Inf", "inf"))

    def judge(self):
        need(self.samples, self.name, "has no sample")
        need((self.kind == "counter") == self.name.endswith("_total"),
             self.name, "is a", self.kind)
        names = {tuple(name for name, _ in labels)
                 for suffix, labels in self.samples}
        if self.kind != "histogram":
            need(len(names) == 1, self.name, "has labels", names)
            return
        need(self.name.endswith("_seconds"), self.name, "has no unit")
        for labels in {pairs for suffix, pairs in self.samples
                       if suffix == "_count"}:
            self.judge_histogram(labels)

    def judge_histogram(self, labels):
        buckets = [(float(pairs[-1][1].replace("+Inf", "inf")), value)
                   for (suffix, pairs), value in self.samples.items()
                   if suffix == "_bucket" and pairs[:-1] == labels]
        bounds = [bound for bound, _ in buckets]
        counts = [count for _, count in buckets]
        need(len(bounds) > 2 and bounds == sorted(set(bounds)) and
             math.isinf(bounds[-1]), self.name, "bounds", bounds)
        need(counts == sorted(counts), self.name, "is not cumulative", counts)
        need(counts[-1] == self.samples["_count", labels], self.name, labels,
             "+Inf is not _count")
        need(("_sum", labels) in self.samples, self.name, "has no _sum")
        need(counts[-1] or not self.samples["_sum", labels], self.name,
             "sums what it did not count")


def read(text):
    """{name: Family}"""
    need(text.endswith("\n"), "the last line has no end")
    families, current = {}, None
    for line in text[:-1].split("\n"):
        word, name, rest = ((line.split(" ", 3)[1:] + ["", ""])[:3]
                            if line.startswith("# ") else ("", "", ""))
        if word == "HELP":
            need(name not in families and re.fullmatch(NAME, name) and rest,
                 line)
            current = families[name] = Family(name, rest)
        elif word == "TYPE":
            need(current and current.name == name and not current.kind and
                 rest in SUFFIXES, line)
            current.kind = rest
        else:
            need(current and current.kind, "before its head:", line)
            current.add(line)
    for family in families.values():
        family.judge()
    return families


def total(families, name, suffix="", **labels):
    """The samples with these labels, added up."""
    return sum(value for (its, pairs), value in families[name].samples.items()
               if its == suffix and labels.items() <= dict(pairs).items())
