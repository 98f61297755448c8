# SPDX-License-Identifier: MIT
"""The task API without its database: what is left is the check."""
import os

from fastapi import Depends, FastAPI

import auth

current_user = {"gate": auth.gate_user, "jwt": auth.jwt_user}[
    os.environ["TASKS_IDENTITY"]]

app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)


@app.get("/api/{user_id}/tasks")
def list_tasks(user: str = Depends(current_user)):
    return []
