# SPDX-License-Identifier: MIT
"""The backends of doc/recipes.md, run as they stand there, behind the gate.

Only places are replaced: ports, sockets, folders, the database. PostgREST is
not in Debian; its policy is checked with the role and headers set as it does.
"""
import glob
import json
import os
import re
import shutil

import http_client
import processes
import session_rows
from harness import World
from tap import Suite, check, equal
from webserver import ROOT

suite = Suite()
world = None
folder = None
people = []
servers = {}


def recipe(heading, language):
    """The first block of that language below the heading."""
    with open(ROOT + "/doc/recipes.md") as file:
        text = file.read().split("\n## %s\n" % heading, 1)[1]
    text = text.split("\n## ", 1)[0]
    return re.search("```%s\n(.*?)```" % language, text, re.S).group(1)


def lines_after(words, heading):
    """The indented lines below the paragraph that ends with these words."""
    with open(ROOT + "/doc/recipes.md") as file:
        text = file.read().split("\n## %s\n" % heading, 1)[1]
    block = text.split(words, 1)[1].lstrip("\n").split("\n\n", 1)[0]
    return re.sub("(?m)^    ", "", block)


def write(name, text, executable=False):
    path = folder + "/" + name
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)
    os.chmod(path, 0o755 if executable else 0o644)
    return path


def setup():
    global world, folder
    world = World(suite, backend=None, route=[
        "* /api/cgi/** user", "* /api/{user_id}/** owner"])
    folder = world.folder
    people.extend(session_rows.make(world, 2))
    world.make_tasks()
    for person in people:
        world.sql("INSERT INTO tasks.task (owner, title) VALUES ('%s',"
                  " 'of %s')" % (person.user, person.user))
    # CGI and PHP of the recipes live here, as below /srv.
    write("srv/cgi/cgi/hello", recipe("CGI", "sh"), True)
    shutil.copy(folder + "/srv/cgi/cgi/hello", folder + "/srv/cgi/hello")
    program = recipe("PHP", "php").replace(
        "pgsql:dbname=tasks", "pgsql:host=%s dbname=%s user=tasks_app" % (
            world.cluster.folder, world.database))
    write("srv/api/index.php", program)
    write("srv/cgi/cgi/tasks.php", program)


def web_server(name, edit=None, backend="127.0.0.1:9"):
    place = "%s/web-%d" % (folder, len(servers))
    os.mkdir(place)
    server = world.extra_web_server(name, world.service, backend, place,
                                    edit=edit)
    servers[place] = server
    return server


def with_places(text):
    return text.replace("/srv/", folder + "/srv/").replace(
        "/run/php/php-fpm.sock", folder + "/php-fpm.sock")


def ask(server, path, jwt=None, headers=()):
    headers = list(headers)
    if jwt:
        headers.append(("Authorization", "Bearer " + jwt))
    return http_client.send(server.port, "GET", path, headers)


def gated(server, path, says):
    """Each sees his own; strangers and forgers see nothing. `path` holds the
    user's id, or none where the route is for any user."""
    ann, bob = people
    for who, other in ((ann, bob), (bob, ann)):
        answer = ask(server, path % who.user if "%s" in path else path,
                     who.jwt, [("X-User-Id", other.user),
                               ("User-Id", other.user)])
        equal(answer.status, 200, path, answer.body)
        check(says(who) in answer.body.decode(), answer.body)
        check(other.user not in answer.body.decode(), answer.body)
    mine = path % ann.user if "%s" in path else path
    equal(ask(server, mine).status, 401, "no token")
    equal(ask(server, mine, headers=[("X-User-Id", ann.user),
                                     ("Remote-User", ann.user)]).status,
          401, "forged")
    if "%s" in path:
        equal(ask(server, mine, bob.jwt).status, 403, "other's path")


@suite.case("the Node backend")
def node():
    port = processes.free_port()
    text = recipe("Node", "js")
    check("listen(8000," in text, text)
    program = write("node/server.mjs", text.replace(
        "listen(8000,", "listen(%d," % port))
    process = world.own(processes.Process(
        [shutil.which("node"), program], folder + "/node/output.log",
        user=processes.SERVICE_USER, cwd="/"), processes.Process.stop)
    processes.wait_for_port(process, "127.0.0.1:%d" % port)
    server = web_server("nginx", backend="127.0.0.1:%d" % port)
    gated(server, "/api/%s/tasks", lambda who: '{"user":"%s"}' % who.user)
    for headers in ([], [("X-User-Id", "")],
                    [("X-User-Id", "a"), ("X-User-Id", "b")]):
        equal(http_client.send(port, "GET", "/", headers).status, 401,
              "past the gate", headers)


def lighttpd_cgi(heading, words):
    """mod_cgi in mod_proxy's place, and the recipe's lines in proxy's."""
    lines = with_places(lines_after(words, heading))

    def edit(text):
        text = text.replace('"mod_proxy"', '"mod_cgi"')
        return re.sub(r"(?m)^\tproxy\.server = .*$", lambda _: lines, text)
    return edit


@suite.case("the CGI program in lighttpd")
def cgi_lighttpd():
    server = web_server("lighttpd", lighttpd_cgi(
        "CGI", "`proxy.server = …` becomes"))
    gated(server, "/api/cgi/hello", lambda who: "Hello " + who.user)


def second_proxy_pass(lines, modules=()):
    """Apache's second ProxyPass becomes these lines."""
    load = "".join("LoadModule %s_module /usr/lib/apache2/modules/mod_%s.so\n"
                   % (name, name) for name in modules)

    def edit(text):
        text, count = re.subn(r'(?m)^\tProxyPass "/api/" .*$',
                              lambda _: lines, text)
        equal(count, 1, "the second ProxyPass")
        return load + text
    return edit


@suite.case("the CGI program in Apache")
def cgi_apache():
    lines = with_places(lines_after("the second `ProxyPass` becomes", "CGI"))
    server = web_server("apache", second_proxy_pass(
        lines, ["cgid"]))
    gated(server, "/api/%s/hello", lambda who: "Hello " + who.user)


def start_php():
    """One PHP-FPM for all, on the recipe's socket."""
    if os.path.exists(folder + "/php-fpm.sock"):
        return
    config = "[global]\nerror_log = %s/php.log\n[www]\nlisten = %s\n" \
        "listen.mode = 0666\npm = static\npm.max_children = 2\n" % (
            folder, folder + "/php-fpm.sock")
    if processes.am_root():
        config += "user = %s\ngroup = %s\n" % ((processes.SERVICE_USER,) * 2)
    config = write("php-fpm.conf", config)
    binary, = glob.glob("/usr/sbin/php-fpm[0-9]*")[-1:]
    process = world.own(processes.Process(
        [binary, "-F", "-y", config], folder + "/php-output.log", cwd="/"),
        processes.Process.stop)
    processes.wait_for_port(process, "unix:%s/php-fpm.sock" % folder)


def own_task(who):
    return json.dumps("of " + who.user)


@suite.case("the PHP program in Apache, under PHP-FPM")
def php_apache():
    start_php()
    lines = with_places(lines_after("the second `ProxyPass` becomes", "PHP"))
    gated(web_server("apache", second_proxy_pass(lines)), "/api/%s/tasks",
          own_task)


@suite.case("the PHP program in nginx, under PHP-FPM")
def php_nginx():
    start_php()
    lines = with_places(lines_after("`location /api/` stand", "PHP"))

    def edit(text):
        head, tail = text.split("\tlocation /api/ {", 1)
        body, tail = tail.split("\n\t}\n\n\tlocation = /_gate", 1)
        body = re.sub(r"(?m)^\t\tproxy_.*\n?", "", body)
        head = head.replace("server 127.0.0.1:9;", "server unix:%s;" % (
            folder + "/php-fpm.sock"))
        return "%s\tlocation /api/ {%s\n%s\n\t}\n\n\tlocation = /_gate%s" % (
            head, body, lines, tail)

    gated(web_server("nginx", edit), "/api/%s/tasks", own_task)


@suite.case("the PHP program in lighttpd, under php-cgi")
def php_lighttpd():
    server = web_server("lighttpd", lighttpd_cgi(
        "PHP", "with the interpreter named,"))
    gated(server, "/api/cgi/tasks.php", own_task)


@suite.case("PostgREST's policy, with role and headers set as it does")
def postgrest():
    role = "api_user_%d" % os.getpid()
    sql = recipe("PostgREST", "sql").replace("api_user", role)
    world.sql("CREATE ROLE %s NOLOGIN; CREATE SCHEMA api;"
              "GRANT USAGE ON SCHEMA api TO %s;"
              "CREATE TABLE api.task (owner text NOT NULL, title text);"
              "INSERT INTO api.task VALUES ('ann', 'a'), ('bob', 'b')"
              % (role, role))
    try:
        world.sql(sql)
        request_rows(role)
    finally:
        world.sql("DROP SCHEMA api CASCADE; DROP ROLE " + role)


def request_rows(role):
    def seen(headers, statement="SELECT owner FROM api.task ORDER BY 1"):
        given = "" if headers is None else (
            "SELECT set_config('request.headers', '%s', true);"
            % json.dumps(headers))
        rows = world.sql("BEGIN; SET LOCAL ROLE %s; %s %s; COMMIT" % (
            role, given, statement))
        return [row[0] for row in rows[0 if headers is None else 1:]]

    equal(seen({"x-user-id": "ann"}), ["ann"], "own")
    equal(seen({"x-user-id": "bob"}), ["bob"], "own")
    for nobody in (None, {}, {"x-user-id": ""}, {"x-user-id": None},
                   {"X-User-Id": "ann"}):
        equal(seen(nobody), [], nobody)
    equal(seen({"x-user-id": "ann"}, "UPDATE api.task SET title = 'x'"
               " RETURNING owner"), ["ann"], "update")
    for harm in ("INSERT INTO api.task VALUES ('bob', 'x')",
                 "UPDATE api.task SET owner = 'bob'"):
        try:
            seen({"x-user-id": "ann"}, harm)
        except AssertionError as why:
            check("row-level security" in str(why), why)
        else:
            raise AssertionError("allowed: " + harm)


if __name__ == "__main__":
    suite.main(setup)
