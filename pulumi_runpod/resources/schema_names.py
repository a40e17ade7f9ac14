"""Names as other languages have them: camelCase in the native provider's schema and states, snake_case in ours.

Keys of free maps (the environment of a worker, the input of a job) belong to the user and stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pulumi_runpod.wire.model import JsonObject

FREE_MAPS = frozenset({"env", "smoke_input", "build_args", "build_contexts", "secrets", "labels", "silenced"})
"""Properties (snake_case) whose own keys are not ours."""
NATIVE_PACKAGE = "runpod-serverless"
NATIVE_PREFIX = f"{NATIVE_PACKAGE}:index:"
"""What the type tokens of the native provider begin with."""
_HUMP = re.compile(r"(?<=[a-z0-9])[A-Z]")


@cache
def camel(name: str) -> str:
    """`vcpu_count` -> `vcpuCount`."""
    if name.startswith("_"):
        return name
    first, *rest = name.split("_")
    return first + "".join(part[:1].upper() + part[1:] for part in rest)


@cache
def snake(name: str) -> str:
    """`vcpuCount` -> `vcpu_count`. What cannot be a name of ours stays as it is, for `check` to refuse."""
    found = name if name.startswith("_") else _HUMP.sub(lambda hump: f"_{hump[0].lower()}", name)
    return found if found.islower() else name


def to_schema(props: JsonObject) -> JsonObject:
    """Properties under the schema's names, at every depth."""
    return {camel(key): value if key in FREE_MAPS else _renamed(value, to_schema) for key, value in props.items()}


def from_schema(props: JsonObject) -> JsonObject:
    """Properties under our names, at every depth."""
    return {
        snake(key): value if snake(key) in FREE_MAPS else _renamed(value, from_schema) for key, value in props.items()
    }


def _renamed(value: object, rename: Callable[[JsonObject], JsonObject]) -> object:
    if isinstance(value, dict):
        return rename(value)
    if isinstance(value, list):
        return [_renamed(item, rename) for item in value]
    return value
