# SPDX-License-Identifier: MIT
"""authbridgectl check --apache, --lighttpd, --nginx: nothing is found in the
samples, and each planted mistake, and it alone, is. Where a proof is named,
the real server with the mistake shows what the finding says."""
import json
import os
import subprocess

import http_client
from harness import World
from service import binary, write_config
from story import signed_up
from tap import Suite, check, equal
from webserver import ROOT, WebServer, available

suite = Suite()
world = None
PROTECTED = "/api/nobody/tasks"
SITE, LUA = "site.conf", "lighttpd-gate.lua"


def inside(old, new, file=SITE):
    return (file, old, new)


def unasked(server, target=PROTECTED, method="GET", headers=()):
    """Reaches the backend without a token."""
    world.probe.take()
    answer = http_client.send(server.port, method, target, headers)
    return len(world.probe.take()) > 0, answer


def asked_anyway(server):
    return unasked(server)


def options(server):
    return unasked(server, method="OPTIONS")


def posted(server):
    return unasked(server, method="POST")


def elsewhere(server):
    return unasked(server, "/backdoor/tasks")


def mixed(server):
    return unasked(server, PROTECTED + ".php")


def bare(server):
    return unasked(server, "/api")


def spoofed(*headers):
    """A client's header poses as the identity."""
    def proof(server):
        mine = signed_up(world.servers[server.name].port)
        world.probe.take()
        named = [(name, "mallory") for name in headers]
        answer = http_client.send(
            server.port, "GET", mine.own(),
            [("Authorization", "Bearer " + mine.jwt)] + named)
        values = [v for hit in world.probe.take() for _, v in hit["headers"]]
        return "mallory" in values, answer
    return proof


def refused(server):
    """A good request of a signed-in user is refused."""
    mine = signed_up(world.servers[server.name].port)
    answer = http_client.send(server.port, "GET", mine.own(),
                              [("Authorization", "Bearer " + mine.jwt)],
                              timeout=12)
    return answer.status != 200, answer


def no_session(server):
    answer = http_client.send(server.port, "GET", "/api/auth/ok")
    return answer.body != b'{"ok":true}', answer


APACHE_GATE = ('\t\tAuthnzFcgiCheckAuthnProvider authbridge Authoritative On '
               'RequireBasicAuth Off UserExpr "%{reqenv:User-Id}"\n')
APACHE_OPEN = "\t\tAuthType None\n\t\tRequire all granted\n"
LIGHTTPD_GATE_CHECK = ('\t\t# Without this line the gate is never asked.\n'
                       '\t\t"check-local"     => "disable",\n')
LIGHTTPD_PROXY = 'proxy.server = ( "" => ('
SUBREQUEST = "\t\tauth_request     /_gate;\n"
BACKEND_LOCATION = """
	location %s {
		proxy_pass http://backend;
	}
	location / {"""

# server, title, edits, rules wanted, proof, settings of the service
SEEDS = [
    ("apache", "no CGIPassAuth", [inside("\t\tCGIPassAuth On\n", "")],
     ["apache-cgi-pass-auth"], refused),
    ("apache", "no Require", [inside("\t\tRequire authbridge\n", "")],
     ["apache-no-require"], refused),
    ("apache", "Require all granted beside",
     [inside("\t\tRequire authbridge\n",
             "\t\tRequire authbridge\n\t\tRequire all granted\n")],
     ["apache-require-beside"], asked_anyway),
    ("apache", "Require expr beside",
     [inside("\t\tRequire authbridge\n",
             "\t\tRequire authbridge\n\t\tRequire expr true\n")],
     ["apache-require-beside"], asked_anyway),
    ("apache", "every OPTIONS exempt",
     [inside("\t\tRequire authbridge\n",
             "\t\tRequire authbridge\n\t\tRequire method OPTIONS\n")],
     ["preflight-wide"], options),
    ("apache", "Require for GET alone",
     [inside("\t\tRequire authbridge\n",
             "\t\t<Limit GET>\n\t\tRequire authbridge\n\t\t</Limit>\n")],
     ["no-gate"], posted),
    ("apache", "no gate at all",
     [inside("\t\tAuthType Bearer\n", ""), inside(APACHE_GATE, ""), inside("\t\tRequire authbridge\n", "")],
     ["no-gate"], asked_anyway),
    ("apache", "the gate in a condition that does not hold",
     [inside('\t<Location "/api/">\n\t\t# Without',
             '\t<IfModule mod_auth_form.c>\n\t<Location "/api/">\n'
             '\t\t# Without'),
      inside('\t</Location>\n\n\t# The service itself',
             '\t</Location>\n\t</IfModule>\n\n\t# The service itself')],
     ["no-gate"], asked_anyway),
    ("apache", "a Location that covers one level",
     [inside('<Location "/api/">\n\t\t# Without',
             '<Location "/api/*">\n\t\t# Without')], ["no-gate"],
     asked_anyway),
    ("apache", "ProxyPass wider than the Location",
     [inside('ProxyPass "/api/"      "http://', 'ProxyPass "/api"  "http://'),
      inside(':%d/api/"' , ':%d/api"')], ["other-way"], bare),
    ("apache", "a second way to the backend",
     [inside("\tProxyPreserveHost On\n", '\tProxyPass "/backdoor/"'
             ' "http://BACKEND/api/nobody/"\n\tProxyPreserveHost On\n')],
     ["other-way"], elsewhere),
    ("apache", "the client's X_User_Id stays",
     [inside("\t\tRequestHeader unset X_User_Id\n", "")],
     ["header-spelling"], spoofed("X_User_Id")),
    ("apache", "no rule for odd header names",
     [inside("\tRewriteCond %{ENV:posing} .\n\tRewriteRule ^/api/ -"
             " [R=400,L]\n", "")], ["apache-odd-names"],
     spoofed("X.User.Id")),
    ("apache", "the identity set early",
     [inside('"%{User-Id}e" env=User-Id', '"%{User-Id}e" early')],
     ["apache-header-early"], None),
    ("apache", "the identity removed after it is set",
     [inside('RequestHeader set X-User-Id "%{User-Id}e" env=User-Id\n',
             'RequestHeader set X-User-Id "%{User-Id}e" env=User-Id\n'
             '\t\tRequestHeader unset X-User-Id\n')],
     ["apache-header-order"], None),
    ("apache", "the identity never set",
     [inside('\t\tRequestHeader set X-User-Id "%{User-Id}e" env=User-Id\n',
             '')], ["no-identity"], None),
    ("apache", "no UserExpr",
     [inside(' UserExpr "%{reqenv:User-Id}"', "")], ["apache-user-expr"],
     refused),
    ("apache", "DefaultUser",
     [inside('UserExpr "%{reqenv:User-Id}"',
             'UserExpr "%{reqenv:User-Id}" DefaultUser nobody')],
     ["apache-default-user"], None),
    ("apache", "a Basic provider",
     [inside(APACHE_GATE, "\t\tAuthBasicProvider authbridge\n"),
      inside("AuthType Bearer", "AuthType Basic")],
     ["apache-basic-auth"], None),
    ("apache", "a provider of another name",
     [inside("AuthnzFcgiCheckAuthnProvider authbridge",
             "AuthnzFcgiCheckAuthnProvider other")], ["apache-provider"],
     None),
    ("apache", "sign-in behind the gate",
     [inside("\t\tAuthnzFcgiCheckAuthnProvider None\n" + APACHE_OPEN, "")],
     ["service-gated"], no_session),
    ("apache", "the service's ProxyPass missing",
     [inside('ProxyPass "/api/auth/" ', 'ProxyPass "/auth/" ')],
     ["no-service"], no_session),
    ("apache", "AllowEncodedSlashes On",
     [inside("AllowEncodedSlashes Off", "AllowEncodedSlashes On")],
     ["apache-encoded-slashes"], None),
    ("apache", "no rule against internal redirects",
     [inside("\tRewriteCond %{ENV:REDIRECT_STATUS} .\n"
             "\tRewriteRule ^/api/ - [F]\n", "")], ["apache-redirect"], None),
    ("apache", "Satisfy Any",
     [inside("\t\tRequire authbridge\n",
             "\t\tRequire authbridge\n\t\tSatisfy Any\n")],
     ["apache-satisfy-any"], None),
    ("apache", "the gate on another machine without listen_peers",
     [inside("AuthnzFcgiDefineProvider authnz authbridge fcgi://127.0.0.1",
             "AuthnzFcgiDefineProvider authnz authbridge fcgi://192.0.2.1"),
      inside('"fcgi://127.0.0.1', '"fcgi://192.0.2.1')],
     ["listen-peers-missing"], None),
    ("apache", "another variable", [],
     ["apache-user-expr", "no-identity"], None,
     {"variables": "Account=sub"}),
    ("apache", "TLS is nowhere", [], ["no-tls"], None,
     {"base_url": "https://example.com"}),

    ("lighttpd", "check-local left out",
     [inside(LIGHTTPD_GATE_CHECK, "")], ["lighttpd-check-local"],
     asked_anyway),
    ("lighttpd", "mod_proxy before mod_fastcgi",
     [inside('"mod_magnet", "mod_fastcgi", "mod_proxy"',
             '"mod_magnet", "mod_proxy", "mod_fastcgi"')],
     ["lighttpd-module-order"], None),
    ("lighttpd", "mod_proxy before mod_fastcgi, without Lua's refusal",
     [inside('"mod_magnet", "mod_fastcgi", "mod_proxy"',
             '"mod_magnet", "mod_proxy", "mod_fastcgi"'),
      inside("\treturn 503\n", "\treturn 0\n", LUA)],
     ["lighttpd-module-order", "lighttpd-empty-answer"], asked_anyway),
    ("lighttpd", "no mod_magnet",
     [inside('"mod_magnet", "mod_fastcgi"', '"mod_fastcgi"')],
     ["lighttpd-module"], spoofed("X-User-Id")),
    ("lighttpd", "no gate",
     [inside('"mode"            => "authorizer"',
             '"mode"            => "responder"')], ["lighttpd-mode"],
     refused),
    ("lighttpd", "the gate for another prefix",
     [inside('fastcgi.server = ( "/api/" =>', 'fastcgi.server = ( "/api/v1/" =>')],
     ["no-gate"], None),
    ("lighttpd", "the gate for one host alone",
     [inside('\tfastcgi.server = ( "/api/" =>',
             '\t$HTTP["host"] == "example.org" {\n'
             '\tfastcgi.server = ( "/api/" =>'),
      inside('\t' + LIGHTTPD_PROXY, '\t}\n\t' + LIGHTTPD_PROXY)],
     ["no-gate"], None),
    ("lighttpd", "OPTIONS exempt",
     [inside('\tfastcgi.server = ( "/api/" =>',
             '\t$HTTP["request-method"] != "OPTIONS" {\n'
             '\tfastcgi.server = ( "/api/" =>'),
      inside('\t' + LIGHTTPD_PROXY, '\t}\n\t' + LIGHTTPD_PROXY)],
     ["preflight-wide"], None),
    ("lighttpd", "no Lua",
     [inside("\tmagnet.attract-raw-url-to", "\t#")], ["no-identity"],
     spoofed("X-User-Id")),
    ("lighttpd", "Lua that does not fold names",
     [inside(':gsub("[^A-Z0-9]", "_")', ':gsub("-", "_")', LUA)],
     ["header-spelling"], spoofed("X.User.Id")),
    ("lighttpd", "Lua that sets no identity",
     [inside('r.req_header["X-User-Id"] = user',
             '-- r.req_header["X-User-Id"] = user', LUA)],
     ["no-identity"], None),
    ("lighttpd", "docroot",
     [inside('"mode"            => "authorizer",',
             '"mode" => "authorizer", "docroot" => "/tmp",')],
     ["lighttpd-docroot"], refused),
    ("lighttpd", "no time limit",
     [inside('\t\t"read-timeout"    => 5,\n', "")], ["lighttpd-timeout"],
     None),
    ("lighttpd", "HTTP/2",
     [inside('"server.h2proto" => "disable"', '"server.h2proto" => "enable"')],
     ["lighttpd-http2"], None),
    ("lighttpd", "the backend on other paths",
     [inside("else {", 'else $HTTP["url"] =~ "^/backdoor/" {\n\tproxy.server'
             ' = ( "" => (( "host" => "BACKEND_HOST",'
             ' "port" => BACKEND_PORT )))\n}\nelse {')],
     ["other-way"], elsewhere),
    ("lighttpd", "the backend everywhere",
     [inside("else {\n\t# BEGIN static", 'else {\n\tproxy.server = ( "" => (('
             ' "host" => "BACKEND_HOST", "port" => BACKEND_PORT )))\n'
             '\t# BEGIN static')], ["other-way"], elsewhere),
    ("lighttpd", "a rewritten path",
     [inside('else $HTTP["url"] =~ "^/api/" {', 'else $HTTP["url"] =~ "^/api/"'
             ' {\n\turl.rewrite-once = ( "^/api/(.*)" => "/v1/$1" )'),
      inside('server.modules += ( "mod_magnet"',
             'server.modules += ( "mod_rewrite", "mod_magnet"')],
     ["path-changed"], None),
    ("lighttpd", "an expression that is not understood",
     [inside('else $HTTP["url"] =~ "^/api/"',
             'else $HTTP["url"] =~ "^/(?:api)/"')], ["cannot-judge"], None),

    ("nginx", "no auth_request", [inside(SUBREQUEST, "")], ["no-gate"],
     None),
    ("nginx", "no auth_request, and no empty user refused",
     [inside(SUBREQUEST, ""), inside("http://$gate_backend",
                                     "http://backend")], ["no-gate"],
     asked_anyway),
    ("nginx", "auth_request off further in",
     [inside("\t\tproxy_connect_timeout 2s;\n", "\t\tproxy_connect_timeout 2s;"
             "\n\t\tlocation ~ \\.php$ {\n\t\t\tauth_request off;\n"
             "\t\t\tproxy_pass http://backend;\n\t\t}\n")],
     ["no-gate"], mixed),
    ("nginx", "an expression that takes requests away",
     [inside("\tlocation / {", BACKEND_LOCATION % "~ \\.php$")],
     ["no-gate"], mixed),
    ("nginx", "a second way to the backend",
     [inside("\tlocation / {", BACKEND_LOCATION % "/backdoor/")],
     ["other-way"], elsewhere),
    ("nginx", "a refusal passed to the backend",
     [inside("error_page 401 = @gate_401", "error_page 401 = @open"),
      inside("\tlocation / {", BACKEND_LOCATION % "@open")],
     ["nginx-error-page"], asked_anyway),
    ("nginx", "the identity not set",
     [inside("\t\tproxy_set_header X-User-Id        $gate_user;\n", "")],
     ["no-identity"], spoofed("X-User-Id")),
    ("nginx", "the identity taken from the client",
     [inside("proxy_set_header X-User-Id        $gate_user",
             "proxy_set_header X-User-Id        $http_x_user_id")],
     ["nginx-identity-forged"], spoofed("X-User-Id")),
    ("nginx", "a proxy_set_header further in drops the outer ones",
     [inside("\t\tproxy_connect_timeout 2s;\n", "\t\tproxy_connect_timeout 2s;"
             "\n\t\tlocation ~ \\.json$ {\n\t\t\tproxy_set_header A b;\n"
             "\t\t\tproxy_pass http://$gate_backend;\n\t\t}\n")],
     ["no-identity"], None),
    ("nginx", "underscores_in_headers on",
     [inside("underscores_in_headers off", "underscores_in_headers on")],
     ["nginx-underscores"], spoofed("X_User_Id")),
    ("nginx", "merge_slashes off",
     [inside("merge_slashes on", "merge_slashes off")],
     ["nginx-merge-slashes"], None),
    ("nginx", "satisfy any",
     [inside(SUBREQUEST, SUBREQUEST + "\t\tsatisfy any;\n"
             "\t\tallow 127.0.0.1;\n\t\tdeny all;\n"),
      inside("http://$gate_backend", "http://backend")],
     ["nginx-satisfy-any", "nginx-empty-user"], asked_anyway),
    ("nginx", "no mode", [inside(
        "\t\tfastcgi_param AUTHBRIDGE_MODE authorize;\n", "")],
     ["nginx-mode"], refused),
    ("nginx", "a mode that always says yes",
     [inside("AUTHBRIDGE_MODE authorize", "AUTHBRIDGE_MODE ready"),
      inside("http://$gate_backend", "http://backend")],
     ["nginx-mode-wrong", "nginx-empty-user"], asked_anyway),
    ("nginx", "another target judged",
     [inside("AUTHBRIDGE_MODE authorize;",
             "AUTHBRIDGE_MODE authorize;\n\t\tfastcgi_param REQUEST_URI $uri;")],
     ["nginx-request-uri"], None),
    ("nginx", "the gate's location open to clients",
     [inside("\t\tinternal;\n", "")], ["nginx-internal"], None),
    ("nginx", "no headers for the gate",
     [inside("fastcgi_pass_request_body off;", "fastcgi_pass_request_body off;"
             "\n\t\tfastcgi_pass_request_headers off;")],
     ["nginx-request-headers"], refused),
    ("nginx", "a location that is not there",
     [inside("auth_request     /_gate", "auth_request     /nowhere")],
     ["nginx-gate-location"], refused),
    ("nginx", "an empty user passes",
     [inside("http://$gate_backend", "http://backend")],
     ["nginx-empty-user"], None),
    ("nginx", "proxy_pass with a path",
     [inside("http://$gate_backend", "http://$gate_backend/v1/")],
     ["path-changed"], None),
    ("nginx", "sign-in behind the gate",
     [inside("\tlocation ^~ /api/auth/ {", "\tlocation ^~ /api/auth/ {\n"
             "\t\tauth_request /_gate;")], ["service-gated"], no_session),
    ("nginx", "base_path elsewhere", [], ["no-service"], None,
     {"base_path": "/login"}),
    ("nginx", "a route that is not passed on", [], ["not-served"], None,
     {"route": ["* /api/{user_id}/** owner", "* /files/** user"]}),
    ("nginx", "TLS is nowhere", [], ["no-tls"], None,
     {"base_url": "https://example.com"}),
    ("nginx", "everybody may connect", [], ["listen-peers-wide"], None,
     {"listen_peers": "0.0.0.0/0"}),
    ("nginx", "a text that is not nginx's",
     [inside("\tlocation / {", "\tlocation / ")], ["cannot-judge"], None),
]


def planted(edits):
    host, port = world.probe.address.split(":")
    for file, old, new in edits:
        if "%d" in old:
            old, new = old % int(port), new % int(port)
        new = new.replace("BACKEND_HOST", host).replace("BACKEND_PORT", port)
        yield file, old, new.replace("BACKEND", world.probe.address)


def prepare(name, folder, edits):
    os.mkdir(folder)
    os.chmod(folder, 0o755)
    address = world.service.tcp if name == "apache" else world.service.unix
    server = WebServer(name, folder, address, world.probe.address,
                       ROOT + "/examples/web", start=False)
    for file, old, new in planted(edits):
        with open(server.folder + "/" + file) as text:
            before = text.read()
        check(old in before, file, "does not say", old)
        with open(server.folder + "/" + file, "w") as text:
            text.write(before.replace(old, new))
    return server


def findings(name, path, settings=None, text=None):
    """(exit code, findings) of check."""
    config = world.folder + "/check.conf"
    write_config(config, {**world.service.settings, **(settings or {})})
    done = subprocess.run(
        [binary("authbridgectl"), "--json", "-c", config, "check",
         "--" + name, path], input=text, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, check=False, timeout=60, env={})
    return done.returncode, json.loads(done.stdout)


@suite.each("B_FR_033 nothing is found in the sample: %s", available())
def _(name):
    server = prepare(name, world.folder + "/good-" + name, [])
    equal(findings(name, server.folder + "/main.conf"), (0, []))
    reached, answer = unasked(world.servers[name])
    equal((reached, answer.status), (False, 401))


def label(seed):
    return "%s: %s" % seed[:2]


@suite.each("found: %s", [(label(s),) + s for s in SEEDS
                          if s[0] in available()])
def _(case):
    name, _, edits, wanted, proof = case[1:6]
    settings = case[6] if len(case) > 6 else None
    number = SEEDS.index(case[1:])
    server = prepare(name, "%s/seed-%d" % (world.folder, number), edits)
    code, found = findings(name, server.folder + "/main.conf", settings)
    equal(sorted({f["rule"] for f in found}), sorted(wanted), found)
    equal(code, 1)
    check(all(f["where"] and f["text"] and f["remedy"] for f in found), found)
    if proof is None:
        return
    server.start()
    try:
        shown, answer = proof(server)
        check(shown, "the server does not show it", answer)
    finally:
        server.close()


@suite.case("what cannot be read is never well")
def _():
    path = world.folder + "/nothing"
    for name in ("apache", "lighttpd", "nginx"):
        code, found = findings(name, path)
        equal((code, [f["rule"] for f in found]), (1, ["cannot-judge"]))
        with open(world.folder + "/empty", "w"):
            pass
        code, found = findings(name, world.folder + "/empty")
        check(code == 1 and found, name, found)


@suite.case("the server's own print is read from standard input")
def _():
    server = prepare("lighttpd", world.folder + "/print", [])
    text = subprocess.run(
        ["/usr/sbin/lighttpd", "-p", "-f", server.folder + "/main.conf"],
        stdout=subprocess.PIPE, text=True, check=True).stdout
    equal(findings("lighttpd", "-", text=text), (0, []))
    server = prepare("apache", world.folder + "/dump", [])
    text = subprocess.run(
        ["/usr/sbin/apache2", "-t", "-D", "DUMP_CONFIG", "-C", "LoadModule"
         " info_module /usr/lib/apache2/modules/mod_info.so", "-f",
         server.folder + "/main.conf"], stdout=subprocess.PIPE, text=True,
        check=True).stdout
    equal(findings("apache", "-", text=text), (0, []))


@suite.case("a socket that everybody may open, or that is away, is found")
def _():
    server = prepare("nginx", world.folder + "/socket", [])
    path = world.service.unix[len("unix:"):]
    mode = os.stat(path).st_mode & 0o7777
    try:
        os.chmod(path, 0o666)
        code, found = findings("nginx", server.folder + "/main.conf")
        equal((code, [f["rule"] for f in found]), (1, ["socket-open"]))
        os.rename(path, path + ".away")
        code, found = findings("nginx", server.folder + "/main.conf")
        equal((code, [f["rule"] for f in found]), (1, ["socket-missing"]))
    finally:
        if os.path.exists(path + ".away"):
            os.rename(path + ".away", path)
        os.chmod(path, mode)


def set_up():
    global world
    world = World(suite)



suite.main(set_up)
