"""RunPod serverless endpoints, templates and network volumes as Pulumi resources.

Names are loaded when they are first asked for: importing the package alone costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pulumi_runpod.errors import RunPodError
    from pulumi_runpod.resources.account import Provider
    from pulumi_runpod.resources.args import (
        CpuArgs,
        GpuArgs,
        MountsArgs,
        PersistentMountArgs,
        QueueDelayArgs,
        RequestCountArgs,
        RolloutArgs,
        WorkersArgs,
    )
    from pulumi_runpod.resources.ecr_delegation import EcrDelegation
    from pulumi_runpod.resources.endpoint import Endpoint
    from pulumi_runpod.resources.model_weights import (
        HuggingFaceSnapshot,
        LocalDirectory,
        ModelWeights,
        Urls,
        WeightsUrl,
    )
    from pulumi_runpod.resources.network_volume import NetworkVolume
    from pulumi_runpod.resources.registry_credential import RegistryCredential
    from pulumi_runpod.resources.rollout import Rollout
    from pulumi_runpod.resources.secret import Secret
    from pulumi_runpod.resources.template import Template

# public name -> module that has it
_HOMES = {
    "CpuArgs": "pulumi_runpod.resources.args",
    "EcrDelegation": "pulumi_runpod.resources.ecr_delegation",
    "Endpoint": "pulumi_runpod.resources.endpoint",
    "GpuArgs": "pulumi_runpod.resources.args",
    "HuggingFaceSnapshot": "pulumi_runpod.resources.model_weights",
    "LocalDirectory": "pulumi_runpod.resources.model_weights",
    "ModelWeights": "pulumi_runpod.resources.model_weights",
    "MountsArgs": "pulumi_runpod.resources.args",
    "NetworkVolume": "pulumi_runpod.resources.network_volume",
    "PersistentMountArgs": "pulumi_runpod.resources.args",
    "Provider": "pulumi_runpod.resources.account",
    "QueueDelayArgs": "pulumi_runpod.resources.args",
    "RegistryCredential": "pulumi_runpod.resources.registry_credential",
    "RequestCountArgs": "pulumi_runpod.resources.args",
    "Rollout": "pulumi_runpod.resources.rollout",
    "RolloutArgs": "pulumi_runpod.resources.args",
    "RunPodError": "pulumi_runpod.errors",
    "Secret": "pulumi_runpod.resources.secret",
    "Template": "pulumi_runpod.resources.template",
    "Urls": "pulumi_runpod.resources.model_weights",
    "WeightsUrl": "pulumi_runpod.resources.model_weights",
    "WorkersArgs": "pulumi_runpod.resources.args",
}


def __getattr__(name: str) -> object:
    module = _HOMES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: object = getattr(import_module(module), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})


__all__ = [
    "CpuArgs",
    "EcrDelegation",
    "Endpoint",
    "GpuArgs",
    "HuggingFaceSnapshot",
    "LocalDirectory",
    "ModelWeights",
    "MountsArgs",
    "NetworkVolume",
    "PersistentMountArgs",
    "Provider",
    "QueueDelayArgs",
    "RegistryCredential",
    "RequestCountArgs",
    "Rollout",
    "RolloutArgs",
    "RunPodError",
    "Secret",
    "Template",
    "Urls",
    "WeightsUrl",
    "WorkersArgs",
]
