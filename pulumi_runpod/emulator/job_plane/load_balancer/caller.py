"""The caller's side of a request while it waits for a worker: what it sends is kept, and that it hangs up is seen."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.types import Message, Receive

_KEPT_BYTES = 1024 * 1024
"""Of a body, read before there is a worker for it. With more of it outstanding, nobody looks whether the caller is
still there, as only reading tells."""

T = TypeVar("T")


class CallerGoneError(Exception):
    """It hung up."""


class Caller:
    """`receive` in place of the server's: first what was read early, then what comes."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._kept: deque[Message] = deque()

    @property
    def transport(self) -> asyncio.Transport | None:
        """The connection itself, to cut it or to take it over."""
        return getattr(getattr(self._receive, "__self__", None), "transport", None)

    async def receive(self) -> Message:
        return self._kept.popleft() if self._kept else await self._receive()

    async def unless_gone(self, asking: Coroutine[Any, Any, T]) -> T:
        """What `asking` returns or raises; it is cancelled when the caller hangs up. Raises CallerGoneError."""
        wanted, gone = asyncio.ensure_future(asking), asyncio.ensure_future(self._gone())
        ends: set[asyncio.Future[Any]] = {wanted, gone}
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if wanted.done():
                return wanted.result()
            raise CallerGoneError
        finally:
            for task in (wanted, gone):
                task.cancel()
            await asyncio.gather(wanted, gone, return_exceptions=True)

    async def _gone(self) -> None:
        size = 0
        while size <= _KEPT_BYTES:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self._kept.append(message)
                return
            self._kept.append(message)
            size += len(message.get("body", b""))
        await asyncio.get_running_loop().create_future()
