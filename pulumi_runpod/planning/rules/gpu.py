"""Rules about the choice of GPU pools."""

from __future__ import annotations

from decimal import Decimal

from pulumi_runpod.planning.advice import Finding, Situation
from pulumi_runpod.planning.chooser import Candidate
from pulumi_runpod.planning.cost import monthly_cost
from pulumi_runpod.planning.money import plain, shown


def oversize(situation: Situation) -> Finding | None:
    """A smaller pool holds the need and costs less."""
    other = _cheaper(situation)
    pool = situation.pool
    if other is None or pool is None or other.pool.memory_gb >= pool.memory_gb:
        return None
    return Finding(
        f"{pool.id} has {pool.memory_gb} GB, and {_wanted(situation)} GB are enough (need + 20 %)",
        f"take {other.pool.id}, {other.pool.memory_gb} GB at {shown(other.price_per_hour)}/h instead of "
        f"{_price(situation)}",
        _saving(situation, other),
    )


def cheaper(situation: Situation) -> Finding | None:
    """Another pool, no smaller, holds the need for less, after a change of price, say. Nothing moves by itself."""
    other = _cheaper(situation)
    pool = situation.pool
    if other is None or pool is None or other.pool.memory_gb < pool.memory_gb:
        return None
    return Finding(
        f"{other.pool.id} holds the need at {shown(other.price_per_hour)}/h, {pool.id} costs {_price(situation)}",
        f"name {other.pool.id} as the pool; running workers are replaced then",
        _saving(situation, other),
    )


def too_small(situation: Situation) -> Finding | None:
    """A pool of the plan lacks memory: an error below the bare need, a warning within its headroom."""
    if situation.plan.need is None:
        return None
    wanted = situation.plan.need.wanted_gb
    bare = situation.plan.need.estimate().expected
    pools = [situation.market.pools[p] for p in situation.plan.gpu_pools if p in situation.market.pools]
    small = min((pool for pool in pools if pool.memory_gb < wanted), key=lambda pool: pool.memory_gb, default=None)
    if small is None:
        return None
    fits = situation.choice.chosen if situation.choice else None
    fix = f"take {fits.pool.id}, {fits.pool.memory_gb} GB" if fits else "use a smaller model, or load it in fewer bits"
    return Finding(
        f"{small.id} has {small.memory_gb} GB; the need is {plain(bare, digits=4)} GB, {plain(wanted, digits=4)} GB "
        "with 20 % headroom",
        fix,
        severity="error" if small.memory_gb < bare else "warning",
    )


def unknown(situation: Situation) -> Finding | None:
    """A pool that the live catalog does not list, or that has no serverless price there."""
    if not situation.market.live or not situation.market.pools:
        return None
    pools = situation.market.pools
    strange = [p for p in situation.plan.gpu_pools if p not in pools or pools[p].price_per_hour is None]
    if not strange:
        return None
    priced = ", ".join(sorted(p for p, pool in pools.items() if pool.price_per_hour is not None))
    return Finding(f"{', '.join(strange)}: no serverless GPUs under this name", f"take one of {priced}")


def _cheaper(situation: Situation) -> Candidate | None:
    choice, prices = situation.choice, situation.prices
    if choice is None or prices is None or situation.pool is None:
        return None
    best = choice.chosen
    if best is None or best.stock == "NONE" or best.price_per_hour >= prices.serverless_per_hour:
        return None
    return best if situation.pool.memory_gb >= choice.wanted_gb else None


def _saving(situation: Situation, other: Candidate) -> Decimal | None:
    prices = situation.market.prices(other.pool.id)
    if situation.cost is None or prices is None:
        return None
    return situation.cost.likely.exact - monthly_cost(situation.plan, prices).likely.exact


def _price(situation: Situation) -> str:
    return f"{shown(situation.prices.serverless_per_hour)}/h" if situation.prices else "more"


def _wanted(situation: Situation) -> str:
    return plain(situation.plan.need.wanted_gb, digits=4) if situation.plan.need else "fewer"
