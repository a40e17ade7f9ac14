"""GPU types and the serverless pools that endpoints ask for, with price, memory and stock. One call for all of it.

Types in no pool are for pods alone and are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, TypedDict, Unpack, get_args

import pulumi
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from pulumi_runpod.client.catalog import gpu_types
from pulumi_runpod.planning.pools import Pool, pools_of
from pulumi_runpod.resources.data.account import Account
from pulumi_runpod.resources.data.query import checked, later
from pulumi_runpod.resources.data.question import Question, answered
from pulumi_runpod.wire.catalog import GPUS_PATH, Availability, GpuType, offline_catalog
from pulumi_runpod.wire.model import INTEGRAL, Maybe, Request, Text

_STOCK: Sequence[Availability] = get_args(Availability)
GPU_TYPES: Question[list[GpuType]] = Question(
    tok="runpod:index:getGpuTypes",
    route=f"GET {GPUS_PATH}",
    ask=gpu_types,
    shape=TypeAdapter(list[GpuType]),
    member="gpus",
    offline=lambda: list(offline_catalog().gpus.values()),
)


class GpuFilters(TypedDict, total=False):
    """All that are given must hold."""

    min_memory_gb: int | None
    """GB of one GPU; of a pool: of its smallest type."""
    max_price_per_hour: float | None
    """USD per hour of one GPU, serverless; of a pool: of its dearest type. What has no price is left out."""
    data_centers: Sequence[str] | None
    """Stock is judged in these alone; without `min_stock`, some stock in one of them."""
    min_stock: Availability | None
    """NONE, LOW, MEDIUM or HIGH. What the catalog says nothing of (the dated copy) is kept."""
    min_cuda_version: str | None
    """Some host has at least this version: `12.8`."""


class GpuFilterInputs(TypedDict, total=False):
    """`GpuFilters`, as inputs."""

    min_memory_gb: pulumi.Input[int] | None
    max_price_per_hour: pulumi.Input[float] | None
    data_centers: pulumi.Input[Sequence[pulumi.Input[str]]] | None
    min_stock: pulumi.Input[Availability] | None
    min_cuda_version: pulumi.Input[str] | None


class GpuQuery(Request):
    min_memory_gb: Maybe[Annotated[int, Field(ge=1), INTEGRAL]] = None
    max_price_per_hour: Maybe[Annotated[float, Field(ge=0, allow_inf_nan=False)]] = None
    data_centers: Maybe[Annotated[list[Text], Field(min_length=1)]] = None
    min_stock: Maybe[Availability] = None
    min_cuda_version: Maybe[Annotated[str, Field(pattern=r"^\d+\.\d+$")]] = None

    def admits(self, pool: Pool) -> bool:
        """A GPU type is judged as the pool that it alone would be."""
        price, stock = pool.price_per_hour, pool.stock_in(self.data_centers or ())
        least = self.min_stock or ("LOW" if self.data_centers else "NONE")
        return (
            (self.min_memory_gb is None or pool.memory_gb >= self.min_memory_gb)
            and (self.max_price_per_hour is None or (price is not None and float(price) <= self.max_price_per_hour))
            and (stock is None or _STOCK.index(stock) >= _STOCK.index(least))
            and (self.min_cuda_version is None or pool.supports_cuda(self.min_cuda_version))
        )

    def __str__(self) -> str:
        given = self.model_dump(exclude_unset=True)
        return ", ".join(f"{name}={value!r}" for name, value in given.items()) or "(no filter is given)"


class GpuPool(BaseModel):
    """What one may count on, whichever of its types RunPod deals."""

    model_config = ConfigDict(frozen=True)

    id: str
    """What `gpu.pools` of an endpoint takes: `ADA_24`."""
    gpu_types: tuple[str, ...]
    memory_gb: int
    price_per_hour: float | None
    """USD per hour of one GPU, serverless; None: no price is published for this key."""
    stock: Availability | None
    """Best of all data centers; None in the dated copy."""
    data_centers: Mapping[str, Availability]
    """Data center -> stock there."""
    cuda_versions: tuple[str, ...]


def get_gpu_types(*, account: Account | None = None, **filters: Unpack[GpuFilters]) -> list[GpuType]:
    """In the catalog's order. Raises `pulumi.RunError`."""
    query = checked("get_gpu_types", GpuQuery, filters, account)
    types = answered("get_gpu_types", GPU_TYPES, account)
    return [gpu for gpu in types if any(query.admits(pool) for pool in pools_of([gpu]).values())]


def get_gpu_types_output(
    *, account: Account | None = None, **filters: Unpack[GpuFilterInputs]
) -> pulumi.Output[list[GpuType]]:
    """`get_gpu_types`, once its inputs are known."""
    return later(get_gpu_types, account, filters)


def get_gpu_pools(*, account: Account | None = None, **filters: Unpack[GpuFilters]) -> list[GpuPool]:
    """Cheapest first, then smallest; those without a price come last. Raises `pulumi.RunError`."""
    return _pools("get_gpu_pools", account, filters)[0]


def get_gpu_pools_output(
    *, account: Account | None = None, **filters: Unpack[GpuFilterInputs]
) -> pulumi.Output[list[GpuPool]]:
    """`get_gpu_pools`, once its inputs are known."""
    return later(get_gpu_pools, account, filters)


def get_gpu_pool(*, account: Account | None = None, **filters: Unpack[GpuFilters]) -> GpuPool:
    """The cheapest that fits. Raises `pulumi.RunError`, also when none with a price fits."""
    fitting, query, all_pools = _pools("get_gpu_pool", account, filters)
    if fitting and fitting[0].price_per_hour is not None:
        return fitting[0]
    sold = [pool for pool in all_pools if pool.price_per_hour is not None]
    there = ", ".join(f"{p.id} ({p.memory_gb} GB, ${p.price_per_hour}/h, stock {p.stock or 'unknown'})" for p in sold)
    raise pulumi.RunError(f"get_gpu_pool: no pool fits {query}. There are {there or 'none with a price'}")


def get_gpu_pool_output(
    *, account: Account | None = None, **filters: Unpack[GpuFilterInputs]
) -> pulumi.Output[GpuPool]:
    """`get_gpu_pool`, once its inputs are known."""
    return later(get_gpu_pool, account, filters)


def _pools(
    function: str, account: Account | None, filters: GpuFilters
) -> tuple[list[GpuPool], GpuQuery, Iterable[GpuPool]]:
    """Those that fit, what was asked, and all."""
    query = checked(function, GpuQuery, filters, account)
    types = answered(function, GPU_TYPES, account)
    pools = pools_of(types).values()
    fitting = sorted((_shown(pool) for pool in pools if query.admits(pool)), key=_cheapest_first)
    return fitting, query, [_shown(pool) for pool in pools]


def _shown(pool: Pool) -> GpuPool:
    return GpuPool(
        id=pool.id,
        gpu_types=pool.gpu_types,
        memory_gb=pool.memory_gb,
        price_per_hour=None if pool.price_per_hour is None else float(pool.price_per_hour),
        stock=pool.stock,
        data_centers=pool.data_centers,
        cuda_versions=pool.cuda_versions,
    )


def _cheapest_first(pool: GpuPool) -> tuple[float, int, str]:
    return (float("inf") if pool.price_per_hour is None else pool.price_per_hour, pool.memory_gb, pool.id)
