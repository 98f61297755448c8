# SPDX-License-Identifier: MIT
"""The gate as a web server asks it."""
from rounds import alternate, figure, of
from stage import Stage, sign_up
from web import Backend, Site, Wrk

TITLE = "Behind each web server"
MEANS = """\
HTTP through the sample configurations of `etc/` to a backend that answers at
once. *no gate* is the same configuration with the gate taken out, so that
anyone may pass; *nothing decided* asks a plain libfcgi worker that says yes to
all; *the gate* is authbridge with one worker. Between the first and the second
lies what the web server's own sub-request costs, between the second and the
third what the decision does."""
ROWS = ("no gate", "nothing decided", "the gate")


def sites(stage, name, service, backend):
    tcp = name == "apache"
    address = service.tcp if tcp else service.unix
    yes = stage.worker("bench_null", 16, name, tcp)
    return {
        "no gate": stage.own(Site(name, stage.folder, address, backend, False)),
        "nothing decided": stage.own(Site(name, stage.folder, yes, backend)),
        "the gate": stage.own(Site(name, stage.folder, address, backend)),
    }


def run(sizes):
    figures = []
    with Stage() as stage:
        stage.database("web")
        service = stage.service("web", rate_limit="off")
        user, _, jwt = sign_up(service)
        backend = stage.own(Backend(stage.folder)).address
        path, headers = "/api/%s/tasks" % user, {"Authorization":
                                                 "Bearer " + jwt}
        for name in sizes.servers:
            subjects = sites(stage, name, service, backend)
            found = alternate(ROWS, sizes.rounds, lambda row: Wrk(
                subjects[row].port, path, sizes.seconds, headers,
                stage.folder))
            figures += [
                figure(name, "requests/s", "more",
                       of(found, lambda load: load.rate), ("the gate",)),
                figure(name + ", 99th percentile", "ms", "less",
                       of(found, lambda load: load.p99 / 1e3), ("the gate",)),
            ]
    return figures
