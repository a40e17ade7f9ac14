"""Components in the schema: properties from the arguments of the Python classes, with their descriptions."""

from __future__ import annotations

import types as python_types
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import MISSING, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import pulumi
from pydantic import BaseModel

from pulumi_runpod import components
from pulumi_runpod.components.worker_image import WorkerImageArgs
from pulumi_runpod.native.construct import COMPONENTS, output_names
from pulumi_runpod.native.schema.descriptions import of_attributes, of_class
from pulumi_runpod.native.schema.types import ANY, Types
from pulumi_runpod.resources.args import QueueDelayArgs, RequestCountArgs, RolloutArgs
from pulumi_runpod.resources.model_weights import HuggingFaceSnapshot, LocalDirectory, Urls
from pulumi_runpod.resources.network_volume import NetworkVolume
from pulumi_runpod.resources.schema_names import NATIVE_PREFIX, camel

if TYPE_CHECKING:
    from pulumi_runpod.wire.model import JsonObject

_SHARED: Mapping[object, str] = {
    QueueDelayArgs: "QueueDelayScaling",
    RequestCountArgs: "RequestCountScaling",
    RolloutArgs: "RolloutPolicy",
    LocalDirectory: "LocalDirectory",
    HuggingFaceSnapshot: "HuggingFaceSnapshot",
    Urls: "WeightsUrls",
}
"""Arguments that resources have, too."""
_PLAIN: Mapping[object, str] = {str: "string", int: "integer", float: "number", bool: "boolean", Path: "string"}
_OUTPUT_TYPES: Mapping[str, JsonObject] = {
    "request_urls": {"$ref": f"#/types/{NATIVE_PREFIX}RequestUrls"},
    "endpoint_timeout_seconds": {"type": "integer"},
    "monthly_cost": dict(ANY),
    "volume_ids": {"type": "array", "items": {"type": "string"}},
}


def component_resources(types: Types) -> JsonObject:
    """By token."""
    return {f"{NATIVE_PREFIX}{name}": _component(name, types) for name in COMPONENTS}


def _component(name: str, types: Types) -> JsonObject:
    cls, args = getattr(components, name), getattr(components, f"{name}Args")
    inputs, required = _arguments(args, types)
    described = of_attributes(cls)
    outputs = {}
    for attribute in output_names(name):
        spec = dict(_OUTPUT_TYPES.get(attribute, {"type": "string"}))
        text = described.get(attribute, "")
        outputs[camel(attribute)] = {**spec, **({"description": text} if text else {})}
    return {
        "isComponent": True,
        "description": of_class(args if name == "SdxlService" else cls),
        "properties": outputs,
        "required": sorted(outputs),
        "inputProperties": inputs,
        "requiredInputs": required,
    }


def _arguments(args: type, types: Types) -> tuple[JsonObject, list[str]]:
    described, hints = of_attributes(args), get_type_hints(args, localns={"Output": pulumi.Output, "T": TypeVar("T")})
    properties, required = {}, []
    for field in fields(args):
        key, hint = camel(field.name), hints[field.name]
        spec = _spec(hint, types, key)
        if not _takes_outputs(hint):
            spec = {**spec, "plain": True}
        text = described.get(field.name, "")
        properties[key] = {**spec, **({"description": text} if text else {})}
        if field.default is MISSING and field.default_factory is MISSING:
            required.append(key)
    return dict(sorted(properties.items())), sorted(required)


def _spec(hint: Any, types: Types, name: str) -> JsonObject:
    branches = _branches(hint)
    if len(branches) > 1:
        if NetworkVolume in branches:
            return {"type": "string"}
        if set(branches) == {Path, str}:
            return {"type": "string"}
        union: JsonObject = {"oneOf": [_spec(branch, types, name) for branch in branches]}
        if all(branch in _SHARED for branch in branches):
            union["discriminator"] = {"propertyName": "kind" if LocalDirectory in branches else "type"}
        return union
    [only] = branches
    origin, arguments = get_origin(only), get_args(only)
    if only in _PLAIN:
        return {"type": _PLAIN[only]}
    if only in _SHARED:
        return {"$ref": f"#/types/{NATIVE_PREFIX}{_SHARED[only]}"}
    if origin is Literal:
        return types.enum(f"Service{name[:1].upper()}{name[1:]}", list(arguments))
    if origin is Sequence:
        return {"type": "array", "items": _spec(arguments[0], types, name)}
    if origin is Mapping:
        return {"type": "object", "additionalProperties": _spec(arguments[1], types, name)}
    if only is WorkerImageArgs:
        properties, required = _arguments(only, types)
        return types.add_object("WorkerImageSource", properties, required, of_class(only))
    if isinstance(only, type) and issubclass(only, BaseModel):
        return types.named(only, mode="inputs")
    raise TypeError(f"{name}: {only} has no place in a schema yet")


def _branches(hint: Any) -> list[Any]:
    """What a value may be, without None and without the ways in which Pulumi passes it on."""
    if get_origin(hint) not in (Union, python_types.UnionType):
        return [hint]
    found = []
    for branch in get_args(hint):
        if get_origin(branch) in (Awaitable, pulumi.Output) or branch is type(None):
            continue
        found += _branches(branch)
    return found


def _takes_outputs(hint: Any) -> bool:
    """Whether a value, or anything in it, may come from another resource."""
    return get_origin(hint) is pulumi.Output or any(_takes_outputs(inner) for inner in get_args(hint))
