"""The shortest declaration of an object that exists: what `pulumi import` prints, and what a program writes.

`check` completes a declaration with defaults, so the engine's comparison of inputs would see a difference between an
imported object and its program where there is none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_runpod.resources.completion import COMPLETIONS, EXEC_FORM
from pulumi_runpod.resources.values import normal_object

if TYPE_CHECKING:
    from pulumi_runpod.wire.model import JsonObject

_NOTHING: tuple[object, ...] = ({}, [], "")


def declaration(kind: str, inputs: JsonObject) -> JsonObject:
    """`inputs` (complete, snake_case) without what `check` fills in, one level deep; one form of the command."""
    if kind not in COMPLETIONS:
        return inputs
    inputs = _one_command(inputs)
    for key in tuple(inputs):
        value = inputs[key]
        without = {name: other for name, other in inputs.items() if name != key}
        if _completed(kind, without) == _completed(kind, inputs) or _says_nothing(kind, key, value, without):
            inputs = without
        elif isinstance(value, dict) and key != "env":
            for inner in value:
                kept = {name: other for name, other in inputs[key].items() if name != inner}
                if _completed(kind, {**inputs, key: kept}) == _completed(kind, inputs):
                    inputs = {**inputs, key: kept}
    return inputs


def declared_names(kind: str, inputs: JsonObject, outs: JsonObject) -> list[str]:
    """What the state has to remember as declared, once `check` has completed `inputs`."""
    return sorted(key for key in _completed(kind, inputs) if key in outs)


def says_the_same(kind: str, old_inputs: JsonObject, inputs: JsonObject) -> bool:
    """Whether old inputs, completed, are the new ones."""
    if not old_inputs or kind not in COMPLETIONS:
        return False
    olds, news = normal_object(old_inputs), normal_object(inputs)
    return news in (olds, _completed(kind, olds))


def _completed(kind: str, inputs: JsonObject) -> JsonObject:
    return COMPLETIONS[kind].complete({}, inputs)


def _one_command(inputs: JsonObject) -> JsonObject:
    """A command comes back in two forms, of which `args` is JSON text where it was given in the other."""
    if "args" not in inputs:
        return inputs
    dropped = ("args",) if str(inputs["args"]).startswith("{") else EXEC_FORM
    return {key: value for key, value in inputs.items() if key not in dropped}


def _says_nothing(kind: str, key: str, value: object, without: JsonObject) -> bool:
    return value in _NOTHING and key not in _completed(kind, without)
