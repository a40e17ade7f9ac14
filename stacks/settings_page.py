"""`python -m stacks.settings_page` prints docs/settings.md: the settings as their models have them, so that neither can
say what the other does not.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo

from stacks.loading import DEFAULTS
from stacks.settings import Allowed, CommonSettings, PlatformSettings, ServiceSettings

_HEAD = """\
# Settings of a stack

Of the stacks in `stacks/`. Printed by `python -m stacks.settings_page`.

`pulumi config set KEY VALUE --stack NAME` sets one, `pulumi config rm KEY --stack NAME` takes it back to its default.
Write a list as `A,B`, or as a YAML list in the stack's file. All mistakes are reported at once, each with the allowed
values and the command that fixes it.
"""
_UNITS = {
    "Seconds": "s",
    "secondsEach": "s",
    "Gb": "GB",
    "HoursPerDay": "h",
    "requestsPerDay": "requests",
    "requestCount": "requests",
    "workersMin": "workers",
    "workersMax": "workers",
}
"""Of a number, by the end of its key."""


def page() -> str:
    fields, shared_keys = dict(_fields(ServiceSettings)), dict(_fields(CommonSettings)).keys()
    own = {key: field for key, field in fields.items() if key not in shared_keys}
    shared = {key: fields[key] for key in shared_keys}
    return "\n".join(
        [
            _HEAD,
            "## A service: `dev`, `staging`, `prod`, `pr-NUMBER`",
            "",
            *_table(own),
            "",
            "## A service, or the platform, whose environment is `platform`",
            "",
            *_table(shared),
            "",
        ]
    )


def meanings(owner: type) -> dict[str, str]:
    """Name of each attribute -> the text below its declaration, that of the nearest class in the inheritance."""
    found: dict[str, str] = {}
    for each in reversed(owner.__mro__):
        if each.__module__.startswith(("pulumi_runpod.", "stacks.")):
            found |= _attribute_texts(each)
    return found


def _attribute_texts(owner: type) -> dict[str, str]:
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(owner))).body
    assert isinstance(body, ast.ClassDef)
    return {
        declared.target.id: inspect.cleandoc(text.value.value)
        for declared, text in zip(body.body, body.body[1:], strict=False)
        if isinstance(declared, ast.AnnAssign)
        and isinstance(declared.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }


def _unit(key: str) -> str:
    """Raises StopIteration for a number without a known unit."""
    return next(result for end, result in _UNITS.items() if key.endswith(end))


def _fields(model: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    for field in model.model_fields.values():
        assert field.alias is not None
        yield field.alias, field


def _table(fields: Mapping[str, FieldInfo]) -> Iterator[str]:
    result = {to_camel(name): text for name, text in meanings(ServiceSettings).items()}
    yield "| Setting | Value | Default | Meaning |"
    yield "|---|---|---|---|"
    for key, field in fields.items():
        yield f"| `{key}` | {_values(key, field)} | {_default(key)} | {' '.join(result[key].split())} |"


def _values(key: str, field: FieldInfo) -> str:
    """What is allowed, with the unit of a number."""
    for result in field.metadata:
        if isinstance(result, Allowed):
            return result.text.removeprefix("must be ")
    bounds = {type(each).__name__: each for each in field.metadata}
    kinds = set(get_args(field.annotation)) or {field.annotation}
    if get_origin(field.annotation) is Literal:
        return ", ".join(f"`{value}`" for value in get_args(field.annotation))
    if "Ge" in bounds:
        whole = "" if float in kinds else "whole number, "
        return f"{whole}{bounds['Ge'].ge} to {bounds['Le'].le} {_unit(key)}"
    return "`true`, `false`" if bool in kinds else "text"


def _default(key: str) -> str:
    """Of every environment, where they differ."""
    if key == "environment":
        return "the stack's name"
    models = {name: PlatformSettings if name == "platform" else ServiceSettings for name in DEFAULTS}
    by_environment = {
        name: _written(DEFAULTS[name].get(key, dict(_fields(model))[key].get_default(call_default_factory=True)))
        for name, model in models.items()
        if key in dict(_fields(model))
    }
    if len(set(by_environment.values())) == 1:
        return by_environment["dev"]
    return ", ".join(f"{name} {value}" for name, value in by_environment.items())


def _written(value: Any) -> str:
    """As a person types it."""
    if value in (None, {}):
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{','.join(value)}`" if isinstance(value, tuple) else f"`{value}`"


if __name__ == "__main__":
    print(page(), end="")
