# SPDX-License-Identifier: MIT
"""authbridgectl: every command, its exit code, its JSON, what it refuses."""
import json
import os
import subprocess
import time

import postgres
import processes
from service import binary, write_config
from tap import Suite, check, equal

suite = Suite()
cluster = None
folder = None
OWNER, ROLE, DATABASE = "postgres", "ctl_service", "ctl_test"
SECRET = "ctl-secret-ctl-secret-ctl-secret-0123456789"


def ctl(*words, role=OWNER, url=None, config=True, **extra):
    """Runs it; (code, stdout, stderr). Never a terminal, never a question."""
    environ = {"PATH": os.environ["PATH"],
               "DATABASE_URL": url or cluster.url(DATABASE, role)}
    environ.update(extra)
    command = [binary("authbridgectl")]
    if config:
        command += ["-c", folder + "/authbridge.conf"]
    done = subprocess.run(command + list(words), env=environ, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False, timeout=60)
    return done.returncode, done.stdout, done.stderr


def ctl_json(*words, **options):
    code, out, err = ctl("--json", *words, **options)
    equal(code, 0, words, err)
    return json.loads(out)


def sql(text):
    return cluster.sql(DATABASE, text)


def add_user(name, sessions=1):
    sql("""INSERT INTO public."user" (id, name, email, "emailVerified")
        VALUES ('%s', E'%s\\x1b[2J', '%s@example.com', false)"""
        % (name, name, name.lower()))
    for number in range(sessions):
        sql("""INSERT INTO public.session (id, token, "userId", "expiresAt",
            "updatedAt") VALUES ('s-%s-%d', 'secret-%s-%d', '%s',
            now() + interval '1 day', now())"""
            % (name, number, name, number, name))


def sessions_of(name):
    return int(sql("""SELECT count(*) FROM public.session
        WHERE "userId" = '%s'""" % name)[0][0])


@suite.case("migrate makes an empty database, says so, and may be repeated")
def _():
    code, out, _ = ctl("check")
    equal(code, 1)
    check("authbridgectl migrate" in out, out)
    code, out, err = ctl("migrate")
    equal(code, 0, err)
    check("applied" in out and "migration 3" in out, out)
    code, out, _ = ctl("migrate")
    equal(code, 0)
    check("already there" in out, out)
    steps = ctl_json("migrate", "--service-role", ROLE)["steps"]
    equal([s["step"] for s in steps], ["better_auth", "authbridge", "audit",
                                           "grants"])
    equal([s["applied"] for s in steps], [False, False, False, True])


@suite.case("migrate as the service's role needs nothing where all is well")
def _():
    code, _, err = ctl("migrate", role=ROLE)
    equal(code, 0, err)
    sql("ALTER TABLE public.session DISABLE TRIGGER"
        " authbridge_session_deleted")
    code, _, err = ctl("migrate", role=ROLE)
    equal(code, 77, err)
    check("must be owner" in err or "permission denied" in err, err)
    equal(ctl("migrate")[0], 0)
    equal(ctl("check", role=ROLE)[0], 0)


@suite.case("check names what is wrong and goes on")
def _():
    rows = {r["subject"]: r for r in ctl_json("check", role=ROLE)}
    equal(sorted(rows), ["clock", "configuration", "database", "schema"])
    check(all(r["ok"] for r in rows.values()), rows)
    sql("REVOKE DELETE ON public.session FROM " + ROLE)
    code, out, _ = ctl("--json", "check", role=ROLE)
    equal(code, 1)
    rows = {r["subject"]: r for r in json.loads(out)}
    check(not rows["schema"]["ok"] and "DELETE on public.session"
          in rows["schema"]["detail"], rows)
    equal(ctl("migrate", "--service-role", ROLE)[0], 0)
    code, out, _ = ctl("check", url="postgresql:///x?host=/nonexistent")
    equal(code, 1)
    check("BAD" in out and "/nonexistent" in out, out)


@suite.case("users are listed, disabled, enabled, revoked and deleted")
def _():
    add_user("Ann", 2)
    add_user("Bob")
    users = {u["id"]: u for u in ctl_json("user", "list")}
    equal((users["Ann"]["sessions"], users["Ann"]["disabled"]), ("2", "no"))
    equal(len(ctl_json("user", "list", "bob@")), 1)
    code, out, _ = ctl("user", "list")
    equal(code, 0)
    check("\x1b" not in out, "a control byte reaches the terminal")
    equal(ctl("user", "disable", "ann@example.com")[0], 0)
    equal((sessions_of("Ann"), sessions_of("Bob")), (0, 1))
    equal(ctl_json("user", "list", "Ann")[0]["disabled"], "yes")
    equal(ctl("user", "enable", "Ann")[0], 0)
    equal(ctl("user", "revoke", "Bob")[0], 0)
    equal(sql("SELECT user_id FROM authbridge.cutoff WHERE user_id = 'Bob'"),
          [["Bob"]])
    equal(ctl("user", "delete", "bob@example.com")[0], 0)
    equal(ctl_json("user", "list", "Bob"), [])
    equal(sql("SELECT event, user_id FROM authbridge.audit ORDER BY id"),
          [["user disabled", "Ann"], ["user enabled", "Ann"],
           ["tokens of user revoked", "Bob"], ["user deleted", "Bob"]])
    for act in ("disable", "enable", "delete", "revoke"):
        code, _, err = ctl("user", act, "nobody")
        equal(code, 1)
        check("no such user" in err, err)


@suite.case("sessions are listed without their tokens, and ended")
def _():
    add_user("Cay", 3)
    out = ctl("session", "list")[1] + ctl("--json", "session", "list")[1]
    check("s-Cay-0" in out and "secret-" not in out, out)
    equal(len(ctl_json("session", "list", "cay@example.com")), 3)
    equal(ctl_json("session", "revoke", "s-Cay-0"), {"ended": 1})
    equal(ctl("session", "revoke", "s-Cay-0")[0], 1)
    equal(ctl_json("session", "revoke", "--user", "Cay"), {"ended": 2})
    equal(ctl("session", "revoke", "--all")[0], 0)
    equal(sql("SELECT count(*) FROM authbridge.cutoff WHERE user_id = ''"),
          [["1"]])


@suite.case("keys are made, listed with what they do, retired and removed")
def _():
    made = [ctl_json("key", "new", alg)["kid"] for alg in ("EdDSA", "EdDSA",
                                                           "ES256")]
    listed = {r["kid"]: r for r in ctl_json("key", "list")}
    equal(sorted(listed), sorted(made))
    # The configuration signs with HS256, which has no key here.
    equal({r["state"] for r in listed.values()}, {"verifies"})
    listed = {r["kid"]: r for r in ctl_json(
        "key", "list", AUTHBRIDGE_JWT_ALG="EdDSA")}
    equal([listed[kid]["state"] for kid in made],
          ["verifies", "signs", "verifies"])
    equal(ctl("key", "retire", made[1])[0], 0)
    listed = {r["kid"]: r for r in ctl_json(
        "key", "list", AUTHBRIDGE_JWT_ALG="EdDSA")}
    equal([listed[kid]["alg"] for kid in made], ["EdDSA", "EdDSA", "ES256"])
    code, out, err = ctl("key", "list")
    equal(code, 0, err)
    check(all(kid in out for kid in made), out)
    for kid in made:
        started = time.monotonic()
        code, _, err = ctl("key", "remove", kid,
                           AUTHBRIDGE_REVOCATION_MAX_AGE="1s")
        equal(code, 0, err)
        check("waiting" in err and time.monotonic() - started > 1, err)
    equal(ctl_json("key", "list"), [])
    for verb in ("retire", "remove"):
        code, _, err = ctl("key", verb, made[0])
        equal(code, 1)
        check("no such key" in err, err)
    equal(ctl("key", "new", "HS256")[0], 64)


@suite.case("the feed's own database is checked, too")
def _():
    url = cluster.url(DATABASE, OWNER)
    rows = {r["subject"]: r for r in ctl_json(
        "check", AUTHBRIDGE_FEED_DATABASE_URL=url)}
    check(rows["feed database"]["ok"], rows)
    code, out, _ = ctl("check", AUTHBRIDGE_FEED_DATABASE_URL="postgresql:///x"
                       "?host=/nonexistent")
    equal(code, 1)
    check("/nonexistent" in out, out)


@suite.case("the service's own role administers nothing it has no right to")
def _():
    for words in (("user", "disable", "Ann"), ("user", "revoke", "Ann"),
                  ("session", "revoke", "--all"), ("key", "remove", "k")):
        code, _, err = ctl(*words, role=ROLE)
        check(code not in (0, 1), words, code)
        check("DATABASE_URL" in err, err)


@suite.each("refused: %s", [
    "", "nonsense", "migrate extra", "migrate --service-role",
    "migrate --password x", "check extra", "user", "user list a b",
    "user disable", "user frobnicate x", "session", "session revoke",
    "session revoke --user", "key", "key nonsense", "--nonsense"])
def _(line):
    code, out, err = ctl(*line.split())
    equal(code, 64, err)
    check("sage" in err or "authbridgectl" in err, err)
    equal(out, "")


@suite.case("the help and the version need no configuration")
def _():
    for word, inside in (("--help", "Commands:"), ("--version", "authbridge")):
        code, out, err = ctl(word, config=False)
        equal((code, err), (0, ""))
        check(inside in out, out)


@suite.case("a database that does not answer is 69, a bad URL is 78")
def _():
    gone = "postgresql:///x?host=/nonexistent"
    for words in (("migrate",), ("user", "list"), ("session", "list")):
        equal(ctl(*words, url=gone)[0], 69, words)
    code, out, err = ctl("migrate", url="postgresql://u:hunter2@%zz/x")
    equal(code, 78, err)
    check("hunter2" not in out + err, err)


@suite.case("a wrong configuration is 78 and every mistake is named")
def _():
    path = folder + "/wrong.conf"
    write_config(path, {"base_url": "https://x.example", "nonsense": "1",
                        "jwt_ttl": "long"})
    code, out, err = ctl("-c", path, "check", config=False,
                         BETTER_AUTH_SECRET=SECRET)
    equal(code, 78)
    check("nonsense" in err and "jwt_ttl" in err, err)
    equal(ctl("-c", folder + "/missing.conf", "check", config=False)[0], 78)


def set_up():
    global cluster, folder
    cluster = postgres.Cluster()
    suite.finally_do(cluster.close)
    folder = processes.make_folder()
    suite.finally_do(lambda: processes.remove_folder(folder))
    cluster.create_role(ROLE)
    cluster.drop_database(DATABASE)
    cluster.create_database(DATABASE)
    suite.finally_do(lambda: cluster.drop_database(DATABASE))
    write_config(folder + "/authbridge.conf", {
        "base_url": "http://127.0.0.1:8080", "secret": SECRET,
        "database_url": "postgresql:///wrong"})


suite.main(set_up)
