"""Stable Diffusion XL as one component among others: its volume, its template and its endpoint come with it."""

from __future__ import annotations

import pulumi

from pulumi_runpod.components import GpuNeed, SdxlService, SdxlServiceArgs, Traffic

args = SdxlServiceArgs(
    image="registry.example.com/team/sdxl-worker:2.0.0",
    gpu=GpuNeed(vram_gb=12),  # the cheapest pool that holds it
    data_centers=["EU-RO-1"],
    traffic=Traffic(requests_per_day=500, seconds_each=4),
)
images = SdxlService("images", args)
pulumi.export("endpoint_id", images.endpoint_id)
pulumi.export("monthly_cost", images.monthly_cost)
