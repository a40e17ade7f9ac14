"""A whole account as a program: the file that `pulumi import` takes, and the Python that declares the same.

Values that the service never returns (passwords, secrets, an ARN) cannot be declared without changing them: such
objects are read by id. Environments may hold secrets, so the program takes them from the stack's encrypted config.
"""

from __future__ import annotations

import keyword
import pprint
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pulumi_runpod.errors import NotFound
from pulumi_runpod.native.declaration import declaration
from pulumi_runpod.resources.schema_names import NATIVE_PREFIX
from pulumi_runpod.resources.tokens import KINDS, lifecycle_of_kind

if TYPE_CHECKING:
    from pulumi_runpod.resources.api import Api
    from pulumi_runpod.wire.model import JsonObject

_ORDER = ("RegistryCredential", "EcrDelegation", "Secret", "NetworkVolume", "Template", "Endpoint")
"""What is referred to comes first."""
_WIDTH = 110
_REFERENCES = {"registry": "RegistryCredential", "network_volumes": "NetworkVolume"}
_NOT_A_WORD = re.compile(r"\W+")


@dataclass(frozen=True)
class Existing:
    """An object of the account. `name` is unique among the resources of the program."""

    kind: str
    id: str
    name: str
    inputs: JsonObject
    """The shortest declaration, snake_case."""
    is_read_only: bool
    """The service does not return all that a declaration needs."""

    @property
    def variable(self) -> str:
        words = _NOT_A_WORD.sub("_", self.name).strip("_").lower() or "resource"
        return f"_{words}" if words[0].isdigit() or keyword.iskeyword(words) else words

    @property
    def config_key(self) -> str:
        """Under which the stack's config holds the environment."""
        return f"env-{self.name}"


def everything(api: Api) -> Iterator[Existing]:
    """Every object of the account. Kinds that an older service does not have are left out."""
    taken: set[str] = set()
    for kind in _ORDER:
        lifecycle = lifecycle_of_kind(KINDS[kind])
        collection = lifecycle.collection
        try:
            objects = [str(found.model_dump()["id"]) for found in api.list(collection)]
        except NotFound:
            continue
        unseen = collection.input_only_fields - {"template_id"}
        for object_id in objects:
            inputs = declaration(KINDS[kind], lifecycle.read(api, object_id, {}).inputs)
            name = _unique(str(inputs.get("name") or object_id), taken)
            yield Existing(kind, object_id, name, inputs, bool(unseen))


def import_file(objects: Iterable[Existing]) -> JsonObject:
    """For `pulumi import --file`."""
    return {
        "resources": [
            {"type": f"{NATIVE_PREFIX}{one.kind}", "name": one.name, "id": one.id}
            for one in objects
            if not one.is_read_only
        ]
    }


def program(objects: Sequence[Existing]) -> str:
    """A module with a function `declare`, whose resources are those of the import file."""
    kinds = sorted({one.kind for one in objects})
    ids = {(one.kind, one.id): one.variable for one in objects}
    lines = [
        '"""Everything of the account that was chosen when `pulumi-runpod adopt` wrote this."""',
        "",
        "from __future__ import annotations",
        "",
        "import pulumi",
        "",
        f"from pulumi_runpod import {', '.join(kinds)}" if kinds else "",
        "",
        "",
        "def declare() -> None:",
    ]
    body = ["    config = pulumi.Config()"] if any("env" in one.inputs for one in objects) else []
    for one in objects:
        body += _statement(one, ids)
    return "\n".join([*lines, *(body or ["    pass"])]) + "\n"


def _statement(one: Existing, ids: dict[tuple[str, str], str]) -> list[str]:
    if one.is_read_only:
        return [f"    {one.variable} = {one.kind}.get({one.name!r}, {one.id!r})"]
    found = [f"    {one.variable} = {one.kind}(", f"        {one.name!r},"]
    for key, value in one.inputs.items():
        if key == "env":
            text = f"config.require_secret_object({one.config_key!r})"
        else:
            text = pprint.pformat(_referring(key, value, ids), width=_WIDTH - len(key), sort_dicts=False)
        found.append(f"        {key}={text.replace(chr(10), chr(10) + ' ' * (9 + len(key)))},")
    return [*found, "    )"]


class _Code:
    """Python text, in the midst of values."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def _referring(key: str, value: object, ids: dict[tuple[str, str], str]) -> object:
    """The value with `variable.id` for the id of an object that the program has."""
    if isinstance(value, list):
        return [_referring(key, item, ids) for item in value]
    variable = ids.get((_REFERENCES.get(key, ""), str(value)))
    return _Code(f"{variable}.id") if variable else value


def _unique(name: str, taken: set[str]) -> str:
    """The name, with a number where its variable is taken."""
    candidate, number = name, 2
    while _NOT_A_WORD.sub("_", candidate).lower() in taken:
        candidate, number = f"{name}-{number}", number + 1
    taken.add(_NOT_A_WORD.sub("_", candidate).lower())
    return candidate
