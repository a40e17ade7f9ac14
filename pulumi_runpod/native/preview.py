"""Outputs as far as a preview can know them: what is declared, and what a change leaves as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_runpod.native.kinds import RESOURCES
from pulumi_runpod.native.schema import output_names
from pulumi_runpod.resources.schema_names import snake
from pulumi_runpod.resources.values import UNKNOWN, normal_object

if TYPE_CHECKING:
    from pulumi_runpod.wire.model import JsonObject

_NAMES = {kind: name for name, kind in RESOURCES.items()}
_FOLLOWS = {
    "args": ("entrypoint", "cmd"),
    "entrypoint": ("args",),
    "cmd": ("args",),
    "cpu": ("cpu_memory",),
    "value": ("value_last_updated_at",),
    "digest": ("file_count", "total_bytes"),
}
"""Outputs that the service derives from an input: unknown as soon as that changes."""


def created_preview(kind: str, inputs: JsonObject) -> JsonObject:
    """All outputs of a new object."""
    names = (snake(name) for name in output_names(_NAMES[kind]))
    return {**dict.fromkeys(names, UNKNOWN), **normal_object(inputs)}


def updated_preview(kind: str, outs: JsonObject, inputs: JsonObject) -> JsonObject:  # noqa: ARG001 - alike for all
    """All outputs after an update in place: an endpoint keeps its URLs, so whatever uses them is not in doubt."""
    outs, inputs = normal_object(outs), normal_object(inputs)
    changed = [key for key, value in inputs.items() if outs.get(key) != value]
    doubtful = {name for key in changed for name in _FOLLOWS.get(key, ()) if name in outs and name not in inputs}
    return {**outs, **inputs, **dict.fromkeys(doubtful, UNKNOWN)}
