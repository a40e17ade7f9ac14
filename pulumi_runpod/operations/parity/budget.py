"""What the script may cost at most, before it starts."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from pulumi_runpod.errors import RunPodError
from pulumi_runpod.wire.catalog import Catalog, CpuType, DataCenter
from pulumi_runpod.wire.network_volume import MIN_SIZE_GB

VOLUME_GB = MIN_SIZE_GB
"""The smallest volume that the service sells."""
VCPUS = 2
_VOLUME_GB_MONTH = Decimal("0.07")
"""USD, network volumes below 1 TB: RunPod's price list, 2026-10."""
_HOURS_PER_MONTH = Decimal(730)


@dataclass(frozen=True)
class Place:
    """Where the script runs, and the USD that it costs at most."""

    flavor: CpuType
    data_center: DataCenter
    at_most: Decimal


def cheapest(catalog: Catalog, *, hours: Decimal, max_cost: Decimal) -> Place:
    """The cheapest CPU flavor in a data center that has volumes. Raises RunPodError when that passes `max_cost`."""
    flavors = sorted(catalog.cpus.values(), key=lambda cpu: cpu.price.serverless_per_vcpu)
    for flavor in flavors:
        stocked = {stock.id for stock in flavor.data_centers if stock.availability != "NONE"}
        for center in catalog.data_centers.values():
            if center.network_volume_types and (center.id in stocked or not flavor.data_centers):
                hourly = Decimal(str(flavor.price.serverless_per_vcpu)) * max(VCPUS, flavor.vcpu.min)
                volume = _VOLUME_GB_MONTH * VOLUME_GB / _HOURS_PER_MONTH
                at_most = (hours * (hourly + volume)).quantize(Decimal("0.01"), rounding="ROUND_UP")
                if at_most > max_cost:
                    raise RunPodError(
                        f"parity -> the script may cost ${at_most} ({flavor.id} in {center.id} for {hours} h), over "
                        f"the limit of ${max_cost}: raise --max-cost"
                    )
                return Place(flavor, center, at_most)
    raise RunPodError("parity -> no data center has both a CPU flavor in stock and network volumes: try again later")
