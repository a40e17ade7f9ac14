"""Rules about data centers: a volume ties workers to its own, and there must be GPUs of the pool."""

from __future__ import annotations

from collections.abc import Iterable

from pulumi_runpod.planning.advice import Finding, Situation


def volume_elsewhere(situation: Situation) -> Finding | None:
    """The endpoint may not run where its volume lies, or the pool is not there at all."""
    plan = situation.plan
    homes = [volume.data_center for volume in plan.volumes if volume.data_center is not None]
    outside = [home for home in homes if plan.data_centers and home not in plan.data_centers]
    if outside:
        return Finding(
            f"the volume lies in {', '.join(outside)}, and workers may run in {', '.join(plan.data_centers)} alone",
            f"add {', '.join(outside)} to the data centers, or move the volume",
        )
    pool = situation.pool
    if pool is None or not pool.data_centers or not homes or any(home in pool.data_centers for home in homes):
        return None
    return Finding(
        f"the volume lies in {', '.join(homes)}, where there are no GPUs of {pool.id}",
        f"put the volume in {_some(pool.data_centers)}, or take a pool that is in {', '.join(homes)}",
    )


def no_stock(situation: Situation) -> Finding | None:
    """None of the plan's pools has a free GPU where the workers must run: they would stay THROTTLED."""
    pools = [situation.market.pools[p] for p in situation.plan.gpu_pools if p in situation.market.pools]
    where = situation.where
    if not pools or volume_elsewhere(situation) is not None:
        return None
    if any(pool.stock_in(where) != "NONE" for pool in pools):
        return None
    elsewhere = sorted({center for pool in pools for center, stock in pool.data_centers.items() if stock != "NONE"})
    names = ", ".join(pool.id for pool in pools)
    place = f"in {', '.join(where)}" if where else "anywhere"
    return Finding(
        f"{names}: no stock {place} at the moment; workers wait as THROTTLED, unbilled",
        f"add a second pool{f', or run in {_some(elsewhere)}' if elsewhere else ''}",
    )


def _some(centers: Iterable[str]) -> str:
    return ", ".join(sorted(centers)[:3])
