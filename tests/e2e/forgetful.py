# SPDX-License-Identifier: MIT
"""The example task API with routes whose author forgot things. Copied beside
app.py and started in its place by test_row_security."""
from fastapi import Depends

from app import app, as_user, current_user, pool


@app.get("/api/{user_id}/everything")
def forgets_where(user: str = Depends(current_user)):
    with as_user(user) as cursor:
        cursor.execute("SELECT owner FROM tasks.task")
        return [row[0] for row in cursor.fetchall()]


@app.post("/api/{user_id}/toggle-all")
def forgets_where_in_update(user: str = Depends(current_user)):
    with as_user(user) as cursor:
        cursor.execute("UPDATE tasks.task SET completed = NOT completed"
                       " RETURNING owner")
        return [row[0] for row in cursor.fetchall()]


@app.get("/api/{user_id}/anyone")
def forgets_identity(user: str = Depends(current_user)):
    connection = pool.getconn()
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT owner FROM tasks.task")
            return [row[0] for row in cursor.fetchall()]
    finally:
        pool.putconn(connection)


@app.get("/api/{user_id}/broken")
def fails_midway(user: str = Depends(current_user)):
    with as_user(user) as cursor:
        cursor.execute("SELECT owner FROM tasks.task")
        cursor.execute("SELECT 1 / 0")
