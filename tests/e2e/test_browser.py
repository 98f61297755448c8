#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The Next.js example in a real browser, behind each web server, and with the
pages on an origin of their own. browser/story.mjs does the clicking.

    test_browser.py --screenshots DIR [words]    also writes the README's pictures
"""
import json
import os
import shutil
import subprocess
import sys

import nodejs
import processes
from harness import SECRET, World
from tap import Suite, check, equal
from webserver import ROOT, available

HERE = os.path.dirname(os.path.abspath(__file__))
SERVERS = available()
TWO_ORIGINS = "two origins, " + SERVERS[-1]
PARTS = (
    ("B_US2", "asks for a sign-in"),
    ("A_US1 B_US1 A_FR_001 B_FR_001", "sign-up"),
    ("B_FR_013", "no script reads the session or keeps the JWT"),
    ("A_US2 B_US3 A_FR_005 B_FR_014", "tasks"),
    ("B_SC_010", "refresh, back and a second tab"),
    ("A_US3 B_US3 B_SC_005", "isolation"),
    ("B_US5", "renews the JWT before it expires"),
    ("B_US4 B_FR_008", "sign-out"),
    ("B_US4 B_SC_010", "signed out in every tab, after back and after"
                       " refresh"),
    ("A_US1 B_US2 A_FR_002 B_FR_006", "sign-in returns to the page asked for"),
    ("B_US2", "sign-in returns to no other site"),
    ("B_US5", "a session ended elsewhere asks for a sign-in"),
    ("B_US2", "by keyboard alone, and by name"),
    ("B_US2", "the picture in the dark"),
    ("B_FR_025", "nothing is asked of another host, and the console is clean"),
)
suite = Suite()
stage = shots = None
results = {}


class Stage:
    """The example's packages and pages, and the servers in front of them."""

    def __init__(self, pictures):
        self.pictures = pictures
        # Below the build, which a run of all tests removes at its end.
        self.place = os.path.abspath(os.environ["AUTHBRIDGE_BUILD"])
        os.environ.setdefault("npm_config_cache", self.place + "/npm")
        self.app = self._install("nextjs", ROOT + "/examples/nextjs")
        self.script = self._install("browser", HERE + "/browser")
        self.port = processes.free_port()
        self.pages = "http://127.0.0.1:%d" % self.port
        self.next = None
        suite.finally_do(self.stop_pages)
        self.build_pages()
        self.start_pages()
        self.world = World(suite, backend="tasks", pages={
            "frontend": "127.0.0.1:%d" % self.port})

    def _install(self, name, source):
        place = "%s/%s" % (self.place, name)
        shutil.copytree(source, place, dirs_exist_ok=True,
                        ignore=shutil.ignore_patterns("node_modules", ".next"))
        nodejs.install(place)
        return place

    def build_pages(self, **env):
        done = subprocess.run(
            ["npm", "run", "build"], cwd=self.app, check=False, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, env=nodejs.environment(**env))
        check(done.returncode == 0, done.stdout[-3000:])

    def start_pages(self):
        self.next = processes.Process(
            ["node", "node_modules/next/dist/bin/next", "start",
             "--hostname", "127.0.0.1", "--port", str(self.port)],
            self.app + "/output.log", cwd=self.app,
            env=nodejs.environment(NEXT_TELEMETRY_DISABLED="1"))
        processes.wait_for_port(self.next, "127.0.0.1:%d" % self.port)

    def stop_pages(self):
        if self.next and self.next.is_running():
            self.next.stop()

    def play(self, pages, api, life, pictures=None):
        """Runs the story; {part: what was wrong with it, or None}."""
        folder = self.world.folder
        done = subprocess.run(
            ["node", self.script + "/story.mjs", json.dumps(
                {"pages": pages, "api": api, "life": life,
                 "shots": pictures})],
            check=False, text=True, timeout=420, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=nodejs.environment(HOME=folder, TMPDIR=folder))
        steps = [json.loads(line) for line in done.stdout.splitlines()]
        parts = {step["name"]: step["problem"] for step in steps}
        parts.setdefault("", done.stderr[-2000:])
        return parts

    def one_origin(self, server):
        origin = self.world.servers[server].origin
        return self.play(origin, origin, 900,
                         self.pictures if server == SERVERS[0] else None)

    def two_origins(self):
        """The pages come from Next.js itself, the API from the web server."""
        service = self.world.extra_service(
            jwt_ttl="12s", trusted_origins=self.pages,
            base_url="http://127.0.0.1:%d" % processes.free_port()).start()
        server = self.world.extra_web_server(
            SERVERS[-1], service, self.world.tasks.address,
            self.world.folder + "/api", allow_origin=self.pages)
        self.stop_pages()
        self.build_pages(NEXT_PUBLIC_API_ORIGIN=server.origin)
        self.start_pages()
        return self.play(self.pages, server.origin, 12)


def outcome(setting):
    if setting not in results:
        results[setting] = (stage.two_origins() if setting == TWO_ORIGINS
                            else stage.one_origin(setting))
    return results[setting]


def part(setting, name):
    parts = outcome(setting)
    check(name in parts, "did not run:", parts[""])
    check(parts[name] is None, parts[name])


@suite.case("A_FR_012 B_FR_016 nothing that the browser loads knows the"
            " secret's name or value")
def no_secret():
    found = 0
    for folder, _, names in os.walk(stage.app + "/.next/static"):
        for name in names:
            with open(folder + "/" + name, encoding="utf-8") as file:
                text = file.read()
            found += 1
            check(SECRET not in text, name)
    check(found > 5, found)
    equal(os.path.exists(stage.app + "/.env"), False, "a file of settings")


for _setting in SERVERS + [TWO_ORIGINS]:
    for _ids, _name in PARTS:
        suite.case("%s browser, %s: %s" % (_ids, _setting, _name), _setting,
                   _name)(part)


def setup():
    global stage
    stage = Stage(shots)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--screenshots"]:
        shots = os.path.abspath(sys.argv[2])
        del sys.argv[1:3]
    suite.main(setup)
