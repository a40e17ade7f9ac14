"""Any image that implements RunPod's worker protocol, behind a queue."""

from __future__ import annotations

import pulumi

from pulumi_runpod.components import ServerlessService, ServerlessServiceArgs

args = ServerlessServiceArgs(
    image="registry.example.com/team/transcriber:1.4.2",
    gpu_pools=["AMPERE_24"],
    workers_max=2,
)
service = ServerlessService("transcriber", args)
pulumi.export("run", service.request_urls["run"])
