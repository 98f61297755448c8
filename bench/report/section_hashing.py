# SPDX-License-Identifier: MIT
"""Sign-ins against what the processors can hash."""
import subprocess

from rounds import alternate, figure
from stage import Load, Stage, binary, sign_in_request, sign_up, write_requests

TITLE = "Hashing"
MEANS = """\
Argon2id of 19 MiB and two passes, on all cores. *libsodium* is the library as
it comes, in a program that does nothing else; *with the work area* is the same
with the memory that authbridge gives it (`bench/bench_hash.c`); *sign-ins* are
whole ones: a request over FastCGI, the user's row, the throttle's, the hash, a
session, cookies and a JWT. What a sign-in loses to the row above it is
everything but the hash."""
ROWS = ("libsodium", "with the work area", "sign-ins")


def ceiling(seconds):
    done = subprocess.run([binary("bench/bench_hash"), "1", str(seconds)],
                          stdout=subprocess.PIPE, text=True, check=True)
    rates = {fields[0]: float(fields[2].split("/")[0]) for fields in
             (line.split("\t") for line in done.stdout.splitlines())}
    return rates["hash_stock"], rates["hash_work_area"]


def run(sizes):
    raw = []
    with Stage() as stage:
        stage.database("hashing")
        service = stage.service("hashing", rate_limit="on", workers=2,
                                rate_limit_trusted="127.0.0.0/8")
        sign_up(service)
        requests = write_requests(stage.folder + "/sign-in", [
            sign_in_request("bench@example.com")])

        def measure(name):
            if name == "raw":
                raw.append(ceiling(sizes.seconds))
                return 0
            return Load(service.unix, requests, sizes.sign_ins, 16).rate

        found = alternate(("raw", ROWS[2]), sizes.rounds, measure)
    return [figure("hashes and sign-ins", "a second", "more", {
        ROWS[0]: [stock for stock, _ in raw],
        ROWS[1]: [kept for _, kept in raw], ROWS[2]: found[ROWS[2]]},
        ROWS[1:])]
