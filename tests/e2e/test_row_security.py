# SPDX-License-Identifier: MIT
"""Row-level security in the example's database, through PgBouncer.

100 users at the same few server connections, with statements that forget their
WHERE: nobody sees a foreign row, and no transaction leaves its identity to the
next. AUTHBRIDGE_LONG=1 asks 900,000 times at the data access and 100,000 times
through lighttpd, the gate and the backend, instead of a few thousand.
"""
import collections
import http.client
import json
import os
import random
import subprocess
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import psycopg2

import http_client
import processes
import row_crowd
import tokens
from backend import TaskApi
from harness import SECRET, World
from pooler import Pooler
from tap import Suite, check, equal
from webserver import ROOT

suite = Suite()
world = pooler = None
backend = server = None
LONG = os.environ.get("AUTHBRIDGE_LONG") == "1"
DATA_REQUESTS = 900_000 if LONG else 6_000
HTTP_REQUESTS = 100_000 if LONG else 2_000
POOL = 5
PROCESSES = 3
HTTP_CLIENTS = 12
USERS = ["user%029d" % n for n in range(100)]
SERVER = "lighttpd"


def setup():
    global world, pooler, backend, server
    world = World(suite, backend=None)
    world.make_tasks()
    world.sql("INSERT INTO tasks.task (owner, title) SELECT 'user'"
              " || lpad(u::text, 29, '0'), 'task ' || t FROM"
              " generate_series(0, 99) u, generate_series(1, %d) t"
              % row_crowd.ROWS)
    pooler = world.own(Pooler(world.folder, world.cluster, world.database,
                              ["tasks_app"], POOL), Pooler.close)
    backend = world.own(TaskApi(world.folder, pooler.url("tasks_app"), SECRET,
                                world.base_url, module="forgetful"),
                        TaskApi.close)
    server = world.extra_web_server(SERVER, world.service, backend.address,
                                    world.folder)


def server_settings(url=None, count=POOL):
    """What is set on each of the pool's server connections: {pid: value}.
    Held open at the same time, so that each is another one."""
    held = [psycopg2.connect(url or pooler.url("tasks_app"))
            for _ in range(count)]
    found = {}
    for connection in held:
        cursor = connection.cursor()
        cursor.execute("SELECT pg_backend_pid(),"
                       " current_setting('app.user_id', true)")
        pid, value = cursor.fetchone()
        found[pid] = value
    for connection in held:
        connection.close()
    equal(len(found), count, "server connections")
    return found


def nothing_left():
    found = server_settings()
    check(set(found.values()) <= {None, ""}, found)


class Killer(threading.Thread):
    """Ends clients in the middle of their transactions, and now and then a
    server's connection."""

    PROGRAM = """
import os, signal, sys, psycopg2
held = []
for user in sys.argv[2:]:
    held.append(psycopg2.connect(sys.argv[1]))
    cursor = held[-1].cursor()
    cursor.execute("SELECT set_config('app.user_id', %s, true)", (user,))
    cursor.execute("UPDATE tasks.task SET completed = NOT completed")
os.kill(os.getpid(), signal.SIGKILL)
"""

    def __init__(self):
        super().__init__(daemon=True)
        self.stopping = threading.Event()
        self.killed = self.rounds = 0
        self.start()

    def run(self):
        while self.rounds == 0 or not self.stopping.wait(1):
            done = subprocess.run(
                ["/usr/bin/python3", "-c", self.PROGRAM,
                 pooler.url("tasks_app")] + random.sample(USERS, 2),
                stderr=subprocess.DEVNULL, timeout=60, check=False)
            self.killed += 2 * (done.returncode == -9)
            self.rounds += 1
            if self.rounds % 5 == 1:
                world.sql("SELECT pg_terminate_backend(pid) FROM"
                          " pg_stat_activity WHERE usename = 'tasks_app'"
                          " AND datname = current_database() LIMIT 1")

    def stop(self):
        self.stopping.set()
        self.join()


@suite.case("B_FR_022 A_FR_010 100 users through PgBouncer without a WHERE: no"
            " foreign row, no setting left behind")
def crowd():
    killer = Killer()
    try:
        seen = row_crowd.run(pooler.url("tasks_app"), USERS, DATA_REQUESTS,
                             PROCESSES)
    finally:
        killer.stop()
    nothing_left()
    check(seen["requests"] >= DATA_REQUESTS - 100, "requests", seen)
    for wrong in ("foreign", "missing", "left behind"):
        equal(seen[wrong], 0, wrong)
    for wanted in ("refused", "probes"):
        check(seen[wanted] > DATA_REQUESTS // 100, wanted, seen)
    check(killer.killed > 0, "no client was killed")
    unharmed()
    return "%s, %d clients killed in a transaction" % (
        dict(seen), killer.killed)


def unharmed():
    equal(world.sql("SELECT count(DISTINCT owner), count(*) FROM tasks.task"),
          [["100", str(100 * row_crowd.ROWS)]], "users and rows")


class Visitor:
    """One kept connection to the web server, as many users."""

    ASKS = (("GET", "everything", 70), ("POST", "toggle-all", 10),
            ("GET", "anyone", 8), ("GET", "broken", 4), ("GET", "tasks", 4),
            ("GET", "stolen", 4))

    def __init__(self, jwts, port, seed):
        self.jwts, self.port = jwts, port
        self.random = random.Random(seed)
        self.seen = collections.Counter()
        self.connection = http.client.HTTPConnection("127.0.0.1", port,
                                                     timeout=60)

    def run(self, count):
        weights = [ask[2] for ask in self.ASKS]
        for _ in range(count):
            (method, name, _), = self.random.choices(self.ASKS, weights)
            self.ask(self.random.choice(USERS), method, name)
        return self.seen

    def ask(self, user, method, name):
        owner, headers = user, {"Authorization": "Bearer " + self.jwts[user]}
        if name == "stolen":
            owner = self.random.choice([u for u in USERS if u != user])
            headers["X-User-Id"] = owner
            name = "everything"
        self.connection.request(method, "/api/%s/%s" % (owner, name),
                                headers=headers)
        answer = self.connection.getresponse()
        body = answer.read()
        self.seen["requests"] += 1
        self.seen[answer.status] += 1
        self.judge(user, owner, name, answer.status, body)

    def judge(self, user, owner, name, status, body):
        want = 403 if owner != user else 500 if name == "broken" else 200
        self.seen["wrong status"] += status != want
        if status != 200:
            self.seen["foreign"] += b"user0" in body
        elif name == "tasks":
            self.seen["missing"] += len(json.loads(body)) != row_crowd.ROWS
        else:
            rows = json.loads(body)
            expected = 0 if name == "anyone" else row_crowd.ROWS
            self.seen["foreign"] += sum(row != user for row in rows)
            self.seen["missing"] += len(rows) != expected


def visit(jwts, port, count, seed):
    visitors = [Visitor(jwts, port, seed * 1000 + n)
                for n in range(HTTP_CLIENTS)]
    with ThreadPoolExecutor(HTTP_CLIENTS) as threads:
        parts = threads.map(lambda v: v.run(count // HTTP_CLIENTS), visitors)
        return sum(parts, collections.Counter())


def make_jwts():
    now = int(time.time())
    return {user: tokens.sign({
        "sub": user, "sid": "s" + user[1:], "iss": world.base_url,
        "aud": world.base_url, "iat": now, "exp": now + 86400}, SECRET)
        for user in USERS}


@suite.case("B_FR_021 B_FR_022 A_SC_003 the same through web server, gate and"
            " backend")
def http_crowd():
    jwts = make_jwts()
    with ProcessPoolExecutor(2, get_context("fork")) as pool:
        parts = [pool.submit(visit, jwts, server.port, HTTP_REQUESTS // 2, n)
                 for n in range(2)]
        seen = sum((part.result() for part in parts), collections.Counter())
    nothing_left()
    check(seen["requests"] >= HTTP_REQUESTS - 2 * HTTP_CLIENTS, seen)
    for wrong in ("foreign", "missing", "wrong status"):
        equal(seen[wrong], 0, wrong, dict(seen))
    for status in (200, 403, 500):
        check(seen[status] > 0, status, seen)
    unharmed()
    return dict(seen)


@suite.case("a setting that outlives its transaction would have been seen")
def detector():
    """The same probe, where someone sets the identity for the session."""
    other = Pooler(world.folder, world.cluster, world.database,
                   ["tasks_app"], 1)
    try:
        connection = psycopg2.connect(other.url("tasks_app"))
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT set_config('app.user_id', %s, false)",
                           (USERS[0],))
        equal(set(server_settings(other.url("tasks_app"), 1).values()),
              {USERS[0]}, "left behind")
        connection.close()
    finally:
        other.close()


def refusal(role):
    """The exit code and last line of the application as this role."""
    env = dict(os.environ, PYTHONDONTWRITEBYTECODE="1",
               TASKS_DATABASE_URL=world.cluster.url(world.database, role))
    done = subprocess.run(
        ["/usr/bin/python3", "-m", "uvicorn", "app:app", "--port",
         str(processes.free_port()), "--log-level", "warning"], env=env,
        cwd=ROOT + "/examples/fastapi", stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, timeout=60, check=False)
    return done.returncode, done.stdout


def role_named(kind):
    return "tasks_%s_%d" % (kind, os.getpid())


@suite.case("the application refuses to start as a superuser, with BYPASSRLS,"
            " or as an owner without FORCE")
def refuses_to_start():
    bypass, owner = role_named("bypass"), role_named("owner")
    world.sql("CREATE ROLE %s LOGIN BYPASSRLS; GRANT tasks_app TO %s;"
              "CREATE ROLE %s LOGIN; GRANT USAGE ON SCHEMA tasks TO %s;"
              "ALTER TABLE tasks.task OWNER TO %s;"
              "ALTER TABLE tasks.task NO FORCE ROW LEVEL SECURITY"
              % (bypass, bypass, owner, owner, owner))
    try:
        for role in ("postgres", bypass, owner):
            code, output = refusal(role)
            check(code != 0, role, "started")
            check("row-level security does not hold this role back" in output,
                  role, output)
    finally:
        world.sql("ALTER TABLE tasks.task OWNER TO postgres;"
                  "DROP OWNED BY %s, %s; DROP ROLE %s, %s" % (
                      bypass, owner, bypass, owner))
        world.make_tasks()


def ask(user, path):
    return http_client.send(backend.port, "GET", "/api/%s/%s" % (user, path),
                            [("X-User-Id", user)])


@suite.case("once row security is off, the running application answers 500;"
            " the SQL file mends it")
def becomes_unprotected():
    equal(ask(USERS[0], "everything").status, 200, "before")
    for harm in ("DISABLE ROW LEVEL SECURITY", "OWNER TO tasks_app;"
                 "ALTER TABLE tasks.task NO FORCE ROW LEVEL SECURITY"):
        world.sql("ALTER TABLE tasks.task " + harm)
        for path in ("everything", "tasks"):
            answer = ask(USERS[0], path)
            equal(answer.status, 500, harm)
            check(b"user0" not in answer.body, answer.body)
        world.sql("ALTER TABLE tasks.task OWNER TO postgres")
        world.make_tasks()
        equal(ask(USERS[0], "everything").json(), [USERS[0]] * 3, "mended")


def tasks_app(text):
    return world.cluster.sql(world.database, text, "tasks_app")


@suite.case("the SQL file can be run again and takes away what widens it")
def idempotent():
    shape = """SELECT relrowsecurity, relforcerowsecurity, relacl,
        (SELECT array_agg(polname) FROM pg_policy WHERE polrelid = c.oid)
        FROM pg_class c WHERE oid = 'tasks.task'::regclass"""
    before = world.sql(shape)
    world.make_tasks()
    equal(world.sql(shape), before, "again")
    world.sql("CREATE POLICY everyone ON tasks.task USING (true);"
              "GRANT TRUNCATE ON tasks.task TO PUBLIC;"
              "ALTER TABLE tasks.task DISABLE ROW LEVEL SECURITY")
    world.make_tasks()
    equal(world.sql(shape), before, "mended")
    equal(tasks_app("SELECT count(*) FROM tasks.task"), [["0"]], "nobody")
    for harm in ("TRUNCATE tasks.task", "ALTER TABLE tasks.task DISABLE ROW"
                 " LEVEL SECURITY", "DROP POLICY own ON tasks.task",
                 "INSERT INTO tasks.task (owner, title) VALUES ('', 'x')"):
        try:
            tasks_app(harm)
        except AssertionError as why:
            check("must be owner" in str(why) or "denied" in str(why)
                  or "row-level security" in str(why), why)
        else:
            raise AssertionError("allowed: " + harm)
    unharmed()


@suite.case("the SQL file refuses an application role that could step past it")
def refuses_role():
    with open(ROOT + "/sql/example-rls.sql") as file:
        text = file.read()
    # Roles are everybody's on a shared server: another name.
    role = role_named("app")
    for rights in ("SUPERUSER", "BYPASSRLS"):
        world.sql("CREATE ROLE %s LOGIN %s" % (role, rights))
        try:
            world.sql(text.replace("tasks_app", role))
        except AssertionError as why:
            check("could step past" in str(why), why)
        else:
            raise AssertionError("taken: " + rights)
        finally:
            world.sql("DROP ROLE " + role)


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    suite.main(setup)
