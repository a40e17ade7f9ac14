"""Price of storage: network volumes by the month, container disk while a worker lives."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from pulumi_runpod.wire.network_volume import VolumeType

FIRST_TIER_GB = 1000
"""Up to here a volume costs more per GB than beyond."""


@dataclass(frozen=True)
class StorageRates:
    """USD per GB and month, as RunPod's pricing pages give them (2026). Not in the catalog."""

    volume_first_tier: Decimal = Decimal("0.07")
    volume_beyond: Decimal = Decimal("0.05")
    container_disk: Decimal = Decimal("0.10")

    def volume_per_month(self, size_gb: int, volume_type: VolumeType) -> Decimal | None:
        """USD per month; None for HIGH_PERFORMANCE, whose price the console alone shows."""
        if volume_type != "STANDARD":
            return None
        first = min(size_gb, FIRST_TIER_GB)
        return first * self.volume_first_tier + (size_gb - first) * self.volume_beyond
