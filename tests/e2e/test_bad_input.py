# SPDX-License-Identifier: MIT
"""Bad input: a clear error each, and nothing half-written in the database."""
import json
import os
import re
import socket
import subprocess

import fcgi_client
import fcgi_wire as wire
import http_client
import processes
from fcgi_client import Connection, parameters
from harness import SECRET, World
from service import Service, binary
from story import PASSWORD, fresh_email, signed_up
from tap import Suite, check, equal
from webserver import ROOT, available

suite = Suite()
world = None
SERVERS = available()
SIGN_UP, SIGN_IN = "/api/auth/sign-up/email", "/api/auth/sign-in/email"
JSON = [("Content-Type", "application/json")]


def setup():
    global world
    world = World(suite)


def rows():
    return world.sql("""SELECT (SELECT count(*) FROM public."user"),
        (SELECT count(*) FROM public.account),
        (SELECT count(*) FROM public.session)""")


def post(path, body, headers=None):
    return fcgi_client.request(world.service.unix, "POST", path,
                               JSON if headers is None else headers, body)


def refused(answer, status, code=None, about=()):
    equal(answer.status, status, *about, answer.body)
    told = json.loads(answer.body)
    check(told["message"], *about)
    if code:
        equal(told["code"], code, *about)


# ----- Bodies ---------------------------------------------------------------

MALFORMED = [b"{", b"}", b'{"email":}', b"{'email':'x'}", b'{"a":1,}', b"nul",
             b'{"email":"a"} x', b'{"a":01}', b'{"a":NaN}', b'{"a":"\n"}',
             b'{"a":"\\x"}', b'{"a":"\\u12"}', b"[" * 16000, b'{"a":' * 5000,
             b'"', b"\0", b"\xff", b'{"email":"\xff\xfe"}', b'{"\xc0\xae":1}',
             b'{"a":"\xed\xa0\x80"}', b'{"a":"\xf5\x80\x80\x80"}', b"+1",
             b"1e", b" ", b"\xef\xbb\xbf", b"\xef\xbb\xbf{", b"\\"]


@suite.each("malformed JSON and invalid UTF-8 are 400: %s",
            [("sign-up", SIGN_UP), ("sign-in", SIGN_IN)])
def malformed(case):
    before = rows()
    for body in MALFORMED:
        answer = post(case[1], body)
        equal(answer.status, 400, body[:40], answer.body)
        check(json.loads(answer.body)["message"], body[:40])
    equal(rows(), before, "rows")


VALUES = [("null", None), ("number", 7), ("boolean", True), ("array", []),
          ("object", {})]


@suite.case("wrong types name field, expectation and what came")
def wrong_types():
    before = rows()
    good = {"name": "Ann", "email": "a@example.com", "password": PASSWORD}
    for field in good:
        for word, value in VALUES:
            answer = post(SIGN_UP, json.dumps(dict(good, **{field: value}))
                          .encode())
            refused(answer, 400, "VALIDATION_ERROR", (field, word))
            equal(json.loads(answer.body)["message"],
                  "[body.%s] Invalid input: expected string, received %s"
                  % (field, word), "message")
        without = {k: v for k, v in good.items() if k != field}
        answer = post(SIGN_UP, json.dumps(without).encode())
        refused(answer, 400, "VALIDATION_ERROR", (field, "absent"))
        check("received undefined" in json.loads(answer.body)["message"],
              answer.body)
    for field in ("email", "password"):
        for word, value in VALUES:
            body = dict(good, **{field: value})
            refused(post(SIGN_IN, json.dumps(body).encode()), 400,
                    "VALIDATION_ERROR", (field, word))
    for body in (b"[]", b"null", b"1", b'"x"', b"true", b""):
        for path in (SIGN_UP, SIGN_IN):
            refused(post(path, body), 400, "VALIDATION_ERROR", (path, body))
    equal(rows(), before, "rows")


@suite.case("NUL in a field makes no user; in a password it is a character")
def nul():
    before = rows()
    body = {"name": "A\0nn", "email": fresh_email(), "password": PASSWORD}
    refused(post(SIGN_UP, json.dumps(body).encode()), 422,
            "FAILED_TO_CREATE_USER")
    body = {"name": "Ann", "email": "a\0b@example.com", "password": PASSWORD}
    refused(post(SIGN_UP, json.dumps(body).encode()), 400, "VALIDATION_ERROR")
    refused(post(SIGN_IN, json.dumps(body).encode()), 400, "INVALID_EMAIL")
    equal(rows(), before, "rows")
    body = {"name": "Ann", "email": fresh_email(),
            "password": "with\0NUL inside"}
    equal(post(SIGN_UP, json.dumps(body).encode()).status, 200, "sign-up")
    equal(post(SIGN_IN, json.dumps(body).encode()).status, 200, "sign-in")
    body["password"] = "with"
    refused(post(SIGN_IN, json.dumps(body).encode()), 401, None, ("cut",))


@suite.case("fields of any size are stored whole or refused")
def sizes():
    for size in (300, 3000, 16000):
        before = rows()
        body = {"name": "n" * size, "email": fresh_email(),
                "password": PASSWORD}
        answer = post(SIGN_UP, json.dumps(body).encode())
        if answer.status == 200:
            equal(json.loads(answer.body)["user"]["name"], body["name"],
                  size)
        else:
            check(answer.status in (400, 413), size, answer.status)
            equal(rows(), before, "rows")


@suite.case("other media types are 415 and named")
def media_types():
    before = rows()
    for kind in ("text/plain", "multipart/form-data; boundary=x",
                 "application/vnd.api+json", "application/xml", "x", "/",
                 "application/jsonx"):
        answer = post(SIGN_UP, b"{}", [("Content-Type", kind)])
        refused(answer, 415, "UNSUPPORTED_MEDIA_TYPE", (kind,))
        check(kind in json.loads(answer.body)["message"], answer.body)
    equal(rows(), before, "rows")


@suite.each("bodies of 10 MB are 413: %s", SERVERS)
def ten_megabytes(server):
    port = world.servers[server].port
    pids, before = world.service.worker_pids(), rows()
    for size in (70000, 10 << 20):
        answer = http_client.send(port, "POST", SIGN_UP, JSON, b"x" * size)
        equal(answer.status, 413, size, answer)
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    answer = http_client.exchange(
        port, b"POST " + SIGN_UP.encode() + b" HTTP/1.1\r\nHost: 127.0.0.1:%d"
        b"\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n"
        b"Connection: close\r\n\r\n" % port + chunk * 160 + b"0\r\n\r\n")
    check(answer.status in (400, 411, 413, 503), "chunked", answer)
    equal(world.service.worker_pids(), pids, "processes")
    equal(rows(), before, "rows")
    equal(signed_up(port).token().status, 200, "afterwards")


@suite.case("CONTENT_LENGTH that is missing, wrong or doubled")
def content_length():
    body = json.dumps({"name": "Ann", "email": fresh_email(),
                       "password": PASSWORD}).encode()
    cases = [[], [""], ["x"], ["-1"], ["+5"], ["1.5"], ["0x10"], [" 5"],
             [str(len(body) + 1)], [str(len(body) - 1)], ["0"],
             [str(len(body)), "5"], ["9" * 30]]
    before = rows()
    for values in cases:
        params = parameters("POST", SIGN_UP, JSON, [
            ("CONTENT_LENGTH", value) for value in values])
        with Connection(world.service.unix) as peer:
            peer.send(wire.begin(wire.RESPONDER)
                      + wire.stream(wire.PARAMS, wire.pairs(params))
                      + wire.stream(wire.STDIN, body))
            answer = peer.read_answer()
        check(answer.status in (400, 411, 413), values, answer.status,
              answer.body)
        check(json.loads(answer.body)["message"], values)
    equal(rows(), before, "rows")


@suite.case("cookies and bearer values that are not ours are no session")
def strange_cookies():
    values = ["", "=", ";", ";;;", "=;=", "better-auth.session_token",
              "better-auth.session_token=", "better-auth.session_token=.",
              "better-auth.session_token=%", "better-auth.session_token=%zz.x",
              "better-auth.session_token=%00.%00", "\xff=\xff",
              "better-auth.session_token=" + "x" * 7000,
              "better-auth.session_token=" + "x." * 3000, "a=b; " * 1400,
              'better-auth.session_token="x.y"', "x" * 7900]
    for value in values:
        for name in ("Cookie", "Authorization"):
            value = value if name == "Cookie" else "Bearer " + value
            answer = fcgi_client.request(
                world.service.unix, "GET", "/api/auth/get-session",
                [(name, value)])
            equal((answer.status, answer.body), (200, b"null"), name,
                  value[:60])


@suite.case("request lines that are not one are refused")
def request_lines():
    for method, uri in (("", ""), ("GET", ""), ("", "/api/auth/ok"),
                        ("GET", "api/auth/ok"),
                        ("GET", "/api/auth/\xff"), ("get", "/api/auth/ok"),
                        ("GET", "/" * 7000), ("GET", "/api/auth/ok/..")):
        answer = fcgi_client.request(world.service.unix, method, uri)
        check(answer.status in (400, 404), method, uri[:40], answer.status)


@suite.case("parameters a web server never sends change nothing")
def odd_parameters():
    equal(fcgi_client.request(
        world.service.unix, "GET", "/api/auth/ok",
        extra=[("AUTHBRIDGE_MODE", "nonsense")]).status, 500, "set up wrongly")
    for extra in ([("", "")], [("", "x")], [("A" * 300, "")], [("REQUEST_URI", "/x")],
                  [("REQUEST_METHOD", "POST")], [("HTTP_COOKIE", "a=b")] * 2,
                  [("SCRIPT_NAME", "/x"), ("PATH_INFO", "/y")],
                  [("HTTP_HOST", "evil.test")]):
        answer = fcgi_client.request(world.service.unix, "GET",
                                     "/api/auth/ok", extra=extra)
        check(answer.status in (200, 400, 404), extra, answer.status)


# ----- Configuration --------------------------------------------------------

KEYS = {
    "database_url": ["", "postgresql://[", "nonsense=1"],
    "secret": ["", "short", "x" * 31],
    "secrets": ["", "x", "1:short", "1", ":" + "x" * 40, "a:" + "x" * 40,
                "1:%s,1:%s" % ("x" * 40, "y" * 40)],
    "base_url": ["", "example.com", "ftp://example.com", "https://",
                 "https://example.com/path", "https://exa mple.com",
                 "https://example.com:99999"],
    "base_path": ["", "auth", "/auth/", "/a//b", "/a b", "/a?b"],
    "trusted_origins": ["example.com/x", "https://"],
    "trusted_proxies": ["x", "10.0.0.0/33", "10.0.0.1/x", "::1/129"],
    "listen_mode": ["", "9", "rw", "0999", "-1", "01777"],
    "jwt_alg": ["", "none", "HS512", "hs256"],
    "jwt_ttl": ["", "x", "15", "0s", "-1s", "15 minutes", "99999999d"],
    "jwt_leeway": ["x", "-1s"],
    "session_ttl": ["", "x", "0s", "-7d"],
    "session_update_age": ["x", "-1d"],
    "session_fresh_age": ["x", "-1d"],
    "password_min": ["x", "-1", "0", "1e3"],
    "password_max": ["x", "-1", "0", "99999999999999999999"],
    "password_hash": ["", "bcrypt", "md5"],
    "argon2_memory": ["x", "-1", "0", "7"],
    "argon2_time": ["x", "-1", "0"],
    "hash_concurrency": ["x", "-1", "0"],
    "hash_queue": ["x", "-1"],
    "rate_limit": ["", "maybe", "1"],
    "rate_limit_trusted": ["x", "10.0.0.0/99"],
    "password_blocklist": ["/nonexistent/list"],
    "delete_user": ["maybe"], "change_email": ["maybe"],
    "prepared": ["maybe"], "accept_sessionless": ["maybe"],
    "auto_migrate": ["maybe"],
    "listen_peers": ["x", "10.0.0.0/33"],
    "issuer": ["", "x", "x url=http://elsewhere.test jwks=x aud=y",
               "x url=http://e.test jwks=http://e.test/j aud=y alg=EdDSA",
               "x url=http://e.test jwks=http://localhost/j aud=y alg=EdDSA"],
    "route": ["", "GET", "GET /api", "* /api/{user_id}/** nobody",
              "* api owner", "GET,,POST /x user", "* /x/**/y user",
              "* /api/x owner", "* /a/{user_id}/{user_id} owner"],
    "variables": ["User-Id", "User Id=sub", "User-Id=nonsense", "=sub",
                  "User-Id=sub,User-Id=sid"],
    "revocation_max_age": ["", "x", "0s", "-1s"],
    "log_level": ["loud"], "log_format": ["xml"],
    "no_such_key": ["1"],
}


def config_of(folder, lines):
    path = folder + "/bad.conf"
    with open(path, "w") as out:
        out.write("\n".join(lines) + "\n")
    os.chmod(path, 0o644)
    return path


def base_lines(*without):
    settings = {"database_url": world.cluster.url(world.database,
                                                  "authbridge"),
                "secret": SECRET, "base_url": "http://127.0.0.1:1"}
    return ["%s = %s" % item for item in settings.items()
            if item[0] not in without]


def run(path, *options, env=None):
    done = subprocess.run(
        [binary("authbridge"), "-c", path, *options], text=True, timeout=20,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False,
        stderr=subprocess.STDOUT, env=dict(os.environ, **(env or {})),
        **processes.run_as(processes.SERVICE_USER))
    return done.returncode, done.stdout


def where(path, line, key):
    return re.compile(r"%s:%d: %s: \S+" % (re.escape(path), line, key))


@suite.each("B_FR_025 configuration: a wrong %s is named with file, line and"
            " key", sorted(KEYS.items()))
def wrong_key(case):
    key, values = case
    listen = "unix:%s/never.sock" % world.service.folder
    for value in values:
        lines = ["# a comment", ""] + base_lines(key)
        lines.append("%s = %s" % (key, value))
        path = config_of(world.folder, lines)
        for options in (("--check",), ("-l", listen)):
            code, output = run(path, *options)
            equal(code, 78, key, repr(value), options[0], output)
            check(where(path, len(lines), key).search(output), key,
                  repr(value), output)
            if value and key in ("secret", "secrets"):
                check(value not in output or len(value) < 3,
                      "the secret is told", output)


@suite.each("configuration: %s",
            [("a required key is missing", "required"),
             ("a key is repeated", "repeated"),
             ("a line is no setting", "line"),
             ("several mistakes are all named", "several"),
             ("a wrong variable is named", "variable"),
             ("a file that is not there", "absent"),
             ("a good one passes --check", "good"),
             ("the sample passes --check", "sample")])
def configurations(case):
    kind = case[1]
    if kind == "required":
        for key in ("database_url", "secret", "base_url"):
            code, output = run(config_of(world.folder, base_lines(key)),
                               "--check")
            equal(code, 78, key, output)
            check(key in output, key, output)
    elif kind == "repeated":
        path = config_of(world.folder, base_lines()
                         + ["jwt_ttl = 5m", "jwt_ttl = 6m"])
        code, output = run(path, "--check")
        equal(code, 78, output)
        check(where(path, 5, "jwt_ttl").search(output), output)
    elif kind == "line":
        for line in ("nonsense", "= x", "[section]", "jwt_ttl 5m"):
            path = config_of(world.folder, base_lines() + [line])
            code, output = run(path, "--check")
            equal(code, 78, line, output)
            check(path + ":4:" in output, line, output)
    elif kind == "several":
        path = config_of(world.folder, base_lines() + [
            "jwt_ttl = x", "log_level = x", "no_such_key = 1"])
        code, output = run(path, "--check")
        equal(code, 78, output)
        for line, key in ((4, "jwt_ttl"), (5, "log_level"),
                          (6, "no_such_key")):
            check(where(path, line, key).search(output), key, output)
    elif kind == "variable":
        path = config_of(world.folder, base_lines())
        for name, value in (("AUTHBRIDGE_JWT_TTL", "x"),
                            ("BETTER_AUTH_SECRET", "short"),
                            ("BETTER_AUTH_URL", "nonsense"),
                            ("AUTHBRIDGE_SECRET_FILE", "/nonexistent")):
            code, output = run(path, "--check", env={name: value})
            equal(code, 78, name, output)
            check(name in output, name, output)
    elif kind == "absent":
        code, output = run(world.folder + "/absent.conf", "--check")
        equal(code, 78, output)
        check("absent.conf" in output, output)
    elif kind == "good":
        code, output = run(config_of(world.folder, base_lines()), "--check")
        equal(code, 0, output)
    else:
        code, output = run(ROOT + "/etc/authbridge.conf", "--check",
                           env={"BETTER_AUTH_SECRET": SECRET})
        equal(code, 0, output)


@suite.case("B_FR_025 secrets come from the environment or files, and win")
def secrets_elsewhere():
    secret_file = world.folder + "/secret"
    with open(secret_file, "w") as out:
        out.write(SECRET + "\n")
    os.chmod(secret_file, 0o644)
    path = config_of(world.folder, base_lines("secret"))
    for env in ({"BETTER_AUTH_SECRET": SECRET},
                {"AUTHBRIDGE_SECRET": SECRET},
                {"AUTHBRIDGE_SECRET_FILE": secret_file},
                {"BETTER_AUTH_SECRET_FILE": secret_file}):
        code, output = run(path, "--check", env=env)
        equal(code, 0, env, output)
        check(SECRET not in output, output)


@suite.case("usage errors are 64, sockets that cannot be opened 69")
def exit_codes():
    good = config_of(world.folder, base_lines())
    for options in (("--no-such-option",), ("-w", "x"), ("-t", "0"),
                    ("-w", "-1"), ("surplus",), ("-l",), ("-l", "nonsense"),
                    ("-l", "0.0.0.0"), ("-l", "127.0.0.1:99999")):
        code, output = run(good, *options)
        equal(code, 64, options, output)
        check(output.strip(), options)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        busy = "127.0.0.1:%d" % taken.getsockname()[1]
        for listen in (busy, "unix:/nonexistent/x.sock",
                       "unix:" + world.folder + "/" + "x" * 200):
            code, output = run(good, "-l", listen)
            check(code in (64, 69), listen, code, output)
            check(output.strip(), listen)
    code, output = run(good, "-l", "0.0.0.0:%d" % processes.free_port())
    check(code in (64, 69, 78), "listen_peers is missing", code, output)
    check("listen_peers" in output, output)
    code, _ = run(good, "--version")
    equal(code, 0, "--version")
    code, output = run(good, "--help")
    equal(code, 0, "--help")
    check("--listen" in output, output)


@suite.case("auto_migrate makes the schema, once, and says so")
def auto_migrate():
    name = world.database + "_auto"
    world.cluster.create_database(name)
    try:
        for said in ("migrated", "migration checked"):
            fresh = Service(world.folder, world.cluster.url(name),
                            "http://127.0.0.1:1", auto_migrate="on").start()
            check('event="%s"' % said in fresh.log() or
                  "event=%s " % said in fresh.log(), fresh.log())
            equal(fresh.stop(), 0)
        world.cluster.drop_database(name)
        world.cluster.create_database(name)
        poor = Service(world.folder, world.cluster.url(name, "authbridge"),
                       "http://127.0.0.1:1", auto_migrate="on")
        code, output, _ = poor.run_until_exit()
        equal(code, 78, output)
        check("auto_migrate failed" in output, output)
    finally:
        world.cluster.drop_database(name)


@suite.case("a database the service does not know is refused with a remedy")
def unknown_schema():
    name = world.database + "_empty"
    world.cluster.create_database(name)
    try:
        empty = Service(world.folder, world.cluster.url(name, "authbridge"),
                        "http://127.0.0.1:1")
        code, output, seconds = empty.run_until_exit()
        equal(code, 78, output)
        check("authbridgectl" in output and "migrate" in output, output)
        check(seconds < 10, "took %.1f s" % seconds)
    finally:
        world.cluster.drop_database(name)


if __name__ == "__main__":
    suite.main(setup)
