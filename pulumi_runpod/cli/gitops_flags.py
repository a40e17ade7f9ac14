"""Options that the commands for workflows share, and what they mean."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

import typer

from pulumi_runpod.errors import SettingsError
from pulumi_runpod.gitops.github_api import Repository
from pulumi_runpod.gitops.markdown import one_line, shortened
from pulumi_runpod.gitops.stack_lock import LockPolicy
from pulumi_runpod.gitops.workflow import WorkflowEvent

StackNames = Annotated[str, typer.Option("--stacks", help="Names of stacks.", metavar="A,B")]
Form = Annotated[Literal["markdown", "json"], typer.Option("--format", help="What to print: markdown or json.")]
Number = Annotated[
    int | None, typer.Option("--pr", min=1, help="Number of the pull request. Default: the workflow's.", metavar="N")
]
RepositoryName = Annotated[
    str | None, typer.Option("--repository", help="Default: GITHUB_REPOSITORY.", metavar="OWNER/NAME")
]
Wait = Annotated[int, typer.Option(min=0, help="Seconds to wait for another update of the stack.")]
UnlockAfter = Annotated[
    int | None,
    typer.Option(
        "--unlock-after",
        "--longest-run",
        min=1,
        help="Remove a lock that is older, whatever machine holds it: above the longest update. Default: never.",
        metavar="MINUTES",
    ),
]
PolicyFolders = Annotated[
    list[Path] | None,
    typer.Option("--policy-pack", help="Run this policy pack, too.", metavar="FOLDER", envvar="POLICY_PACK"),
]
PolicyRules = Annotated[
    list[Path] | None,
    typer.Option(
        "--policy-pack-config",
        help="Configuration of the policy pack of the same place.",
        metavar="FILE",
        envvar="POLICY_PACK_CONFIG",
    ),
]
FAILED = 3
"""Exit code: the engine did not do, or foresee, what was asked for, and the report says why."""
_STACK = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.-]*(/[A-Za-z0-9_.-]+){0,2}")
"""STACK, ORGANIZATION/STACK or with the project between; never an option of `pulumi`."""


@dataclass(frozen=True)
class OnPullRequest:
    repository: Repository
    number: int


def names_of(text: str) -> tuple[str, ...]:
    """Raises `BadParameter` for what is no name of a stack."""
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    wrong = [name for name in names if not _STACK.fullmatch(name)]
    if wrong:
        raise typer.BadParameter(f"{wrong[0]!r} is no name of a stack", param_hint="--stacks")
    if not names:
        raise typer.BadParameter("names no stack: --stacks dev,staging,prod", param_hint="--stacks")
    return names


def lock_policy(wait: int, unlock_after: int | None) -> LockPolicy:
    """`wait` in seconds, `unlock_after` in minutes."""
    return LockPolicy(timedelta(seconds=wait), timedelta(minutes=unlock_after) if unlock_after is not None else None)


def complain(what: str, errors: Sequence[str]) -> None:
    """One line on standard error; the report has the whole."""
    why = shortened(one_line(errors[0]), 300) if errors else "no reason given"
    typer.echo(f"error: {what}: {why}", err=True)


def repository_of(repository: str | None, number: int | None) -> OnPullRequest:
    """Raises `SettingsError` where the options and the workflow name none."""
    found = number_of(number)
    return OnPullRequest(Repository.of_environment(repository), found)


def number_of(number: int | None) -> int:
    """Of the pull request: the option's, else the workflow's. Raises `SettingsError`."""
    found = number or WorkflowEvent.of_environment().number
    if found is None:
        raise SettingsError("which pull request? --pr N, or run in a workflow of a pull request")
    return found
