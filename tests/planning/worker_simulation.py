"""Workers with idle timeout and cold start, event by event: an independent check of the formulas of `queueing.py`."""

from __future__ import annotations

import heapq
import itertools
import random
from collections import deque
from dataclasses import dataclass


@dataclass
class Measured:
    """Means over the run, in workers; cold starts per second."""

    busy: float
    idle: float
    cold_starts: float
    waited_share: float


def simulate(
    *,
    arrivals_per_second: float,
    seconds_each: float,
    idle_timeout: float,
    cold_start: float,
    ceiling: int,
    jobs: int,
    seed: int,
    exponential: bool = False,
) -> Measured:
    """Poisson arrivals, first come first served, the lowest free worker first; a job that finds none starts one."""
    rng = random.Random(seed)
    order = itertools.count()
    events: list[tuple[float, int, str, int]] = []
    state = ["asleep"] * ceiling
    since = [0.0] * ceiling
    queue: deque[float] = deque()
    busy = idle = 0.0
    starts = waited = arrived = 0
    heapq.heappush(events, (rng.expovariate(arrivals_per_second), next(order), "job", -1))
    now = 0.0

    def serve(worker: int, at: float) -> None:
        nonlocal busy
        state[worker], since[worker] = "busy", at
        length = rng.expovariate(1 / seconds_each) if exponential else seconds_each
        busy += length
        heapq.heappush(events, (at + length, next(order), "free", worker))

    while events:
        now, _, what, worker = heapq.heappop(events)
        if what == "job":
            arrived += 1
            if arrived < jobs:
                heapq.heappush(events, (now + rng.expovariate(arrivals_per_second), next(order), "job", -1))
            free = next((w for w in range(ceiling) if state[w] == "idle"), None)
            if free is not None:
                idle += now - since[free]
                serve(free, now)
                continue
            waited += 1
            queue.append(now)
            asleep = next((w for w in range(ceiling) if state[w] == "asleep"), None)
            if asleep is not None:
                state[asleep], starts = "starting", starts + 1
                heapq.heappush(events, (now + cold_start, next(order), "free", asleep))
        elif what == "free":
            if queue:
                queue.popleft()
                serve(worker, now)
            else:
                state[worker], since[worker] = "idle", now
                heapq.heappush(events, (now + idle_timeout, next(order), "sleep", worker))
        elif state[worker] == "idle" and now - since[worker] >= idle_timeout - 1e-9:
            state[worker] = "asleep"
            idle += idle_timeout
    return Measured(busy / now, idle / now, starts / now, waited / arrived)
