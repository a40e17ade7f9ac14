"""Answers that go wrong on the wire: cut connections, half a body, the wrong content type.

The connection is closed through uvicorn's own transport, the only thing that can end it without an answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pulumi_runpod.emulator.platform.faults import FaultKind


async def cut(receive: Receive) -> None:
    """Close the connection; what was sent before is flushed. Returns when the server has noticed."""
    cycle = getattr(receive, "__self__", None)
    transport = getattr(cycle, "transport", None)
    if not isinstance(transport, asyncio.Transport):
        raise TypeError("a connection can be cut under uvicorn only")
    transport.close()
    while (await receive())["type"] != "http.disconnect":
        pass


async def faulty_send(
    kind: FaultKind, app: ASGIApp, scope: Scope, receive: Receive, send: Send, *, on_cut: Callable[[], None]
) -> None:
    """Let the application do its work, and spoil its answer as `kind` says."""
    if kind == "http.content_type":
        await app(scope, receive, _mistyped(send))
        return
    kept: list[Message] = []

    async def keep(message: Message) -> None:
        kept.append(message)

    await app(scope, receive, keep)
    if kind == "http.truncate":
        await _send_half(kept, send)
    else:
        on_cut()
    await cut(receive)


async def _send_half(kept: list[Message], send: Send) -> None:
    """The head, which promises the whole body, and the first half of it (nothing of an empty one)."""
    body = b"".join(m.get("body", b"") for m in kept if m["type"] == "http.response.body")
    await send(kept[0])
    await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})


def _mistyped(send: Send) -> Send:
    async def mistyped(message: Message) -> None:
        if message["type"] == "http.response.start":
            others = [(name, value) for name, value in message["headers"] if name.lower() != b"content-type"]
            message = {**message, "headers": [*others, (b"content-type", b"text/html; charset=utf-8")]}
        await send(message)

    return mistyped
