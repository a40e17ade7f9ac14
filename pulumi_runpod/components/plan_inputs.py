"""A component's arguments in the words of planning: what is known at once, and what comes from other resources."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import pulumi

from pulumi_runpod.components.service_args import ServerlessServiceArgs
from pulumi_runpod.resources.network_volume import NetworkVolume


def plan_inputs(
    name: str,
    args: ServerlessServiceArgs,
    pools: pulumi.Input[Sequence[pulumi.Input[str]]],
    volumes: Sequence[Mapping[str, pulumi.Input[Any]]],
) -> dict[str, pulumi.Input[Any]]:
    """Fields of a `ServicePlan`. An image that is still to be built is left out: nothing can be said of its name."""
    found: dict[str, pulumi.Input[Any]] = {
        "name": name,
        "environment": args.environment,
        "image": args.image if isinstance(args.image, str) else None,
        "gpu_pools": pools,
        "gpu_count": args.gpu_count,
        "need": args.gpu,
        "data_centers": list(args.data_centers),
        "volumes": [dict(volume) for volume in volumes],
        "container_disk_gb": args.container_disk_gb,
        "workers_min": args.workers_min,
        "workers_max": args.workers_max,
        "scaler": args.scaling["type"],
        "idle_timeout_seconds": args.idle_timeout_seconds,
        "flashboot": args.flashboot,
        "execution_timeout_seconds": args.execution_timeout_seconds,
        "endpoint_timeout_seconds": args.endpoint_timeout_seconds,
        "traffic": args.traffic,
        "cold_start": args.cold_start,
        "guard": args.guard,
        "silenced": dict(args.silenced),
    }
    return {key: value for key, value in found.items() if value is not None}


def volume_plan(volume: NetworkVolume) -> dict[str, pulumi.Input[Any]]:
    return {"size_gb": volume.size, "data_center": volume.data_center, "type": volume.type}


def plain_part(inputs: Mapping[str, pulumi.Input[Any]]) -> dict[str, Any]:
    """What is known before anything is deployed."""
    return _kept(dict(inputs), is_plain)


def known_part(values: Mapping[str, Any]) -> dict[str, Any]:
    """What is known in a preview, where outputs of resources to be created are not."""
    return _kept(dict(values), lambda value: not isinstance(value, pulumi.output.Unknown))


def _kept(values: dict[str, Any], keep: Callable[[object], bool]) -> dict[str, Any]:
    """Without the fields that `keep` refuses; a volume without its size is left out as a whole."""
    found = {key: value for key, value in values.items() if key != "volumes" and keep(value)}
    volumes = values.get("volumes", [])
    if isinstance(volumes, list):
        items = [{k: v for k, v in volume.items() if keep(v)} for volume in volumes if isinstance(volume, dict)]
        found["volumes"] = [volume for volume in items if "size_gb" in volume]
    return found


def is_plain(value: object) -> bool:
    """Whether no output of a resource is hidden in it."""
    match value:
        case pulumi.Output() | Awaitable():
            return False
        case Mapping():
            return all(is_plain(item) for item in value.values())
        case list() | tuple():
            return all(is_plain(item) for item in value)
    return True
