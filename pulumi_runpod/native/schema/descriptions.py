"""Descriptions of properties: taken from the docstrings that Python users read, so that a text is written once."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Mapping

from pulumi_runpod.resources.schema_names import camel

_PARAM = re.compile(r"^:param (\w+):\s*")
_CODE = re.compile(r"`([^`{]+)`")
_RAISES = re.compile(r" Raises `pulumi\.RunError`[^.]*\.")
_NAME = re.compile(r"\b[a-z][a-z0-9]*(?:_[a-z0-9]+)+\b")


def of_parameters(function: Callable[..., object]) -> dict[str, str]:
    """The `:param name:` texts of a docstring."""
    found: dict[str, str] = {}
    name = None
    for line in inspect.cleandoc(function.__doc__ or "").splitlines():
        start = _PARAM.match(line)
        if start:
            name = start[1]
            found[name] = line[start.end() :]
        elif name is not None and line.strip():
            found[name] += f" {line.strip()}"
        else:
            name = None
    return {key: worded(text) for key, text in found.items()}


def of_attributes(cls: type) -> Mapping[str, str]:
    """The strings below a class's attributes, those of its bases included."""
    found: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        if base.__module__.startswith("pulumi_runpod"):
            found |= _below_attributes(base)
    return found


def of_class(cls: type) -> str:
    """The class's own docstring, as one paragraph each."""
    if cls.__doc__ is None or "__doc__" not in vars(cls):
        return ""
    return worded(inspect.cleandoc(cls.__doc__))


def _below_attributes(cls: type) -> dict[str, str]:
    try:
        source = textwrap.dedent(inspect.getsource(cls))
    except (OSError, TypeError):
        return {}
    [definition] = ast.parse(source).body
    found = {}
    if isinstance(definition, ast.ClassDef):
        for statement, after in zip(definition.body, definition.body[1:], strict=False):
            if (
                isinstance(statement, ast.AnnAssign)
                and isinstance(statement.target, ast.Name)
                and isinstance(after, ast.Expr)
                and isinstance(after.value, ast.Constant)
                and isinstance(after.value.value, str)
            ):
                found[statement.target.id] = worded(inspect.cleandoc(after.value.value))
    return found


def worded(text: str) -> str:
    """Names inside backquotes as the schema has them."""
    return _CODE.sub(
        lambda code: f"`{_NAME.sub(lambda name: camel(name[0]), code[1])}`", _RAISES.sub("", " ".join(text.split()))
    )
