"""HTTP/1.1 with bounds on what a caller can cost before its key is looked at: the size of a request's head, and the
time that it may take to arrive.

uvicorn's faster protocol has no such limits: one header could grow without end, and connections that send half a head
would stay for ever.
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD_BYTES = 64 * 1024
"""Request line and headers together, as in most servers."""
HEAD_S = 30.0
"""Real seconds from the connection, or from the first byte of a later request, to the end of the head."""
_TOO_LARGE = b"431 Request Header Fields Too Large"
_TOO_SLOW = b"408 Request Timeout"


class BoundedProtocol(HttpToolsProtocol):
    head_seconds = HEAD_S

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        super().connection_made(transport)
        self._refused = False
        self._timer: asyncio.TimerHandle | None = None
        self._head_begins()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_ends()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        if self._in_head:
            self._unparsed += len(data)
        super().data_received(data)
        if self._in_head and self._unparsed > MAX_HEAD_BYTES:
            self._refuse(_TOO_LARGE)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if not self._in_head:
            self._head_begins()

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        self._parsed += len(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._parsed += len(name) + len(value)

    def on_headers_complete(self) -> None:
        self._head_ends()
        if self._parsed > MAX_HEAD_BYTES:
            self._refuse(_TOO_LARGE)
            raise ValueError("the head of the request is too large")  # ends the parser, which reports it below
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        if not self._refused:
            super().send_400_response(msg)

    def _head_begins(self) -> None:
        self._in_head, self._parsed, self._unparsed = True, 0, 0
        self._timer = self.loop.call_later(self.head_seconds, self._refuse, _TOO_SLOW)

    def _head_ends(self) -> None:
        self._in_head = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _refuse(self, status: bytes) -> None:
        self._refused = True
        self._head_ends()
        self.transport.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        self.transport.close()
