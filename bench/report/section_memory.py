# SPDX-License-Identifier: MIT
"""What the service occupies."""
import resource

from rounds import figure
from stage import (Load, Stage, gate_request, memory_kib, sign_in_request,
                   sign_up, write_requests)

import fcgi_client
import prometheus
from service import ask_mode
from tap import wait_until

TITLE = "Memory"
MEANS = """\
Proportional set size of the parent and two workers together, in a fresh service
each round: after the start; after gate requests on kept connections; with a
thousand connections open and idle; right after sign-ins by sixteen clients,
whose hashes take 19 MiB each while they run; with 100,000 ended sessions in the
memory of each worker."""
ENDED = """INSERT INTO authbridge.revocation (session_id, until)
SELECT md5('ended' || i), now() + interval '1 day'
FROM generate_series(1, %d) AS i;
NOTIFY authbridge_feed"""


def one_round(stage, name, sizes):
    stage.database(name)
    service = stage.service(name, workers=2, rate_limit="off")
    seen = {"started": memory_kib(service.process.pid)}

    def note(what):
        seen[what] = memory_kib(service.process.pid)

    # The connections below are ours, too.
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    user, _, jwt = sign_up(service)
    gate = write_requests(stage.folder + "/gate", [
        gate_request("/api/%s/tasks" % user, jwt, True)])
    sign_in = write_requests(stage.folder + "/sign-in", [
        sign_in_request("bench@example.com")])
    Load(service.unix, gate, sizes.requests)
    note("after gate requests")
    idle = [fcgi_client.connect(service.unix) for _ in range(1000)]
    note("1,000 connections")
    for each in idle:
        each.close()
    Load(service.unix, sign_in, sizes.sign_ins, 16)
    note("after sign-ins")
    stage.cluster.sql(name, ENDED % 100000)
    wait_for_ended(service, 100000)
    note("100,000 ended sessions")
    service.stop()
    return seen


def wait_for_ended(service, count):
    def known():
        families = prometheus.read(ask_mode(service.unix,
                                            "metrics").body.decode())
        return prometheus.total(families, "authbridge_revocations") >= count

    wait_until(known, 30, "the feed has read them")


def run(sizes):
    with Stage() as stage:
        rounds = [one_round(stage, "memory_%d" % number, sizes)
                  for number in range(min(sizes.rounds, 3))]
    return [figure("two workers and their parent", "MiB", "less", {
        what: [one[what] / 1024 for one in rounds] for what in rounds[0]},
        rounds[0])]
