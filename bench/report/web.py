# SPDX-License-Identifier: MIT
"""Web servers on the sample configurations, and a load through them."""
import re
import subprocess

import processes
from stage import ROOT

SCRIPT = """
local threads = {}
function setup(thread) table.insert(threads, thread) end
function init() wrong = 0 end
function response(status) if status ~= 200 then wrong = wrong + 1 end end
function done(summary, latency)
	local wrong = summary.errors.connect + summary.errors.read
		+ summary.errors.write + summary.errors.timeout
	for _, thread in ipairs(threads) do wrong = wrong + thread:get("wrong") end
	print(string.format("%.2f %.1f %.1f %d", summary.requests * 1e6
		/ summary.duration, latency:percentile(50), latency:percentile(99),
		wrong))
end
"""
# What the samples say about the gate, taken out again.
UNGATED = {
    "nginx": ((r"(?m)^\s*(auth_request\w*|error_page 40[13]|error_page 500) "
               r".*\n", ""),
              (r"\$gate_user", "$remote_addr"), (r"\$gate_challenge", "x"),
              (r'proxy_set_header Authorization .*\n', "")),
    "apache": ((r"(?m)^\s*(AuthType Bearer|AuthName|AuthnzFcgiCheckAuthn"
                r"Provider authbridge) ?.*\n", ""),
               (r"Require authbridge", "Require all granted")),
    "lighttpd": ((r"(?m)^\s*magnet\.attract.*\n", ""),
                 (r'(?s)fastcgi\.server = \( "/api/" =>.*?\)\)\)', "")),
}


class Site:
    """One server; gate=False: the same configuration without its gate."""

    def __init__(self, name, folder, service, backend, gate=True):
        self.port = processes.free_port()
        place = "%s/%s-%d" % (folder, name, self.port)
        subprocess.run(
            [ROOT + "/tools/trial-webserver", "--server", name, "--dir", place,
             "--port", str(self.port), "--service", service, "--backend",
             backend, "--web", ROOT + "/examples/web", "--user",
             processes.SERVICE_USER], check=True)
        if not gate:
            self.open_up(name, place + "/site.conf")
        self.process = processes.Process([place + "/run"],
                                         place + "/output.log", cwd="/")
        processes.wait_for_port(self.process, "127.0.0.1:%d" % self.port)

    @staticmethod
    def open_up(name, path):
        with open(path, encoding="utf-8") as source:
            text = source.read()
        for pattern, replacement in UNGATED[name]:
            text, count = re.subn(pattern, replacement, text)
            if not count:
                raise AssertionError("%s has no %s" % (path, pattern))
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)

    def close(self):
        self.process.stop()


class Backend:
    """An nginx that answers 200 to everything, so that it costs little."""

    def __init__(self, folder):
        self.port = processes.free_port()
        self.address = "127.0.0.1:%d" % self.port
        path = "%s/backend-%d" % (folder, self.port)
        with open(path + ".conf", "w", encoding="utf-8") as out:
            out.write("""daemon off; pid %s.pid; error_log stderr;
events { worker_connections 2048; }
http { access_log off; client_body_temp_path %s-b; proxy_temp_path %s-p;
  fastcgi_temp_path %s-f; uwsgi_temp_path %s-u; scgi_temp_path %s-s;
  server { listen %s; location / { return 200 "[]"; } } }
""" % (path, path, path, path, path, path, self.address))
        self.process = processes.Process(
            ["/usr/sbin/nginx", "-e", "stderr", "-c", path + ".conf"],
            path + ".log", cwd="/")
        processes.wait_for_port(self.process, self.address)

    def close(self):
        self.process.stop()


class Wrk:
    """One run: a rate, and latencies in microseconds."""

    def __init__(self, port, path, seconds, headers, folder, connections=8):
        script = folder + "/load.lua"
        with open(script, "w", encoding="utf-8") as out:
            for name, value in headers.items():
                out.write('wrk.headers["%s"] = "%s"\n' % (name, value))
            out.write(SCRIPT)
        done = subprocess.run(
            ["wrk", "-t1", "-c%d" % connections, "-d%ds" % seconds, "-s",
             script, "http://127.0.0.1:%d%s" % (port, path)], check=True,
            stdout=subprocess.PIPE, text=True).stdout
        self.rate, self.median, self.p99, wrong = map(
            float, done.strip().splitlines()[-1].split())
        if wrong:
            raise AssertionError("%d answers of port %d were not 200" % (
                wrong, port))
