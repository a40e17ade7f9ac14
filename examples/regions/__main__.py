"""One endpoint over several data centers. A volume pins workers to its own, so each data center gets one."""

from __future__ import annotations

import pulumi

from pulumi_runpod.components import SdxlService, SdxlServiceArgs

args = SdxlServiceArgs(
    image="registry.example.com/team/sdxl-worker:2.0.0",
    gpu_pools=["ADA_24", "AMPERE_24"],
    data_centers=["EU-RO-1", "US-KS-2", "US-IL-1"],
    workers_max=6,
)
images = SdxlService("images", args)
pulumi.export("endpoint_id", images.endpoint_id)
pulumi.export("volume_ids", images.volume_ids)
