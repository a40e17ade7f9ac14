"""One volume, one endpoint; `pulumi config set NAME VALUE` spoils them."""

from __future__ import annotations

import pulumi

from pulumi_runpod import Endpoint, NetworkVolume

config = pulumi.Config()
volume = NetworkVolume(
    "weights",
    size=10,
    data_center="EU-RO-1",
    opts=pulumi.ResourceOptions(protect=config.get_bool("protect", False)),
)
Endpoint(
    "sdxl",
    type="QUEUE",
    image=config.get("image", "registry.example.com/team/worker:1.4"),
    gpu={"pools": [config.get("pool", "ADA_24")]},
    workers={"max": config.get_int("workers", 2)},
    scaling={"type": "QUEUE_DELAY", "queue_delay": 4},
    network_volumes=[volume.id],
)
