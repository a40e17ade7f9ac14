"""How many workers are warm, how often one starts cold and how long a request waits, for Poisson arrivals.

Workers fill up in order, since a job goes to a warm worker before another is started. With offered load a, worker k of
an ordered group carries a(B(k-1, a) - B(k, a)), B being Erlang's loss formula (ordered hunting: Cooper, *Introduction
to Queueing Theory*, chapter 5); what would be lost at the ceiling waits instead and fills the gaps of all workers.
A worker that falls idle is a renewal cycle: a gap of mean G until its next job, taken as exponential; with an idle
timeout t the job finds it asleep with probability p = e^(-t/G) and waits for a cold start of s seconds. So the time
that is not work splits into G(1 - p) idle, Gp asleep and ps starting, per G + ps. For one worker this is the M/G/1
queue with set-up and delayed switch-off, and exact; for more it lies within a quarter of a simulation (the tests).

Waiting: M/M/c, P(wait > x) = C(c, a) e^(-(c - a) x / s), C being Erlang's delay formula. Cold starts are left out of
it: they are reported beside it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

_ENOUGH = 1e-9


@dataclass(frozen=True)
class Occupancy:
    """Means while requests arrive, in workers; workers that are kept warm anyway are counted in `busy` alone."""

    busy: float
    """Workers at work, all of them."""
    busy_on_demand: float
    """Workers at work beyond the ones that are kept warm."""
    idle_on_demand: float
    """Workers that are billed while they wait out their idle timeout."""
    cold_starts: float
    """Starts of a worker per second."""
    overloaded: bool
    """More work arrives than all workers can do: the queue grows without end."""


def erlang_b(servers: int, load: float) -> float:
    """Probability that all servers are busy when nothing waits. Erlang's loss formula, by its recursion."""
    blocked = 1.0
    for n in range(1, servers + 1):
        blocked = load * blocked / (n + load * blocked)
    return blocked


def erlang_c(servers: int, load: float) -> float:
    """Probability that a request has to wait. 1 where the load is not below the servers."""
    if load >= servers:
        return 1.0
    blocked = erlang_b(servers, load)
    return servers * blocked / (servers - load * (1 - blocked))


def wait_beyond(*, servers: int, load: float, seconds_each: float, share: float) -> float:
    """Seconds that `share` of the requests wait longer than; infinite where the queue grows without end."""
    if load >= servers:
        return math.inf
    waits = erlang_c(servers, load)
    if waits <= share:
        return 0.0
    return math.log(waits / share) * seconds_each / (servers - load)


def occupancy(
    *,
    arrivals_per_second: float,
    seconds_each: float,
    idle_timeout: float,
    cold_start: float,
    always_on: int,
    ceiling: int,
) -> Occupancy:
    """Warm workers for a stream of requests, of which `always_on` never sleep and at most `ceiling` exist."""
    load = arrivals_per_second * seconds_each
    if load >= ceiling:
        return Occupancy(float(ceiling), float(ceiling - always_on), 0.0, 0.0, overloaded=True)
    busy = idle = cold = 0.0
    for work, gaps in _ordered(load, seconds_each, ceiling)[always_on:]:
        busy += work
        free = 1 - work
        if free < _ENOUGH or gaps <= 0:  # no gap in which it could fall asleep
            continue
        gap = free / gaps
        asleep = math.exp(-idle_timeout / gap)
        cycles = free / (gap + asleep * cold_start)
        idle += cycles * gap * (1 - asleep)
        cold += cycles * asleep
    return Occupancy(load, busy, idle, cold, overloaded=False)


def _ordered(load: float, seconds_each: float, ceiling: int) -> list[tuple[float, float]]:
    """Per worker, in the order in which they fill up: busy share, and how often a second it starts after a gap."""
    carried: list[float] = []
    before = 1.0
    for n in range(1, ceiling + 1):
        if load * before < _ENOUGH:
            break
        after = load * before / (n + load * before)
        carried.append(load * (before - after))
        before = after
    # Jobs that waited follow without a gap. `before` is the loss probability of all these workers.
    servers = len(carried)
    at_once = (1 - erlang_c(servers, load)) / (1 - before) if load < servers else 0.0
    room = servers - sum(carried)
    spread = min(1.0, max(0.0, load - sum(carried)) / room) if room > 0 else 0.0
    return [(share + (1 - share) * spread, share / seconds_each * at_once) for share in carried]
