"""What an endpoint costs a month: a range from perfect packing to no sharing at all, line by line with its arithmetic.

Low: every worker is billed for work alone. Expected: Poisson arrivals over the active hours (`queueing.py`). High:
every request starts a new worker, cold at its slowest, and leaves a whole idle window. Without traffic there is
no expected figure: low is an endpoint that nobody calls, high one whose workers never rest. RunPod rounds each run of a
worker up to a second; that is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from pulumi_runpod.planning.money import (
    CURRENCY,
    DAYS_PER_MONTH,
    SECONDS_PER_DAY,
    per_second,
    plain,
    rounded,
    shown,
)
from pulumi_runpod.planning.prices import Prices
from pulumi_runpod.planning.queueing import Occupancy, occupancy
from pulumi_runpod.planning.service import ServicePlan
from pulumi_runpod.planning.traffic import Traffic


@dataclass(frozen=True)
class Line:
    """One part of a month's bill: what for, how it was reckoned, USD (not rounded)."""

    what: str
    arithmetic: str
    amount: Decimal


@dataclass(frozen=True)
class Bill:
    """A month's bill."""

    lines: tuple[Line, ...]

    @property
    def exact(self) -> Decimal:
        return sum((line.amount for line in self.lines), Decimal(0))

    @property
    def total(self) -> Decimal:
        """USD, rounded to the cent: once, here."""
        return rounded(self.exact)


@dataclass(frozen=True)
class MonthlyCost:
    """USD a month. `expected` is None without declared traffic. `notes` says what could not be priced."""

    low: Bill
    expected: Bill | None
    high: Bill
    prices: Prices
    occupancy: Occupancy | None
    notes: tuple[str, ...] = ()
    currency: str = CURRENCY

    @property
    def likely(self) -> Bill:
        """The expected bill, or the low one where nothing is known of the traffic."""
        return self.expected or self.low

    def range(self) -> str:
        """`$18.60 to $104.22 a month, $31.07 expected (USD)`."""
        span = f"{shown(self.low.total)} to {shown(self.high.total)} a month"
        if self.expected is None:
            return f"{span} (USD): nobody calls it, or all workers never rest; declare its traffic for a narrower range"
        return f"{span}, {shown(self.expected.total)} expected (USD)"


def monthly_cost(plan: ServicePlan, prices: Prices) -> MonthlyCost:
    """The range of a plan's monthly bill."""
    storage, notes = _volumes(plan, prices)
    traffic = plan.traffic
    if traffic is None:
        return MonthlyCost(
            low=Bill((*_kept_warm(plan, prices), *_disk(plan, prices, Decimal(plan.workers_min)), *storage)),
            expected=None,
            high=Bill((*_never_resting(plan, prices), *_disk(plan, prices, Decimal(plan.workers_max)), *storage)),
            prices=prices,
            occupancy=None,
            notes=notes,
        )
    means = occupancy_of(plan, traffic)
    if means.overloaded:
        notes = (
            *notes,
            f"{plan.workers_max} workers cannot do this work: the queue grows, some of it is never done",
        )
    return MonthlyCost(
        low=Bill((*_low(plan, prices, traffic), *storage)),
        expected=Bill((*_expected(plan, prices, traffic, means), *storage)),
        high=Bill((*_high(plan, prices, traffic), *storage)),
        prices=prices,
        occupancy=means,
        notes=notes,
    )


def occupancy_of(plan: ServicePlan, traffic: Traffic) -> Occupancy:
    """Means over the active hours of a day."""
    return occupancy(
        arrivals_per_second=float(traffic.requests_per_day / traffic.active_seconds_per_day),
        seconds_each=float(traffic.seconds_each),
        idle_timeout=float(plan.idle_window_seconds),
        cold_start=float(plan.cold_start.wait(flashboot=plan.has_flashboot).expected),
        always_on=plan.workers_min,
        ceiling=plan.workers_max,
    )


def _low(plan: ServicePlan, prices: Prices, traffic: Traffic) -> tuple[Line, ...]:
    work = _work_on_demand(plan, traffic)
    alive = Decimal(plan.workers_min) + work / SECONDS_PER_DAY
    return (
        *_kept_warm(plan, prices),
        _gpu_line(plan, prices, "work on demand", work, f"{_requests(traffic)}{_less_warm(plan)}"),
        *_disk(plan, prices, alive),
    )


def _expected(plan: ServicePlan, prices: Prices, traffic: Traffic, means: Occupancy) -> tuple[Line, ...]:
    active = traffic.active_seconds_per_day
    hours = f"{plain(traffic.active_hours_per_day)} h"
    if means.overloaded:
        work = _work_on_demand(plan, traffic)
        return (
            *_kept_warm(plan, prices),
            _gpu_line(plan, prices, "work on demand", work, "all workers busy"),
            *_disk(plan, prices, Decimal(plan.workers_min) + work / SECONDS_PER_DAY),
        )
    cold = plan.cold_start.billed(flashboot=plan.has_flashboot).expected
    busy = _decimal(means.busy_on_demand) * active
    idle = _decimal(means.idle_on_demand) * active
    starts = _decimal(means.cold_starts) * active
    starting = starts * cold
    alive = Decimal(plan.workers_min) + (busy + idle + starting) / SECONDS_PER_DAY
    return (
        *_kept_warm(plan, prices),
        _gpu_line(plan, prices, "work on demand", busy, f"{plain(_decimal(means.busy_on_demand))} busy x {hours}"),
        _gpu_line(
            plan,
            prices,
            "idle windows",
            idle,
            f"{plain(_decimal(means.idle_on_demand))} idle x {hours}, idle timeout {plan.idle_window_seconds} s",
        ),
        _gpu_line(
            plan, prices, "cold starts", starting, f"{plain(starts, digits=4)} starts x {plain(cold)} s billed of each"
        ),
        *_disk(plan, prices, alive),
    )


def _high(plan: ServicePlan, prices: Prices, traffic: Traffic) -> tuple[Line, ...]:
    cold = plan.cold_start.billed(flashboot=plan.has_flashboot).high
    each = traffic.seconds_each + plan.idle_window_seconds + cold
    ceiling = Decimal(plan.workers_max - plan.workers_min) * SECONDS_PER_DAY
    alone = min(traffic.requests_per_day * each, ceiling)
    alive = Decimal(plan.workers_min) + alone / SECONDS_PER_DAY
    text = (
        f"{plain(traffic.requests_per_day)} requests x ({plain(traffic.seconds_each)} s work + "
        f"{plan.idle_window_seconds} s idle + {plain(cold)} s cold start), at most {plan.workers_max} workers"
    )
    return (
        *_kept_warm(plan, prices),
        _gpu_line(plan, prices, "a worker for each request", alone, text),
        *_disk(plan, prices, alive),
    )


def _work_on_demand(plan: ServicePlan, traffic: Traffic) -> Decimal:
    """GPU-seconds a day beyond what the workers that are warm anyway can do."""
    all_workers = Decimal(plan.workers_max) * SECONDS_PER_DAY
    done = min(traffic.busy_seconds_per_day, all_workers)
    return max(Decimal(0), done - Decimal(plan.workers_min) * SECONDS_PER_DAY)


def _kept_warm(plan: ServicePlan, prices: Prices) -> tuple[Line, ...]:
    if not plan.workers_min:
        return ()
    amount = plan.workers_min * plan.gpu_count * prices.warm_per_hour * 24 * DAYS_PER_MONTH
    text = (
        f"{plan.workers_min} x {_gpus(plan)}${plain(prices.warm_per_hour)}/h x 24 h x {DAYS_PER_MONTH} days"
        f" = {shown(amount)}"
    )
    return (Line("workers kept warm", text, amount),)


def _never_resting(plan: ServicePlan, prices: Prices) -> tuple[Line, ...]:
    seconds = Decimal(plan.workers_max - plan.workers_min) * SECONDS_PER_DAY
    busy = _gpu_line(
        plan, prices, "workers on demand", seconds, f"{plan.workers_max - plan.workers_min} workers x 24 h"
    )
    return (*_kept_warm(plan, prices), busy)


def _gpu_line(plan: ServicePlan, prices: Prices, what: str, worker_seconds: Decimal, text: str) -> Line:
    rate = per_second(prices.serverless_per_hour)
    amount = worker_seconds * rate * plan.gpu_count * DAYS_PER_MONTH
    arithmetic = (
        f"{text} = {plain(worker_seconds)} s/day x {_gpus(plan)}${plain(rate, digits=4)}/s x {DAYS_PER_MONTH} days"
        f" = {shown(amount)}"
    )
    return Line(what, arithmetic, amount)


def _disk(plan: ServicePlan, prices: Prices, workers_alive: Decimal) -> tuple[Line, ...]:
    rate = prices.storage.container_disk
    amount = workers_alive * plan.container_disk_gb * rate
    text = f"{plain(workers_alive)} workers on average x {plan.container_disk_gb} GB x ${rate} = {shown(amount)}"
    return (Line("container disk", text, amount),)


def _volumes(plan: ServicePlan, prices: Prices) -> tuple[tuple[Line, ...], tuple[str, ...]]:
    lines: list[Line] = []
    notes: list[str] = []
    for volume in plan.volumes:
        amount = prices.storage.volume_per_month(volume.size_gb, volume.type)
        if amount is None:
            notes.append(f"the {volume.size_gb} GB {volume.type} volume is not in it: only the console shows its price")
        else:
            text = f"{volume.size_gb} GB at ${prices.storage.volume_first_tier} a GB"
            if volume.size_gb > 1000:
                text += f", ${prices.storage.volume_beyond} beyond 1,000 GB"
            lines.append(Line("network volume", f"{text} = {shown(amount)}", amount))
    return tuple(lines), tuple(notes)


def _requests(traffic: Traffic) -> str:
    return f"{plain(traffic.requests_per_day)} requests x {plain(traffic.seconds_each)} s"


def _less_warm(plan: ServicePlan) -> str:
    return f" less what {plan.workers_min} warm do" if plan.workers_min else ""


def _gpus(plan: ServicePlan) -> str:
    return f"{plan.gpu_count} GPUs x " if plan.gpu_count > 1 else ""


def _decimal(number: float) -> Decimal:
    return Decimal(repr(number))
