# SPDX-License-Identifier: MIT
"""Many users at the example's data access: what its framework does for each
request, from many threads of several processes, without the HTTP around it.

A request is one call of app.as_user with a statement that names no user: no
WHERE, or a foreign owner. It must see all of its user's rows and no others.
"""
import collections
import os
import random
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import psycopg2
from psycopg2 import errors

from webserver import ROOT

ROWS = 3    # that each user has, before and after
THREADS = 20
PROBE = "SELECT current_setting('app.user_id', true)"


class Undo(Exception):
    """Rolls a request's transaction back."""


class Client:
    def __init__(self, app, users, seed):
        self.app, self.users = app, users
        self.random = random.Random(seed)
        self.seen = collections.Counter()

    def judge(self, user, owners, rows=ROWS):
        self.seen["foreign"] += sum(owner != user for owner in owners)
        self.seen["missing"] += len(owners) != rows

    def _ask(self, user, text, *values):
        with self.app.as_user(user) as cursor:
            cursor.execute(text, values)
            return [row[0] for row in cursor.fetchall()]

    def list(self, user):
        self.judge(user, self._ask(user, "SELECT owner FROM tasks.task"))

    def change(self, user):
        self.judge(user, self._ask(
            user, "UPDATE tasks.task SET completed = NOT completed"
            " RETURNING owner"))

    def delete(self, user):
        try:
            with self.app.as_user(user) as cursor:
                cursor.execute("DELETE FROM tasks.task RETURNING owner")
                self.judge(user, [row[0] for row in cursor.fetchall()])
                raise Undo
        except Undo:
            pass

    def _refused(self, user, text, *values):
        try:
            self._ask(user, text, *values)
            self.seen["foreign"] += 1
        except errors.InsufficientPrivilege:
            self.seen["refused"] += 1

    def plant(self, user):
        self._refused(user, "INSERT INTO tasks.task (owner, title) VALUES"
                      " (%s, 'planted') RETURNING owner", self.other(user))

    def give_away(self, user):
        self._refused(user, "UPDATE tasks.task SET owner = %s"
                      " RETURNING owner", self.other(user))

    def fail(self, user):
        try:
            with self.app.as_user(user) as cursor:
                cursor.execute("SELECT owner FROM tasks.task")
                self.judge(user, [row[0] for row in cursor.fetchall()])
                cursor.execute("SELECT 1 / 0")
        except errors.DivisionByZero:
            pass

    def leave(self, user):
        """The client goes in the middle of its transaction."""
        connection = psycopg2.connect(os.environ["TASKS_DATABASE_URL"])
        cursor = connection.cursor()
        cursor.execute("SELECT set_config('app.user_id', %s, true)", (user,))
        cursor.execute("SELECT owner FROM tasks.task")
        self.judge(user, [row[0] for row in cursor.fetchall()])
        connection.close()

    def nobody(self, _):
        """Without an identity, which also looks for what others left."""
        connection = self.app.pool.getconn()
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(PROBE)
                self.seen["left behind"] += cursor.fetchone()[0] not in (
                    None, "")
                self.seen["probes"] += 1
                cursor.execute("SELECT owner FROM tasks.task")
                self.seen["foreign"] += len(cursor.fetchall())
        finally:
            self.app.pool.putconn(connection, close=bool(connection.closed))

    def empty(self, _):
        self.seen["foreign"] += len(self._ask(
            "", "SELECT owner FROM tasks.task"))

    def other(self, user):
        return self.random.choice([u for u in self.users if u != user])

    KINDS = ((list, 66), (change, 8), (delete, 5), (plant, 3), (give_away, 3),
             (fail, 5), (leave, 1), (nobody, 7), (empty, 2))

    def run(self, count):
        deeds = [deed for deed, _ in self.KINDS]
        weights = [weight for _, weight in self.KINDS]
        for _ in range(count):
            user = self.random.choice(self.users)
            deed, = self.random.choices(deeds, weights)
            while not self._do(deed, user):
                pass
            self.seen["requests"] += 1

    def _do(self, deed, user):
        """False: the connection, or two users' order of locks, broke it off;
        what it saw until then counts."""
        try:
            deed(self, user)
            return True
        except (psycopg2.OperationalError, psycopg2.InterfaceError):
            self.seen["broken off"] += 1
            return False


def _process(url, users, count, seed):
    os.environ["TASKS_DATABASE_URL"] = url
    sys.path.insert(0, ROOT + "/examples/fastapi")
    sys.dont_write_bytecode = True
    import app
    clients = [Client(app, users, seed * 1000 + i) for i in range(THREADS)]
    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(lambda c: c.run(count // THREADS), clients))
    return sum((c.seen for c in clients), collections.Counter())


def run(url, users, count, processes):
    """What all of them saw, added up."""
    with ProcessPoolExecutor(processes, get_context("fork")) as pool:
        parts = [pool.submit(_process, url, users, count // processes, seed)
                 for seed in range(processes)]
        return sum((part.result() for part in parts), collections.Counter())
