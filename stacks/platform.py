"""The platform stack: what the services of all environments share, so that none of them can take it down."""

from __future__ import annotations

import pulumi

from pulumi_runpod import ModelWeights, NetworkVolume
from stacks.settings import PlatformSettings
from stacks.weights import weights_source


def declare(settings: PlatformSettings) -> None:
    """A volume with the weights in each data center. Output `volumes`: data center -> id."""
    source = weights_source(settings)
    volumes = {}
    for data_center in settings.data_centers:
        volume = NetworkVolume(
            f"sdxl-{data_center}",
            size=settings.volume_size_gb,
            data_center=data_center,
            opts=pulumi.ResourceOptions(protect=settings.protect_volume),
        )
        if source is not None:
            ModelWeights(
                f"{settings.model}-{data_center}",
                volume_id=volume.id,
                data_center=data_center,
                source=source,
                path=f"models/{settings.model}",
            )
        volumes[data_center] = volume.id
    pulumi.export("volumes", volumes)
