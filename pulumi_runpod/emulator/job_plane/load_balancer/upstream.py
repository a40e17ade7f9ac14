"""One HTTP/1.1 exchange with the server of a worker, on its own connection: so that no idle one delays a
server that answers one connection at a time, and none is closed by it in the moment of its use.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

import h11

_HOST = "127.0.0.1"
_READ_BYTES = 64 * 1024
_MAX_HEAD_BYTES = 256 * 1024
_CLOSE = (b"connection", b"close")

Headers = list[tuple[bytes, bytes]]
Answer = h11.Response | h11.InformationalResponse | h11.Data | h11.EndOfMessage


class UpstreamError(Exception):
    """The worker's server cannot be reached, or does not use HTTP; the text says which."""


class Upstream:
    """Use it as a context manager: the connection is closed at its end, whatever was under way."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MAX_HEAD_BYTES)

    @classmethod
    async def connect(cls, port: int) -> Self:
        """Raises UpstreamError when nobody listens."""
        try:
            return cls(*await asyncio.open_connection(_HOST, port, limit=_READ_BYTES))
        except OSError as error:
            raise UpstreamError(f"nothing listens on its port {port}") from error

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.writer.transport.abort()

    async def ask(self, method: bytes, target: bytes, headers: Headers) -> None:
        """Send the head of a request. Raises UpstreamError."""
        upgrades = any(name == b"upgrade" for name, _ in headers)
        result = headers if upgrades else [*headers, _CLOSE]
        try:
            await self._write(h11.Request(method=method, target=target, headers=result))
        except h11.LocalProtocolError as error:
            raise UpstreamError(f"the request cannot be handed on: {error}") from error

    async def send(self, data: bytes) -> None:
        """A part of the body; none of it where the worker has closed its side."""
        if self._http.our_state is h11.SEND_BODY:
            await self._write(h11.Data(data=data))

    async def end(self) -> None:
        """The body is whole."""
        if self._http.our_state is h11.SEND_BODY:
            await self._write(h11.EndOfMessage())

    async def receive(self) -> Answer:
        """The next part of the answer. Raises UpstreamError when it ends too early or is no HTTP."""
        ended = False
        try:
            while (event := self._http.next_event()) is h11.NEED_DATA:
                data = await self.reader.read(_READ_BYTES)
                ended = not data
                self._http.receive_data(data)
        except h11.RemoteProtocolError as error:
            text = (
                "it closed the connection before its answer was whole" if ended else f"its answer is no HTTP: {error}"
            )
            raise UpstreamError(text) from error
        except OSError as error:
            raise UpstreamError("it closed the connection before its answer was whole") from error
        if not isinstance(event, h11.Response | h11.InformationalResponse | h11.Data | h11.EndOfMessage):
            raise UpstreamError("it closed the connection before its answer was whole")
        return event

    @property
    def rest(self) -> bytes:
        """What came behind the head of an answer that switches protocols."""
        return self._http.trailing_data[0]

    async def _write(self, event: h11.Request | h11.Data | h11.EndOfMessage) -> None:
        data = self._http.send(event)
        try:
            self.writer.write(data or b"")
            await self.writer.drain()
        except OSError:
            # A server may answer before it has read everything: what it says is reported, not that it stopped reading.
            pass
