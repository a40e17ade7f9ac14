"""Values of other stacks, in the form that every backend takes: `organization/project/stack`."""

from __future__ import annotations

import os
from typing import Any

import pulumi

from pulumi_runpod.components.unknown import unknown

UNDEPLOYED = "STACKS_UNDEPLOYED"
"""Set to `unknown` where several stacks are previewed together: what one of them has only after its own update is then
unknown in a preview, as the engine has it within a stack. An update refuses all the same."""


def output_of(stack: str, name: str, *, advice: str) -> pulumi.Output[Any]:
    """Output `name` of a stack of this project, or of the one that a longer name says.

    Raises RunError, once the engine has answered, when that stack has no such output; `advice` says what to do.
    """
    reference = pulumi.StackReference(qualified(stack))

    def checked(value: object) -> object:
        if value is None and pulumi.runtime.is_dry_run() and os.environ.get(UNDEPLOYED) == "unknown":
            pulumi.log.warn(f"stack {stack} has no output {name} yet, so that it is unknown in this preview: {advice}")
            return unknown()
        if value is None:
            raise pulumi.RunError(f"stack {stack} has no output {name}: {advice}")
        return value

    return reference.get_output(name).apply(checked)


def qualified(stack: str) -> str:
    """The full name of a stack: organization and project of this one where the name leaves them out."""
    parts = stack.split("/")
    missing = [pulumi.get_organization(), pulumi.get_project()][: 3 - len(parts)]
    return "/".join([*missing, *parts])
