"""Rules about whether the declared traffic suits serverless GPUs, and this endpoint's ceiling."""

from __future__ import annotations

from decimal import Decimal

from pulumi_runpod.planning.advice import Finding, Situation
from pulumi_runpod.planning.comparison import reserved
from pulumi_runpod.planning.cost import occupancy_of
from pulumi_runpod.planning.money import plain, shown
from pulumi_runpod.planning.queueing import wait_beyond
from pulumi_runpod.planning.service import ServicePlan
from pulumi_runpod.planning.traffic import Traffic

REAL_TIME_SECONDS = Decimal("0.5")
HEAVY_REQUESTS_PER_DAY = 10_000
SLOWEST_SHARE = 0.05
MOST_WORKERS = 1000
TOLERATED_COLD_SHARE = Decimal("0.01")


def real_time(situation: Situation) -> Finding | None:
    """A target that the endpoint cannot keep: real time, below the work itself, or missed by too many cold starts."""
    plan = situation.plan
    if plan.traffic is None or plan.traffic.latency_target_seconds is None:
        return None
    target, each = plan.traffic.latency_target_seconds, plan.traffic.seconds_each
    if target < REAL_TIME_SECONDS:
        return Finding(
            f"answers within {plain(target)} s are real time, which a queue and cold starts do not give",
            "reserved GPUs, or a load-balancing endpoint whose workers never sleep",
        )
    if target < each:
        return Finding(
            f"the work alone takes {plain(each)} s, the target is {plain(target)} s", "a faster GPU, or another target"
        )
    wait = plan.cold_start.wait(flashboot=plan.has_flashboot).expected
    means = occupancy_of(plan, plan.traffic)
    cold = Decimal(repr(means.cold_starts)) * plan.traffic.active_seconds_per_day
    share = cold / plan.traffic.requests_per_day
    if means.overloaded or share <= TOLERATED_COLD_SHARE or target >= wait + each:
        return None
    return Finding(
        f"about {plain(share * 100, digits=2)} % of the requests ({plain(cold, digits=3)} a day) start cold and take "
        f"about {plain(wait + each)} s, the target is {plain(target)} s",
        "keep a worker warm, raise the idle timeout, or make callers wait through one cold start",
    )


def above_crossover(situation: Situation) -> Finding | None:
    """Steady load that reserved GPUs carry for less."""
    plan = situation.plan
    if plan.traffic is None or plan.traffic.bursty or situation.prices is None or situation.cost is None:
        return None
    other = reserved(plan, situation.prices)
    if other is None or other.utilisation is None or other.utilisation <= other.crossover:
        return None
    return Finding(
        f"{plain(other.utilisation * 100, digits=3)} % of {other.gpus} GPU{'s' if other.gpus > 1 else ''} are busy all "
        f"day; from {plain(other.crossover * 100, digits=3)} % on, reserved GPUs cost less",
        f"reserved GPUs for the steady part, {shown(other.per_month)} a month",
        situation.cost.likely.exact - other.per_month,
    )


def queue_backup(situation: Situation) -> Finding | None:
    """With all workers busy, requests wait: longer than the target, or than callers do."""
    plan = situation.plan
    if plan.traffic is None or plan.workers_max == 0:
        return None
    load = float(plan.traffic.offered_load)
    if load >= plan.workers_max:
        return Finding(
            f"work for {plain(plan.traffic.offered_load, digits=3)} workers arrives and {plan.workers_max} may run: "
            "the queue grows without end",
            f"max workers {_enough_workers(plan, plan.traffic)}",
            severity="error",
        )
    each = plan.traffic.seconds_each
    limit = _patience(plan, plan.traffic)
    wait = wait_beyond(servers=plan.workers_max, load=load, seconds_each=float(each), share=SLOWEST_SHARE)
    if limit is None or wait + float(each) <= limit:
        return None
    return Finding(
        f"at max workers {plan.workers_max}, one request in twenty waits more than {wait:.0f} s in the queue; callers "
        f"wait {limit:g} s",
        f"max workers {_enough_workers(plan, plan.traffic)}",
    )


def heavy_traffic(situation: Situation) -> Finding | None:
    """Above ten thousand requests a day, serverless should be compared before it is taken."""
    plan = situation.plan
    if plan.traffic is None or plan.traffic.requests_per_day <= HEAVY_REQUESTS_PER_DAY:
        return None
    compared = ""
    if situation.prices is not None and situation.cost is not None:
        other = reserved(plan, situation.prices)
        if other is not None:
            compared = (
                f": {shown(situation.cost.likely.total)} a month here, {shown(other.per_month)} for {_gpus(other.gpus)}"
            )
    return Finding(
        f"{plain(plan.traffic.requests_per_day)} requests a day are above the {HEAVY_REQUESTS_PER_DAY:,} that "
        "serverless is usually good for",
        f"run it beside a reserved GPU for a week and compare cost and latency{compared}",
    )


def _patience(plan: ServicePlan, traffic: Traffic) -> float | None:
    """Seconds that a caller gives a request; None where nobody said, or no number of workers could keep it."""
    limit = traffic.latency_target_seconds or plan.endpoint_timeout_seconds
    return None if limit is None or limit < traffic.seconds_each else float(limit)


def _enough_workers(plan: ServicePlan, traffic: Traffic) -> int:
    """Fewest workers with which nineteen requests in twenty are answered in time."""
    load, each = float(traffic.offered_load), float(traffic.seconds_each)
    limit = _patience(plan, traffic) or 2 * each
    workers = int(load) + 1
    if workers > MOST_WORKERS:
        return workers
    while wait_beyond(servers=workers, load=load, seconds_each=each, share=SLOWEST_SHARE) + each > limit:
        workers += 1
    return workers


def _gpus(number: int) -> str:
    return f"{number} reserved GPU{'s' if number > 1 else ''}"
