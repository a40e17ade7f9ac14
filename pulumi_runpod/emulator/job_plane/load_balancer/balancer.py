"""Which worker of an endpoint gets which request: the healthy one with the fewest, else the first that becomes ready.

Requests that find nobody wait, as long as the service lets them; waiting ones make the endpoint grow. Nothing is tried
again: what a worker has begun is its own.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from pulumi_runpod.emulator.job_plane.scaling import Load
from pulumi_runpod.emulator.job_plane.worker import Worker
from pulumi_runpod.emulator.platform.clock import Clock
from pulumi_runpod.emulator.platform.switches import Switches

AFFINITY_WAIT_S = 300.0
"""How long a request waits for the one worker that it insists on. The documentation says "~5 minutes"."""


class NoWorkerError(Exception):
    """Nobody takes the request: status and text of the answer."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True)
class Affinity:
    """The worker that a request wants. `strict`: no other one."""

    worker_id: str
    strict: bool

    @classmethod
    def parse(cls, header: str) -> Affinity | None:
        """From `X-Runpod-Worker-Id`. `strict-resume` is `strict`: a worker that was scaled down is gone here."""
        *mode, worker_id = header.split() or [""]
        return cls(worker_id, strict=mode in (["strict"], ["strict-resume"])) if worker_id else None


@dataclass(eq=False, slots=True)
class _Waiting:
    since: float
    affinity: Affinity | None
    worker: asyncio.Future[Worker]


class Staff(Protocol):
    """The workers, as requests need them."""

    version: int

    @property
    def switches(self) -> Switches: ...

    @property
    def workers(self) -> Mapping[str, Worker]:
        """Active workers by id."""

    def work_changed(self) -> None:
        """The load, or who is busy, is not what it was."""


class Balancer:
    def __init__(self, staff: Staff, clock: Clock) -> None:
        self._staff, self._clock = staff, clock
        self._waiting: OrderedDict[_Waiting, None] = OrderedDict()
        self._in_flight = 0
        self._closed = False

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    @property
    def in_flight(self) -> int:
        """Requests that a worker has."""
        return self._in_flight

    def load(self) -> Load:
        oldest = next(iter(self._waiting), None)
        return Load(len(self._waiting), self._in_flight, oldest.since if oldest is not None else None)

    def at_once(self, affinity: Affinity | None) -> Worker | None:
        """A worker for one request, whose end is reported with `release`; None: wait for one. Raises NoWorkerError."""
        worker = self._choose(affinity)
        return self._give(worker) if worker is not None else None

    async def acquire(self, affinity: Affinity | None) -> Worker:
        """As `at_once`, as soon as there is one. Raises NoWorkerError."""
        limit = AFFINITY_WAIT_S if affinity is not None and affinity.strict else self._staff.switches.balancer_wait
        waiting = _Waiting(self._clock.now(), affinity, asyncio.get_running_loop().create_future())
        self._waiting[waiting] = None
        timer = self._clock.call_later(limit, lambda: self._refuse(waiting, self._too_late(affinity, limit)))
        self._staff.work_changed()
        try:
            return await waiting.worker
        except asyncio.CancelledError:
            # The caller went away in the moment in which it got its worker.
            if waiting.worker.done() and not waiting.worker.cancelled() and waiting.worker.exception() is None:
                self.release(waiting.worker.result())
            raise
        finally:
            timer.cancel()
            self._waiting.pop(waiting, None)
            self._staff.work_changed()

    def release(self, worker: Worker) -> None:
        """A request is over."""
        self._in_flight -= 1
        worker.requests -= 1
        if not worker.busy:
            worker.idle_since = self._clock.now()
        self.offer()
        self._staff.work_changed()

    def offer(self) -> None:
        """Workers became free, healthy, or went: give them to those who wait, first come, first served."""
        nobody = False
        for waiting in list(self._waiting):
            if waiting.worker.done() or (nobody and waiting.affinity is None):
                continue
            try:
                worker = self._choose(waiting.affinity)
            except NoWorkerError as gone:
                self._refuse(waiting, gone)
                continue
            if worker is not None:
                self._waiting.pop(waiting, None)
                waiting.worker.set_result(self._give(worker))
            nobody = nobody or (worker is None and waiting.affinity is None)

    def close(self) -> None:
        """The endpoint goes away, or the server: nobody waits any longer."""
        self._closed = True
        for waiting in list(self._waiting):
            self._refuse(waiting, NoWorkerError(404, "the endpoint is gone"))

    def _choose(self, affinity: Affinity | None) -> Worker | None:
        """Raises NoWorkerError when the worker that is insisted on does not exist."""
        if self._closed:
            raise NoWorkerError(404, "the endpoint is gone")
        if affinity is not None:
            wanted = self._staff.workers.get(affinity.worker_id)
            if wanted is not None and self._takes(wanted):
                return wanted
            if affinity.strict:
                if wanted is None:
                    raise NoWorkerError(404, "affinity_worker_gone")
                return None
        able = [worker for worker in self._staff.workers.values() if self._takes(worker)]
        # Among those alike, the one that became idle last: the others may end.
        return min(able, key=lambda w: (w.requests, -(w.idle_since or 0.0)), default=None)

    def _takes(self, worker: Worker) -> bool:
        capacity = self._staff.switches.balancer_worker_capacity
        return (
            worker.phase == "ready"
            and worker.health == "healthy"
            and worker.version == self._staff.version
            and (not capacity or worker.requests < capacity)
        )

    def _give(self, worker: Worker) -> Worker:
        worker.requests += 1
        worker.idle_since = None
        self._in_flight += 1
        self._staff.work_changed()
        return worker

    def _refuse(self, waiting: _Waiting, reason: NoWorkerError) -> None:
        if not waiting.worker.done():
            waiting.worker.set_exception(reason)

    def _too_late(self, affinity: Affinity | None, limit: float) -> NoWorkerError:
        if affinity is not None and affinity.strict:
            return NoWorkerError(400, "timed out waiting for worker")
        statuses = [worker.status for worker in self._staff.workers.values()]
        kinds: list[Literal["RUNNING", "IDLE", "INITIALIZING", "THROTTLED", "UNHEALTHY"]] = sorted(set(statuses))
        text = ", ".join(f"{statuses.count(kind)} {kind}" for kind in kinds) or "none runs"
        return NoWorkerError(400, f"no workers available: none took the request within {limit:g} s ({text})")
