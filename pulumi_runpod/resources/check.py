"""Inputs against a request model: every mistake at once, each at its property path, nothing said of what is unknown.

A value of a secret field never enters a message.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from pulumi_runpod.errors import Failure
from pulumi_runpod.resources.values import Path, Unknown, dotted, replaced
from pulumi_runpod.wire.model import JsonObject, Request, Violation

_LONGEST_VALUE = 60
_UNIT = re.compile(r"_(seconds|secs?|s|milliseconds|ms|minutes|gb)$")
"""Units that callers write into names."""


class Schema:
    """A request model and how to name its fields to a person.

    `units` (dotted path -> unit) complete the bounds in messages; `secret_fields` are top-level fields.
    """

    def __init__(
        self,
        model: type[Request],
        *,
        secret_fields: Iterable[str] = (),
        units: Mapping[str, str] | None = None,
        internal: Iterable[str] = (),
    ) -> None:
        self.model = model
        self._secret = frozenset(secret_fields)
        self._units = units or {}
        self._public = sorted(set(model.model_fields) - set(internal))

    def failures(self, inputs: JsonObject, *, across: bool = True) -> list[Failure]:
        """What the service would refuse of these inputs (snake_case, UNKNOWN allowed anywhere).

        `across` False leaves out the rules across fields: for a caller that has already reported them.
        """
        unknown: list[Path] = []

        def stand_in(path: Path) -> str:
            unknown.append(path)
            return f"unknown{len(unknown)}"

        body = replaced(inputs, put=stand_in)
        try:
            parsed = self.model.model_validate(body, by_alias=False, by_name=True)
        except ValidationError as error:
            found = [
                self._failure(detail, path)
                for detail in error.errors(include_url=False)
                if not _touches(path := _property_path(detail, inputs), unknown)
            ]
            return [failure for failure in dict.fromkeys(found) if across or failure.path]
        if not across:
            return []
        return [
            Failure(dotted(path), violation.message)
            for violation in parsed.violations()
            if not _touches(path := tuple(_snake(step) for step in violation.path), unknown)
        ]

    def parse(self, inputs: JsonObject, model: type[Request]) -> Request:
        """Inputs that passed the check, as a request body."""
        return model.model_validate(inputs, by_alias=False, by_name=True)

    def _failure(self, detail: ErrorDetails, path: Path) -> Failure:
        where = dotted(path)
        kind, context = detail["type"], detail.get("ctx", {})
        unit = self._units.get(where, "")
        got = "" if self._is_secret(path) else f", got {_shown(detail['input'])}"
        match kind:
            case "missing":
                return Failure(where, "is required")
            case "extra_forbidden":
                return Failure(where, f"is no such field: {self._advice(path)}")
            case "greater_than_equal":
                reason = f"must be at least {_number(context['ge'], unit)}{got}"
            case "less_than_equal":
                reason = f"must be at most {_number(context['le'], unit)}{got}"
            case "literal_error":
                reason = f"must be {context['expected']}{got}"
            case "union_tag_invalid":
                return Failure(f"{where}.type", f"must be {str(context['expected_tags']).replace(',', ' or')}")
            case "union_tag_not_found":
                return Failure(f"{where}.type", "is required")
            case "string_too_short" if context.get("min_length") == 1:
                reason = "must not be empty"
            case "string_too_long":
                reason = f"must have at most {context['max_length']} characters, and has {len(detail['input'])}"
            case "too_short" if context.get("min_length") == 1:
                reason = "must have at least one item"
            case "string_pattern_mismatch":
                reason = f"does not match the pattern {context['pattern']}{got}"
            case "string_type":
                reason = f"must be a string{got}"
            case "bool_type":
                reason = f"must be true or false{got}"
            case "int_type" | "int_from_float":
                reason = f"must be a whole number{got}"
            case "float_type" | "finite_number":
                reason = f"must be a number{got}"
            case "list_type":
                reason = f"must be a list{got}"
                if got and isinstance(detail["input"], str):
                    reason += f": write [{_shown(detail['input'])}]"
            case "dict_type" | "model_type" | "model_attributes_type":
                reason = f"must be an object{got}"
            case _:
                reason = detail["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
        return Failure(where, reason)

    def _advice(self, path: Path) -> str:
        """The nearest name with its unit, or all names that there are."""
        names = self._public if len(path) == 1 else sorted(_names_at(self.model, path[:-1]))
        near = get_close_matches(_UNIT.sub("", str(_snake(path[-1]))), names, n=1)
        if not near:
            return f"known are {', '.join(names)}"
        unit = self._units.get(dotted((*path[:-1], near[0])))
        return f"did you mean {near[0]}{f' (in {unit})' if unit else ''}?"

    def _is_secret(self, path: Path) -> bool:
        return bool(path) and path[0] in self._secret


def failures_of(violations: Iterable[Violation]) -> list[Failure]:
    """Broken rules in the words of inputs."""
    return [Failure(dotted(tuple(map(_snake, broken.path))), broken.message) for broken in violations]


def _names_at(annotation: object, path: Path) -> set[str]:
    """Fields that the models in an annotation have at a path; indexes of lists count for nothing."""
    found: set[str] = set()
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        fields = annotation.model_fields
        if not path:
            return set(fields)
        return _names_at(fields[str(path[0])].annotation, path[1:]) if path[0] in fields else found
    steps = path[1:] if path and isinstance(path[0], int) else path
    for part in get_args(annotation):
        found |= _names_at(part, steps)
    return found


def _property_path(detail: ErrorDetails, inputs: JsonObject) -> Path:
    """Where the value is in the inputs: pydantic names the branch of a union in between, which is no property."""
    path: list[str | int] = []
    here: object = inputs
    for i, step in enumerate(detail["loc"]):
        if isinstance(here, dict) and step not in here and here.get("type") == step:
            continue
        if isinstance(here, dict):
            here = here.get(str(step))
        elif isinstance(here, list) and isinstance(step, int) and step < len(here):
            here = here[step]
        else:
            path.extend(detail["loc"][i:])
            return tuple(path)
        path.append(step)
    return tuple(path)


def _touches(path: Path, unknown: list[Path]) -> bool:
    return any(path[: len(u)] == u or u[: len(path)] == path != () for u in unknown)


def _snake(step: str | int) -> str | int:
    if isinstance(step, int):
        return step
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in step)


def _number(value: object, unit: str) -> str:
    return f"{value} {unit}" if unit else str(value)


def _shown(value: object) -> str:
    if isinstance(value, Unknown):
        return "a value not known yet"
    text = repr(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"
