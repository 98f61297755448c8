# SPDX-License-Identifier: MIT
"""What a backend gains when it need not check tokens."""
from rounds import alternate, figure, of
from stage import ROOT, SECRET, Stage, sign_up
from web import Site, Wrk

from backend import TaskApi

TITLE = "A backend freed of its JWT check"
MEANS = """\
The task API of `examples/fastapi` under one uvicorn process, listing a user's
tasks. *checks the JWT* uses the dependency `jwt_user` of its auth.py (PyJWT,
HS256); *told by the gate* uses `gate_user`, which reads a header. Through nginx
the first goes without a gate, as such backends are run today, the second
through authbridge: the check has moved, and sessions that ended are refused,
which the dependency cannot do. Asked directly it shows what the backend itself
spends."""
CHECKS, TOLD = "checks the JWT", "told by the gate"


def run(sizes):
    with Stage() as stage:
        stage.database("backend")
        with open(ROOT + "/sql/example-rls.sql", encoding="utf-8") as tables:
            stage.cluster.sql("backend", tables.read())
        url = stage.cluster.url("backend", "tasks_app")
        service = stage.service("backend", rate_limit="off")
        user, _, jwt = sign_up(service)
        path = "/api/%s/tasks" % user
        bearer = {"Authorization": "Bearer " + jwt}
        apis = {name: stage.own(TaskApi(stage.folder, url, SECRET,
                                        service.settings["base_url"], identity))
                for name, identity in ((CHECKS, "jwt"), (TOLD, "gate"))}
        ports = {name: stage.own(Site("nginx", stage.folder, service.unix,
                                      api.address, name == TOLD)).port
                 for name, api in apis.items()}
        through = alternate(apis, sizes.rounds, lambda name: Wrk(
            ports[name], path, sizes.seconds, bearer, stage.folder))
        headers = {CHECKS: bearer, TOLD: {"X-User-Id": user}}
        direct = alternate(apis, sizes.rounds, lambda name: Wrk(
            apis[name].port, path, sizes.seconds, headers[name],
            stage.folder))
    return [
        figure("through nginx", "requests/s", "more",
               of(through, lambda load: load.rate), (TOLD,)),
        figure("through nginx, 99th percentile", "ms", "less",
               of(through, lambda load: load.p99 / 1e3), (TOLD,)),
        figure("the backend alone", "requests/s", "more",
               of(direct, lambda load: load.rate), (TOLD,)),
    ]
