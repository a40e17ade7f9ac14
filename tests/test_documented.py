"""Every argument that a program can give has its meaning in the source, where editors show it: with the unit of a
number, and what holds when it is left out.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
import typing
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from pydantic import BaseModel

import pulumi_runpod
from pulumi_runpod import components
from pulumi_runpod.resources.resource import RunPodResource
from stacks.settings_page import meanings

UNIT = re.compile(
    r"\b(seconds|milliseconds|hours|GB|bytes|USD|GPUs?|workers?|requests?|images?|power of two|pixels|width)\b",
    re.IGNORECASE,
)
UNIT_IN_NAME = re.compile(r"(_seconds|seconds_each|_gb|_per_day)$")
LEFT_OUT = re.compile(r"[Dd]efault|[Ww]ithout|[Ii]nstead|[Ee]xcludes|goes with|[Tt]ogether with|[Ee]ither")


@dataclass(frozen=True)
class Argument:
    owner: str
    name: str
    kind: str
    """Its annotation as written."""
    meaning: str
    unsaid: bool
    """It may be left out, and the signature does not show what holds then."""

    @property
    def is_number(self) -> bool:
        return (
            re.search(r"\b(int|float|Decimal|Seconds|RequestsPerDay|HoursPerDay|GpuMemoryGb)\b", self.kind) is not None
        )


def of_fields(owner: type) -> Iterator[Argument]:
    """Of a dataclass, a pydantic model or a typed dictionary."""
    result = meanings(owner)
    for name, kind in inspect.get_annotations(owner).items() if typing.is_typeddict(owner) else all_fields(owner):
        yield Argument(owner.__name__, name, str(kind), result.get(name, ""), unsaid(owner, name))


def all_fields(owner: type) -> Iterator[tuple[str, str]]:
    """Inherited ones as well, with their annotations as written."""
    written = {
        name: str(kind) for each in reversed(owner.__mro__) for name, kind in inspect.get_annotations(each).items()
    }
    names = owner.model_fields if issubclass(owner, BaseModel) else [f.name for f in dataclasses.fields(owner)]
    return ((name, written[name]) for name in names)


def unsaid(owner: type, name: str) -> bool:
    if typing.is_typeddict(owner):
        return name in owner.__optional_keys__
    if issubclass(owner, BaseModel):
        field = owner.model_fields[name]
        return not field.is_required() and field.default is None
    return next(f.default is None for f in dataclasses.fields(owner) if f.name == name)


def of_constructor(owner: type) -> Iterator[Argument]:
    """Of a resource: described in the docstring of its `__init__`."""
    text = inspect.cleandoc(owner.__init__.__doc__ or "")
    fields = {
        name: " ".join(meaning.split())
        for name, meaning in re.findall(r"^:param (\w+): ((?:.|\n(?!:))+)", text, re.MULTILINE)
    }
    for name, parameter in inspect.signature(owner.__init__).parameters.items():
        if name not in {"self", "resource_name", "opts"}:
            yield Argument(
                owner.__name__, name, str(parameter.annotation), fields.get(name, ""), parameter.default is None
            )


def arguments() -> Iterator[Argument]:
    """Of all that the package and its components offer for declaring something."""
    public = [getattr(pulumi_runpod, name) for name in pulumi_runpod.__all__]
    public += [getattr(components, name) for name in components.__all__]
    for each in public:
        if not inspect.isclass(each) or each is pulumi_runpod.GpuPool:  # what a question is answered with
            continue
        if issubclass(each, RunPodResource) or each is pulumi_runpod.Provider:
            yield from of_constructor(each)
        elif typing.is_typeddict(each) or dataclasses.is_dataclass(each) or issubclass(each, BaseModel):
            yield from of_fields(each)


ALL = list(arguments())


def test_all_kinds_of_arguments_are_looked_at() -> None:
    """Of resources, of components, and nested ones."""
    owners = {argument.owner for argument in ALL}

    assert owners >= {
        "Endpoint",
        "NetworkVolume",
        "SdxlServiceArgs",
        "WorkerImageArgs",
        "GpuArgs",
        "Traffic",
        "Provider",
    }
    assert len(ALL) > 150


@pytest.mark.parametrize("argument", ALL, ids=lambda argument: f"{argument.owner}.{argument.name}")
def test_an_argument_has_a_meaning_a_unit_and_a_default(argument: Argument) -> None:
    """A sentence of it; what a number counts; and what holds without it, where the signature says just None."""
    assert argument.meaning
    if argument.is_number:
        assert UNIT_IN_NAME.search(argument.name) or UNIT.search(argument.meaning), argument
    if argument.unsaid:
        assert LEFT_OUT.search(argument.meaning), argument
