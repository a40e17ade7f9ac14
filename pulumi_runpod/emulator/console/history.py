"""What an endpoint's charts show: queue, workers and latency of the last minutes, in buckets of the platform's clock.

Bounded: a ring of buckets, and within one a bounded sample of latencies. Nothing is kept while nobody looks: what a
viewer missed is drawn from the jobs that the store still has.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

BUCKET_S = 2.0
KEPT = 150
"""Buckets: five minutes."""
MAX_SAMPLE = 512
WorkerCounts = tuple[int, int, int, int, int]
"""Running, idle, initializing, throttled, unhealthy."""
Span = tuple[float, float | None, float | None]
"""Of one job, seconds since the epoch: when it was queued, was started, ended."""


@dataclass(slots=True)
class Sample:
    """Latencies of a bucket, seconds: all of them, or every 2nd, 4th, ... once there are many."""

    count: int = 0
    kept: list[float] = field(default_factory=list)
    stride: int = 1

    def add(self, seconds: float) -> None:
        if self.count % self.stride == 0:
            self.kept.append(seconds)
            if len(self.kept) > MAX_SAMPLE:
                del self.kept[1::2]
                self.stride *= 2
        self.count += 1


@dataclass(slots=True)
class Bucket:
    """`number` times `BUCKET_S` is when it begins. `queued` and `running` are the most that were seen in it."""

    number: int
    queued: int = 0
    running: int = 0
    workers: WorkerCounts | None = None
    """At the look that saw most of them running; None: nobody looked."""
    latencies: Sample = field(default_factory=Sample)

    def join(self, other: Bucket) -> None:
        """Take what `other` has seen of the same time: each may have missed what the other knows."""
        self.queued, self.running = max(self.queued, other.queued), max(self.running, other.running)
        self.workers = other.workers
        if other.latencies.count > self.latencies.count:
            self.latencies = other.latencies

    def values(self) -> list[object]:
        """`[begin, queued, running, workers, jobs ended, p50, p95]`: seconds since the epoch, milliseconds."""
        ordered = sorted(self.latencies.kept)
        p50, p95 = (round(percentile(ordered, q) * 1000) if ordered else None for q in (0.5, 0.95))
        return [self.number * BUCKET_S, self.queued, self.running, self.workers, self.latencies.count, p50, p95]


class History:
    def __init__(self) -> None:
        self._buckets: deque[Bucket] = deque(maxlen=KEPT)

    def sample(self, now: float, *, queued: int, running: int, workers: WorkerCounts) -> None:
        bucket = self._at(now)
        bucket.queued, bucket.running = max(bucket.queued, queued), max(bucket.running, running)
        if bucket.workers is None or workers[0] >= bucket.workers[0]:
            bucket.workers = workers

    def ended(self, now: float, seconds: float) -> None:
        """A job came to its end, so long after it was queued."""
        self._at(now).latencies.add(seconds)

    def fill(self, spans: Iterable[Span], now: float) -> None:
        """Draw the buckets that nobody saw, or saw the end of, from jobs that are still known."""
        last = _number(now)
        first = last - KEPT + 1
        seen = {bucket.number: bucket for bucket in self._buckets if first <= bucket.number <= last}
        half_seen = seen.pop(self.newest, None)
        drawn = {number: Bucket(number) for number in range(first, last + 1) if number not in seen}
        steps: list[tuple[float, int, int]] = []
        for queued, started, ended in spans:
            steps.append((queued, 1, 0))
            if started is not None:
                steps.append((started, -1, 1))
            if ended is not None:
                steps.append((ended, 0, -1) if started is not None else (ended, -1, 0))
                if started is not None and (bucket := drawn.get(_number(ended))) is not None:
                    bucket.latencies.add(ended - queued)
        _fill_load(drawn, sorted(steps), first, last)
        if half_seen is not None:
            drawn[half_seen.number].join(half_seen)
        self._buckets = deque((seen.get(n) or drawn[n] for n in range(first, last + 1)), maxlen=KEPT)

    def since(self, number: int) -> list[list[object]]:
        """Buckets from `number` on, oldest first."""
        return [bucket.values() for bucket in self._buckets if bucket.number >= number]

    @property
    def newest(self) -> int:
        return self._buckets[-1].number if self._buckets else 0

    def _at(self, now: float) -> Bucket:
        number = _number(now)
        if not self._buckets or self._buckets[-1].number < number:
            self._buckets.append(Bucket(number))
        # The clock never goes back by more than a rounding error: what is late belongs to the newest.
        return self._buckets[-1]


def percentile(ordered: Sequence[float], share: float) -> float:
    """The smallest value that so large a share of the values does not exceed. Raises IndexError without values."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def _number(moment: float) -> int:
    return int(moment // BUCKET_S)


def _fill_load(drawn: dict[int, Bucket], steps: list[tuple[float, int, int]], first: int, last: int) -> None:
    """The most jobs that waited and ran in each bucket. `steps`: `(moment, change of waiting, change of running)`."""
    queued = running = at = 0
    for number in range(first, last + 1):
        while at < len(steps) and _number(steps[at][0]) < number:
            queued, running, at = queued + steps[at][1], running + steps[at][2], at + 1
        most = [queued, running]
        while at < len(steps) and _number(steps[at][0]) == number:
            queued, running, at = queued + steps[at][1], running + steps[at][2], at + 1
            most = [max(most[0], queued), max(most[1], running)]
        if number in drawn:
            drawn[number].queued, drawn[number].running = most
