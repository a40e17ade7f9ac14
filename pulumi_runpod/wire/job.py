"""The job API of a queue endpoint: what is sent, what comes back, and the states of a job."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from pulumi_runpod.wire.model import INTEGRAL, Maybe, Request, Response

JobStatus = Literal["IN_QUEUE", "IN_PROGRESS", "COMPLETED", "FAILED", "CANCELLED", "TIMED_OUT"]
FINAL: frozenset[str] = frozenset({"COMPLETED", "FAILED", "CANCELLED", "TIMED_OUT"})

MAX_RUN_BYTES = 10 * 1024 * 1024
MAX_RUNSYNC_BYTES = 20 * 1024 * 1024
WEEK_MS = 7 * 24 * 3600 * 1000


class JobPolicy(Request):
    execution_timeout: Maybe[Annotated[int, Field(ge=5_000, le=WEEK_MS), INTEGRAL]] = None
    """Milliseconds; overrides the endpoint's for this job."""
    ttl: Maybe[Annotated[int, Field(ge=10_000, le=WEEK_MS), INTEGRAL]] = None
    """Milliseconds from submission; then the job is deleted in any state."""
    low_priority: Maybe[bool] = None
    """Such jobs do not make the endpoint scale up."""


class JobRequest(Request):
    """Body of `/run` and `/runsync`. `input` is any JSON."""

    # Unlike the control plane, the job API passes what it does not know on to the worker.
    model_config = ConfigDict(extra="allow")

    input: Any
    webhook: Maybe[str] = None
    policy: Maybe[JobPolicy] = None
    s3_config: Maybe[dict[str, str]] = None


class Job(Response):
    id: str
    status: JobStatus | str
    """A newer service may know more states: those count as not final."""
    delay_time: int | None = None
    """Milliseconds in the queue before the last attempt."""
    execution_time: int | None = None
    """Milliseconds at work."""
    output: Any = None
    error: str | None = None
    retries: int | None = None
    worker_id: str | None = None

    @property
    def is_final(self) -> bool:
        return self.status in FINAL


class JobStream(Response):
    """Answer of `/stream/{id}`: what the worker has yielded since the last call."""

    status: JobStatus | str
    stream: list[JobChunk]


class JobChunk(Response):
    output: Any = None


class PurgedQueue(Response):
    """Answer of `/purge-queue`: jobs that waited are gone, running ones go on."""

    removed: int = 0


class JobCounts(Response):
    completed: int = 0
    failed: int = 0
    in_progress: int = 0
    in_queue: int = 0
    retried: int = 0


class WorkerCounts(Response):
    idle: int = 0
    initializing: int = 0
    ready: int = 0
    running: int = 0
    throttled: int = 0
    unhealthy: int = 0


class Health(Response):
    jobs: JobCounts
    workers: WorkerCounts
