"""One stack changed by `pulumi`, without questions: what it did comes back as data, its failures included.

An update that ended before the engine began (no such stack, a lock) raises `PulumiFailed`; one that failed on the way
is in its `errors`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue
from pydantic.alias_generators import to_camel

from pulumi_runpod.gitops.engine import carried_out
from pulumi_runpod.gitops.policy_packs import NO_POLICIES, PolicyPacks
from pulumi_runpod.gitops.preview import StackPreview
from pulumi_runpod.gitops.workspace import Workspace

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
    document = json.loads(workspace.run("stack", "ls", "--json") or "[]")
    return tuple(StackSummary.model_validate(row) for row in document)


def update(
    workspace: Workspace,
    kind: UpdateKind,
    stack: str,
    *,
    policies: PolicyPacks = NO_POLICIES,
    mask: Callable[[str], str] = str,
) -> StackPreview:
    """What was done, in the words of a preview. Raises `PulumiFailed` where nothing was begun."""
    return carried_out(workspace, kind, "--yes", "--skip-preview", *policies.arguments, stack=stack, mask=mask)


def outputs_of(workspace: Workspace, stack: str) -> Mapping[str, JsonValue]:
    """Without the secret ones' values. Empty for a stack that was never deployed to its end."""
    document = json.loads(workspace.run("stack", "output", "--json", "--stack", stack) or "{}")
    return document if isinstance(document, dict) else {}
