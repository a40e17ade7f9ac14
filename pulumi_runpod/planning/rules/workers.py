"""Rules about workers: how many stay warm, for how long, and what a start costs in time."""

from __future__ import annotations

from pulumi_runpod.planning.advice import Finding, Situation
from pulumi_runpod.planning.comparison import warm_worker
from pulumi_runpod.planning.money import plain, shown

REASONABLE_IDLE_SECONDS = 60


def short_idle_timeout(situation: Situation) -> Finding | None:
    """Bursts with pauses longer than the idle timeout start cold each time."""
    plan = situation.plan
    idle = plan.idle_timeout_seconds
    if not plan.has_idle_timeout or idle >= REASONABLE_IDLE_SECONDS or plan.workers_max == 0:
        return None
    if plan.traffic is not None and not plan.traffic.bursty:
        return None
    text = "the traffic is bursty" if plan.traffic is not None else "nobody said that the traffic is not bursty"
    return Finding(
        f"workers leave after {idle} s, and {text}: the next wave starts cold",
        f"an idle timeout of {REASONABLE_IDLE_SECONDS} s (300 s for spikes in steady traffic), or say that the traffic "
        "is not bursty",
    )


def warm_in_dev(situation: Situation) -> Finding | None:
    """Nobody waits for a dev endpoint at night, and its warm workers are billed around the clock."""
    plan = situation.plan
    if plan.environment != "dev" or plan.workers_min == 0:
        return None
    return Finding(
        f"{plan.workers_min} of its workers never sleep{_daily(situation)}",
        "min workers 0 in dev",
        situation.saving_with(workers_min=0),
    )


def cold_in_prod(situation: Situation) -> Finding | None:
    """A latency that must be steady needs a worker that is warm; reported with what it costs."""
    plan = situation.plan
    if plan.environment != "prod" or plan.workers_min > 0:
        return None
    if plan.traffic is None or plan.traffic.latency_target_seconds is None:
        return None
    wait = plan.cold_start.wait(flashboot=plan.has_flashboot).expected
    if plan.traffic.latency_target_seconds >= wait + plan.traffic.seconds_each:
        return None
    cost = ""
    if situation.prices is not None and (warm := warm_worker(plan, situation.prices)) is not None:
        cost = (
            f"; it costs {shown(warm.per_day)} a day, {shown(warm.per_request)} a request, "
            f"{shown(warm.extra_per_month)} a month more than now"
        )
    return Finding(
        f"answers are due within {plain(plan.traffic.latency_target_seconds)} s, and a cold start takes about "
        f"{plain(wait)} s",
        f"min workers 1{cost}",
    )


def flashboot(situation: Situation) -> Finding | None:
    """FlashBoot skips image pull and container start, never the model load."""
    plan = situation.plan
    target = plan.traffic.latency_target_seconds if plan.traffic is not None else None
    if plan.traffic is None or target is None or plan.workers_min > 0 or plan.workers_max == 0:
        return None
    on, off = (plan.cold_start.wait(flashboot=state).expected for state in (True, False))
    if not plan.has_flashboot:
        if target >= off + plan.traffic.seconds_each:
            return None
        return Finding(
            f"it is off: a cold start takes about {plain(off)} s, image pull and container start included",
            f"turn it on: about {plain(on)} s are left, the model's load, when a worker is revived",
            severity="warning",
        )
    if target >= on + plan.traffic.seconds_each:
        return None
    return Finding(
        f"it is on, and skips image pull and container start alone: the model's load of about {plain(on)} s stays, "
        f"above the target of {plain(target)} s",
        "a warm worker, or a model that loads faster",
    )


def _daily(situation: Situation) -> str:
    if situation.prices is None:
        return ""
    amount = situation.prices.warm_per_hour * 24 * situation.plan.workers_min * situation.plan.gpu_count
    return f", {shown(amount)} a day"
