# SPDX-License-Identifier: MIT
"""What a backend gains when it need not check tokens."""
import os

from rounds import alternate, figure, of
from stage import ROOT, SECRET, Stage, sign_up
from web import Site, Wrk

import processes
from backend import TaskApi

TITLE = "A backend freed of its JWT check"
MEANS = """\
The task API of `examples/fastapi` under one uvicorn process, listing a user's
tasks. *checks the JWT* uses the dependency `jwt_user` of its auth.py (PyJWT,
HS256); *told by the gate* uses `gate_user`, which reads a header. Through nginx
the first goes without a gate, as such backends are run today, the second
through authbridge: the check has moved, and sessions that ended are refused,
which the dependency cannot do. Asked directly it shows what the backend itself
spends; without its database (`bench/report/bare_api.py`), what the check costs
of a route that does nothing else."""
CHECKS, TOLD = "checks the JWT", "told by the gate"


class BareApi:
    def __init__(self, stage, issuer, identity):
        self.port = processes.free_port()
        env = dict(os.environ, BETTER_AUTH_SECRET=SECRET, TASKS_IDENTITY=identity,
                   BETTER_AUTH_URL=issuer, PYTHONDONTWRITEBYTECODE="1",
                   PYTHONPATH="%s/bench/report:%s/examples/fastapi" % (
                       ROOT, ROOT))
        self.process = processes.Process(
            ["/usr/bin/python3", "-m", "uvicorn", "bare_api:app", "--host",
             "127.0.0.1", "--port", str(self.port), "--log-level", "warning"],
            "%s/bare-%s.log" % (stage.folder, identity), env=env)
        processes.wait_for_port(self.process, "127.0.0.1:%d" % self.port)

    def close(self):
        self.process.stop()


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

        def direct(asked):
            return alternate(asked, sizes.rounds, lambda name: Wrk(
                asked[name].port, path, sizes.seconds, headers[name],
                stage.folder))

        alone = direct(apis)
        issuer = service.settings["base_url"]
        bare = direct({name: stage.own(BareApi(stage, issuer, identity))
                       for name, identity in ((CHECKS, "jwt"),
                                              (TOLD, "gate"))})
    return [
        figure("through nginx", "requests/s", "more",
               of(through, lambda load: load.rate), (TOLD,)),
        figure("through nginx, 99th percentile", "ms", "less",
               of(through, lambda load: load.p99 / 1e3), (TOLD,)),
        figure("the backend alone", "requests/s", "more",
               of(alone, lambda load: load.rate), (TOLD,)),
        figure("the backend alone, without its database", "requests/s", "more",
               of(bare, lambda load: load.rate), (TOLD,)),
    ]
