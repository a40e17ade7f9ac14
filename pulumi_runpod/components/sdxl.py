"""`SdxlService`: Stable Diffusion XL behind a queue, its weights on a network volume."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import pulumi

from pulumi_runpod.components.service import ServerlessService
from pulumi_runpod.components.service_args import ServerlessServiceArgs
from pulumi_runpod.components.worker_source import cuda_floor
from pulumi_runpod.resources.model_weights import HuggingFaceSnapshot, LocalDirectory, ModelWeights, Urls
from pulumi_runpod.resources.network_volume import NetworkVolume

SDXL_SMOKE_INPUT: Mapping[str, Any] = {
    "prompt": "a red fox in the snow",
    "width": 512,
    "height": 512,
    "num_inference_steps": 4,
    "seed": 1,
}
"""Input of a job that takes the worker a second or two and goes through all of it: `rollout={"smoke_input": ...}`."""


@dataclass(frozen=True, kw_only=True)
class SdxlServiceArgs(ServerlessServiceArgs):
    """An SDXL service. `image` is one of the worker that this package brings along, which
    `image=WorkerImageArgs(repository="registry.example.com/team/sdxl")` builds. Its `cuda_floor` is the default of
    `min_cuda_version`; `volumes` default to a new one in each of `data_centers`, which are then plain text.
    """

    data_centers: Sequence[str] = ()

    model: str = "sdxl-base"
    """Folder under `models/` on the volume that holds the weights."""
    volume_size_gb: pulumi.Input[int] = 20
    """Size of each volume that is made where none is given. SDXL base takes 7 GB, with the refiner 12."""
    protect_volume: bool = False
    """Refuse to delete these volumes."""
    weights: LocalDirectory | HuggingFaceSnapshot | Urls | None = None
    """What to put on these volumes as `model`, before the endpoint is declared. Default: nothing."""


class SdxlService(ServerlessService):
    """A `ServerlessService` whose workers load `model` from a volume. Type `runpod:components:SdxlService`."""

    volume_ids: Sequence[pulumi.Output[str]]
    _component_type: ClassVar[str] = "runpod:components:SdxlService"
    _args_type: ClassVar[type] = SdxlServiceArgs

    def __init__(self, name: str, args: SdxlServiceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)

    def _volumes(self, name: str, args: ServerlessServiceArgs) -> Sequence[NetworkVolume | pulumi.Input[str]]:
        volumes = args.volumes or self._new_volumes(name, _own(args))
        self.volume_ids = [v.id if isinstance(v, NetworkVolume) else pulumi.Output.from_input(v) for v in volumes]
        return volumes

    def _volume_plans(self, args: ServerlessServiceArgs) -> Sequence[Mapping[str, pulumi.Input[Any]]]:
        if args.volumes:
            return super()._volume_plans(args)
        size = _own(args).volume_size_gb
        return [{"size_gb": size, "data_center": data_center} for data_center in args.data_centers]

    def _new_volumes(self, name: str, args: SdxlServiceArgs) -> Sequence[NetworkVolume]:
        if not args.data_centers:
            raise pulumi.RunError(
                f"SdxlService {name!r}: a new volume needs a data center. Give data_centers=['EU-RO-1'], or volumes"
            )
        # A volume pins workers to its data center: one that has none would never get a worker.
        return [self._new_volume(name, data_center, args) for data_center in args.data_centers]

    def _new_volume(self, name: str, data_center: str, args: SdxlServiceArgs) -> NetworkVolume:
        volume = NetworkVolume(
            f"{name}-{data_center}",
            size=args.volume_size_gb,
            data_center=data_center,
            opts=pulumi.ResourceOptions(parent=self, protect=args.protect_volume),
        )
        if args.weights is not None:
            weights = ModelWeights(
                f"{name}-{data_center}",
                volume_id=volume.id,
                data_center=data_center,
                source=args.weights,
                path=f"models/{args.model}",
                opts=pulumi.ResourceOptions(parent=self),
            )
            self._needed_first.append(weights)
        return volume

    def _min_cuda_version(self, args: ServerlessServiceArgs) -> pulumi.Input[str] | None:
        return cuda_floor() if args.min_cuda_version is None else args.min_cuda_version

    def _env(self, args: ServerlessServiceArgs) -> Mapping[str, pulumi.Input[str]]:
        return {"MODEL_NAME": _own(args).model, **args.env}


def _own(args: ServerlessServiceArgs) -> SdxlServiceArgs:
    if not isinstance(args, SdxlServiceArgs):
        raise pulumi.RunError("SdxlService takes SdxlServiceArgs")
    return args
