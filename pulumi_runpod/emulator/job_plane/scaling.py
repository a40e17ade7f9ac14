"""How many workers an endpoint should have: pure functions of its settings, its load and the time. Nothing here acts.

Sources: the service's endpoint settings page (both rules, "with zero workers initially, the first request adds one
worker") and its worker overview. Step and pace of the queue-delay rule are not published: one per `step_seconds`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pulumi_runpod.wire.endpoint_defaults import DEFAULT_IDLE_TIMEOUT_S
from pulumi_runpod.wire.model import JsonObject

DAY = 86_400.0
POLL_PAUSE = 5.0
"""Seconds: longest pause of the SDK between two of its questions for jobs."""
IDLE_DAYS_TO_TWO, IDLE_DAYS_TO_ZERO = 3, 7


@dataclass(frozen=True)
class Rules:
    """What an endpoint asks of the autoscaler. Times in seconds."""

    kind: Literal["QUEUE_DELAY", "REQUEST_COUNT"]
    queue_delay: float
    request_count: int
    min_workers: int
    max_workers: int
    idle_timeout: float
    step_seconds: float = 1.0
    """Queue delay: least time between two added workers."""

    def __post_init__(self) -> None:
        if self.min_workers < 0 or self.max_workers < 0:
            raise ValueError("worker counts cannot be negative")

    @property
    def floor(self) -> int:
        """Workers that always run. A maximum below the minimum wins: the platform lowers the maximum alone."""
        return min(self.min_workers, self.max_workers)


@dataclass(frozen=True)
class Load:
    """Jobs of an endpoint. Low-priority jobs that wait do not count: they do not make an endpoint grow."""

    in_queue: int = 0
    in_progress: int = 0
    oldest_queued_at: float | None = None
    """Seconds since the epoch."""


@dataclass(frozen=True)
class WorkerState:
    """A worker as the rules see it."""

    id: str
    phase: Literal["starting", "ready", "unhealthy"]
    """`starting` includes one that is throttled: it is on its way as soon as there is room."""
    busy: bool = False
    idle_since: float | None = None
    """Set while it is ready and has nothing to do."""
    stale: bool = False
    born_at: float = 0.0


@dataclass(frozen=True)
class Plan:
    """What to do now, and when to look again (None: not before something happens)."""

    start: int = 0
    stop: tuple[str, ...] = ()
    look_again_at: float | None = None


def rules_of(endpoint: JsonObject, *, request_count_idle_timeout: float, step_seconds: float) -> Rules:
    """From the endpoint's JSON. `request_count_idle_timeout` applies where the API knows no idle timeout."""
    scaling, workers = endpoint["scaling"], endpoint["workers"]
    kind = scaling["type"]
    return Rules(
        kind=kind,
        queue_delay=float(scaling.get("queueDelay") or 0.0),
        request_count=int(scaling.get("requestCount") or 1),
        min_workers=workers["min"],
        max_workers=workers["max"],
        idle_timeout=float(
            workers.get("idleTimeout")
            or (request_count_idle_timeout if kind == "REQUEST_COUNT" else DEFAULT_IDLE_TIMEOUT_S)
        ),
        step_seconds=step_seconds,
    )


def requested_workers(rules: Rules, load: Load) -> int:
    """REQUEST_COUNT: ceil((in queue + in progress) / request count), within minimum and maximum."""
    wanted = math.ceil((load.in_queue + load.in_progress) / rules.request_count)
    return max(rules.floor, min(wanted, rules.max_workers))


def plan(
    rules: Rules, load: Load, workers: Sequence[WorkerState], now: float, *, last_added_at: float | None = None
) -> Plan:
    """The next steps. Invariants: never above the maximum, never below the minimum, never a busy worker stopped.

    A busy worker beyond the maximum, or of an old release, is not in `stop`: it ends with its jobs, and is then idle.
    For each stale worker that is stopped a new one is started, as far as the maximum allows.
    """
    stop = [w for w in workers if w.stale and not w.busy]
    kept = [w for w in workers if w not in stop]
    replaced = len(stop)
    moments: list[float] = []

    for worker in _least_wanted_first(kept):
        if worker.busy:
            continue
        over_maximum = len(kept) > rules.max_workers
        spare = len(kept) > _needed(rules, load)
        if over_maximum:
            kept.remove(worker)
            stop.append(worker)
        elif spare and worker.idle_since is not None:
            if (leaves_at := worker.idle_since + rules.idle_timeout) <= now:
                kept.remove(worker)
                stop.append(worker)
            else:
                moments.append(leaves_at)

    start, next_step = _growth(rules, load, kept, now, last_added_at)
    if next_step is not None:
        moments.append(next_step)
    # Where one stays that is only kept as none is to spare, a successor would make it spare.
    if not any(w.idle_since is not None and w.idle_since + rules.idle_timeout <= now for w in kept):
        start = max(start, min(replaced, rules.max_workers - len(kept)))
    return Plan(start, tuple(w.id for w in stop), min(moments, default=None))


def _needed(rules: Rules, load: Load) -> int:
    """Workers below which an idle one is kept: it would have to be started again at once."""
    if rules.kind == "REQUEST_COUNT":
        return requested_workers(rules, load)
    # An idle worker while requests wait is one that has not asked yet.
    return rules.max_workers if load.in_queue else rules.floor


def _least_wanted_first(workers: Sequence[WorkerState]) -> list[WorkerState]:
    """Unhealthy before starting before idle; the youngest start first, the longest idle first."""
    order = {"unhealthy": 0, "starting": 1, "ready": 2}
    return sorted(workers, key=lambda w: (order[w.phase], w.idle_since or 0.0, -w.born_at))


def _growth(
    rules: Rules, load: Load, workers: Sequence[WorkerState], now: float, last_added_at: float | None
) -> tuple[int, float | None]:
    """`(workers to start now, moment of the next step)`. Stale busy workers count: their successor waits for them."""
    have = len(workers)
    room = rules.max_workers - have
    if rules.kind == "REQUEST_COUNT":
        return max(0, min(room, requested_workers(rules, load) - have)), None
    missing = max(0, rules.floor - have)
    if missing or room <= 0 or load.in_queue == 0 or load.oldest_queued_at is None:
        return missing, None
    if have == 0:
        return 1, None
    asks_at = [_asks_by(w, load.oldest_queued_at) for w in workers if not w.busy]
    if sum(moment > now for moment in asks_at) >= load.in_queue:
        # Each request that waits has a worker on its way, or one that is about to ask.
        return 0, min((moment for moment in asks_at if now < moment < math.inf), default=None)
    due = load.oldest_queued_at + rules.queue_delay
    if last_added_at is not None:
        due = max(due, last_added_at + rules.step_seconds)
    return (1, now + rules.step_seconds) if due <= now else (0, due)


def _asks_by(worker: WorkerState, oldest_queued_at: float) -> float:
    """When a worker without a job has asked for one, or never will."""
    if worker.idle_since is None:
        return math.inf
    return max(worker.idle_since, oldest_queued_at) + POLL_PAUSE


def platform_maximum(max_workers: int, last_request_at: float, now: float) -> tuple[int, float | None]:
    """What the platform makes of `workers.max` after idle days, and when it looks again (None: never lower)."""
    idle = now - last_request_at
    if idle >= IDLE_DAYS_TO_ZERO * DAY:
        return 0, None
    if idle >= IDLE_DAYS_TO_TWO * DAY:
        lowered = min(max_workers, 2)
        return lowered, last_request_at + IDLE_DAYS_TO_ZERO * DAY if lowered else None
    return max_workers, last_request_at + IDLE_DAYS_TO_TWO * DAY if max_workers else None


def restart_delay(failures: int, *, first: float = 1.0, longest: float = 300.0) -> float:
    """Seconds before a container that failed `failures` times in a row is started again."""
    return 0.0 if failures <= 0 else min(longest, first * 2.0 ** min(failures - 1, 32))
