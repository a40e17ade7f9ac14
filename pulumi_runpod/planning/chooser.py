"""Chooses a serverless GPU pool: the cheapest that holds the need and has stock where it must run.

A pool that is deployed and still fits stays: a new price is advice, never a move of a running endpoint.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from pulumi_runpod.planning.gpu_need import GpuNeed
from pulumi_runpod.planning.money import plain, shown
from pulumi_runpod.planning.pools import Pool
from pulumi_runpod.wire.catalog import Availability, DataCenter


@dataclass(frozen=True)
class Candidate:
    """A pool that fits: its stock where the workers must run, and the data centers where it meets a volume."""

    pool: Pool
    price_per_hour: Decimal
    """USD per hour of one GPU, serverless."""
    stock: Availability | None
    volume_data_centers: tuple[str, ...]
    """Data centers with network volumes and stock of this pool; empty where the catalog did not say."""


@dataclass(frozen=True)
class Choice:
    """`chosen` is None when nothing fits; `rejected` says why, pool by pool. `fits` is ordered, cheapest first."""

    need: GpuNeed
    wanted_gb: Decimal
    chosen: Candidate | None
    fits: tuple[Candidate, ...]
    rejected: tuple[tuple[Pool, str], ...]
    kept: bool = False
    """The deployed pool was kept although a cheaper one fits."""

    @property
    def cheaper(self) -> Candidate | None:
        """The pool that a fresh choice would take, where that saves money."""
        if not self.kept or self.chosen is None:
            return None
        return next((c for c in self.fits if c.stock != "NONE" and c.price_per_hour < self.chosen.price_per_hour), None)

    def explained(self) -> str:
        if self.chosen is None:
            return f"no serverless pool has {plain(self.wanted_gb, digits=4)} GB with a known price"
        kept = ", deployed and kept" if self.kept else ""
        return (
            f"{self.chosen.pool.id}: {self.chosen.pool.memory_gb} GB at {shown(self.chosen.price_per_hour)}/h for a "
            f"need of {plain(self.wanted_gb, digits=4)} GB with headroom{kept}"
        )


def choose(
    need: GpuNeed,
    pools: Iterable[Pool],
    *,
    data_centers: Iterable[str] = (),
    volume_centers: Iterable[DataCenter] = (),
    deployed: str | None = None,
) -> Choice:
    """The pool for a need.

    `data_centers` restricts where workers may run (none: anywhere); `volume_centers` are the catalog's data centers,
    to say where volume and pool meet; `deployed` is the pool that serves now.
    """
    where = tuple(data_centers)
    wanted = need.wanted_gb
    with_volumes = [center.id for center in volume_centers if center.network_volume_types]
    fits: list[Candidate] = []
    rejected: list[tuple[Pool, str]] = []
    for pool in pools:
        reason = _unfit(pool, wanted, need.min_cuda_version)
        if reason or pool.price_per_hour is None:
            rejected.append((pool, reason or "no serverless price"))
            continue
        meets = tuple(c for c in with_volumes if pool.data_centers.get(c, "NONE") != "NONE")
        fits.append(Candidate(pool, pool.price_per_hour, pool.stock_in(where), meets))
    fits.sort(key=_cheapest_first)
    in_stock = [candidate for candidate in fits if candidate.stock != "NONE"]
    # With no stock anywhere the cheapest is still the answer: workers are throttled until there is some.
    best = next(iter(in_stock or fits), None)
    current = next((candidate for candidate in fits if candidate.pool.id == deployed), None)
    chosen = current or best
    return Choice(need, wanted, chosen, tuple(fits), tuple(rejected), kept=current is not None and current != best)


def _unfit(pool: Pool, wanted_gb: Decimal, min_cuda: str | None) -> str | None:
    if pool.memory_gb < wanted_gb:
        return f"{pool.memory_gb} GB is less than {plain(wanted_gb, digits=4)} GB"
    if min_cuda is not None and not pool.supports_cuda(min_cuda):
        return f"no host with CUDA {min_cuda}"
    return None


def _cheapest_first(candidate: Candidate) -> tuple[Decimal, int, str]:
    return candidate.price_per_hour, candidate.pool.memory_gb, candidate.pool.id
