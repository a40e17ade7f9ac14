"""What workers say: lines of the container (stdout and stderr) and of the system (what the platform did to it), kept in
memory within bounds and streamed as server-sent events. A worker's log outlives it for a while: a crash can be read.
"""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from pulumi_runpod.emulator.platform.clock import Clock, parse_rfc3339, rfc3339
from pulumi_runpod.emulator.platform.problem import ProblemError, not_found
from pulumi_runpod.emulator.platform.route import methods
from pulumi_runpod.wire.endpoint import ENDPOINTS

if TYPE_CHECKING:
    from pulumi_runpod.emulator.platform.state import Platform

LogSource = Literal["container", "system"]
DEFAULT_TAIL, MAX_TAIL = 100, 5000
MAX_LINE_CHARACTERS = 8192
KEPT_WORKERS = 200
"""Logs of workers that are gone, over all endpoints."""


@dataclass(frozen=True, slots=True)
class Line:
    """`number` counts from 1 within a worker's log."""

    number: int
    moment: float
    source: LogSource
    text: str

    @property
    def cursor(self) -> str:
        return f"{rfc3339(self.moment)}/{self.number:012d}"

    def event(self) -> str:
        data = {"ts": rfc3339(self.moment), "source": self.source, "line": self.text}
        return f"id: {self.cursor}\ndata: {json.dumps(data)}\n\n"


class WorkerLog:
    """The last lines of one worker, and the listeners for the next."""

    def __init__(self, endpoint_id: str, clock: Clock) -> None:
        self.endpoint_id = endpoint_id
        self._clock = clock
        self._lines: deque[Line] = deque(maxlen=MAX_TAIL)
        self._written = 0
        self._listeners: set[asyncio.Event] = set()
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether the server goes away: no line will follow."""
        return self._closed

    def write(self, source: LogSource, text: str) -> None:
        self._written += 1
        self._lines.append(Line(self._written, self._clock.now(), source, text[:MAX_LINE_CHARACTERS]))
        self._wake()

    def close(self) -> None:
        self._closed = True
        self._wake()

    def lines(self, *, source: LogSource | None = None) -> list[Line]:
        return [line for line in self._lines if source in (None, line.source)]

    def after(self, number: int, *, source: LogSource | None = None) -> list[Line]:
        """Lines with a higher number."""
        return [line for line in self.lines(source=source) if line.number > number]

    def listen(self) -> asyncio.Event:
        """An event that each new line sets; give it back with `leave`."""
        event = asyncio.Event()
        self._listeners.add(event)
        return event

    def leave(self, event: asyncio.Event) -> None:
        self._listeners.discard(event)

    def _wake(self) -> None:
        for listener in self._listeners:
            listener.set()


class Logs:
    """The log of every worker, by its id."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._logs: OrderedDict[str, WorkerLog] = OrderedDict()
        self._gone: OrderedDict[str, None] = OrderedDict()

    def open(self, endpoint_id: str, worker_id: str) -> WorkerLog:
        log = self._logs[worker_id] = WorkerLog(endpoint_id, self._clock)
        return log

    def of(self, endpoint_id: str, worker_id: str) -> WorkerLog | None:
        log = self._logs.get(worker_id)
        return log if log is not None and log.endpoint_id == endpoint_id else None

    def of_endpoint(self, endpoint_id: str) -> dict[str, WorkerLog]:
        """Oldest worker first, those that are gone included."""
        return {worker_id: log for worker_id, log in self._logs.items() if log.endpoint_id == endpoint_id}

    def retire(self, worker_id: str) -> None:
        """The worker is gone: its log is kept until others push it out."""
        self._gone[worker_id] = None
        while len(self._gone) > KEPT_WORKERS:
            oldest, _ = self._gone.popitem(last=False)
            log = self._logs.pop(oldest, None)
            if log is not None:
                log.close()

    def close(self) -> None:
        for log in self._logs.values():
            log.close()


def routes(platform: Platform, logs: Logs) -> list[Route]:
    """`GET /v2/serverless/{id}/workers/{workerId}/logs`. The stream ends only with the server."""

    async def stream(request: Request) -> Response:
        endpoint_id = request.path_params["id"]
        if platform.store.text(ENDPOINTS.kind, endpoint_id) is None:
            raise not_found(ENDPOINTS.kind)
        source = _source(request.query_params.get("source"))
        tail = _tail(request.query_params.get("tail"))
        since = _since(request.query_params.get("since"))
        resume = _cursor(request.headers.get("last-event-id"))
        log = logs.of(endpoint_id, request.path_params["workerId"])
        if log is None:
            raise not_found("worker")
        first = _first_number(log, tail=tail, since=since, resume=resume, source=source)
        return StreamingResponse(
            _events(log, first, source),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-cache", "Connection": "keep-alive", "X-Accel-Buffering": "no"},
        )

    return [methods("/v2/serverless/{id}/workers/{workerId}/logs", {"GET": stream})]


async def _events(log: WorkerLog, number: int, source: LogSource | None) -> AsyncIterator[str]:
    """Lines from `number` + 1 on, then each as it comes."""
    more = log.listen()
    try:
        # A comment first: the headers reach the client even where there is no line yet.
        yield ": log stream\n\n"
        while True:
            more.clear()
            for line in log.after(number, source=source):
                yield line.event()
                number = line.number
            if log.closed:
                return
            await more.wait()
    finally:
        log.leave(more)


def _first_number(
    log: WorkerLog, *, tail: int, since: float | None, resume: int | float | None, source: LogSource | None
) -> int:
    """The number after which the stream begins. `Last-Event-ID` wins over `since`, `since` over `tail`."""
    lines = log.lines(source=source)
    if isinstance(resume, int):
        return resume
    if resume is not None:
        return max((line.number for line in lines if line.moment <= resume), default=0)
    if since is not None:
        return max((line.number for line in lines if line.moment < since), default=0)
    if tail == 0:
        return lines[-1].number if lines else 0
    return lines[-tail].number - 1 if len(lines) >= tail else 0


def _source(text: str | None) -> LogSource | None:
    if text is None:
        return None
    for source in get_args(LogSource):
        if text == source:
            return source  # type: ignore[no-any-return]  # get_args is untyped
    raise _malformed("source: value must be one of 'container', 'system'")


def _tail(text: str | None) -> int:
    if text is None:
        return DEFAULT_TAIL
    if not (text.isascii() and text.isdigit() and len(text) < 6 and int(text) <= MAX_TAIL):
        raise _malformed(f"tail: must be an integer from 0 to {MAX_TAIL}")
    return int(text)


def _since(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        return parse_rfc3339(text)
    except ValueError:
        raise _malformed("since: must be an RFC 3339 time") from None


def _cursor(text: str | None) -> int | float | None:
    """The line number of an id of this stream, or the moment of a bare time: every line of it has been seen."""
    if text is None:
        return None
    moment, _, number = text.partition("/")
    try:
        seen = parse_rfc3339(moment)
    except ValueError:
        raise _malformed("Last-Event-ID: must be an id of this stream, or an RFC 3339 time") from None
    if number.isascii() and number.isdigit() and len(number) < 16:
        return int(number)
    # An id tells microseconds: a line's own moment may lie a rounding error after it.
    return seen + 5e-7


def _malformed(line: str) -> ProblemError:
    return ProblemError(422, "Request validation failed.", errors=[line])
