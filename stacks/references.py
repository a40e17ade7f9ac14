"""Values of other stacks, in the form that every backend takes: `organization/project/stack`."""

from __future__ import annotations

from typing import Any

import pulumi


def output_of(stack: str, name: str, *, advice: str) -> pulumi.Output[Any]:
    """Output `name` of a stack of this project, or of the one that a longer name says.

    Raises RunError, once the engine has answered, when that stack has no such output; `advice` says what to do.
    """
    reference = pulumi.StackReference(qualified(stack))

    def told(value: object) -> object:
        if value is None:
            raise pulumi.RunError(f"stack {stack} has no output {name}: {advice}")
        return value

    return reference.get_output(name).apply(told)


def qualified(stack: str) -> str:
    """The full name of a stack: organization and project of this one where the name leaves them out."""
    parts = stack.split("/")
    missing = [pulumi.get_organization(), pulumi.get_project()][: 3 - len(parts)]
    return "/".join([*missing, *parts])
