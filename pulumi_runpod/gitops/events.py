"""The engine's own events, as `pulumi preview --json` streams them: one JSON object a line.

The stream, and not the digest that the same command prints by default: of a refresh, the digest tells neither what has
drifted nor what has vanished. Unknown events and fields are ignored, so that a newer engine stays readable.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from pulumi_runpod.gitops.masking import in_every_text

STREAM = {"PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "true"}
"""Environment that turns the digest of `preview --json` into the stream."""
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""How the engine writes a value that it will only know after the update."""
SIGNATURE = "4dabf18193072939515e22adb298388d"
"""Key of a value of a special kind; with `ciphertext` or `plaintext`, a secret."""

STACK_TYPE = "pulumi:pulumi:Stack"


class _Event(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, frozen=True, extra="ignore", populate_by_name=True)


class State(_Event):
    inputs: Mapping[str, Any] = Field(default_factory=dict)
    outputs: Mapping[str, Any] = Field(default_factory=dict)
    retain_on_delete: bool = False


class PropertyDiff(_Event):
    diff_kind: str
    """`add`, `update`, `delete`, or the same with `-replace` at its end."""


class Step(_Event):
    """What is done to one resource. `op` in the engine's words: `create`, `same`, `refresh`, `create-replacement`."""

    op: str
    urn: str
    type: str
    old: State | None = None
    new: State | None = None
    keys: tuple[str, ...] | None = None
    """Properties for which it is replaced."""
    diffs: tuple[str, ...] | None = None
    detailed_diff: Mapping[str, PropertyDiff] | None = None

    @property
    def name(self) -> str:
        return _name(self.urn)

    @property
    def kind(self) -> str:
        """Last part of the type: `Endpoint`."""
        return re.split(r"[:/]", self.type)[-1]


class StepEvent(_Event):
    metadata: Step


class Diagnostic(_Event):
    """`severity`: `debug`, `info`, `info#err` (what a provider printed), `warning`, `error`."""

    severity: str
    message: str
    urn: str | None = None

    @property
    def text(self) -> str:
        return self.message.strip()

    @property
    def name(self) -> str | None:
        """Of the resource that it is about; None for the stack as a whole."""
        return _name_of_resource(self.urn)


class PolicyEvent(_Event):
    """What a policy has found. `message`: what the policy is for, then what is wrong.

    `enforcement_level`: `advisory`, `mandatory`, or a word of a newer engine.
    """

    message: str
    policy_name: str
    policy_pack_name: str
    enforcement_level: str
    resource_urn: str | None = None

    @property
    def name(self) -> str | None:
        """Of the resource that it is about; None for the stack as a whole."""
        return _name_of_resource(self.resource_urn)


class Summary(_Event):
    result: str | None = None
    resource_changes: Mapping[str, int] = Field(default_factory=dict)


class Event(_Event):
    """Exactly one field is set, in the events that are known here."""

    resource_pre_event: StepEvent | None = None
    res_outputs_event: StepEvent | None = None
    res_op_failed_event: StepEvent | None = None
    diagnostic_event: Diagnostic | None = None
    policy_event: PolicyEvent | None = None
    summary_event: Summary | None = None


def _name_of_resource(urn: str | None) -> str | None:
    return _name(urn) if urn and f"::{STACK_TYPE}::" not in urn else None


def _name(urn: str) -> str:
    """The last of `urn:pulumi:STACK::PROJECT::TYPE::NAME`, in which colons may stand."""
    return urn.split("::", 3)[-1]


def read_events(lines: Iterable[str], mask: Callable[[str], str] = str) -> Iterator[Event]:
    """What is no JSON object, or no event of the known shape, is left out: the engine prints other lines, too.

    `mask` takes secrets out of every text, before anything is cut.
    """
    mask_once = cache(mask)  # the same words come in most of the events
    for line in lines:
        if not line.startswith("{"):
            continue
        try:
            yield Event.model_validate(in_every_text(json.loads(line), mask_once))
        except (ValueError, ValidationError):
            continue
