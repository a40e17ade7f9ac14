"""The prices that a cost is reckoned with, out of the catalog or given by hand, and where they come from."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from pulumi_runpod.planning.pools import Pool
from pulumi_runpod.planning.quantities import Given, HourlyPrice
from pulumi_runpod.planning.storage import StorageRates


class Prices(Given):
    """USD per hour and GPU. `source` says where they come from, for a caller that reads the result."""

    serverless_per_hour: HourlyPrice
    active_per_hour: HourlyPrice | None = None
    """Of workers that are kept warm; None: the same. RunPod publishes no lower one, sales aside."""
    reserved_per_hour: HourlyPrice | None = None
    """Of the same GPU around the clock; None: no comparison."""
    source: str = "prices as given"
    storage: StorageRates = StorageRates()

    @property
    def warm_per_hour(self) -> Decimal:
        return self.active_per_hour or self.serverless_per_hour


def prices_of(pools: Mapping[str, Pool], pool_id: str, *, source: str) -> Prices | None:
    """Prices of a pool; None where the catalog does not know it or has no serverless price for it."""
    pool = pools.get(pool_id)
    if pool is None or pool.price_per_hour is None:
        return None
    return Prices(
        serverless_per_hour=pool.price_per_hour, reserved_per_hour=pool.reserved_per_hour, source=f"{pool_id}, {source}"
    )
