"""The feed of the console: server-sent events with what has changed, one look at the platform for all open pages.

At most four looks a second, fewer when the server is busy, and none while no page listens. A page that reads slowly
gets the newest state when it comes back, never a queue of old ones.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from pulumi_runpod.emulator.console import snapshot
from pulumi_runpod.emulator.console.history import History, WorkerCounts
from pulumi_runpod.emulator.job_plane.job import Job
from pulumi_runpod.emulator.job_plane.logs import WorkerLog
from pulumi_runpod.emulator.job_plane.scheduler import Scheduler

LOOK_S = 0.25
BUSY_LOOK_S = 1.0
MAX_PAGES = 16
KEEP_ALIVE_S = 15.0
MAX_LINES = 200
"""Log lines in one event; what lies before them is counted, not sent."""
_EVERY = {"clock": 1, "endpoints": 1, "workers": 1, "faults": 1, "jobs": 2, "history": 4, "coldStarts": 4, "cost": 4}
"""Sections, and with every how many looks each is made anew."""
_OF_ENDPOINT = frozenset({"jobs", "history", "coldStarts"})
"""Sections that a page asks for by endpoint."""
_LATE_S = 0.02
"""A look that comes so much later than it was due meets a busy server, and so does one after `_MANY_ENDED` jobs."""
_MANY_ENDED = 25


@dataclass(eq=False)
class Page:
    """One open page: what it shows, and what it has not received yet."""

    endpoint_id: str
    log: WorkerLog | None
    worker_id: str
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    pending: dict[str, str] = field(default_factory=dict)
    line: int = 0
    """Number of the last log line that it has."""


class Feed:
    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._jobs = snapshot.JobList(scheduler)
        self._pages: set[Page] = set()
        self._histories: dict[str, History] = {}
        self._resets = scheduler.resets
        self._last: dict[tuple[str, str], str] = {}
        self._sent_bucket: dict[str, int] = {}
        self._ended = 0
        """Jobs since the last look."""
        self._task: asyncio.Task[None] | None = None

    @property
    def pages(self) -> int:
        """How many listen."""
        return len(self._pages)

    @property
    def watching(self) -> bool:
        """Whether the platform is looked at."""
        return self._task is not None

    async def stream(self, *, endpoint_id: str, worker_id: str) -> AsyncIterator[str]:
        """Events for one page: everything first, then what changes. Ends with the server.

        `endpoint_id` empty: jobs, charts and cold starts of all endpoints. `worker_id` empty: no log.
        """
        log = self._log(worker_id) if worker_id else None
        page = Page(endpoint_id, log, worker_id)
        heard = log.listen() if log is not None else None
        self._enter(page)
        try:
            first = {name: self._made(name, endpoint_id, full=True) for name in _EVERY}
            yield _event({**first, **self._lines(page, first=True)})
            while not self._scheduler.stopping and self._task is not None and not self._task.done():
                try:
                    await asyncio.wait_for(page.wake.wait(), KEEP_ALIVE_S)
                except TimeoutError:
                    yield ": still here\n\n"
                    continue
                page.wake.clear()
                sections, page.pending = page.pending, {}
                if heard is not None and heard.is_set():
                    heard.clear()
                    sections |= self._lines(page)
                if sections:
                    yield _event(sections)
        finally:
            if log is not None and heard is not None:
                log.leave(heard)
            self._leave(page)

    def _enter(self, page: Page) -> None:
        self._pages.add(page)
        if self._task is None:
            self._begin()
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._look_again_and_again())

    def _leave(self, page: Page) -> None:
        self._pages.discard(page)
        if not self._pages and self._task is not None:
            self._task.cancel()
            self._end()

    def _begin(self) -> None:
        """The first page is open: draw what it missed, and listen to jobs that end."""
        now = self._scheduler.clock.now()
        self._forget_former_account()
        known = snapshot.spans(self._scheduler)
        for endpoint_id in ["", *(fleet.endpoint_id for fleet in self._scheduler.fleets)]:
            spans = [span for owner, span in known if endpoint_id in ("", owner)]
            self._history(endpoint_id).fill(spans, now)
        before = self._scheduler.jobs.on_final

        def ended(job: Job) -> None:
            before(job)
            self._forget_former_account()  # else the next look would forget this job with it
            self._ended += 1
            if job.started_at is not None and job.finished_at is not None:
                for history in (self._history(""), self._history(job.endpoint_id)):
                    history.ended(job.finished_at, job.finished_at - job.queued_at)

        def request_ended(endpoint_id: str, began: float) -> None:
            self._forget_former_account()
            self._ended += 1
            now = self._scheduler.clock.now()
            for history in (self._history(""), self._history(endpoint_id)):
                history.ended(now, now - began)

        self._before, self._scheduler.jobs.on_final = before, ended
        self._requests_before, self._scheduler.on_request_ended = self._scheduler.on_request_ended, request_ended

    def _end(self) -> None:
        """The last page is closed."""
        self._scheduler.jobs.on_final = self._before
        self._scheduler.on_request_ended = self._requests_before
        self._task = None
        self._last.clear()
        self._sent_bucket.clear()

    async def _look_again_and_again(self) -> None:
        number, busy = 0, False
        try:
            while not self._scheduler.stopping:
                # A rare look is at everything.
                self._look(0 if busy else number)
                number += 1
                self._ended = 0
                pause = BUSY_LOOK_S if busy else LOOK_S
                due = time.monotonic() + pause
                await asyncio.sleep(pause)
                rate = self._ended * LOOK_S / pause
                busy = time.monotonic() - due > _LATE_S or rate > _MANY_ENDED
        finally:
            for page in self._pages:
                page.wake.set()

    def _look(self, number: int) -> None:
        self._sample()
        for name, every in _EVERY.items():
            if number % every:
                continue
            for endpoint_id in {page.endpoint_id for page in self._pages} if name in _OF_ENDPOINT else {""}:
                self._tell(name, endpoint_id)
        for page in self._pages:
            if page.pending or page.log is not None:
                page.wake.set()

    def _tell(self, name: str, endpoint_id: str) -> None:
        text = self._made(name, endpoint_id)
        if self._last.get((name, endpoint_id)) == text:
            return
        self._last[name, endpoint_id] = text
        for page in self._pages:
            if name not in _OF_ENDPOINT or page.endpoint_id == endpoint_id:
                # The charts' news adds to what was sent: a page that has missed some receives all.
                missed = name == "history" and name in page.pending
                page.pending[name] = self._made(name, endpoint_id, full=True) if missed else text

    def _forget_former_account(self) -> None:
        if self._resets != self._scheduler.resets:
            self._resets = self._scheduler.resets
            self._histories.clear()
            self._sent_bucket.clear()

    def _sample(self) -> None:
        self._forget_former_account()
        now = self._scheduler.clock.now()
        queued, running, workers = 0, 0, (0, 0, 0, 0, 0)
        fleets = self._scheduler.fleets
        for fleet in fleets:
            counts = snapshot.worker_counts(fleet)
            load = fleet.queued, fleet.running
            self._history(fleet.endpoint_id).sample(now, queued=load[0], running=load[1], workers=counts)
            queued, running = queued + load[0], running + load[1]
            workers = _sum(workers, counts)
        self._history("").sample(now, queued=queued, running=running, workers=workers)
        if len(self._histories) > len(fleets) + 1:
            alive = {"", *(fleet.endpoint_id for fleet in fleets)}
            self._histories = {key: history for key, history in self._histories.items() if key in alive}

    def _made(self, name: str, endpoint_id: str, *, full: bool = False) -> str:
        """One section as JSON text. `full`: all buckets of the charts, not the newest alone."""
        scheduler = self._scheduler
        value: object
        if name == "clock":
            clock = scheduler.clock
            # A clock that flows as usual is no news: the page goes on by itself.
            ahead = clock.now() - time.time()
            value = {"frozen": clock.frozen, "now": clock.now()} if clock.frozen else {"ahead": round(ahead, 1)}
        elif name == "endpoints":
            value = snapshot.endpoints(scheduler)
        elif name == "workers":
            value = snapshot.workers(scheduler)
        elif name == "faults":
            value = scheduler.faults.list()
        elif name == "jobs":
            value = self._jobs.newest(endpoint_id)
        elif name == "coldStarts":
            value = snapshot.cold_starts(scheduler, endpoint_id)
        elif name == "cost":
            value = snapshot.cost(scheduler)
        else:
            value = self._charted(endpoint_id, full=full)
        return json.dumps(value, separators=(",", ":"))

    def _charted(self, endpoint_id: str, *, full: bool) -> dict[str, object]:
        history = self._history(endpoint_id)
        since = 0 if full else self._sent_bucket.get(endpoint_id, 0)
        if not full:
            self._sent_bucket[endpoint_id] = history.newest
        return {"full": full or since == 0, "buckets": history.since(since)}

    def _history(self, endpoint_id: str) -> History:
        return self._histories.setdefault(endpoint_id, History())

    def _log(self, worker_id: str) -> WorkerLog | None:
        for fleet in self._scheduler.fleets:
            if (log := self._scheduler.logs.of(fleet.endpoint_id, worker_id)) is not None:
                return log
        return None

    def _lines(self, page: Page, *, first: bool = False) -> dict[str, str]:
        """New lines of the page's log, as a section."""
        if page.log is None:
            return {"logs": json.dumps({"workerId": page.worker_id, "lines": [], "skipped": 0})} if first else {}
        lines = page.log.after(page.line)
        if not lines and not first:
            return {}
        shown = lines[-MAX_LINES:]
        skipped = shown[0].number - page.line - 1 if shown else 0
        if lines:
            page.line = lines[-1].number
        items = [[line.moment, line.source, line.text] for line in shown]
        return {"logs": json.dumps({"workerId": page.worker_id, "lines": items, "skipped": skipped})}


def _event(sections: dict[str, str]) -> str:
    return "data: {" + ",".join(f'"{name}":{text}' for name, text in sections.items()) + "}\n\n"


def _sum(one: WorkerCounts, other: WorkerCounts) -> WorkerCounts:
    a, b, c, d, e = (x + y for x, y in zip(one, other, strict=True))
    return a, b, c, d, e
