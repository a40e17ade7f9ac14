"""A load generator that is faster than what it measures: raw keep-alive connections, one prepared request each."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

CONNECTIONS = 16


@dataclass
class _Count:
    answers: int = 0
    wrong: int = 0


class _Caller(asyncio.Protocol):
    def __init__(self, request: bytes, expected: bytes, count: _Count) -> None:
        self._request, self._expected, self._count = request, expected, count
        self._buffer = b""
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, blank, body = self._buffer.partition(b"\r\n\r\n")
        if not blank:
            return
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or b"0")
        if len(body) < length:
            return
        self._buffer = b""
        self._count.answers += 1
        self._count.wrong += not head.startswith(self._expected)
        self.transport.write(self._request)


def rate(method: str, url: str, *, seconds: float, body: bytes = b"", status: int = 200) -> float:
    """Answers per second over `seconds`. Raises ValueError when one has another status than `status`."""
    parts = urlsplit(url)
    request = (
        f"{method} {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: Bearer local\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body

    async def run() -> float:
        loop, count = asyncio.get_running_loop(), _Count()
        callers = [
            await loop.create_connection(
                lambda: _Caller(request, f"HTTP/1.1 {status}".encode(), count), parts.hostname, parts.port
            )
            for _ in range(CONNECTIONS)
        ]
        begin, before = time.perf_counter(), count.answers
        await asyncio.sleep(seconds)
        reached = (count.answers - before) / (time.perf_counter() - begin)
        for transport, _ in callers:
            transport.abort()
        if count.wrong:
            raise ValueError(f"{count.wrong} of {count.answers} answers to {method} {url} were not {status}")
        return reached

    return asyncio.run(run())
