"""Which provider a program's resources are registered with: the dynamic one, or the native one under the same classes.

The choice is the stack's (`runpod:provider: native`) or the environment's (RUNPOD_PROVIDER=native). Natively, names on
the wire are those of the schema; attributes in Python are the same.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

import pulumi
from pulumi.runtime.config import get_config

from pulumi_runpod.resources.schema_names import FREE_MAPS, NATIVE_PREFIX, camel, from_schema, to_schema

CONFIG_KEY, VARIABLE = "runpod:provider", "RUNPOD_PROVIDER"
_PROVIDERS = ("dynamic", "native")
_OBJECTS = frozenset({"gpu", "cpu", "workers", "scaling", "mounts", "rollout", "source", "request_urls"})
"""Properties whose inner names differ between schema and Python."""
_in_plugin = False


def register_natively() -> None:
    """For the native provider's own process, whose components declare native children whatever the stack says."""
    global _in_plugin
    _in_plugin = True


def is_native() -> bool:
    """Raises `pulumi.RunError` for a provider that does not exist."""
    if _in_plugin:
        return True
    wanted = get_config(CONFIG_KEY) or os.environ.get(VARIABLE) or "dynamic"
    if wanted not in _PROVIDERS:
        raise pulumi.RunError(f"{CONFIG_KEY} (or {VARIABLE}) is {wanted!r}: write dynamic or native")
    return wanted == "native"


def native_token(kind: str) -> str:
    """`Endpoint` -> `runpod-serverless:index:Endpoint`."""
    return f"{NATIVE_PREFIX}{kind}"


def native_props(props: Mapping[str, object]) -> dict[str, Any]:
    """Inputs under the schema's names. Outputs of other resources are renamed once they are known."""
    return {camel(name): _renamed(name, value) for name, value in props.items() if name != "auto_name"}


def native_options(opts: pulumi.ResourceOptions) -> pulumi.ResourceOptions:
    """The options, with property names as the schema has them."""
    named = pulumi.ResourceOptions.merge(opts, None)
    for option in ("ignore_changes", "replace_on_changes", "additional_secret_outputs"):
        paths = getattr(named, option)
        if paths is not None:
            setattr(named, option, [".".join(map(camel, str(path).split("."))) for path in paths])
    return named


def show_attributes(resource: pulumi.Resource, names: Iterable[str]) -> None:
    """Gives a registered resource its outputs as Python has them."""
    for name in names:
        output = resource.__dict__.pop(camel(name))
        resource.__dict__[name] = output.apply(_pythonic) if name in _OBJECTS else output


def _renamed(name: str, value: object) -> object:
    if name in FREE_MAPS or value is None:
        return value
    if isinstance(value, pulumi.Output):
        return value.apply(_schematic) if name in _OBJECTS else value
    return _schematic(value)


def _schematic(value: Any) -> Any:
    return to_schema({"value": value})["value"]


def _pythonic(value: Any) -> Any:
    return from_schema({"value": value})["value"]
