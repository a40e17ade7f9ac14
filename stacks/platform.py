"""The platform stack: what the services of all environments share, so that none of them can take it down."""

from __future__ import annotations

import pulumi

from pulumi_runpod import NetworkVolume
from stacks.settings import PlatformSettings


def declare(settings: PlatformSettings) -> None:
    """A volume in each data center. Output `volumes`: data center -> id."""
    volumes = {
        data_center: NetworkVolume(
            f"sdxl-{data_center}",
            size=settings.volume_size_gb,
            data_center=data_center,
            opts=pulumi.ResourceOptions(protect=settings.protect_volume),
        )
        for data_center in settings.data_centers
    }
    pulumi.export("volumes", {data_center: volume.id for data_center, volume in volumes.items()})
