"""A job of an endpoint's queue: its states, the line it waits in, and how the API tells it."""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field

from pulumi_runpod.emulator.platform.clock import Timer
from pulumi_runpod.wire.job import FINAL, JobPolicy, JobStatus

RETRYABLE: frozenset[str] = frozenset({"FAILED", "TIMED_OUT"})


@dataclass(slots=True, eq=False)
class Job:
    """All times in seconds since the epoch."""

    seq: int
    id: str
    endpoint_id: str
    status: JobStatus
    created_at: float
    queued_at: float
    expires_at: float
    started_at: float | None = None
    finished_at: float | None = None
    worker_id: str | None = None
    retries: int = 0
    """How often it was queued again, for whatever reason."""
    webhook_left: int = 0
    error: str | None = None
    low_priority: bool = False
    execution_timeout_ms: int | None = None
    losses: int = 0
    """Workers that died with it, since this process began or a client retried it."""
    timeouts: int = 0
    """Attempts that took too long, likewise."""
    timer: Timer | None = None
    """Due at the execution timeout while a worker has the job."""
    watchers: list[asyncio.Future[None]] = field(default_factory=list)

    def obey(self, policy: JobPolicy | None) -> None:
        if policy is not None:
            self.low_priority = bool(policy.low_priority)
            self.execution_timeout_ms = policy.execution_timeout

    def stop_timer(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None

    @property
    def sync(self) -> bool:
        return self.id.startswith("sync-")

    @property
    def is_final(self) -> bool:
        return self.status in FINAL

    def changed(self) -> None:
        """Wake everything that waits for this job."""
        for watcher in self.watchers:
            if not watcher.done():
                watcher.set_result(None)
        self.watchers.clear()


class JobQueue:
    """Jobs of one endpoint that wait, oldest first."""

    __slots__ = ("_low", "_normal")

    def __init__(self) -> None:
        self._normal: OrderedDict[str, Job] = OrderedDict()
        self._low: OrderedDict[str, Job] = OrderedDict()

    def __len__(self) -> int:
        return len(self._normal) + len(self._low)

    def __iter__(self) -> Iterator[Job]:
        yield from sorted([*self._normal.values(), *self._low.values()], key=lambda j: j.seq)

    @property
    def pressing(self) -> int:
        """How many of them make the endpoint grow."""
        return len(self._normal)

    @property
    def oldest_pressing_at(self) -> float | None:
        return next(iter(self._normal.values())).queued_at if self._normal else None

    def add(self, job: Job, *, front: bool = False) -> None:
        line = self._low if job.low_priority else self._normal
        line[job.id] = job
        if front:
            line.move_to_end(job.id, last=False)

    def remove(self, job: Job) -> None:
        (self._low if job.low_priority else self._normal).pop(job.id, None)

    def first(self) -> Job:
        """The job that waits longest, which stays in line. Raises IndexError when none does."""
        heads = [next(iter(line.values())) for line in (self._normal, self._low) if line]
        if not heads:
            raise IndexError("no job waits")
        return min(heads, key=lambda j: j.seq)


def splice(first: str, text: str) -> str:
    """A JSON object's text with members put before its own: payloads are never parsed just to be wrapped."""
    body = text.strip()
    return f"{{{first}}}" if body == "{}" else f"{{{first},{body[1:]}"


def describe(job: Job, output: str | None) -> str:
    """The job as the API tells it: fields appear once they are set. `output` is JSON text."""
    members: list[str] = []
    if job.started_at is not None:
        members.append(f'"delayTime":{_milliseconds(job.started_at - job.queued_at)}')
    if job.error is not None:
        members.append(f'"error":{json.dumps(job.error)}')
    if job.started_at is not None and job.finished_at is not None:
        members.append(f'"executionTime":{_milliseconds(job.finished_at - job.started_at)}')
    members.append(f'"id":{json.dumps(job.id)}')
    if output is not None:
        members.append(f'"output":{output}')
    if job.retries:
        members.append(f'"retries":{job.retries}')
    members.append(f'"status":"{job.status}"')
    if job.worker_id is not None:
        members.append(f'"workerId":{json.dumps(job.worker_id)}')
    return "{" + ",".join(members) + "}"


def _milliseconds(seconds: float) -> int:
    return max(0, round(seconds * 1000))
