"""A worker as the platform sees it: what it runs, where it is on its way to work, and the jobs that it holds."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field
from typing import Literal

from pulumi_runpod.emulator.job_plane.coldstart import Phases
from pulumi_runpod.emulator.job_plane.consumption import Meter
from pulumi_runpod.emulator.job_plane.job import Job
from pulumi_runpod.emulator.job_plane.load_balancer.address import Address
from pulumi_runpod.emulator.job_plane.logs import WorkerLog
from pulumi_runpod.emulator.job_plane.placement import Placement
from pulumi_runpod.emulator.job_plane.scaling import WorkerState
from pulumi_runpod.emulator.job_plane.workers.runtime import RunningWorker
from pulumi_runpod.emulator.platform.clock import Timer
from pulumi_runpod.wire.release import WorkerStatus

Phase = Literal["throttled", "pulling", "starting", "loading", "ready", "unhealthy", "ending"]
Health = Literal["healthy", "initializing", "unhealthy"]
"""What a load balancer's worker answers to `/ping`."""
_STARTING: frozenset[Phase] = frozenset({"throttled", "pulling", "starting", "loading"})


@dataclass(slots=True, eq=False)
class Poll:
    """An open request of a worker for jobs: at most `count`, and none when it is let go."""

    count: int
    answer: asyncio.Future[list[Job]]


@dataclass(slots=True, eq=False)
class Worker:
    """Moments are seconds since the epoch on the platform's clock, unless said otherwise."""

    id: str
    endpoint_id: str
    version: int
    image: str
    born_at: float
    log: WorkerLog
    key: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    """What it shows the platform. No other key opens its routes."""
    phase: Phase = "throttled"
    placement: Placement | None = None
    jobs: dict[str, Job] = field(default_factory=dict)
    dropped: dict[str, float | None] = field(default_factory=dict)
    """Jobs that it may still work at though they have ended: cancelled ones. The value is when it was last sent, in
    real seconds of the event loop."""
    retiring: bool = False
    """Gets no further job, whatever it asks for."""
    idle_since: float | None = None
    began_at: float = 0.0
    phases: Phases = field(default_factory=lambda: Phases(0.0, 0.0))
    started_at: float | None = None
    """Container start, once there was one."""
    failures: int = 0
    """Starts that failed in a row."""
    overdue: bool = False
    """Its start took too long: it is to end, even where its program has not begun yet."""
    running: RunningWorker | None = None
    meter: Meter | None = None
    timer: Timer | None = None
    """The next phase, or the next attempt."""
    limit: Timer | None = None
    """The end of patience with its start."""
    poll: Poll | None = None
    stop_poll: asyncio.Future[None] | None = None
    heartbeat: asyncio.TimerHandle | None = None
    """Due when it has been silent for too long, in real time."""
    end_reason: str = ""
    refused: str = ""
    """Why it cannot be run here, as last reported."""
    # Of a load balancer's worker.
    address: Address | None = None
    health: Health = "healthy"
    """By its last answer, once it is ready: only a healthy one gets requests."""
    requests: int = 0
    """How many it works at."""

    def is_ending(self) -> bool:
        """Whether it is on its way out."""
        return self.phase == "ending"

    @property
    def busy(self) -> bool:
        return bool(self.jobs or self.dropped or self.requests)

    @property
    def status(self) -> WorkerStatus:
        """As the API names it."""
        if self.phase == "ready" and self.health == "healthy":
            return "RUNNING" if self.busy else "IDLE"
        if self.phase == "throttled":
            return "THROTTLED"
        sick = self.phase == "unhealthy" or (self.phase == "ready" and self.health == "unhealthy")
        return "UNHEALTHY" if sick else "INITIALIZING"

    def state(self, *, current_version: int) -> WorkerState:
        """As the scaling rules see it."""
        ready = self.phase == "ready"
        return WorkerState(
            id=self.id,
            phase="ready" if ready else "starting" if self.phase in _STARTING else "unhealthy",
            busy=self.busy,
            idle_since=self.idle_since if ready and not self.busy else None,
            stale=self.version != current_version,
            born_at=self.born_at,
        )

    def release_polls(self) -> None:
        """Answer what it waits for with "nothing"."""
        if self.poll is not None and not self.poll.answer.done():
            self.poll.answer.set_result([])
        self.wake_stop_poll()

    def wake_stop_poll(self) -> None:
        if self.stop_poll is not None and not self.stop_poll.done():
            self.stop_poll.set_result(None)

    def cancel_timers(self) -> None:
        for timer in (self.timer, self.limit):
            if timer is not None:
                timer.cancel()
        self.timer = self.limit = None

    def stop_heartbeat(self) -> None:
        if self.heartbeat is not None:
            self.heartbeat.cancel()
            self.heartbeat = None
