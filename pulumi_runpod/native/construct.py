"""Components for programs in other languages: the Python classes, with children of the native provider.

Arguments arrive under the schema's names. What depends on other resources, is secret or not known yet becomes an
`Output` where it is, so that all else stays plain: components decide by plain values what they declare.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import pulumi
from google.protobuf import struct_pb2
from pulumi.output import Unknown as EngineUnknown
from pulumi.provider import ConstructResult, Provider
from pulumi.provider.server import ProviderServicer
from pulumi.resource import DependencyResource
from pulumi.runtime import rpc
from pulumi.runtime.proto import provider_pb2

from pulumi_runpod import components
from pulumi_runpod.errors import RunPodError
from pulumi_runpod.native.config import KEYS, settings_of
from pulumi_runpod.native.schema import schema_text
from pulumi_runpod.native.version import VERSION
from pulumi_runpod.planning.quantities import PlanningError
from pulumi_runpod.resources.model_weights import HuggingFaceSnapshot, LocalDirectory, Urls
from pulumi_runpod.resources.registration import register_natively
from pulumi_runpod.resources.schema_names import NATIVE_PREFIX, camel, from_schema, to_schema
from pulumi_runpod.resources.values import normal

if TYPE_CHECKING:
    from pulumi_runpod.wire.model import JsonObject

_WEIGHTS: Mapping[object, Callable[..., Any]] = MappingProxyType(
    {"directory": LocalDirectory, "huggingface": HuggingFaceSnapshot, "urls": Urls}
)
_OUTPUTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "ServerlessService": ("endpoint_id", "request_urls", "endpoint_timeout_seconds", "monthly_cost"),
        "SdxlService": ("endpoint_id", "request_urls", "endpoint_timeout_seconds", "monthly_cost", "volume_ids"),
        "WorkerImage": ("ref",),
    }
)
"""Name in the schema -> attributes of the Python class that other languages get."""
COMPONENTS = tuple(_OUTPUTS)


def output_names(component: str) -> tuple[str, ...]:
    return _OUTPUTS[component]


class Constructor:
    """Constructs one component at a time: the SDK's settings are those of its process."""

    def __init__(self, engine_address: str, config: Callable[[], JsonObject]) -> None:
        register_natively()
        self._servicer = _Servicer(_Components(config), [], engine_address)
        self._turn = asyncio.Lock()

    async def construct(self, request: provider_pb2.ConstructRequest, context: object) -> Any:
        """Raises `RunPodError` for whatever the component refuses."""
        async with self._turn:
            try:
                # Not `Construct`, which appends a traceback to every error.
                return await self._servicer._construct(request, context)
            except (pulumi.RunError, PlanningError) as error:
                raise RunPodError(f"{request.name}: {'; '.join(str(error).splitlines())}") from error


class _Components(Provider):
    def __init__(self, config: Callable[[], JsonObject]) -> None:
        super().__init__(VERSION, schema_text())
        self._config = config

    def construct(
        self,
        name: str,
        resource_type: str,
        inputs: Mapping[str, Any],
        options: pulumi.ResourceOptions | None = None,
    ) -> ConstructResult:
        kind = resource_type.removeprefix(NATIVE_PREFIX)
        if kind not in _OUTPUTS:
            raise RunPodError(f"{resource_type} is not a component of this provider")
        self._share_config()
        made = _native_class(kind)(name, arguments(kind, inputs), options)
        state = {camel(attribute): _shown(getattr(made, attribute)) for attribute in _OUTPUTS[kind]}
        return ConstructResult(urn=made.urn, state=state)

    def _share_config(self) -> None:
        """The catalog is asked as resources are: with the provider's own settings."""
        settings = settings_of(self._config())
        if settings.api_key is not None:
            pulumi.runtime.config.set_config(KEYS["apiKey"], settings.api_key.get_secret_value())
        pulumi.runtime.config.set_config(KEYS["apiBaseUrl"], settings.api_base_url)


class _Servicer(ProviderServicer):
    """The SDK's, but for inputs: it makes one `Output` of a property that holds anything secret or dependent."""

    @staticmethod
    async def _construct_inputs(inputs: struct_pb2.Struct, input_dependencies: Any) -> dict[str, Any]:
        found = {}
        for key, value in rpc.deserialize_properties(inputs, keep_unknowns=True).items():
            urns = list(input_dependencies[key].urns) if key in input_dependencies else []
            found[key] = spread(value, urns)
        return found


def arguments(kind: str, inputs: Mapping[str, Any]) -> Any:
    """The Python arguments of a component. Raises `RunPodError` for one that is missing or does not exist."""
    given = from_schema(dict(inputs))
    cls = getattr(components, f"{kind}Args")
    known = {field.name: field for field in fields(cls)}
    wrong = [f"{camel(name)}: no such argument" for name in given if name not in known]
    wrong += [
        f"{camel(name)}: is required"
        for name, field in known.items()
        if name not in given and field.default is MISSING and field.default_factory is MISSING
    ]
    if wrong:
        raise RunPodError(f"{kind}: {'; '.join(wrong)}")
    return cls(**{name: _argument(name, value) for name, value in given.items()})


def spread(value: Any, urns: list[str], *, secret: bool = False) -> Any:
    """The value with an `Output` for every leaf that is secret, unknown or comes from other resources."""
    if rpc.is_rpc_secret(value):
        return spread(rpc.unwrap_rpc_secret(value), urns, secret=True)
    if isinstance(value, dict):
        return {key: spread(item, urns, secret=secret) for key, item in value.items()}
    if isinstance(value, list):
        return [spread(item, urns, secret=secret) for item in value]
    if isinstance(value, EngineUnknown) or urns or secret:
        return _output(value, urns, secret=secret)
    return normal(value)


def _output(value: Any, urns: list[str], *, secret: bool) -> pulumi.Output[Any]:
    known = not isinstance(value, EngineUnknown)
    futures: list[asyncio.Future[Any]] = [asyncio.get_running_loop().create_future() for _ in range(4)]
    results: tuple[Any, ...] = (
        {DependencyResource(urn) for urn in urns},
        normal(value) if known else None,
        known,
        secret,
    )
    for future, result in zip(futures, results, strict=True):
        future.set_result(result)
    return pulumi.Output(*futures)


def _argument(name: str, value: Any) -> Any:
    match name:
        case "gpu":
            return components.GpuNeed(**value)
        case "traffic":
            return components.Traffic(**value)
        case "cold_start":
            return components.ColdStart(**value)
        case "image" if isinstance(value, dict):
            return arguments("WorkerImage", to_schema(value))
        case "weights" if isinstance(value, dict):
            source = dict(value)
            kind = _WEIGHTS.get(source.pop("kind", None))
            if kind is None:
                raise RunPodError("weights.kind: must be directory, huggingface or urls")
            return kind(**source)
    return value


def _native_class(kind: str) -> Callable[..., pulumi.ComponentResource]:
    """The component under the type that the program has asked for."""

    class Native(getattr(components, kind)):  # type: ignore[misc]  # one of three
        _component_type: ClassVar[str] = f"{NATIVE_PREFIX}{kind}"

    return Native


def _shown(value: Any) -> Any:
    if isinstance(value, pulumi.Output):
        return value.apply(_schematic)
    return [_shown(item) for item in value] if isinstance(value, list) else value


def _schematic(value: Any) -> Any:
    return to_schema(dict(value)) if isinstance(value, Mapping) else value
