"""Two recordings of the same script: where the services answered differently. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pulumi_runpod.operations.parity.recording import Recording, Step

ABSENT = "(absent)"


@dataclass(frozen=True)
class Difference:
    """`where` in an answer (`body.workers.ready`), and both values; `ABSENT` where one has none."""

    step: str
    where: str
    recorded: object
    other: object

    def __str__(self) -> str:
        return f"{self.step}: {self.where}: {self.recorded!r}, not {self.other!r}"


def differences(recorded: Recording, other: Recording) -> list[Difference]:
    """In the order of the script. A step that only one recording has is one difference."""
    here, there = ({step.name: step for step in recording.steps} for recording in (recorded, other))
    found: list[Difference] = []
    for name in dict.fromkeys((*here, *there)):
        if name not in here or name not in there:
            found.append(Difference(name, "step", *("answered" if name in side else ABSENT for side in (here, there))))
        else:
            found += _step(here[name], there[name])
    return found


def _step(here: Step, there: Step) -> Iterator[Difference]:
    for field in ("status", "media_type"):
        if getattr(here, field) != getattr(there, field):
            yield Difference(here.name, field, getattr(here, field), getattr(there, field))
    for where, one, two in _values("body", here.body, there.body):
        yield Difference(here.name, where, one, two)


def _values(where: str, here: Any, there: Any) -> Iterator[tuple[str, object, object]]:
    if isinstance(here, dict) and isinstance(there, dict):
        for key in dict.fromkeys((*here, *there)):
            yield from _values(f"{where}.{key}", here.get(key, ABSENT), there.get(key, ABSENT))
    elif isinstance(here, list) and isinstance(there, list) and len(here) == len(there):
        for index, (one, two) in enumerate(zip(here, there, strict=True)):
            yield from _values(f"{where}[{index}]", one, two)
    elif here != there:
        yield where, here, there
