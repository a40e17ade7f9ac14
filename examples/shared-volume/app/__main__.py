"""An app on the platform's volume. Two stacks of this program are two apps."""

from __future__ import annotations

import pulumi

from pulumi_runpod.components import ServerlessService, ServerlessServiceArgs

platform = pulumi.StackReference(f"{pulumi.get_organization()}/shared-volume-platform/dev")
args = ServerlessServiceArgs(
    image=f"registry.example.com/team/{pulumi.get_stack()}:1.0.0",
    gpu_pools=["ADA_24"],
    volumes=[platform.require_output("volume_id")],
    data_centers=[platform.require_output("data_center")],
)
service = ServerlessService(pulumi.get_stack(), args)
pulumi.export("endpoint_id", service.endpoint_id)
