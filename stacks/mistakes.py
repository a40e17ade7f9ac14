"""Pydantic's findings on settings in words that a person can act on: key, value, what is allowed, what mends it."""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Collection, Mapping
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from stacks.settings import Allowed

_SECRETS = {"registryPassword"}


class Teller:
    """One line for each finding on one stack's settings."""

    def __init__(
        self,
        model: type[BaseModel],
        given: Mapping[str, Any],
        *,
        stack: str,
        defaults: Mapping[str, object],
        hidden: Collection[str],
        environments: Collection[str],
    ) -> None:
        self._fields = {to_camel(name): field for name, field in model.model_fields.items()}
        self._given, self._stack, self._defaults, self._hidden = given, stack, defaults, hidden
        self._environments = ", ".join(environments)

    def mistake(self, error: ErrorDetails) -> str:
        key = str(error["loc"][0])
        if error["type"] == "extra_forbidden":
            return self._unknown(key)
        if key == "environment":
            return self._environment(error["input"])
        value = "a secret" if key in self._hidden else repr(self._given[key])
        return f"{key} is {value}: {_allowed(self._fields[key], error)}. {self._mended(key)}"

    def _unknown(self, key: str) -> str:
        value = "a secret" if key in self._hidden else repr(self._given[key])
        text = f"{key} is {value}, but not a setting. Known: {', '.join(sorted(self._fields))}. "
        remove = f"pulumi config rm {key} --stack {self._stack}"
        meant = difflib.get_close_matches(key, self._fields, n=1)
        if not meant or key in self._hidden:
            return f"{text}To remove it: {remove}"
        return f"{text}To mend it: {command(meant[0], self._given[key], stack=self._stack)}; {remove}"

    def _environment(self, value: object) -> str:
        mend = f"To mend it: {command('environment', 'dev', stack=self._stack)}"
        if value == self._stack:
            return f"environment is not set, and the stack's name, {value}, is none of {self._environments}. {mend}"
        return f"environment is {value!r}: must be one of {self._environments}. {mend}"

    def _mended(self, key: str) -> str:
        field = self._fields[key]
        right = self._defaults.get(key, field.get_default(call_default_factory=True))
        if right not in (None, {}):
            return f"To mend it: {command(key, right, stack=self._stack)}"
        remove = f"pulumi config rm {key} --stack {self._stack}"
        return f"To mend it: {command(key, (field.examples or ['VALUE'])[0], stack=self._stack)}, or {remove}"


def command(key: str, value: object, *, stack: str) -> str:
    """The command that sets `key`, as it is typed in a shell."""
    if isinstance(value, tuple):
        value = ",".join(value)
    if isinstance(value, bool):
        value = str(value).lower()
    secret = "--secret " if key in _SECRETS else ""
    return f"pulumi config set {secret}{key} {shlex.quote(str(value))} --stack {stack}"


def _allowed(field: FieldInfo, error: ErrorDetails) -> str:
    for result in field.metadata:
        if isinstance(result, Allowed):
            return result.text
    kinds = get_args(field.annotation) or (field.annotation,)
    bounds = {type(m).__name__: m for m in field.metadata}
    if "Ge" in bounds and "Le" in bounds:
        whole = "a whole number" if int in kinds else "a number"
        return f"must be {whole} from {bounds['Ge'].ge} to {bounds['Le'].le}"
    if bool in kinds:
        return "must be true or false"
    return re.sub(r"^(Input|String) should", "must", error["msg"])
