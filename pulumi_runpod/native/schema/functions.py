"""The functions of the schema: queries as inputs, answers as outputs."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import pulumi_runpod
from pulumi_runpod.native.functions import FUNCTIONS, Function
from pulumi_runpod.native.schema.descriptions import of_attributes, of_parameters, worded
from pulumi_runpod.native.schema.types import Types
from pulumi_runpod.resources.data.costs import BillingPeriod
from pulumi_runpod.resources.data.gpus import GpuFilters
from pulumi_runpod.resources.schema_names import NATIVE_PREFIX, camel

if TYPE_CHECKING:
    from pulumi_runpod.wire.model import JsonObject


def functions(types: Types) -> JsonObject:
    """By token."""
    return {f"{NATIVE_PREFIX}{camel(name)}": _function(name, function, types) for name, function in FUNCTIONS.items()}


def _function(name: str, function: Function, types: Types) -> JsonObject:
    python = getattr(pulumi_runpod, name)
    title = camel(name)[3:]
    inputs, required = types.properties(function.query, mode="inputs", owner=f"Get{title}")
    described = {**of_attributes(GpuFilters), **of_attributes(BillingPeriod), **of_parameters(python)}
    for snake_name in function.query.model_fields:
        if snake_name in described:
            inputs[camel(snake_name)]["description"] = described[snake_name]
    if function.member:
        items = {"type": "array", "items": types.named(function.result)}
        outputs: JsonObject = {"properties": {camel(function.member): items}, "required": [camel(function.member)]}
    else:
        properties, always = types.properties(function.result, mode="outputs", owner=f"Get{title}Result")
        outputs = {"properties": properties, "required": sorted(always)}
    spec: JsonObject = {
        "description": worded(inspect.cleandoc(python.__doc__ or "").split("\n\n:param")[0]),
        "outputs": {"type": "object", **outputs},
    }
    if inputs:
        spec["inputs"] = {"type": "object", "properties": inputs, **({"required": required} if required else {})}
    return spec
