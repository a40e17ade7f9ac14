"""RunPod serverless endpoints, templates and network volumes as Pulumi resources.

Names are loaded when they are first asked for: importing the package alone costs next to nothing.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from pulumi_runpod.lazy_names import loader_of

if find_spec(f"{__name__}._utilities") is not None:  # a module of every SDK that Pulumi generates, and none of ours
    raise ImportError(
        "pulumi-runpod and pulumi-runpod-serverless are installed into the same folder, pulumi_runpod, and overwrite "
        "each other. Keep one: pip uninstall -y pulumi-runpod && pip install --force-reinstall --no-deps "
        "pulumi-runpod-serverless"
    )

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
    from pulumi_runpod.resources.data.account import (
        Account,
    )
    from pulumi_runpod.resources.data.catalog import (
        get_cpu_flavors,
        get_cpu_flavors_output,
        get_data_centers,
        get_data_centers_output,
        get_public_templates,
        get_public_templates_output,
    )
    from pulumi_runpod.resources.data.costs import (
        get_endpoint_billing,
        get_endpoint_billing_output,
        get_volume_billing,
        get_volume_billing_output,
    )
    from pulumi_runpod.resources.data.endpoints import (
        get_endpoint_releases,
        get_endpoint_releases_output,
        get_endpoint_workers,
        get_endpoint_workers_output,
    )
    from pulumi_runpod.resources.data.gpus import (
        GpuPool,
        get_gpu_pool,
        get_gpu_pool_output,
        get_gpu_pools,
        get_gpu_pools_output,
        get_gpu_types,
        get_gpu_types_output,
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
    "Account": "pulumi_runpod.resources.data.account",
    "CpuArgs": "pulumi_runpod.resources.args",
    "EcrDelegation": "pulumi_runpod.resources.ecr_delegation",
    "Endpoint": "pulumi_runpod.resources.endpoint",
    "GpuArgs": "pulumi_runpod.resources.args",
    "GpuPool": "pulumi_runpod.resources.data.gpus",
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
    "get_cpu_flavors": "pulumi_runpod.resources.data.catalog",
    "get_cpu_flavors_output": "pulumi_runpod.resources.data.catalog",
    "get_data_centers": "pulumi_runpod.resources.data.catalog",
    "get_data_centers_output": "pulumi_runpod.resources.data.catalog",
    "get_endpoint_billing": "pulumi_runpod.resources.data.costs",
    "get_endpoint_billing_output": "pulumi_runpod.resources.data.costs",
    "get_endpoint_releases": "pulumi_runpod.resources.data.endpoints",
    "get_endpoint_releases_output": "pulumi_runpod.resources.data.endpoints",
    "get_endpoint_workers": "pulumi_runpod.resources.data.endpoints",
    "get_endpoint_workers_output": "pulumi_runpod.resources.data.endpoints",
    "get_gpu_pool": "pulumi_runpod.resources.data.gpus",
    "get_gpu_pool_output": "pulumi_runpod.resources.data.gpus",
    "get_gpu_pools": "pulumi_runpod.resources.data.gpus",
    "get_gpu_pools_output": "pulumi_runpod.resources.data.gpus",
    "get_gpu_types": "pulumi_runpod.resources.data.gpus",
    "get_gpu_types_output": "pulumi_runpod.resources.data.gpus",
    "get_public_templates": "pulumi_runpod.resources.data.catalog",
    "get_public_templates_output": "pulumi_runpod.resources.data.catalog",
    "get_volume_billing": "pulumi_runpod.resources.data.costs",
    "get_volume_billing_output": "pulumi_runpod.resources.data.costs",
}


__getattr__ = loader_of(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})


__all__ = [
    "Account",
    "CpuArgs",
    "EcrDelegation",
    "Endpoint",
    "GpuArgs",
    "GpuPool",
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
    "get_cpu_flavors",
    "get_cpu_flavors_output",
    "get_data_centers",
    "get_data_centers_output",
    "get_endpoint_billing",
    "get_endpoint_billing_output",
    "get_endpoint_releases",
    "get_endpoint_releases_output",
    "get_endpoint_workers",
    "get_endpoint_workers_output",
    "get_gpu_pool",
    "get_gpu_pool_output",
    "get_gpu_pools",
    "get_gpu_pools_output",
    "get_gpu_types",
    "get_gpu_types_output",
    "get_public_templates",
    "get_public_templates_output",
    "get_volume_billing",
    "get_volume_billing_output",
]
