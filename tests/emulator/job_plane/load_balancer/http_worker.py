"""A load balancer's worker: a small server on PORT, and on PORT_HEALTH where that is another one.

`/ping` answers what the file named by PING_FILE says (else 200), `/hold` only when the file named by HOLD_FILE exists,
so that a test decides when. Prints what it received and what was cut off.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"]


async def ping(_: Request) -> Response:
    result = Path(os.environ.get("PING_FILE", "/nowhere"))
    return Response(status_code=int(result.read_text()) if result.is_file() else 200)


async def echo(request: Request) -> Response:
    """What arrived, as it arrived."""
    body = await request.body()
    fields = {
        "method": request.method,
        "target": request.scope["raw_path"].decode() + "?" + request.scope["query_string"].decode(),
        "headers": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in request.headers.raw],
        "body": body.decode("latin-1"),
        "worker": os.environ["RUNPOD_POD_ID"],
        "ports": [os.environ["PORT"], os.environ["PORT_HEALTH"]],
        "jobs": "RUNPOD_WEBHOOK_GET_JOB" in os.environ,
    }
    answer = JSONResponse(fields, status_code=int(request.query_params.get("status", "200")))
    answer.raw_headers += [(b"set-cookie", b"a=1"), (b"set-cookie", b"b=2"), (b"keep-alive", b"timeout=5")]
    return answer


async def length(request: Request) -> Response:
    size = 0
    async for part in request.stream():
        size += len(part)
    return JSONResponse({"bytes": size})


async def ticks(request: Request) -> Response:
    """One event for each line that the caller sends: each is answered before the next one is read."""

    async def lines() -> AsyncIterator[str]:
        for number in range(int(request.query_params["count"])):
            yield f"data: {number}\n\n"
            await _exists(Path(os.environ["HOLD_FILE"] + f".{number}"))

    return StreamingResponse(lines(), media_type="text/event-stream")


async def hold(request: Request) -> Response:
    print("held", flush=True)
    waiting = asyncio.ensure_future(_exists(Path(os.environ["HOLD_FILE"])))
    gone = asyncio.ensure_future(_hung_up(request))
    await asyncio.wait({waiting, gone}, return_when=asyncio.FIRST_COMPLETED)
    if gone.done():
        print("hung up", flush=True)
    waiting.cancel()
    gone.cancel()
    return JSONResponse({"worker": os.environ["RUNPOD_POD_ID"]})


async def large(request: Request) -> Response:
    size, result = int(request.query_params["bytes"]), "declared" in request.query_params

    async def parts() -> AsyncIterator[bytes]:
        for at in range(0, size, 2**20):
            yield b"x" * min(2**20, size - at)

    return StreamingResponse(parts(), headers={"content-length": str(size)} if result else {})


async def die(_: Request) -> Response:
    """Half an answer, and the end."""

    async def parts() -> AsyncIterator[bytes]:
        yield b"half"
        await asyncio.sleep(0.1)
        os._exit(3)

    return StreamingResponse(parts())


async def talk(socket: WebSocket) -> None:
    await socket.accept()
    async for text in socket.iter_text():
        await socket.send_text(text.upper())


async def _exists(file: Path) -> None:
    while not file.exists():
        await asyncio.sleep(0.01)


async def _hung_up(request: Request) -> None:
    try:
        while (await request.receive())["type"] != "http.disconnect":
            pass
    except ClientDisconnect:
        return


app = Starlette(
    routes=[
        Route("/ping", ping),
        Route("/length", length, methods=["POST"]),
        Route("/ticks", ticks),
        Route("/hold", hold, methods=["GET", "POST"]),
        Route("/large", large),
        Route("/die", die),
        WebSocketRoute("/talk", talk),
        Route("/{rest:path}", echo, methods=METHODS),
    ]
)


async def serve() -> None:
    ports = {int(os.environ["PORT_HEALTH"])} | (set() if "ONLY_HEALTH" in os.environ else {int(os.environ["PORT"])})
    configs = [
        uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error", ws="websockets-sansio", lifespan="off")
        for port in sorted(ports)
    ]
    print(json.dumps({"ports": sorted(ports)}), flush=True)
    await asyncio.gather(*(uvicorn.Server(config).serve() for config in configs))


if __name__ == "__main__":
    asyncio.run(serve())
    sys.exit(0)
