"""Where a worker of an endpoint can run, and what it costs there: a pure choice from catalog, stock and volumes.

Pools are tried in the order in which the endpoint names them (whether the service does so is not published).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pulumi_runpod.wire.catalog import Catalog
from pulumi_runpod.wire.model import JsonObject


@dataclass(frozen=True)
class Placement:
    """A place that was found."""

    pool: str
    """Serverless GPU pool; for a CPU endpoint the flavor."""
    data_center_id: str
    gpu_type_id: str | None
    gpu_count: int
    vcpu_count: int
    usd_per_second: float
    volume_id: str | None = None

    @property
    def units(self) -> int:
        """What it takes of the stock: GPUs, or one CPU worker."""
        return self.gpu_count or 1


def place(
    endpoint: JsonObject,
    catalog: Catalog,
    *,
    volume_centers: Mapping[str, str],
    free: Callable[[str, str], int],
    sold_out: Callable[[str], bool],
) -> Placement | None:
    """The first place with room; None when there is none now.

    `volume_centers`: data center by id of the endpoint's volumes: they pin its workers. `free(pool, data center)`:
    units that nobody uses. `sold_out(pool)`: whether a whole pool, or `pool@data center`, is out of stock.
    """
    centers = _centers(endpoint, catalog, volume_centers)
    volume_of = {center: volume for volume, center in volume_centers.items()}
    for pool, gpu_type_id, gpus, vcpus, usd_per_second in _offers(endpoint, catalog):
        if sold_out(pool):
            continue
        for center in centers:
            if free(pool, center) >= (gpus or 1) and not sold_out(f"{pool}@{center}"):
                return Placement(pool, center, gpu_type_id, gpus, vcpus, usd_per_second, volume_of.get(center))
    return None


def _centers(endpoint: JsonObject, catalog: Catalog, volume_centers: Mapping[str, str]) -> list[str]:
    wanted: list[str] = endpoint["dataCenterIds"] or list(catalog.data_centers)
    if not volume_centers:
        return wanted
    pinned = [center for center in wanted if center in volume_centers.values()]
    # A volume outside the chosen data centers wins: a worker without its volume is of no use.
    return pinned or list(dict.fromkeys(volume_centers.values()))


def _offers(endpoint: JsonObject, catalog: Catalog) -> list[tuple[str, str | None, int, int, float]]:
    """`(pool or flavor, GPU type, GPUs, vCPUs, USD per second)`, in the endpoint's order."""
    found: list[tuple[str, str | None, int, int, float]] = []
    if gpu := endpoint.get("gpu"):
        excluded, count, pools = set(gpu.get("excludedTypes") or ()), gpu.get("count", 1), catalog.pools
        for pool in gpu["pools"]:
            types = [t for t in pools.get(pool, []) if t.id not in excluded]
            found += [(pool, t.id, count, 0, (t.price.serverless or 0.0) * count / 3600) for t in types[:1]]
    for cpu in endpoint.get("cpu") or ():
        if (flavor := catalog.cpus.get(cpu["id"])) is not None:
            vcpus = cpu["vcpuCount"]
            found.append((flavor.id, None, 0, vcpus, flavor.price.serverless_per_vcpu * vcpus / 3600))
    return found
