"""Builds `schema.json`: `python -m pulumi_runpod.native.schema.build` writes it anew. A test holds it in step."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from pydantic import BaseModel, ConfigDict, create_model

from pulumi_runpod.client.catalog import Source
from pulumi_runpod.native.kinds import RESOURCES
from pulumi_runpod.native.schema import FILE
from pulumi_runpod.native.schema.config_properties import config_properties
from pulumi_runpod.native.schema.descriptions import of_attributes, of_class, of_parameters
from pulumi_runpod.native.schema.types import Types
from pulumi_runpod.native.version import VERSION
from pulumi_runpod.resources import args as described_args
from pulumi_runpod.resources.kinds.rollout import RolloutInputs
from pulumi_runpod.resources.lifecycle import Lifecycle
from pulumi_runpod.resources.resource import RunPodResource
from pulumi_runpod.resources.schema_names import NATIVE_PACKAGE, NATIVE_PREFIX, camel
from pulumi_runpod.resources.tokens import KINDS, lifecycle_of_kind
from pulumi_runpod.resources.weights_source import AnySource
from pulumi_runpod.wire.billing import BucketSize
from pulumi_runpod.wire.catalog import Availability, Region
from pulumi_runpod.wire.endpoint import FlashBoot
from pulumi_runpod.wire.model import Maybe, Request
from pulumi_runpod.wire.network_volume import VolumeType

if TYPE_CHECKING:
    from pulumi_runpod.wire.model import JsonObject

_NAMES = {
    "CreateEndpointGpu": "EndpointGpu",
    "EndpointCpuRequest": "EndpointCpu",
    "EndpointWorkersRequest": "EndpointWorkers",
    "RolloutSettings": "RolloutPolicy",
    "TemplateMountsRequest": "TemplateMounts",
    "PersistentMountRequest": "PersistentMount",
    "DirectorySource": "LocalDirectory",
    "HuggingFaceSource": "HuggingFaceSnapshot",
    "UrlsSource": "WeightsUrls",
    # Of answers: the words are taken by inputs or resources.
    "Rollout": "RolloutProgress",
    "Template": "PublicTemplate",
}
_DOCS: Mapping[str, type] = {
    "CreateEndpointGpu": described_args.GpuArgs,
    "EndpointCpuRequest": described_args.CpuArgs,
    "EndpointWorkersRequest": described_args.WorkersArgs,
    "QueueDelayScaling": described_args.QueueDelayArgs,
    "RequestCountScaling": described_args.RequestCountArgs,
    "RolloutSettings": described_args.RolloutArgs,
    "TemplateMountsRequest": described_args.MountsArgs,
    "PersistentMountRequest": described_args.PersistentMountArgs,
}
_ENUMS = {
    get_args(Availability): "Availability",
    get_args(Region): "Region",
    get_args(BucketSize): "BillingBucket",
    get_args(VolumeType): "VolumeType",
    get_args(FlashBoot): "FlashBoot",
    get_args(Source): "TemplateSource",
}
"""Names of enums by their values; others are named after the property that has them first."""


class WeightsInputs(Request):
    """Inputs of model weights, which are no object of the service."""

    volume_id: str
    data_center: str
    path: Maybe[str] = None
    source: AnySource
    retain_on_delete: Maybe[bool] = None


@dataclass(frozen=True)
class Kind:
    """Models of a resource, by name in the schema."""

    name: str
    inputs: type[BaseModel]
    read: type[BaseModel] | None
    lifecycle: object

    @property
    def resource(self) -> type[RunPodResource]:
        import pulumi_runpod

        found: type[RunPodResource] = getattr(pulumi_runpod, self.name)
        return found


def kinds() -> list[Kind]:
    found = []
    for name, module in RESOURCES.items():
        lifecycle = lifecycle_of_kind(module)
        if module in KINDS.values():
            found.append(Kind(name, lifecycle.inputs, lifecycle.collection.read, lifecycle))
        else:
            found.append(Kind(name, RolloutInputs if module == "rollout" else WeightsInputs, None, lifecycle))
    return found


def build() -> JsonObject:
    """The whole document."""
    from pulumi_runpod.native.schema.components import component_resources
    from pulumi_runpod.native.schema.functions import functions

    types = Types(_NAMES, _DOCS, _ENUMS)
    resources = {f"{NATIVE_PREFIX}{kind.name}": _resource(kind, types) for kind in kinds()}
    resources |= component_resources(types)
    asked = functions(types)
    properties = config_properties()
    return {
        "name": NATIVE_PACKAGE,
        "displayName": "RunPod Serverless",
        "version": VERSION,
        "description": "RunPod serverless endpoints, templates and network volumes.",
        "keywords": ["pulumi", "runpod", "gpu", "serverless", "category/cloud", "kind/native"],
        "pluginDownloadURL": "",
        "meta": {"moduleFormat": "(.*)"},
        "language": {
            # The wheel's own folder is called pulumi_runpod_serverless already.
            "python": {"packageName": "pulumi_runpod_native", "pyproject": {"enabled": True}, "inputTypes": "classes"},
            "nodejs": {"packageName": "@runpod-serverless/pulumi", "respectSchemaVersion": True},
            "go": {
                "importBasePath": "example.com/pulumi-runpod-serverless/sdk/go/runpod",
                "respectSchemaVersion": True,
            },
            "csharp": {"rootNamespace": "RunPod", "respectSchemaVersion": True},
        },
        "config": {"variables": properties, "defaults": []},
        "types": dict(sorted(types.found.items())),
        "provider": {
            "description": "An account, or another RunPod. The environment fills in what is not given.",
            "inputProperties": properties,
            "properties": {k: v for k, v in properties.items() if v["type"] == "string"},
        },
        "resources": dict(sorted(resources.items())),
        "functions": dict(sorted(asked.items())),
    }


def text() -> str:
    return json.dumps(build(), indent=2, ensure_ascii=False) + "\n"


def _resource(kind: Kind, types: Types) -> JsonObject:
    lifecycle = kind.lifecycle
    units = getattr(lifecycle, "units", {})
    inputs, required = types.properties(kind.inputs, mode="inputs", owner=kind.name, units=units)
    inputs.pop("autoName", None)
    described = of_parameters(kind.resource.__init__)
    secret = {camel(name) for name in getattr(lifecycle, "secret_fields", ())}
    replace = (
        {camel(name) for name in lifecycle.collection.replace_fields}
        if isinstance(lifecycle, Lifecycle)
        else {"volumeId", "dataCenter", "path", "endpointId"}
    )
    outputs, always = _outputs(kind, types, inputs)
    for name in inputs:
        text = described.get(_snake_in(kind.inputs, name), "")
        if text:
            inputs[name]["description"] = text
        if name in replace:
            inputs[name]["willReplaceOnChanges"] = True
        if name in secret and inputs[name].get("type") == "string":
            inputs[name]["secret"] = True
    outs = {name: {k: v for k, v in spec.items() if k != "willReplaceOnChanges"} for name, spec in inputs.items()}
    outs |= outputs
    attributes = {camel(key): value for key, value in of_attributes(kind.resource).items()}
    for name, spec in outs.items():
        if name in attributes:
            spec["description"] = attributes[name]
        if name in secret:
            spec["secret"] = True
    return {
        "description": of_class(kind.resource),
        "properties": dict(sorted(outs.items())),
        "required": sorted((set(always) | set(required)) & outs.keys()),
        "inputProperties": dict(sorted(inputs.items())),
        # Without a name, the resource gets an automatic one.
        "requiredInputs": sorted(set(required) - {"name"}),
    }


def _outputs(kind: Kind, types: Types, inputs: JsonObject) -> tuple[JsonObject, list[str]]:
    """Outputs that are no inputs, and names of those that are always there."""
    if kind.read is None:
        names = [name for name in kind.resource._output_names if name not in kind.inputs.model_fields]
        return {camel(n): {"type": "integer" if n in ("file_count", "total_bytes") else "string"} for n in names}, [
            camel(n) for n in names
        ]
    own = {n for n, f in kind.read.model_fields.items() if n != "id" and camel(n) not in inputs}
    fields = {n: (kind.read.model_fields[n].annotation, kind.read.model_fields[n]) for n in own}
    model = create_model(
        f"{kind.name}Outputs", __config__=ConfigDict(alias_generator=camel), **dict(sorted(fields.items()))
    )  # type: ignore[call-overload]  # fields are known at run time alone
    outputs, always = types.properties(model, mode="inputs", owner=kind.name)
    for name in kind.resource._output_names:
        numbers = {"type": "array", "items": {"type": "integer"}}
        outputs.setdefault(camel(name), numbers if name == "cpu_memory" else {"type": "string"})
    required = [camel(n) for n, f in kind.read.model_fields.items() if f.is_required() and n != "id"]
    return outputs, [*always, *required]


def _snake_in(model: type[BaseModel], name: str) -> str:
    return next((n for n in model.model_fields if camel(n) == name), name)


if __name__ == "__main__":
    Path(__file__).with_name(FILE).write_text(text(), "utf-8")
