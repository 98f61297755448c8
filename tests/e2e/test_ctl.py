# SPDX-License-Identifier: MIT
"""authbridgectl: every command, its exit code, its JSON, what it refuses."""
import json
import os
import pty
import signal
import subprocess
import time

import fcgi_client
import postgres
import processes
from service import SECRET, Service, binary, write_config
from tap import Suite, check, equal, wait_until

suite = Suite()
cluster = None
folder = None
OWNER, ROLE, DATABASE = "postgres", "ctl_service", "ctl_test"
LONG = os.environ.get("AUTHBRIDGE_LONG") == "1"
PASSWORD = "correct horse battery"


def command_of(*words, config=True):
    return [binary("authbridgectl")] + (
        ["-c", folder + "/authbridge.conf"] if config else []) + list(words)


def environ_of(role=OWNER, url=None, **extra):
    return dict({"PATH": os.environ["PATH"],
                 "DATABASE_URL": url or cluster.url(DATABASE, role)}, **extra)


def ctl(*words, role=OWNER, url=None, config=True, typed="", **extra):
    """Runs it; (code, stdout, stderr). Never a terminal, never a question."""
    done = subprocess.run(command_of(*words, config=config), text=True,
                          env=environ_of(role, url, **extra), input=typed,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          check=False, timeout=60)
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
                  ("session", "revoke", "--all"), ("key", "remove", "k"),
                  ("audit", "tail"), ("audit", "keep", "1", "1")):
        code, _, err = ctl(*words, role=ROLE)
        equal(code, 77, words, err)
        check("DATABASE_URL" in err, err)


@suite.each("refused: %s", [
    "", "nonsense", "migrate extra", "migrate --service-role",
    "migrate --password x", "check extra", "user", "user list a b",
    "user disable", "user frobnicate x", "session", "session revoke",
    "session revoke --user", "session revoke a b", "session revoke --nonsense",
    "key", "key nonsense", "key new HS256", "--nonsense", "status x",
    "status --socket", "user show", "user create", "user create a b",
    "user create --no-password --password-file f a@example.com",
    "user set-password", "user set-password --nonsense u", "user import",
    "user import a b", "throttle", "throttle clear", "throttle clear --x",
    "audit", "audit tail x", "audit tail -n 0", "audit tail -n x",
    "audit keep 0", "audit keep x"])
def _(line):
    code, out, err = ctl(*line.split())
    equal(code, 64, err)
    check("sage" in err or "authbridgectl" in err, err)
    equal(out, "")


def query_hash(user):
    return sql("SELECT a.password FROM public.account a JOIN public.\"user\" u"
               " ON u.id = a.\"userId\" WHERE u.email = '%s'" % user)[0][0]


@suite.case("users are made and shown, and never without a good password")
def _():
    made = ctl_json("user", "create", "--name", "Ann", "Made@Example.com",
                    typed=PASSWORD + "\nmore\n")
    shown = ctl_json("user", "show", made["id"])
    equal((shown["email"], shown["name"], shown["password"], shown["verified"]),
          ("made@example.com", "Ann", "argon2id", "no"))
    for word in ("made@example.com", "argon2id"):
        check(word in ctl("user", "show", "made@example.com")[1], word)
    path = folder + "/password"
    with open(path, "w") as file:
        file.write(PASSWORD)
    equal(ctl("user", "create", "--verified", "--password-file", path,
              "filed@example.com")[0], 0)
    equal(ctl_json("user", "show", "filed@example.com")["verified"], "yes")
    equal(ctl("user", "create", "--no-password", "bare@example.com")[0], 0)
    equal(ctl_json("user", "show", "bare@example.com")["password"], "none")
    for words, typed in ((("made@example.com",), PASSWORD),
                         (("no-address",), PASSWORD), (("a@b.example",), ""),
                         (("a@b.example",), "seven77"),
                         (("a@b.example",), "x" * 129),
                         (("--password-file", "/nonexistent", "a@b.example"),
                          "")):
        code, out, err = ctl("user", "create", *words, typed=typed)
        equal((code, out), (65, ""), words, err)
        check(not typed or typed not in err, err)
    equal(ctl("user", "show", "a@b.example")[0], 1)


@suite.case("a password is asked for twice on a terminal, without echo")
def _():
    def answer(first, second):
        pid, terminal = pty.fork()
        if pid == 0:
            command = command_of("user", "set-password", "made@example.com")
            os.execve(command[0], command, environ_of())
        seen = b""
        for prompt, text in ((b"New password: ", first), (b"Again: ", second)):
            while prompt not in seen:
                seen += os.read(terminal, 4096)
            os.write(terminal, text.encode() + b"\n")
        try:
            while True:
                seen += os.read(terminal, 4096)
        except OSError:
            pass
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), seen.decode()
    before = query_hash("made@example.com")
    code, seen = answer(PASSWORD + "2", PASSWORD + "3")
    equal(code, 65, seen)
    check("not the same" in seen and PASSWORD not in seen, seen)
    equal(query_hash("made@example.com"), before)
    code, seen = answer(PASSWORD + "2", PASSWORD + "2")
    equal(code, 0, seen)
    check(PASSWORD not in seen, seen)
    check(query_hash("made@example.com") != before, "the hash is the old one")


def post(service, path, form):
    return fcgi_client.request(
        service.unix, "POST", "/api/auth" + path,
        [("Content-Type", "application/json"),
         ("Origin", "http://127.0.0.1:8080")], json.dumps(form).encode(),
        timeout=20)


def sign_in(service, email, password):
    return post(service, "/sign-in/email",
                {"email": email, "password": password})


@suite.case("what is made can sign in; a new password ends what was before")
def _():
    service = Service(folder, cluster.url(DATABASE, ROLE),
                      "http://127.0.0.1:8080", rate_limit="on",
                      rate_limit_trusted="127.0.0.0/8")
    suite.finally_do(service.close)
    service.start()
    socket = service.unix.partition(":")[2]
    email = "entrant@example.com"
    made = ctl_json("user", "create", email, typed=PASSWORD)["id"]
    first = sign_in(service, email, PASSWORD)
    equal(first.status, 200, first)
    jwt = first.header("set-auth-jwt")
    gate = lambda: fcgi_client.gate(service.unix, "GET",
                                    "/api/%s/tasks" % made, jwt).status
    equal(gate(), 200)
    equal(ctl("user", "set-password", "--keep-sessions", email,
              typed=PASSWORD + "2")[0], 0)
    equal((sessions_of(made), gate()), (1, 200))
    equal(ctl("user", "set-password", email, typed=PASSWORD + "3")[0], 0)
    equal(sessions_of(made), 0)
    wait_until(lambda: gate() == 401, 5, "401 of the ended session")
    equal(sign_in(service, email, PASSWORD + "2").status, 401)
    equal(sign_in(service, email, PASSWORD + "3").status, 200)
    bare = "bare@example.com"
    equal(sign_in(service, bare, PASSWORD).status, 401)
    equal(ctl("user", "set-password", bare, typed=PASSWORD)[0], 0)
    equal(sign_in(service, bare, PASSWORD).status, 200)

    equal(ctl("throttle", "clear", "--all")[0], 0)
    while sign_in(service, email, "wrong wrong").status != 429:
        pass
    rows = ctl_json("throttle", "list", email)
    equal(len(rows), 1, rows)
    check(int(rows[0]["failures"]) >= 10, rows)
    equal(ctl_json("throttle", "list", "made@example.com"), [])
    equal(ctl_json("throttle", "clear", email), {"cleared": 1})
    equal(sign_in(service, email, PASSWORD + "3").status, 200)

    ready = ctl_json("status", "--socket", socket)
    equal((ready["ok"], ready["service"]), (True, "ready"))
    check(float(ready["metrics"]["authbridge_feed_age_seconds"]) >= 0, ready)
    check("feed age" in ctl("status", "--socket", socket)[1], "feed age")

    equal(ctl("user", "disable", email)[0], 0)
    wrong = sign_in(service, email, "wrong wrong")
    right = sign_in(service, email, PASSWORD + "3")
    equal((right.status, right.body), (wrong.status, wrong.body))
    equal(sessions_of(made), 0)
    service.stop()
    code, out, _ = ctl("--json", "status", "--socket", socket)
    equal((code, json.loads(out)["ok"]), (1, False))
    trail = ctl_json("audit", "tail", "-n", "1000")
    events = [row["event"] for row in trail]
    for event in ("user created", "password set", "throttle cleared",
                  "user disabled", "sign-in", "sign-in refused"):
        check(event in events, event, events)
    check(all(row["actor"] == (ROLE if row["event"].startswith("sign-")
                               else OWNER) for row in trail), trail)
    equal(len(ctl_json("audit", "tail", "-n", "3")), 3)


@suite.case("audit tail -f goes on, and audit keep bounds the trail")
def _():
    process = subprocess.Popen(command_of("--json", "audit", "tail", "-f"),
                               env=environ_of(), text=True,
                               stdout=subprocess.PIPE)
    try:
        check(process.stdout.readline().startswith("{"), "no line")
        sql("INSERT INTO authbridge.audit (event, detail)"
            " VALUES ('test', 'followed')")
        while json.loads(process.stdout.readline())["detail"] != "followed":
            pass
    finally:
        process.kill()
        process.wait()
    equal(ctl_json("audit", "keep"), {"keep": "400 days",
                                      "refused": "30 days"})
    equal(ctl_json("audit", "keep", "90", "7"), {"keep": "90 days",
                                                 "refused": "7 days"})
    equal(ctl_json("audit", "keep", "91"), {"keep": "91 days",
                                            "refused": "7 days"})


ARGON2 = ("$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$"
          "XAn8iUQkqDEzVQYjhUUDvSd0rpJXSPzpTpMTZfoxFLM")
SCRYPT = "0123456789abcdef0123456789abcdef:" + "ab" * 64
BCRYPT = "$2b$10$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234"


def file_of(name, text):
    path = folder + "/" + name
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write(text)
    return path


@suite.case("imports CSV and JSON lines, and names every line it refuses")
def _():
    text = ('email,name,id,emailVerified,password,createdAt,extra\r\n'
            'Csv1@example.com,"Ann ""A"", one",csv1,true,"%s",'
            '2024-01-02T03:04:05.000Z,x\r\n'
            '\r\n'
            'csv2@example.com,"two\nlines",,false,%s,,\r\n'
            'csv3@example.com,none,,,,1700000000000,\r\n'
            'csv4@example.com,bcrypt,,,%s,,\n'
            'csv5@example.com,plain,,,hunter2hunter2,,\n'
            'nonsense,x,,,,,\n'
            'csv6@example.com,few\n'
            'csv7@example.com,time,,,,yesterday,\n'
            'csv1@example.com,again,,,,,\n'
            'other@example.com,id twice,csv1,,,,\n'
            'last@example.com,last,,,,,' % (ARGON2, SCRYPT, BCRYPT))
    report = folder + "/refused"
    path = file_of("users.csv", text)
    code, out, err = ctl("--json", "user", "import", "--report", report, path)
    equal(code, 65, err)
    equal(json.loads(out), {"imported": 4, "there": 0, "refused": 7})
    with open(report) as file:
        refused = dict(line.strip().split(": ", 1) for line in file)
    equal(sorted(map(int, refused)), [7, 8, 9, 10, 11, 12, 13], refused)
    check("bcrypt" in refused["7"] and "plain" in refused["8"], refused)
    check("hunter2" not in str(refused) + out + err, "a password is shown")
    shown = ctl_json("user", "show", "csv1@example.com")
    equal((shown["id"], shown["name"], shown["verified"], shown["password"],
           shown["created"]),
          ("csv1", 'Ann "A", one', "yes", "argon2id",
           "2024-01-02T03:04:05.000Z"))
    shown = ctl_json("user", "show", "csv2@example.com")
    equal((shown["name"], shown["password"]), ("two\nlines", "scrypt"))
    equal(ctl_json("user", "show", "csv3@example.com")["password"], "none")
    equal(ctl_json("user", "show", "csv3@example.com")["created"],
          "2023-11-14T22:13:20.000Z")
    code, out, _ = ctl("--json", "user", "import", "--continue", path)
    equal(json.loads(out), {"imported": 0, "there": 5, "refused": 6})
    rows = [{"email": "json1@example.com", "id": "json1", "name": "J",
             "emailVerified": True, "passwordHash": SCRYPT, "image": None},
            {"email": "json2@example.com", "createdAt": 1700000000000},
            {"email": "json1@example.com", "id": "other"},
            {"email": "json3@example.com", "name": 7}, [], None]
    lines = "".join(json.dumps(row) + "\n" for row in rows) + "{broken\n"
    code, out, err = ctl("--json", "user", "import", "-", typed=lines)
    equal(code, 65, err)
    equal(json.loads(out), {"imported": 2, "there": 0, "refused": 5})
    for number in (3, 4, 5, 6, 7):
        check("\n%d: " % number in "\n" + err, number, err)
    equal(query_hash("json1@example.com"), SCRYPT)
    for path, code in ((folder + "/missing", 66),
                       (file_of("headless", "a,b\n1,2\n"), 65),
                       (file_of("empty", ""), 65)):
        equal(ctl("user", "import", path)[0], code, path)


@suite.case("an import that is killed goes on where it was, exactly")
def _():
    count = 100000 if LONG else 3000
    path = folder + "/many.csv"
    with open(path, "w") as file:
        file.write("email,name,password\n")
        for number in range(count):
            file.write('many%d@example.com,Many %d,"%s"\n'
                       % (number, number, ARGON2 if number % 2 else ""))
    there = lambda: int(sql('SELECT count(*) FROM public."user" WHERE email'
                            " LIKE 'many%'")[0][0])
    started = time.monotonic()
    process = subprocess.Popen(
        command_of("--json", "user", "import", path), env=environ_of(),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while there() < count / 2 - 500:
        check(process.poll() is None, "ended before it was killed")
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    half, first_took = there(), time.monotonic() - started
    check(0 < half < count, half)
    equal(half % 500, 0, "half a batch is there")
    started = time.monotonic()
    done = subprocess.run(
        command_of("--json", "user", "import", "--continue", path),
        env=environ_of(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, check=False)
    took = time.monotonic() - started
    equal(done.returncode, 0, done.stderr)
    # What was on its way when the other was killed may have come after.
    result = json.loads(done.stdout)
    equal((result["imported"] + result["there"], result["refused"]),
          (count, 0))
    check(result["there"] >= half, result)
    check("a second" in done.stderr, done.stderr)
    equal(sql("""SELECT count(*), count(DISTINCT email), count(DISTINCT id),
        count(*) FILTER (WHERE name = 'Many ' || substring(email from 5 for
        position('@' in email) - 5)) FROM public."user"
        WHERE email LIKE 'many%%'"""), [[str(count)] * 4])
    equal(sql("""SELECT count(*), count(DISTINCT a."userId"), min(password),
        max(password) FROM public.account a JOIN public."user" u
        ON u.id = a."userId" AND a."accountId" = u.id WHERE u.email LIKE
        'many%%'"""), [[str(count // 2)] * 2 + [ARGON2] * 2])
    print("# %d users: killed after %d in %.1f s, the rest in %.1f s"
          % (count, half, first_took, took))


@suite.case("each command has its own help, without a configuration")
def _():
    for words in (("user", "--help"), ("user", "import", "--help"),
                  ("audit", "-h")):
        code, out, err = ctl(*words, config=False, url="nonsense")
        equal((code, err), (0, ""))
        check(words[0] + " " in out and "Administers" not in out, out)
    code, out, err = ctl("user", "frobnicate")
    equal((code, out), (64, ""))
    check("user list" in err and "session" not in err.split("USER")[0], err)


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
