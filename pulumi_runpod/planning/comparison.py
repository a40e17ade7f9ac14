"""Serverless against a GPU that is always on: crossover with a reserved one, break-even of a warm worker.

Every figure comes from the prices at hand. With one price for both, the crossover is full use; it lies lower as far as
the serverless price is above the reserved one (0.69 against 1.116 an hour: 62 %).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal

from pulumi_runpod.planning.cost import monthly_cost, occupancy_of
from pulumi_runpod.planning.money import (
    DAYS_PER_MONTH,
    SECONDS_PER_DAY,
    always_on_per_day,
    always_on_per_month,
    per_second,
)
from pulumi_runpod.planning.prices import Prices
from pulumi_runpod.planning.queueing import occupancy
from pulumi_runpod.planning.service import ServicePlan
from pulumi_runpod.planning.traffic import Traffic

BREAK_EVEN_TOLERANCE = 0.01
"""With one price for both, an on-demand worker nears the warm one's cost and meets it at full use alone."""
_MOST_REQUESTS = 10_000_000.0


@dataclass(frozen=True)
class Reserved:
    """The same work on reserved GPUs."""

    gpus: int
    per_month: Decimal
    """USD, not rounded."""
    crossover: Decimal
    """Busy share of a GPU from which a reserved one is cheaper than work alone; 1 or more: never, on one GPU."""
    crossover_requests_per_day: Decimal | None
    """The same in requests of the declared length; None without traffic."""
    utilisation: Decimal | None
    """Busy share of those reserved GPUs under the declared traffic."""


def reserved(plan: ServicePlan, prices: Prices) -> Reserved | None:
    """The comparison, or None without a reserved price."""
    if prices.reserved_per_hour is None:
        return None
    crossover = crossover_utilisation(prices.serverless_per_hour, prices.reserved_per_hour)
    traffic = plan.traffic
    machines = 1 if traffic is None else max(1, math.ceil(traffic.utilisation))
    return Reserved(
        gpus=machines * plan.gpu_count,
        per_month=always_on_per_month(prices.reserved_per_hour) * machines * plan.gpu_count,
        crossover=crossover,
        crossover_requests_per_day=None if traffic is None else crossover * SECONDS_PER_DAY / traffic.seconds_each,
        utilisation=None if traffic is None else traffic.utilisation / machines,
    )


def crossover_utilisation(serverless_per_hour: Decimal, reserved_per_hour: Decimal) -> Decimal:
    """Busy share of a GPU at which both cost the same: reserved price over serverless price."""
    return reserved_per_hour / serverless_per_hour


@dataclass(frozen=True)
class WarmWorker:
    """What the first warm worker costs and brings, against the same endpoint without one."""

    per_day: Decimal
    """USD, one worker around the clock."""
    per_month: Decimal
    per_request: Decimal
    """USD a day over requests a day: the whole worker, as if it did nothing else."""
    extra_per_month: Decimal
    """USD above the endpoint without it; negative: it saves money."""
    cold_starts_avoided_per_day: Decimal
    per_cold_start_avoided: Decimal | None
    break_even_requests_per_day: Decimal | None
    """From here on an on-demand worker hardly ever sleeps and costs the same (within 1 %); None: at no traffic."""


def warm_worker(plan: ServicePlan, prices: Prices) -> WarmWorker | None:
    """The first warm worker of a plan; None without traffic or without room for a worker."""
    traffic = plan.traffic
    if traffic is None or plan.workers_max < 1:
        return None
    without = plan.model_copy(update={"workers_min": 0})
    with_one = plan.model_copy(update={"workers_min": 1})
    extra = monthly_cost(with_one, prices).likely.exact - monthly_cost(without, prices).likely.exact
    before, after = (occupancy_of(p, traffic).cold_starts for p in (without, with_one))
    avoided = Decimal(repr(max(0.0, before - after))) * traffic.active_seconds_per_day
    per_day = always_on_per_day(prices.warm_per_hour) * plan.gpu_count
    return WarmWorker(
        per_day=per_day,
        per_month=per_day * DAYS_PER_MONTH,
        per_request=per_day / traffic.requests_per_day,
        extra_per_month=extra,
        cold_starts_avoided_per_day=avoided,
        per_cold_start_avoided=extra / DAYS_PER_MONTH / avoided if avoided > Decimal("0.001") else None,
        break_even_requests_per_day=break_even(plan, prices, traffic),
    )


def break_even(plan: ServicePlan, prices: Prices, traffic: Traffic) -> Decimal | None:
    """Fewest requests a day at which a single on-demand worker costs as much as one that never sleeps, within 1 %.

    The on-demand worker is billed for work, idle windows and the billed part of its cold starts (serverless price, in
    the active hours); the warm one around the clock (active price). Found by doubling, then halving.
    """
    wait = float(plan.cold_start.wait(flashboot=plan.has_flashboot).expected)
    cold = float(plan.cold_start.billed(flashboot=plan.has_flashboot).expected)
    active = float(traffic.active_seconds_per_day)
    warm = float(always_on_per_day(prices.warm_per_hour)) * (1 - BREAK_EVEN_TOLERANCE)
    rate = float(per_second(prices.serverless_per_hour))

    def on_demand(requests: float) -> float:
        means = occupancy(
            arrivals_per_second=requests / active,
            seconds_each=float(traffic.seconds_each),
            idle_timeout=float(plan.idle_window_seconds),
            cold_start=wait,
            always_on=0,
            ceiling=1,
        )
        if means.overloaded:
            return active * rate
        return (means.busy_on_demand + means.idle_on_demand + means.cold_starts * cold) * active * rate

    high = 1.0
    while on_demand(high) < warm:
        high *= 1.25
        if high > _MOST_REQUESTS:
            return None
    low = high / 1.25
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if on_demand(middle) < warm else (low, middle)
    return Decimal(repr(high)).quantize(Decimal(1))
