"""Rules about data centers: a volume ties workers to its own, and there must be GPUs of the pool."""

from __future__ import annotations

from collections.abc import Iterable

from pulumi_runpod.planning.advice import Finding, Situation


def volume_elsewhere(situation: Situation) -> Finding | None:
    """The endpoint may not run where its volume lies: its workers see none, or never start."""
    plan = situation.plan
    homes = [volume.data_center for volume in plan.volumes if volume.data_center is not None]
    outside = [home for home in homes if plan.data_centers and home not in plan.data_centers]
    if not outside:
        return None
    return Finding(
        f"the volume lies in {', '.join(outside)}, and workers may run in {', '.join(plan.data_centers)} alone",
        f"add {', '.join(outside)} to the data centers, or move the volume",
    )


def no_stock(situation: Situation) -> Finding | None:
    """None of the plan's pools has a free GPU where the workers must run: they would stay THROTTLED.

    The catalog lists the data centers where a pool can be had; whether the others never have it is unknown.
    """
    pools = [situation.market.pools[p] for p in situation.plan.gpu_pools if p in situation.market.pools]
    where = situation.where
    if not pools or any(pool.stock_in(where) != "NONE" for pool in pools):
        return None
    elsewhere = sorted({center for pool in pools for center, stock in pool.data_centers.items() if stock != "NONE"})
    names = ", ".join(pool.id for pool in pools)
    bound = " with its volume" if any(volume.data_center for volume in situation.plan.volumes) else ""
    place = f"in {', '.join(where)}{bound}" if where else "anywhere"
    return Finding(
        f"{names}: no stock {place} at the moment; workers wait as THROTTLED, unbilled",
        f"add a pool that has some{f', or run in {_some(elsewhere)}' if elsewhere else ''}",
    )


def _some(centers: Iterable[str]) -> str:
    return ", ".join(sorted(centers)[:3])
