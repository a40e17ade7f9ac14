"""A volume that outlives the apps that read it."""

from __future__ import annotations

import pulumi

from pulumi_runpod import NetworkVolume

weights = NetworkVolume("weights", size=50, data_center="EU-RO-1")
pulumi.export("volume_id", weights.id)
pulumi.export("data_center", weights.data_center)
