# SPDX-License-Identifier: MIT
"""The service's log as events; the only place that knows its words.

A line is `time=... level=... event="sign-in refused" user=... addr=...`.
"""
import re

SIGN_UP = "sign-up"
SIGN_UP_REFUSED = "sign-up refused"
SIGN_IN = "sign-in"
SIGN_IN_REFUSED = "sign-in refused"
SIGN_OUT = "sign-out"
GATE_REFUSED = "gate refused"

_FIELD = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|\S*)')


def parse(line):
    """The fields of one line as a dict; empty when it is no event."""
    fields = {}
    for name, value in _FIELD.findall(line):
        if value.startswith('"'):
            value = re.sub(r"\\(.)", r"\1", value[1:-1])
        fields[name] = value
    return fields if "event" in fields and "time" in fields else {}


class Logbook:
    """Events written to the file since the last call of `take`."""

    def __init__(self, path):
        self.path = path
        self.offset = 0
        self.skip()

    def skip(self):
        with open(self.path, "rb") as log:
            self.offset = log.seek(0, 2)

    def take(self):
        with open(self.path, "rb") as log:
            log.seek(self.offset)
            data = log.read()
        whole = data[:data.rfind(b"\n") + 1]
        self.offset += len(whole)
        events = [parse(line) for line in
                  whole.decode("utf-8", "replace").splitlines()]
        return [event for event in events if event]

    def take_named(self, name):
        return [event for event in self.take() if event["event"] == name]
