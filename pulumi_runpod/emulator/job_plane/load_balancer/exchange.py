"""One request on its way to a worker, and the answer on its way back: both as they come, nothing gathered.

Ends early when the caller hangs up, when the service's limit of time or of bytes is reached, or when the worker fails.
Before the answer has begun, that is reported with a status; afterwards the connection is cut, the only sign left.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any

import h11
from starlette.types import Receive, Scope, Send

from pulumi_runpod.emulator.job_plane.load_balancer.headers import (
    to_client,
    to_client_as_is,
    to_worker,
    value_of,
    wants_upgrade,
)
from pulumi_runpod.emulator.job_plane.load_balancer.tunnel import tunnel
from pulumi_runpod.emulator.job_plane.load_balancer.upstream import Upstream, UpstreamError
from pulumi_runpod.emulator.job_plane.worker import Worker
from pulumi_runpod.emulator.platform.clock import Clock
from pulumi_runpod.emulator.platform.faulty_answer import cut

MAX_PAYLOAD_BYTES = 30 * 1024 * 1024
"""Of a request, and of an answer. Documented."""


class RefusalError(Exception):
    """The exchange ends here: status and text for the caller, where it can still be reported."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True)
class Limits:
    seconds: float
    """From the moment in which a worker has the request to the end of its answer."""
    passes_key: bool


class Exchange:
    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        self._headers: list[tuple[bytes, bytes]] = list(scope["headers"])
        self._begun = False
        self._status = 0

    async def run(self, worker: Worker, target: bytes, clock: Clock, limits: Limits) -> bool:
        """Whether the worker answered in full, and not with a 5xx."""
        loop = asyncio.get_running_loop()
        late: asyncio.Future[None] = loop.create_future()
        timer = clock.call_later(limits.seconds, lambda: None if late.done() else late.set_result(None))
        header = value_of(self._headers, b"content-length") or b"0"
        try:
            if header.isdigit() and int(header) > MAX_PAYLOAD_BYTES:
                raise _too_large("request")
            return await self._exchanged(worker, target, late, limits)
        except RefusalError as refusal:
            await self._refuse(refusal)
            return False
        finally:
            timer.cancel()
            late.cancel()

    async def _exchanged(self, worker: Worker, target: bytes, late: asyncio.Future[None], limits: Limits) -> bool:
        if worker.address is None:
            raise RefusalError(502, f"worker {worker.id}: it has no port")
        upgrade = wants_upgrade(self._headers)
        try:
            async with await Upstream.connect(worker.address.port) as upstream:
                headers = to_worker(self._headers, key=limits.passes_key, upgrade=upgrade)
                await upstream.ask(self._scope["method"].encode(), target, headers)
                up = asyncio.ensure_future(self._upload(upstream))
                down = asyncio.ensure_future(self._download(upstream, worker.id))
                try:
                    ends: set[asyncio.Future[Any]] = {up, down, late}
                    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
                    if not down.done():
                        if late.done():
                            raise RefusalError(524, f"worker {worker.id}: not done within {limits.seconds:g} s")
                        up.result()
                        return False  # the caller has gone
                    switched = down.result()
                finally:
                    await _cancelled(up, down)
                if switched is None:
                    return self._status < 500
                # Another protocol is spoken from now on, for as long as both sides like.
                await tunnel(self._receive, upstream, to_client_as_is(list(switched.headers), worker_id=worker.id))
                return True
        except UpstreamError as error:
            raise RefusalError(502, f"worker {worker.id}: {error}") from error

    async def _upload(self, upstream: Upstream) -> None:
        """Hand the body on, then wait until the caller hangs up. Raises RefusalError beyond the limit."""
        size = 0
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                return
            body: bytes = message.get("body", b"")
            size += len(body)
            if size > MAX_PAYLOAD_BYTES:
                raise _too_large("request")
            if body:
                await upstream.send(body)
            if not message.get("more_body", False):
                await upstream.end()

    async def _download(self, upstream: Upstream, worker_id: str) -> h11.InformationalResponse | None:
        """Hand the answer on; one that switches protocols is returned. Raises RefusalError and UpstreamError."""
        size = 0
        while True:
            part = await upstream.receive()
            if isinstance(part, h11.InformationalResponse):
                if part.status_code == 101:
                    return part
            elif isinstance(part, h11.Response):
                await self._begin(part, worker_id)
            elif isinstance(part, h11.Data):
                size += len(part.data)
                if size > MAX_PAYLOAD_BYTES:
                    raise _too_large("answer")
                await self._send({"type": "http.response.body", "body": bytes(part.data), "more_body": True})
            else:
                await self._send({"type": "http.response.body", "body": b"", "more_body": False})
                return None

    async def _begin(self, part: h11.Response, worker_id: str) -> None:
        headers = to_client(list(part.headers), status=part.status_code, worker_id=worker_id)
        header = value_of(headers, b"content-length") or b"0"
        if self._scope["method"] != "HEAD" and int(header) > MAX_PAYLOAD_BYTES:
            raise _too_large("answer")
        self._begun, self._status = True, part.status_code
        await self._send({"type": "http.response.start", "status": part.status_code, "headers": headers})

    async def _refuse(self, refusal: RefusalError) -> None:
        if self._begun:
            await cut(self._receive)
            return
        await answer_error(self._send, refusal.status, str(refusal))


async def answer_error(send: Send, status: int, reason: str) -> None:
    """`{"error": ...}`, as the job API does: the shape is documented for neither."""
    body = json.dumps({"error": reason}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _too_large(what: str) -> RefusalError:
    status, limit = (413 if what == "request" else 502), MAX_PAYLOAD_BYTES // 1024 // 1024
    return RefusalError(status, f"the {what} is larger than {limit} MB, the limit of a payload")


async def _cancelled(*tasks: asyncio.Future[None] | asyncio.Future[h11.InformationalResponse | None]) -> None:
    """Return once both have ended; what they say then is of no interest."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
