"""What the lifecycle answers, in terms that no engine owns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pulumi_runpod.errors import Failure, RunPodError

if TYPE_CHECKING:
    from pulumi_runpod.wire.model import JsonObject


@dataclass(frozen=True)
class Checked:
    """`inputs` with defaults filled in; `failures` are all the mistakes at once."""

    inputs: JsonObject
    failures: list[Failure] = field(default_factory=list)
    notices: tuple[str, ...] = ()
    """What a person should know before the update."""


@dataclass(frozen=True)
class Differences:
    """Whether a change needs a new object. That there is a change is for the engine to see, from the inputs."""

    replaces: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    """What a person should know before saying yes."""


@dataclass(frozen=True)
class Created:
    id: str
    outs: JsonObject
    notices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Updated:
    outs: JsonObject
    notices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Found:
    """The object as it is. `id` None: it is gone."""

    id: str | None
    outs: JsonObject = field(default_factory=dict)
    inputs: JsonObject = field(default_factory=dict)
    notices: tuple[str, ...] = ()


class PartialFailure(RunPodError):  # noqa: N818 - it is what the engine calls it
    """The object exists, but is not as declared. The engine records it, and the next `up` goes on with it.

    `outs` are all outputs as they are now; `reasons` one line each.
    """

    def __init__(self, object_id: str, outs: JsonObject, reasons: Sequence[str]) -> None:
        self.id, self.outs, self.reasons = object_id, outs, tuple(reasons)
        super().__init__("; ".join(self.reasons))
