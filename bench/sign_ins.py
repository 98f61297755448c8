# SPDX-License-Identifier: MIT
"""Sign-ins per second through the service, database and all, against the
password hashes per second that stock libsodium makes on all cores with nothing
else running, in alternating rounds.

Prints TSV: name, sign-ins or rounds, sign-ins per second (or the ratio to the
stock hashes), both medians of the rounds.
"""
import json
import os
import statistics
import struct
import subprocess

from rates import Skip, Suite, World, binary, fcgi_client, sign_up

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "7"))
SECONDS = int(os.environ.get("BENCH_SECONDS", "5"))
CLIENTS = 8 * (os.cpu_count() or 1)


def stock_hashes():
    done = subprocess.run([binary("bench/bench_hash"), "1", str(SECONDS)],
                          stdout=subprocess.PIPE, text=True, check=True)
    name, _, rate = done.stdout.splitlines()[0].split("\t")
    assert name == "hash_stock", name
    return float(rate[:-len("/s")])


def write_request(path, base_url):
    body = json.dumps({"email": "bench@example.com",
                       "password": "correct horse battery"}).encode()
    data = fcgi_client.encode(fcgi_client.parameters(
        "POST", "/api/auth/sign-in/email",
        [("Content-Type", "application/json"), ("Origin", base_url)]), body)
    with open(path, "wb") as out:
        out.write(struct.pack("!L", len(data)) + data)


def sign_ins(address, request, count):
    done = subprocess.run(
        [binary("bench/load_fcgi"), "-c", str(CLIENTS), "-n", str(count),
         "-f", request, address],
        stdout=subprocess.PIPE, text=True, check=True)
    return float(done.stdout.split()[0])


def main():
    suite = Suite()
    try:
        world = World(suite, backend=None)
        address = world.service.unix
        sign_up(address, world.base_url)
        request = world.folder + "/sign-in"
        write_request(request, world.base_url)
        first = sign_ins(address, request, 2 * CLIENTS)
        count = max(CLIENTS, int(first * SECONDS))
        stock, found = [], []
        for _ in range(ROUNDS):
            stock.append(stock_hashes())
            found.append(sign_ins(address, request, count))
        print("hash_stock_all_cores\t%d\t%.1f/s" % (
            ROUNDS, statistics.median(stock)))
        print("sign_ins\t%d\t%.1f/s" % (ROUNDS * count,
                                        statistics.median(found)))
        print("sign_ins_to_stock_hashes\t%d\t%.3f" % (
            ROUNDS, statistics.median(a / b for a, b in zip(found, stock))))
    except Skip as why:
        print("# sign_ins: %s" % why)
    finally:
        for finalizer in reversed(suite.finalizers):
            finalizer()


if __name__ == "__main__":
    main()
