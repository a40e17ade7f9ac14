"""Serverless GPU pools, put together from the catalog's GPU types: what one may count on, whichever type is dealt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from pulumi_runpod.planning.money import exact
from pulumi_runpod.wire.catalog import Availability, GpuType

_STOCK: tuple[Availability, ...] = ("NONE", "LOW", "MEDIUM", "HIGH")


@dataclass(frozen=True)
class Pool:
    """One pool. Stock is None where the catalog did not say (the offline copy, or a call without availability)."""

    id: str
    gpu_types: tuple[str, ...]
    memory_gb: int
    """Of the smallest type: RunPod picks the type."""
    price_per_hour: Decimal | None
    """USD per hour and GPU, serverless. None: not offered, or no price published."""
    reserved_per_hour: Decimal | None
    """USD per hour of the cheapest type as a reserved (secure cloud) GPU."""
    stock: Availability | None = None
    data_centers: Mapping[str, Availability] = field(default_factory=dict)
    """Data center -> stock there."""
    cuda_versions: tuple[str, ...] = ()

    def stock_in(self, data_centers: Iterable[str]) -> Availability | None:
        """Best stock among these data centers (everywhere, if none is named); None: not known."""
        wanted = tuple(data_centers)
        if not wanted or not self.data_centers:
            return self.stock
        return best(self.data_centers.get(center, "NONE") for center in wanted)

    def supports_cuda(self, minimum: str) -> bool:
        """Whether some host has at least this version; True where the catalog did not say."""
        return not self.cuda_versions or any(_version(v) >= _version(minimum) for v in self.cuda_versions)


def pools_of(gpus: Iterable[GpuType]) -> dict[str, Pool]:
    """Pools by id, in the catalog's order. GPU types without a pool are for pods alone and are left out."""
    by_pool: dict[str, list[GpuType]] = {}
    for gpu in gpus:
        if gpu.pool is not None:
            by_pool.setdefault(gpu.pool, []).append(gpu)
    return {name: _pool(name, types) for name, types in by_pool.items()}


def best(stocks: Iterable[Availability]) -> Availability:
    return max(stocks, key=_STOCK.index, default="NONE")


def _pool(name: str, types: list[GpuType]) -> Pool:
    prices = [exact(gpu.price.serverless) for gpu in types if gpu.price.serverless]
    reserved = [exact(gpu.price.secure) for gpu in types if gpu.secure and gpu.price.secure > 0]
    items = [gpu.availability for gpu in types if gpu.availability is not None]
    centers: dict[str, Availability] = {}
    for gpu in types:
        for center in gpu.data_centers:
            centers[center.id] = best((center.availability, centers.get(center.id, "NONE")))
    cuda = {stock.version for gpu in types for stock in gpu.cuda_versions if stock.available}
    return Pool(
        id=name,
        gpu_types=tuple(gpu.id for gpu in types),
        memory_gb=min(gpu.memory for gpu in types),
        price_per_hour=max(prices, default=None),
        reserved_per_hour=min(reserved, default=None),
        stock=best(items) if items else None,
        data_centers=centers,
        cuda_versions=tuple(sorted(cuda, key=_version)),
    )


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))
