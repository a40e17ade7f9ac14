"""One stack changed by `pulumi`, without questions: what it did comes back as data, its failures included.

An update that ended before the engine began (no such stack, a lock) raises `PulumiFailed`; one that failed on the way
is told by its `errors`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue
from pydantic.alias_generators import to_camel

from pulumi_runpod.gitops.engine import PulumiFailed, Workspace
from pulumi_runpod.gitops.events import read_events
from pulumi_runpod.gitops.preview import StackPreview
from pulumi_runpod.gitops.reading import read_preview

UpdateKind = Literal["up", "destroy"]


class StackSummary(BaseModel):
    """A row of `pulumi stack ls --json`."""

    model_config = ConfigDict(alias_generator=to_camel, frozen=True, extra="ignore", populate_by_name=True)

    full_name: str = Field(alias="name")
    """With organization and project, in some backends."""
    last_update: datetime | None = None
    """None: never updated, or an update runs now."""
    update_in_progress: bool = False
    """Always False where the backend does not know."""
    resource_count: int | None = None

    @property
    def name(self) -> str:
        return self.full_name.rsplit("/", 1)[-1]


def stacks_of(workspace: Workspace) -> tuple[StackSummary, ...]:
    """All stacks of the project in its backend."""
    told = json.loads(workspace.run("stack", "ls", "--json") or "[]")
    return tuple(StackSummary.model_validate(row) for row in told)


def update(workspace: Workspace, kind: UpdateKind, stack: str) -> StackPreview:
    """What was done, in the words of a preview. Raises `PulumiFailed` where nothing was begun."""
    began = time.monotonic()
    arguments = (kind, "--stack", stack, "--yes", "--skip-preview", "--json")
    with workspace.start(*arguments) as process:
        told, complaint = process.communicate()
    lines = told.splitlines()
    events = list(read_events(lines))
    if process.returncode and not any(event.summary_event for event in events):
        words = "\n".join([complaint, *(line for line in lines if not line.startswith("{"))])
        errors = read_preview(stack, events, seconds=0, exit_code=process.returncode).errors
        raise PulumiFailed(arguments, process.returncode, f"{words}\n" + "\n".join(errors))
    return read_preview(stack, events, seconds=time.monotonic() - began, exit_code=process.returncode)


def outputs_of(workspace: Workspace, stack: str) -> Mapping[str, JsonValue]:
    """Without the secret ones' values. Empty for a stack that was never deployed to its end."""
    told = json.loads(workspace.run("stack", "output", "--json", "--stack", stack) or "{}")
    return told if isinstance(told, dict) else {}
