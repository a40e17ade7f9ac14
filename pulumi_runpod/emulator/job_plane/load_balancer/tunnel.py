"""A connection that has switched protocols, such as a WebSocket: bytes both ways, as they come, until one side ends.

uvicorn is asked for the connection itself and not for WebSockets: what is spoken in it is the worker's business.
"""

from __future__ import annotations

import asyncio

from starlette.types import Receive

from pulumi_runpod.emulator.job_plane.load_balancer.upstream import Headers, Upstream

_READ_BYTES = 64 * 1024


async def tunnel(receive: Receive, upstream: Upstream, headers: Headers) -> None:
    """Tell the caller that protocols are switched, and return once either side has ended its connection: the other
    one's is closed with it.
    """
    transport, before = _taken(receive)
    client = _ClientSide(transport, before, upstream.writer)
    transport.set_protocol(client)
    transport.resume_reading()
    lines = [b"HTTP/1.1 101 Switching Protocols", *(name + b": " + value for name, value in headers), b"", b""]
    transport.write(b"\r\n".join(lines) + upstream.rest)
    try:
        while data := await upstream.reader.read(_READ_BYTES):
            transport.write(data)
            await client.writable.wait()
            if client.gone.is_set():
                break
    except OSError:
        pass
    finally:
        transport.close()
    await client.gone.wait()


def _taken(receive: Receive) -> tuple[asyncio.Transport, asyncio.Protocol]:
    """The caller's connection, and who has read it until now."""
    transport = getattr(getattr(receive, "__self__", None), "transport", None)
    if not isinstance(transport, asyncio.Transport):
        raise TypeError("a connection can be taken over under uvicorn only")
    before = transport.get_protocol()
    if not isinstance(before, asyncio.Protocol):
        raise TypeError("uvicorn reads its connections with a protocol of asyncio")
    return transport, before


class _ClientSide(asyncio.Protocol):
    """Reads the caller's connection in place of uvicorn, which still learns of its end: it counts connections."""

    def __init__(self, transport: asyncio.Transport, before: asyncio.Protocol, worker: asyncio.StreamWriter) -> None:
        self._transport, self._before, self._worker = transport, before, worker
        self.gone = asyncio.Event()
        self.writable = asyncio.Event()
        self.writable.set()
        self._drain: asyncio.Task[None] | None = None

    def data_received(self, data: bytes) -> None:
        self._worker.write(data)
        if self._drain is None and self._worker.transport.get_write_buffer_size() > _READ_BYTES:
            self._transport.pause_reading()
            self._drain = asyncio.ensure_future(self._drained())

    def pause_writing(self) -> None:
        self.writable.clear()

    def resume_writing(self) -> None:
        self.writable.set()

    def connection_lost(self, error: Exception | None) -> None:
        self.gone.set()
        self.writable.set()
        self._worker.transport.abort()
        self._before.connection_lost(error)

    async def _drained(self) -> None:
        try:
            await self._worker.drain()
        except OSError:
            return
        finally:
            self._drain = None
        if not self.gone.is_set():
            self._transport.resume_reading()
