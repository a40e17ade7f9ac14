"""The provider's configuration in the schema: one property for each setting that a config key or variable sets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_runpod.native.config import SECRET_KEYS
from pulumi_runpod.native.schema.descriptions import of_attributes
from pulumi_runpod.resources.schema_names import camel
from pulumi_runpod.settings import SOURCES, Settings

if TYPE_CHECKING:
    from pulumi_runpod.wire.model import JsonObject

_TYPES = {bool: "boolean", int: "integer", float: "number"}


def config_properties() -> JsonObject:
    described = {"api_key": "Key of the account.", **of_attributes(Settings)}
    found: JsonObject = {}
    for name, (_, variable) in SOURCES.items():
        key = camel(name)
        text = " ".join(filter(None, [described.get(name, ""), f"Default: {variable} of the environment."]))
        found[key] = {"type": _type_of(name), "description": text}
        if key in SECRET_KEYS:
            found[key]["secret"] = True
    return found


def _type_of(name: str) -> str:
    annotation = Settings.model_fields[name].annotation
    return _TYPES.get(annotation, "string") if isinstance(annotation, type) else "string"
