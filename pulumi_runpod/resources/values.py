"""Plain values as the engine hands them over: every number a float, some not known yet, None for "not given".

Everything that is stored or compared passes through `normal` first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pulumi_runpod.wire.model import JsonObject

Path = tuple[str | int, ...]


class Unknown:
    """A value that a preview can't know yet. There is one instance: `UNKNOWN`."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN = Unknown()


def normal(value: object) -> object:
    """Integral floats as ints, tuples as lists, and no None inside objects: absent is the only way to say nothing."""
    match value:
        case bool():
            return value
        case float() if value.is_integer():
            return int(value)
        case dict():
            return {str(key): normal(item) for key, item in value.items() if item is not None}
        case list() | tuple():
            return [normal(item) for item in value]
    return value


def normal_object(value: JsonObject) -> JsonObject:
    return {key: normal(item) for key, item in value.items() if item is not None}


def replaced(value: object, *, put: Callable[[Path], object], at: Path = ()) -> object:
    """The value with every UNKNOWN replaced by what `put` gives for its path."""
    match value:
        case Unknown():
            return put(at)
        case dict():
            return {key: replaced(item, put=put, at=(*at, key)) for key, item in value.items()}
        case list():
            return [replaced(item, put=put, at=(*at, i)) for i, item in enumerate(value)]
    return value


def known(value: object) -> bool:
    """Whether nothing in the value is UNKNOWN."""
    return not any(isinstance(leaf, Unknown) for leaf in leaves(value))


def leaves(value: object) -> Iterator[object]:
    """Everything in the value that is neither object nor list."""
    match value:
        case dict():
            for item in value.values():
                yield from leaves(item)
        case list():
            for item in value:
                yield from leaves(item)
        case _:
            yield value


def dotted(path: Path) -> str:
    """`("gpu", "pools", 0)` -> `gpu.pools[0]`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f".{step}" if text else step
    return text
