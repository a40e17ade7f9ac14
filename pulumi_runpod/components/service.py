"""`ServerlessService`: an image behind a queue, with its template and its endpoint.

It refuses to guess what costs money: GPUs have no default, neither pools nor a need. Every preview says what it will
cost and advice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import pulumi

from pulumi_runpod.components.checked_args import check_args
from pulumi_runpod.components.deployed import deployed_outputs
from pulumi_runpod.components.market import market
from pulumi_runpod.components.outlook import chosen_pools, forecast
from pulumi_runpod.components.plan_inputs import plan_inputs, volume_plan
from pulumi_runpod.components.service_args import ServerlessServiceArgs
from pulumi_runpod.components.worker_image import WorkerImage, WorkerImageArgs
from pulumi_runpod.planning.advice import Market
from pulumi_runpod.resources.args import GpuArgs, WorkersArgs
from pulumi_runpod.resources.endpoint import Endpoint
from pulumi_runpod.resources.network_volume import NetworkVolume
from pulumi_runpod.resources.template import Template


class ServerlessService(pulumi.ComponentResource):
    """A template and a queue endpoint that follows it. Type `runpod:components:ServerlessService`."""

    worker_image: WorkerImage | None
    """What is built here; None where `image` is a reference."""
    template: Template
    endpoint: Endpoint
    endpoint_id: pulumi.Output[str]
    request_urls: pulumi.Output[Mapping[str, str]]
    """`run`, `run_sync`, `status`, `cancel`, `health` and others; take job URLs from here, never build them."""
    endpoint_timeout_seconds: pulumi.Output[int]
    monthly_cost: pulumi.Output[Mapping[str, Any]]
    """`low`, `expected` (null without traffic), `high` in `currency`, and where the `prices` are from."""
    plan: pulumi.Output[Mapping[str, Any]]
    """What cost and advice were reckoned with, for `pulumi-runpod cost` and `advise`."""

    _component_type: ClassVar[str] = "runpod:components:ServerlessService"
    _args_type: ClassVar[type] = ServerlessServiceArgs

    def __init__(self, name: str, args: ServerlessServiceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        check_args(type(self).__name__, name, args, self._args_type)
        super().__init__(self._component_type, name, None, opts)
        prices, deployed = market(), deployed_outputs(self)
        pools = args.gpu_pools or self._chosen_pools(name, args, prices, deployed)
        result = forecast(self, plan_inputs(name, args, pools, self._volume_plans(args)), prices, deployed)
        self.monthly_cost, self.plan = result["monthly_cost"], result["plan"]
        # What a derived service needs in place before the first worker may start.
        self._needed_first: list[pulumi.Resource] = []
        volumes = self._volumes(name, args)
        child = pulumi.ResourceOptions(parent=self)
        image, registry = args.image, args.registry
        self.worker_image = None
        if isinstance(image, WorkerImageArgs):
            self.worker_image = built = WorkerImage(name, image, child)
            image = built.ref
            if registry is None and built.registry_credential is not None:
                registry = built.registry_credential.id
        self.template = Template(
            name,
            image=image,
            env=self._env(args),
            disk=args.container_disk_gb,
            registry=registry,
            opts=child,
        )
        workers: WorkersArgs = {"min": args.workers_min, "max": args.workers_max}
        if args.scaling["type"] == "QUEUE_DELAY":
            workers["idle_timeout"] = args.idle_timeout_seconds
        gpu: GpuArgs = {"pools": pools, "count": args.gpu_count}
        min_cuda_version = self._min_cuda_version(args)
        if min_cuda_version is not None:
            gpu["min_cuda_version"] = min_cuda_version
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
            rollout=args.rollout,
            opts=pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(depends_on=self._needed_first)),
        )
        self.endpoint_id = self.endpoint.id
        self.request_urls = self.endpoint.request_urls
        self.endpoint_timeout_seconds = pulumi.Output.from_input(args.endpoint_timeout_seconds)
        self.register_outputs(
            {
                "endpoint_id": self.endpoint_id,
                "request_urls": self.request_urls,
                "endpoint_timeout_seconds": self.endpoint_timeout_seconds,
                "monthly_cost": self.monthly_cost,
                "plan": self.plan,
            }
        )

    def _volumes(
        self,
        name: str,  # noqa: ARG002 - a derived service names its volume by it
        args: ServerlessServiceArgs,
    ) -> Sequence[NetworkVolume | pulumi.Input[str]]:
        """The volumes of the endpoint; a derived service may declare its own, as children."""
        return args.volumes

    def _volume_plans(self, args: ServerlessServiceArgs) -> Sequence[Mapping[str, pulumi.Input[Any]]]:
        """Size and place of the volumes, as far as the program knows them: an id alone says neither."""
        return [volume_plan(v) for v in args.volumes if isinstance(v, NetworkVolume)]

    def _chosen_pools(
        self, name: str, args: ServerlessServiceArgs, prices: Market, deployed: Mapping[str, Any]
    ) -> Sequence[str]:
        if args.gpu is None:
            raise pulumi.RunError(f"{name}: say which GPUs: gpu_pools=['ADA_24'], or gpu=GpuNeed(vram_gb=12)")
        centers = tuple(center for center in args.data_centers if isinstance(center, str))
        return chosen_pools(self, args.gpu, prices, data_centers=centers, deployed=deployed)

    def _min_cuda_version(self, args: ServerlessServiceArgs) -> pulumi.Input[str] | None:
        return args.min_cuda_version

    def _env(self, args: ServerlessServiceArgs) -> Mapping[str, pulumi.Input[str]]:
        return args.env
