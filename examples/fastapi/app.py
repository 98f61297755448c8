# SPDX-License-Identifier: MIT
"""A task API without a line of password or session code.

The database filters by the user as well (sql/example-rls.sql): a statement
that forgets to do so still sees nobody else's rows.

Settings, all from the environment:
    TASKS_DATABASE_URL  where the tasks are, as a role that row-level security
                        holds back (tasks_app)
    TASKS_IDENTITY      gate (default) or jwt, see auth.py
    BETTER_AUTH_SECRET, BETTER_AUTH_URL   for jwt alone
"""
import contextlib
import os

import psycopg2
import psycopg2.pool
from fastapi import Depends, FastAPI, HTTPException, Path
from pydantic import BaseModel, Field

import auth

current_user = {"gate": auth.gate_user, "jwt": auth.jwt_user}[
    os.environ.get("TASKS_IDENTITY", "gate")]

app = FastAPI(title="Tasks", docs_url=None, redoc_url=None, openapi_url=None)
# As many connections as the framework has threads, so that none waits.
pool = psycopg2.pool.ThreadedConnectionPool(
    1, 40, os.environ["TASKS_DATABASE_URL"])


task_number = Path(ge=1, lt=2 ** 63)


class NewTask(BaseModel):
    # PostgreSQL's text holds every character but NUL.
    title: str = Field(min_length=1, max_length=200, regex=r"^[^\x00]*$")


@contextlib.contextmanager
def as_user(user):
    """A cursor in a transaction of its own that sees this user's rows alone.

    The setting ends with the transaction ("true"), so the next one on this
    connection, or on the server's connection behind a pooler, has none.
    """
    connection = pool.getconn()
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT set_config('app.user_id', %s, true),"
                           " row_security_active('tasks.task')", (user,))
            if not cursor.fetchone()[1]:
                raise RuntimeError("row-level security does not hold this"
                                   " role back: see sql/example-rls.sql")
            yield cursor
    finally:
        pool.putconn(connection, close=bool(connection.closed))


def query(user, text, *values):
    with as_user(user) as cursor:
        cursor.execute(text, values)
        return [as_task(row) for row in cursor.fetchall()]


def as_task(row):
    return {"id": row[0], "title": row[1], "completed": row[2]}


def only(tasks):
    if not tasks:
        raise HTTPException(404, "Task not found")
    return tasks[0]


@app.on_event("startup")
def refuse_to_start_unprotected():
    with as_user(""):
        pass


# Every statement below filters by the user: the path alone decides nothing.

@app.get("/api/{user_id}/tasks")
def list_tasks(user: str = Depends(current_user)):
    return query(user, "SELECT id, title, completed FROM tasks.task"
                 " WHERE owner = %s ORDER BY id", user)


@app.post("/api/{user_id}/tasks", status_code=201)
def create_task(task: NewTask, user: str = Depends(current_user)):
    return only(query(user, "INSERT INTO tasks.task (owner, title)"
                      " VALUES (%s, %s) RETURNING id, title, completed",
                      user, task.title))


@app.patch("/api/{user_id}/tasks/{task_id}/complete")
def complete_task(task_id: int = task_number,
                  user: str = Depends(current_user)):
    return only(query(user, "UPDATE tasks.task SET completed = NOT completed"
                      " WHERE owner = %s AND id = %s"
                      " RETURNING id, title, completed", user, task_id))


@app.delete("/api/{user_id}/tasks/{task_id}")
def delete_task(task_id: int = task_number,
                user: str = Depends(current_user)):
    return only(query(user, "DELETE FROM tasks.task"
                      " WHERE owner = %s AND id = %s"
                      " RETURNING id, title, completed", user, task_id))
