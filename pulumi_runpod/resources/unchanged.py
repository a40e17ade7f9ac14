"""What a declaration says that says what it said last time: nothing new, so nothing is judged and no model is loaded.

What is in the state was judged when it was declared, or was read from the service. Whenever anything is sent, the
lifecycle judges it again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_runpod.resources.completion import COMPLETIONS
from pulumi_runpod.resources.values import normal_object

if TYPE_CHECKING:
    from pulumi_runpod.wire.model import JsonObject

DECLARED = "declared"
"""Output: names of the fields that the program sets or `check` fills in."""


def unchanged_inputs(kind: str, olds: JsonObject, news: JsonObject) -> JsonObject | None:
    """The complete inputs when they are the last ones (`olds`) to the letter, else None: then `check` is needed."""
    completion = COMPLETIONS.get(kind)
    if completion is None or not olds:
        return None
    olds = normal_object(olds)
    inputs = completion.complete(olds, normal_object(news))
    return inputs if _identical(inputs, olds) else None


def replaces_nothing(object_id: str, outs: JsonObject, inputs: JsonObject) -> bool:
    """Whether every input is in the outputs, and no other was declared: then `diff` has nothing to say.

    That there is a change (say, of a field that is no longer set) is for the engine to see, from the inputs.
    """
    outs, inputs = normal_object(outs), normal_object(inputs)
    return (
        inputs.get("adopt_id", object_id) == object_id
        and set(outs.get(DECLARED, ())) <= inputs.keys()
        and all(key in outs and _identical(value, outs[key]) for key, value in inputs.items())
    )


def _identical(one: object, other: object) -> bool:
    """Equal in type as well: True is no 1, which a model might refuse."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_identical(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_identical, one, other))
    return one == other
