"""`ServerlessService`: an image behind a queue, with its template and its endpoint.

It refuses to guess what costs money: GPU pools have no default.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import pulumi

from pulumi_runpod.resources.args import GpuArgs, QueueDelayArgs, ScalingArgs, WorkersArgs
from pulumi_runpod.resources.endpoint import Endpoint, FlashBoot
from pulumi_runpod.resources.network_volume import NetworkVolume
from pulumi_runpod.resources.template import Template


@dataclass(frozen=True, kw_only=True)
class ServerlessServiceArgs:
    """A service on any image that speaks RunPod's worker protocol."""

    image: pulumi.Input[str]
    """Image reference; one pinned by digest rolls out reliably."""
    gpu_pools: pulumi.Input[Sequence[pulumi.Input[str]]]
    """Ids of serverless GPU pools (`ADA_24`), best first."""
    gpu_count: pulumi.Input[int] = 1
    """GPUs per worker."""
    min_cuda_version: pulumi.Input[str] | None = None
    """`"12.8"`: workers run on hosts with this or newer. Default: any."""
    workers_min: pulumi.Input[int] = 0
    """Always warm, always billed."""
    workers_max: pulumi.Input[int] = 3
    idle_timeout_seconds: pulumi.Input[int] = 60
    """How long a worker waits after its last job. A service that scales by REQUEST_COUNT has none."""
    scaling: ScalingArgs = field(default_factory=lambda: QueueDelayArgs(type="QUEUE_DELAY", queue_delay=4))
    execution_timeout_seconds: pulumi.Input[int] = 240
    """RunPod ends a job that has worked this long: take the worst case, not the average."""
    endpoint_timeout_seconds: pulumi.Input[int] = 300
    """How long callers wait, queue included. RunPod has no such limit: it is exported for clients to keep."""
    flashboot: pulumi.Input[FlashBoot] = "FLASHBOOT"
    """Skips image pull and container start on a revived worker, not the load of the model."""
    data_centers: Sequence[pulumi.Input[str]] = ()
    """Where workers may run. Default: the service picks."""
    volumes: Sequence[NetworkVolume | pulumi.Input[str]] = ()
    """Volumes, or their ids; at most one per data center. Workers see theirs at `/runpod-volume`."""
    env: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    container_disk_gb: pulumi.Input[int] = 20
    registry: pulumi.Input[str] | None = None
    """Id of a registry credential for a private image."""


class ServerlessService(pulumi.ComponentResource):
    """A template and a queue endpoint that follows it. Type `runpod:components:ServerlessService`."""

    template: Template
    endpoint: Endpoint
    endpoint_id: pulumi.Output[str]
    request_urls: pulumi.Output[Mapping[str, str]]
    """`run`, `run_sync`, `status`, `cancel`, `health` and others; take job URLs from here, never build them."""
    endpoint_timeout_seconds: pulumi.Output[int]

    _component_type: ClassVar[str] = "runpod:components:ServerlessService"

    def __init__(self, name: str, args: ServerlessServiceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(self._component_type, name, None, opts)
        volumes = self._volumes(name, args)
        child = pulumi.ResourceOptions(parent=self)
        self.template = Template(
            name,
            image=args.image,
            env=self._env(args),
            disk=args.container_disk_gb,
            registry=args.registry,
            opts=child,
        )
        workers: WorkersArgs = {"min": args.workers_min, "max": args.workers_max}
        if args.scaling["type"] == "QUEUE_DELAY":
            workers["idle_timeout"] = args.idle_timeout_seconds
        gpu: GpuArgs = {"pools": args.gpu_pools, "count": args.gpu_count}
        if args.min_cuda_version is not None:
            gpu["min_cuda_version"] = args.min_cuda_version
        self.endpoint = Endpoint(
            name,
            type="QUEUE",
            template=self.template,
            gpu=gpu,
            workers=workers,
            scaling=args.scaling,
            timeout=pulumi.Output.from_input(args.execution_timeout_seconds).apply(lambda seconds: int(seconds * 1000)),
            flashboot=args.flashboot,
            data_center_ids=list(args.data_centers),
            network_volumes=[v.id if isinstance(v, NetworkVolume) else v for v in volumes],
            opts=child,
        )
        self.endpoint_id = self.endpoint.id
        self.request_urls = self.endpoint.request_urls
        self.endpoint_timeout_seconds = pulumi.Output.from_input(args.endpoint_timeout_seconds)
        self.register_outputs(
            {
                "endpoint_id": self.endpoint_id,
                "request_urls": self.request_urls,
                "endpoint_timeout_seconds": self.endpoint_timeout_seconds,
            }
        )

    def _volumes(
        self,
        name: str,  # noqa: ARG002 - a derived service names its volume by it
        args: ServerlessServiceArgs,
    ) -> Sequence[NetworkVolume | pulumi.Input[str]]:
        """The volumes of the endpoint; a derived service may declare its own, as children."""
        return args.volumes

    def _env(self, args: ServerlessServiceArgs) -> Mapping[str, pulumi.Input[str]]:
        return args.env
