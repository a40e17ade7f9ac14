"""Markets for the tests of planning: a few GPU types, as the catalog tells them."""

from __future__ import annotations

from collections.abc import Mapping

from pulumi_runpod.planning.advice import Market
from pulumi_runpod.planning.pools import pools_of
from pulumi_runpod.wire.catalog import GpuType


def gpu(
    pool: str,
    *,
    memory: int,
    serverless: float | None,
    secure: float = 0.5,
    stock: Mapping[str, str] | None = None,
    cuda: tuple[str, ...] = (),
    name: str | None = None,
) -> GpuType:
    """A GPU type; `stock` is data center -> level, None for a catalog that does not say."""
    fields: dict[str, object] = {
        "id": name or f"GPU of {pool}",
        "name": name or pool,
        "pool": pool,
        "manufacturer": "NVIDIA",
        "memory": memory,
        "secure": True,
        "community": False,
        "price": {"secure": secure, "community": 0, **({} if serverless is None else {"serverless": serverless})},
        "maxCount": {"secure": 8, "community": 0},
        "cudaVersions": [{"version": version, "available": True} for version in cuda],
    }
    if stock is not None:
        levels = ("NONE", "LOW", "MEDIUM", "HIGH")
        fields["availability"] = max(stock.values(), key=levels.index, default="NONE")
        fields["dataCenters"] = [{"id": dc, "name": dc, "availability": level} for dc, level in stock.items()]
    return GpuType.model_validate(fields)


def market(*gpus: GpuType, live: bool = True) -> Market:
    return Market(pools_of(gpus), source="catalog of a test", live=live)


SMALL = gpu("SMALL_16", memory=16, serverless=0.576, secure=0.25, stock={"EU-RO-1": "HIGH", "US-KS-2": "LOW"})
MIDDLE = gpu("MIDDLE_24", memory=24, serverless=1.116, secure=0.44, stock={"EU-RO-1": "HIGH", "US-KS-2": "HIGH"})
LARGE = gpu("LARGE_80", memory=80, serverless=2.736, secure=1.64, stock={"EU-RO-1": "LOW"})
MARKET = market(SMALL, MIDDLE, LARGE)
