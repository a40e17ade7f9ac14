"""The data sources as functions of the schema. Each calls the Python function of the same name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from pydantic import BaseModel

from pulumi_runpod.errors import RunPodError
from pulumi_runpod.resources.data import catalog, costs, endpoints, gpus
from pulumi_runpod.resources.data.account import Account
from pulumi_runpod.resources.schema_names import NATIVE_PREFIX, camel, snake, to_schema
from pulumi_runpod.resources.values import normal_object
from pulumi_runpod.wire.billing import NetworkVolumeBilling, ServerlessBilling
from pulumi_runpod.wire.catalog import CpuType, DataCenter, GpuType
from pulumi_runpod.wire.model import Request
from pulumi_runpod.wire.release import Releases, Workers
from pulumi_runpod.wire.template import Template

if TYPE_CHECKING:
    from pulumi_runpod.settings import Settings
    from pulumi_runpod.wire.model import JsonObject


@dataclass(frozen=True)
class Function:
    """`member`: under which name a list is returned, since a function of Pulumi returns an object."""

    query: type[Request]
    result: type[BaseModel]
    member: str = ""


FUNCTIONS: Mapping[str, Function] = MappingProxyType(
    {
        "get_cpu_flavors": Function(catalog.CpuQuery, CpuType, "cpu_flavors"),
        "get_data_centers": Function(catalog.DataCenterQuery, DataCenter, "data_centers"),
        "get_endpoint_billing": Function(costs.EndpointBillingQuery, ServerlessBilling),
        "get_endpoint_releases": Function(endpoints.EndpointQuery, Releases),
        "get_endpoint_workers": Function(endpoints.EndpointQuery, Workers),
        "get_gpu_pool": Function(gpus.GpuQuery, gpus.GpuPool),
        "get_gpu_pools": Function(gpus.GpuQuery, gpus.GpuPool, "gpu_pools"),
        "get_gpu_types": Function(gpus.GpuQuery, GpuType, "gpu_types"),
        "get_public_templates": Function(catalog.TemplateQuery, Template, "templates"),
        "get_volume_billing": Function(costs.VolumeBillingQuery, NetworkVolumeBilling),
    }
)
"""By name of the Python function."""


def invoke(token: str, args: JsonObject, settings: Settings) -> JsonObject:
    """What the function returns. Raises `RunPodError`, also for a token that is not in the schema."""
    import pulumi

    import pulumi_runpod

    name = snake(token.removeprefix(NATIVE_PREFIX))
    function = FUNCTIONS.get(name)
    if function is None:
        raise RunPodError(f"{token} is not a function of this provider")
    key = None if settings.api_key is None else settings.api_key.get_secret_value()
    account = Account(api_key=key, api_base_url=settings.api_base_url, timeout=settings.timeout)
    arguments = {snake(name): value for name, value in normal_object(args).items()}
    unknown = sorted(set(arguments) - set(function.query.model_fields))
    if unknown:
        raise RunPodError(f"{camel(name)}: {', '.join(map(camel, unknown))}: no such argument")
    try:
        result = getattr(pulumi_runpod, name)(account=account, **arguments)
    except pulumi.RunError as error:
        raise RunPodError(str(error)) from error
    if isinstance(result, Sequence):
        return {camel(function.member): [_dumped(item) for item in result]}
    return _dumped(result)


def _dumped(model: BaseModel) -> JsonObject:
    dumped = model.model_dump(mode="json", by_alias=True)
    # What has no aliases is not of the wire: a model of ours, in our names.
    return to_schema(dumped) if isinstance(model, gpus.GpuPool) else dumped
