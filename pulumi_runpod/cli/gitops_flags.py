"""Options that the commands for workflows share, and what they mean."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

from pulumi_runpod.cli.stack import project_directory, pulumi_command, pulumi_environment
from pulumi_runpod.errors import SettingsError
from pulumi_runpod.gitops.engine import Workspace
from pulumi_runpod.gitops.github_api import Repository
from pulumi_runpod.gitops.workflow import WorkflowEvent

StackNames = Annotated[str, typer.Option("--stacks", help="Names of stacks.", metavar="A,B")]
Form = Annotated[Literal["markdown", "json"], typer.Option("--format", help="What to print: markdown or json.")]
Number = Annotated[
    int | None, typer.Option("--pr", min=1, help="Number of the pull request. Default: the workflow's.", metavar="N")
]
RepositoryName = Annotated[
    str | None, typer.Option("--repository", help="Default: GITHUB_REPOSITORY.", metavar="OWNER/NAME")
]
_STACK = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.-]*(/[A-Za-z0-9_.-]+){0,2}")
"""STACK, ORGANIZATION/STACK or with the project between; never an option of `pulumi`."""


@dataclass(frozen=True)
class OnPullRequest:
    repository: Repository
    number: int


def names_of(told: str) -> tuple[str, ...]:
    """Raises `BadParameter` for what is no name of a stack."""
    names = tuple(dict.fromkeys(name.strip() for name in told.split(",") if name.strip()))
    wrong = [name for name in names if not _STACK.fullmatch(name)]
    if wrong:
        raise typer.BadParameter(f"{wrong[0]!r} is no name of a stack", param_hint="--stacks")
    if not names:
        raise typer.BadParameter("names no stack: --stacks dev,staging,prod", param_hint="--stacks")
    return names


def workspace_here() -> Workspace:
    """The Pulumi project in or above the working directory. Raises `RunPodError`."""
    return Workspace(project_directory(Path.cwd()), pulumi_command(), pulumi_environment())


def repository_of(repository: str | None, number: int | None) -> OnPullRequest:
    """Raises `SettingsError` where the options and the workflow name none."""
    found = number or number_of_event()
    if found is None:
        raise SettingsError("which pull request? --pr N, or run in a workflow of a pull request")
    return OnPullRequest(Repository.of_environment(repository), found)


def number_of_event() -> int | None:
    """From the event that started the workflow."""
    return WorkflowEvent.of_environment().number
