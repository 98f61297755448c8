# SPDX-License-Identifier: MIT
"""The gate itself, asked over FastCGI."""
from rounds import alternate, figure, of
from stage import Load, Stage, gate_request, sign_up, write_requests

TITLE = "The gate, directly"
MEANS = """\
One worker process with four threads, asked over a unix socket by eight clients.
*nothing decided* is a plain libfcgi worker that answers 200 without looking
(`bench/bench_null.c`): the least a FastCGI authorizer can cost. *door only* is
authbridge's own front door with a decision that is always yes
(`bench/bench_door.c`). The gate verifies the token's signature, its claims,
whether its session has ended, and the route; a token under an asymmetric key is
one it has seen before, as all but a token's first request are. Web servers open
a connection for each question (all three, with the samples) or keep it; a
libfcgi worker spends a thread on each kept one, so it has eight for that
comparison."""
DECIDED = ("gate, HS256", "gate, EdDSA")


def gates(stage):
    """{name: (address, a JWT's owner, the JWT)}"""
    found = {}
    for name, alg in zip(DECIDED, ("HS256", "EdDSA")):
        database = "gate_" + alg.lower()
        stage.database(database)
        service = stage.service(database, options=["-t", "4"], jwt_alg=alg,
                                rate_limit="off")
        user, _, jwt = sign_up(service)
        found[name] = (service.unix, user, jwt)
    return found


def compare(stage, sizes, found, keep):
    _, user, jwt = found[DECIDED[0]]
    undecided = stage.worker("bench_null", 8 if keep else 4, "kept" if keep
                             else "each")
    door = stage.worker("bench_door", 4, "kept" if keep else "each")
    subjects = {"nothing decided": (undecided, user, jwt),
                "door only": (door, user, jwt)}
    subjects.update(found)
    files = {}
    for number, (name, (_, owner, token)) in enumerate(subjects.items()):
        files[name] = write_requests(
            "%s/gate-%d-%d" % (stage.folder, keep, number),
            [gate_request("/api/%s/tasks" % owner, token, keep)])
    return alternate(subjects, sizes.rounds, lambda name: Load(
        subjects[name][0], files[name], sizes.requests, keep=keep))


def run(sizes):
    with Stage() as stage:
        found = gates(stage)
        each = compare(stage, sizes, found, False)
        kept = compare(stage, sizes, found, True)
    ours = ("door only",) + DECIDED
    return [
        figure("a connection for each question", "requests/s", "more",
               of(each, lambda load: load.rate), ours),
        figure("kept connections", "requests/s", "more",
               of(kept, lambda load: load.rate), ours),
        figure("99th percentile, a connection for each question", "µs", "less",
               of(each, lambda load: load.p99), ours),
        figure("99th percentile, kept connections", "µs", "less",
               of(kept, lambda load: load.p99), ours),
    ]
