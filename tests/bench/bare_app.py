"""The yardstick: Starlette with nothing around it, one SQLite insert for a create, one JSON answer for a get.

Run as a process: `python bare_app.py DATABASE`; prints its base URL.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sqlite3
import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA journal_mode=WAL")
connection.execute("PRAGMA synchronous=NORMAL")
connection.execute("CREATE TABLE objects (id INTEGER PRIMARY KEY, body TEXT NOT NULL)")
ANSWER = {"id": "tqwo57yr38", "name": "weights", "size": 20, "dataCenter": "EU-RO-1", "type": "STANDARD"}


async def create(request: Request) -> JSONResponse:
    body = await request.json()
    connection.execute("INSERT INTO objects (body) VALUES (?)", (json.dumps(body),))
    return JSONResponse(body, status_code=201)


async def get(_: Request) -> JSONResponse:
    return JSONResponse(ANSWER)


def main() -> None:
    app = Starlette(routes=[Route("/objects", create, methods=["POST"]), Route("/objects/{id}", get)])
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.bind(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{bound.getsockname()[1]}", flush=True)
    # As the local RunPod is run.
    config = uvicorn.Config(
        app, loop="asyncio", ws="none", lifespan="off", log_level="error", access_log=False, server_header=False,
        proxy_headers=False,
    )  # fmt: skip
    asyncio.run(uvicorn.Server(config).serve(sockets=[bound]))


if __name__ == "__main__":
    main()
