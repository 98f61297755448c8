# SPDX-License-Identifier: MIT
"""Test cases in TAP: register with Suite.case, run with Suite.main.

A case is a function without arguments; it passes unless it raises. The plan is
printed first, so a crash in the middle is seen as missing cases. Words on the
command line run only the cases whose name holds one of them.
"""
import sys
import time
import traceback


class Skip(Exception):
    """Raised by a case that cannot run here; the text says why."""


class Suite:
    def __init__(self):
        self.cases = []
        self.finalizers = []
        self.setup = None

    def case(self, name, *args):
        """Decorator; further arguments are passed to the function."""
        def register(function):
            self.cases.append((name, function, args))
            return function
        return register

    def each(self, name, values):
        """Registers one case per value; name holds one %s."""
        def register(function):
            for value in values:
                label = value[0] if isinstance(value, tuple) else value
                self.cases.append((name % label, function, (value,)))
            return function
        return register

    def finally_do(self, function):
        self.finalizers.append(function)

    def main(self, setup=None):
        wanted = sys.argv[1:]
        cases = [c for c in self.cases
                 if not wanted or any(w in c[0] for w in wanted)]
        print("1..%d" % len(cases), flush=True)
        failed = 0
        try:
            if setup:
                setup()
            for number, (name, function, args) in enumerate(cases, 1):
                failed += not self._run(number, name, function, args)
        except Skip as why:
            for number, (name, _, _) in enumerate(cases, 1):
                print("ok %d - %s # SKIP %s" % (number, name, why), flush=True)
        except BaseException:
            _diagnose(traceback.format_exc())
            print("Bail out! set-up failed", flush=True)
            failed += 1
        finally:
            for function in reversed(self.finalizers):
                try:
                    function()
                except Exception:
                    _diagnose(traceback.format_exc())
        sys.exit(1 if failed else 0)

    @staticmethod
    def _run(number, name, function, args):
        started = time.monotonic()
        try:
            note = function(*args)
        except Skip as why:
            print("ok %d - %s # SKIP %s" % (number, name, why), flush=True)
            return True
        except Exception:
            print("not ok %d - %s" % (number, name), flush=True)
            _diagnose(traceback.format_exc())
            return False
        print("ok %d - %s" % (number, name), flush=True)
        if note:
            _diagnose(str(note))
        elapsed = time.monotonic() - started
        if elapsed > 10:
            _diagnose("took %.1f s" % elapsed)
        return True


def _diagnose(text):
    for line in text.rstrip().splitlines():
        print("# " + line, flush=True)


def check(condition, *about):
    if not condition:
        raise AssertionError(" ".join(str(a) for a in about))


def equal(got, want, *about):
    if got != want:
        raise AssertionError("%s: got %r, want %r" % (
            " ".join(str(a) for a in about), got, want))


def wait_until(condition, seconds=10, about="condition", pause=0.02):
    """Returns the condition's first true value, or fails at the deadline."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError("%s: not within %s s" % (about, seconds))
        time.sleep(pause)
