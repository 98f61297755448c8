# SPDX-License-Identifier: MIT
"""The endpoints beside the Better Auth server."""
import sys

from rounds import alternate, figure
from stage import ROOT, Stage
from tap import Skip

TITLE = "Sign-in and get-session beside Better Auth"
MEANS = """\
The same two requests to a Better Auth server (Node.js, production mode, on its
own database) and to authbridge behind nginx, sixteen clients each; both with
their limits off. What `make bench-better-auth` measures. Better Auth hashes
with scrypt, authbridge with argon2id. Memory is the proportional set size of
all processes of each, right after the load, nginx left out."""
NAMES = {"reference": "Better Auth", "service": "authbridge"}
UNITS = (("get-session", "requests/s", "more"), ("sign-in", "requests/s", "more"),
         ("resident KiB", "KiB", "less"))


def run(sizes):
    sys.path.insert(0, ROOT + "/tests/e2e/better-auth")
    import bench
    owned = []
    with Stage() as stage:
        try:
            by_name = {NAMES[each.name]: each for each in
                       bench.contestants(stage.cluster, stage.folder, owned)}
            alternate(by_name, sizes.rounds, lambda name: by_name[name].measure(
                sizes.seconds, stage.folder))
        except Skip as why:
            return {"skipped": str(why)}
        finally:
            for each in reversed(owned):
                each.close()
    return [figure("memory after load" if "KiB" in what else what, unit, better,
                   {name: each.rates[what] for name, each in by_name.items()},
                   ("authbridge",)) for what, unit, better in UNITS]
