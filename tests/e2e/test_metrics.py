# SPDX-License-Identifier: MIT
"""Metrics: their form, that they count what happened, over every worker, its
death and a reload, and that what shows and explains them names them all."""
import json
import os
import re
import signal
import threading

import fcgi_client
import prometheus
import tokens
from harness import World
from service import SECRET, ask_mode, write_config
from story import PASSWORD, fresh_email
from tap import Suite, check, equal, wait_until
from webserver import ROOT

suite = Suite()
world = None
P = "authbridge_"
DASHBOARD = ROOT + "/etc/grafana/authbridge.json"
RULES = ROOT + "/etc/prometheus/authbridge.rules.yml"


def setup():
    global world
    world = World(suite, backend=None, workers=2, rate_limit="on",
                  rate_limit_trusted="127.0.0.0/8")


def scrape(service=None):
    answer = ask_mode((service or world.service).unix, "metrics")
    equal(answer.status, 200)
    equal(answer.header("content-type"),
          "text/plain; version=0.0.4; charset=utf-8")
    return prometheus.read(answer.body.decode())


def count(name, suffix="", **labels):
    return prometheus.total(scrape(), P + name, suffix, **labels)


def post(path, service=None, **body):
    service = service or world.service
    return fcgi_client.request(
        service.unix, "POST", "/api/auth" + path,
        [("Content-Type", "application/json"), ("Origin", world.base_url)],
        json.dumps(body).encode())


def sign_up(service=None):
    email = fresh_email()
    answer = post("/sign-up/email", service, name="Ann", email=email,
                  password=PASSWORD)
    equal(answer.status, 200, answer.body)
    return (email, json.loads(answer.body)["user"]["id"],
            answer.header("set-auth-jwt"))


@suite.case("metrics have the form that Prometheus asks for")
def form():
    families = scrape()
    check(all(name.startswith(P) for name in families), sorted(families))
    kinds = {family.kind for family in families.values()}
    equal(kinds, {"counter", "gauge", "histogram"})
    build = families[P + "build_info"].samples
    check(list(build.values()) == [1.0] and "version" in str(build), build)
    return "%d metrics, %d samples" % (
        len(families), sum(len(f.samples) for f in families.values()))


@suite.case("the strict reader of this test refuses what it should")
def reader():
    good = "# HELP a_total A.\n# TYPE a_total counter\na_total 1\n"
    prometheus.read(good)
    head = "# HELP h_seconds H.\n# TYPE h_seconds histogram\n"
    rows = ('h_seconds_bucket{le="1.0"} 1\nh_seconds_bucket{le="2.0"} 2\n'
            'h_seconds_bucket{le="+Inf"} 3\nh_seconds_sum 4.0\n'
            'h_seconds_count 3\n')
    prometheus.read(head + rows)
    for bad in (good[:-1], good + "a_total 2\n", "a_total 1\n",
                good.replace("counter", "gauge"), good.replace("_total", ""),
                good.replace(" 1\n", " -1\n"), good + "b_total 1\n",
                good.replace("a_total 1", 'a_total{x="1",x="2"} 1'),
                good.replace("a_total 1", "a_total{x=1} 1"),
                good + good, good.replace("# HELP a_total A.\n", ""),
                head + rows.replace('"2.0"} 2', '"2.0"} 0'),
                head + rows.replace("count 3", "count 4"),
                head + rows.replace('le="+Inf"', 'le="3.0"'),
                head + rows.replace("h_seconds_sum 4.0\n", "")):
        try:
            prometheus.read(bad)
        except prometheus.Malformed:
            continue
        raise AssertionError("taken: %r" % bad)


@suite.case("each verdict counts under its reason, each request in its class")
def counts():
    _, user, jwt = sign_up()
    own = "/api/%s/tasks" % user
    asked = [("allowed", own, jwt, 200), ("other_user", "/api/x/y", jwt, 403),
             ("no_token", own, None, 401), ("signature", own, jwt[:-4] + "AAAA",
                                            401),
             ("not_canonical", "/api//x", jwt, 403),
             ("expired", own, tokens.resign(jwt, SECRET, exp=1), 401)]
    before = scrape()
    for _, path, token, status in asked * 3:
        equal(fcgi_client.gate(world.service.unix, uri=path,
                               token=token).status, status, path)
    after = scrape()

    def more(name, suffix="", **labels):
        return (prometheus.total(after, P + name, suffix, **labels) -
                prometheus.total(before, P + name, suffix, **labels))

    for reason, _, _, _ in asked:
        equal(more("gate_verdicts_total", reason=reason), 3, reason)
    for status, number in (("2xx", 3), ("4xx", 15), ("5xx", 0)):
        equal(more("requests_total", status=status, **{"class": "gate"}),
              number, status)
    equal(more("request_duration_seconds", "_count", **{"class": "gate"}), 18)
    took = more("request_duration_seconds", "_sum", **{"class": "gate"})
    check(0 < took < 1, took)
    check(more("requests_total", **{"class": "operations"}) >= 1)
    check(more("requests_read_total") >= 19, more("requests_read_total"))
    return "%.0f us for one" % (took / 18 * 1e6)


@suite.case("sign-ins, hashing, queue and throttle count")
def accounts():
    email, _, _ = sign_up()
    before = scrape()
    equal(post("/sign-in/email", email=email, password=PASSWORD).status, 200)
    answers = [post("/sign-in/email", email=email, password="wrong one").status
               for _ in range(12)]
    check(429 in answers, answers)
    after = scrape()

    def more(name, suffix="", **labels):
        return (prometheus.total(after, P + name, suffix, **labels) -
                prometheus.total(before, P + name, suffix, **labels))

    equal(more("sign_ins_total"), 1)
    equal(more("sign_in_refusals_total"), 12)
    equal(more("throttled_total", by="account"), answers.count(429))
    equal(more("request_duration_seconds", "_count", **{"class": "password"}),
          13)
    equal(more("queue_duration_seconds", "_count", **{"class": "password"}),
          13)
    mean = more("request_duration_seconds", "_sum",
                **{"class": "password"}) / 13
    check(0.0002 < mean < 5, mean)
    check(prometheus.total(after, P + "hash_tickets_limit") >
          prometheus.total(after, P + "hash_tickets"))


@suite.case("addresses that ask too often count")
def addresses():
    strict = world.extra_service(workers=1, rate_limit="on").start()
    answers = [post("/sign-in/email", strict, email="a@example.com",
                    password="wrong one").status for _ in range(6)]
    check(429 in answers, answers)
    equal(prometheus.total(scrape(strict), P + "throttled_total",
                           by="address"), answers.count(429))


@suite.case("tokens remembered and computed count")
def cache():
    signed = world.extra_service(workers=1, jwt_alg="EdDSA",
                                 options=["-t", "1"]).start()
    _, user, jwt = sign_up(signed)
    for _ in range(10):
        equal(fcgi_client.gate(signed.unix, uri="/api/%s/x" % user,
                               token=jwt).status, 200)
    found = {cache: prometheus.total(scrape(signed), P +
                                     "verified_tokens_total", cache=cache)
             for cache in ("hit", "miss")}
    equal(found["hit"] + found["miss"], 10)
    # The key was just made: reading it again forgets what it had verified.
    check(1 <= found["miss"] <= 3, found)


@suite.case("counters only rise, over deaths of workers and a reload")
def monotonic():
    _, user, jwt = sign_up()
    stop = threading.Event()
    done = [0]

    def ask():
        while not stop.is_set():
            try:
                fcgi_client.gate(world.service.unix, uri="/api/%s/x" % user,
                                 token=jwt)
                done[0] += 1
            except (OSError, fcgi_client.Closed):
                pass    # it was killed with this one in hand

    def patiently():
        try:
            return scrape()
        except (OSError, fcgi_client.Closed):
            return None

    def counters():
        families = wait_until(patiently, 10, "an answer")
        return {(name, key): value for name, family in families.items()
                for key, value in family.samples.items()
                if family.kind != "gauge"}

    first = last = counters()
    thread = threading.Thread(target=ask)
    thread.start()
    try:
        restarts = count("worker_restarts_total")
        for number in range(6):
            victim = world.service.worker_pids()[number % 2]
            os.kill(victim, signal.SIGKILL)
            wait_until(lambda: victim not in world.service.worker_pids() and
                       len(world.service.worker_pids()) == 2, 10, "a new one")
            now = counters()
            fell = [key for key in last if now.get(key, -1) < last[key]]
            check(not fell, "fell:", fell)
            last = now
        wait_until(lambda: count("worker_restarts_total") == restarts + 6, 10,
                   "six restarts")
        world.service.process.child.send_signal(signal.SIGHUP)
        wait_until(lambda: count("reloads_total", result="done") == 1, 20,
                   "reloaded")
        wait_until(lambda: count("workers") == 2, 20, "two workers again")
        now = counters()
        fell = [key for key in last if now.get(key, -1) < last[key]]
        check(not fell, "fell:", fell)
    finally:
        stop.set()
        thread.join()
    key = (P + "gate_verdicts_total",
           ("", (("outcome", "allowed"), ("reason", "allowed"))))
    counted = counters()[key] - first[key]
    check(done[0] <= counted <= done[0] + 6, counted, "counted,", done[0],
          "answered")
    return "%d answered, %d counted" % (done[0], counted)


@suite.case("a refused reload counts")
def refused():
    with open(world.service.config, encoding="utf-8") as config:
        text = config.read()
    with open(world.service.config, "a", encoding="utf-8") as config:
        config.write("no_such_key = 1\n")
    world.service.process.child.send_signal(signal.SIGHUP)
    wait_until(lambda: count("reloads_total", result="refused") == 1, 20,
               "refused")
    with open(world.service.config, "w", encoding="utf-8") as config:
        config.write(text)


@suite.case("without its database the service is live, not ready, and says so")
def away():
    lonely = world.extra_service(workers=1)
    lonely.settings["database_url"] = "postgresql://x@/x?host=/nowhere"
    write_config(lonely.config, lonely.settings)
    lonely.start(wait=False)
    answer = wait_until(lambda: ask_mode(lonely.unix, "live"), 10)
    equal((answer.status, json.loads(answer.body)), (200, {"live": True}))
    equal(ask_mode(lonely.unix, "ready").status, 503)
    families = scrape(lonely)
    equal(prometheus.total(families, P + "feed_age_seconds"), float("inf"))
    equal(prometheus.total(families, P + "feed_workers", state="blind"), 1)
    equal(prometheus.total(scrape(), P + "feed_workers", state="current"), 2)
    check(prometheus.total(scrape(), P + "feed_age_seconds") < 5)


@suite.case("liveness is answered on unix sockets only")
def local():
    equal(ask_mode(world.service.tcp, "live").status, 404)


def names_in(text):
    """The metrics that PromQL in this text asks for."""
    found = set(re.findall(r"\bauthbridge_[a-z_]+", text))
    return {re.sub("_(bucket|sum|count)$", "", name) for name in found}


@suite.case("the dashboard is whole: every metric shown or listed, none made up")
def dashboard():
    with open(DASHBOARD, encoding="utf-8") as source:
        board = json.load(source)
    exported = set(scrape())
    ids, shown, places = [], set(), []
    for panel in board["panels"]:
        ids.append(panel["id"])
        grid = panel["gridPos"]
        check(grid["x"] + grid["w"] <= 24, panel["title"])
        places += [(x, y) for x in range(grid["x"], grid["x"] + grid["w"])
                   for y in range(grid["y"], grid["y"] + grid["h"])]
        check(panel["type"] in ("timeseries", "stat", "heatmap", "row",
                                "text"), panel["type"])
        for target in panel.get("targets", ()):
            check(target["expr"].count("(") == target["expr"].count(")"),
                  target["expr"])
            shown |= names_in(target["expr"])
            equal(target["datasource"]["uid"], "${datasource}")
    equal(len(set(ids)), len(ids), "panel ids")
    equal(len(set(places)), len(places), "panels overlap")
    for key in ("title", "uid", "schemaVersion", "templating", "time"):
        check(key in board, key)
    listed = names_in(board["description"])
    equal(shown - exported, set(), "shown, and not exported")
    equal(exported - shown - listed, set(), "neither shown nor listed")
    equal(listed & shown, set(), "listed as not shown, and shown")
    return "%d panels, %d metrics shown, %d listed" % (
        len(ids), len(shown), len(listed))


@suite.case("the alert rules ask for metrics that there are")
def rules():
    with open(RULES, encoding="utf-8") as source:
        text = source.read()
    used = names_in(text)
    check(len(used) >= 8, used)
    equal(used - set(scrape()), set())
    equal(len(re.findall(r"^ {6}- alert: ", text, re.M)),
          len(re.findall(r"^ {8}expr: ", text, re.M)))


@suite.case("doc/events.md explains exactly the metrics that there are")
def documented():
    with open(ROOT + "/doc/events.md", encoding="utf-8") as source:
        text = source.read().partition("## Metrics")[2]
    rows = dict(re.findall(r"^\| `(authbridge_[a-z_]+)` \| (\w+) \|", text,
                           re.M))
    equal(rows, {name: family.kind for name, family in scrape().items()})


if __name__ == "__main__":
    suite.main(setup)
