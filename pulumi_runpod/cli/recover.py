"""`pulumi-runpod recover`: after an interrupted `pulumi up`, before the next one."""

from __future__ import annotations

import json
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from typing import Annotated

import typer

from pulumi_runpod.cli.accounts import Accounts
from pulumi_runpod.cli.deployment import Project
from pulumi_runpod.errors import RunPodError
from pulumi_runpod.gitops.stack_lock import StackLocked, locks_in
from pulumi_runpod.gitops.workspace import PulumiFailed
from pulumi_runpod.resources.naming import mark_of
from pulumi_runpod.resources.recovery.interrupted import NEEDS_DECISION, Interrupted, Recoverer
from pulumi_runpod.resources.recovery.orphans import unknown_to
from pulumi_runpod.resources.recovery.state_entries import known_ids, resource_name
from pulumi_runpod.resources.recovery.unrecorded import (
    FailedUpdate,
    Found,
    namesakes,
    taken,
    taken_as_given,
    unrecorded,
)
from pulumi_runpod.wire.model import JsonObject

_MOST_ATTEMPTS = 5
"""At a state that others change meanwhile."""


def recover(
    stack: Annotated[str, typer.Option("--stack", "-s", help="Pulumi stack.")],
    take: Annotated[
        list[str] | None, typer.Option(help="RESOURCE=ID: this object is what the interrupted create made.")
    ] = None,
    forget: Annotated[
        list[str] | None, typer.Option(help="RESOURCE: the interrupted create made nothing that is wanted.")
    ] = None,
    unlock: Annotated[bool, typer.Option(help="First remove the lock of a killed `pulumi`.")] = False,
    dry_run: Annotated[bool, typer.Option(help="Say what would be done, and do nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Find the objects that an interrupted `pulumi up` made, and put them into the stack's state.

    Asks the service nothing where nothing was interrupted and the last update did not fail. Exits with 1 where a person
    has to decide.
    """
    project = Project.here()
    if unlock and not dry_run:
        project.unlock(stack)
    chosen = dict(_pair(entry) for entry in take or ())
    try:
        found = recovered(project, stack, take=chosen, forget=frozenset(forget or ()), dry_run=dry_run)
    except PulumiFailed as failure:
        locks = locks_in(failure.text)
        if locks is None:
            raise
        raise StackLocked(
            f"stack {stack} is locked by {locks[0] if locks else 'another update'}: nothing was changed. Run this "
            f"again when that has ended; if it was killed, `pulumi-runpod recover --unlock --stack {stack}`"
        ) from failure
    if as_json:
        typer.echo(json.dumps([*map(_row, found.operations), *map(_found_row, found.objects)]))
    else:
        lines = [_line(stack, operation) for operation in found.operations]
        for line in (*lines, *(_found_line(stack, one) for one in found.objects)):
            typer.echo(line)
        if not found.operations and not found.objects:
            typer.echo(f"stack {stack}: nothing was interrupted")
    if found.undecided:
        raise Undecided(stack, found)


def recover_unasked(project: Project, stack: str) -> None:
    """What `recover` does by itself. Raises `Undecided`; an orphan is reported and left alone."""
    found = recovered(project, stack)
    for notice in found.notices(stack):
        typer.echo(notice, err=True)
    if found.undecided:
        raise Undecided(stack, found)
    strays = [one for one in found.objects if one.verdict == "namesake"]
    if strays and not project.settings(stack).allow_namesakes:
        raise RunPodError(f"stack {stack} is not deployed: {_found_line(stack, strays[0])}")


@dataclass(frozen=True)
class Recovered:
    """What was interrupted, and what else a failed update has left."""

    operations: list[Interrupted] = field(default_factory=list)
    objects: list[Found] = field(default_factory=list)

    @property
    def undecided(self) -> list[Interrupted]:
        return [operation for operation in self.operations if operation.verdict in NEEDS_DECISION]

    def notices(self, stack: str) -> list[str]:
        """What a person should know where nobody has asked."""
        left = [operation for operation in self.operations if operation.verdict in ("orphan", "superseded", "unproven")]
        return [
            *(_line(stack, operation) for operation in left),
            *(_found_line(stack, found) for found in self.objects),
        ]


class Undecided(RunPodError):  # noqa: N818 - as the rest of the tree
    """A person has to say what an interrupted create has made."""

    def __init__(self, stack: str, found: Recovered) -> None:
        elsewhere = [operation for operation in found.undecided if operation.verdict == "another account"]
        if elsewhere:
            super().__init__(
                f"stack {stack}: nothing of {', '.join(operation.name for operation in elsewhere)} is in this account, "
                "and nothing else that the state holds: is this the key or URL of another account? Run it again with "
                "the ones of the stack (`runpod:apiKey`, `runpod:apiBaseUrl`). If the account is the right one: "
                f"`pulumi-runpod recover --stack {stack} --forget RESOURCE`. Nothing was changed"
            )
            return
        super().__init__(
            f"stack {stack}: decide what becomes of {', '.join(operation.name for operation in found.undecided)}: "
            f"`pulumi-runpod recover --stack {stack}` with `--take RESOURCE=ID` if the object is the one, with "
            "`--forget RESOURCE` if not. Nothing was changed"
        )


def recovered(
    project: Project,
    stack: str,
    *,
    take: Mapping[str, str] | None = None,
    forget: Container[str] = frozenset(),
    dry_run: bool = False,
) -> Recovered:
    """What was interrupted, and what it was found to be: written into the state where nothing is undecided.

    Begun anew where the state has changed meanwhile. Raises `PulumiFailed`, also where the stack is locked.
    """
    overwritten: list[FailedUpdate] = []
    for _ in range(_MOST_ATTEMPTS):
        state, failed = project.export_and_failures(stack)
        found, deployment = _judged(project, stack, state["deployment"], [*failed, *overwritten], take or {}, forget)
        if found.undecided or deployment is state["deployment"] or dry_run:
            return found
        replaced = project.replace(stack, state, {**state, "deployment": deployment})
        if replaced.done and not replaced.overwritten:
            return found
        overwritten += replaced.overwritten
        if replaced.overwritten:
            typer.echo(
                f"stack {stack}: an update ended while its state was written. What it has made is looked for now; for "
                "what it has changed or deleted, run `pulumi refresh`",
                err=True,
            )
    raise RunPodError(f"stack {stack} was changed by others again and again: try again when no update runs")


def _judged(
    project: Project,
    stack: str,
    deployment: JsonObject,
    failed: list[FailedUpdate],
    take: Mapping[str, str],
    forget: Container[str],
) -> tuple[Recovered, JsonObject]:
    """What was found, and the state to import: the very same object where nothing is to be changed."""
    accounts = Accounts(project, stack)
    pending = Recoverer(accounts.of, take=take, forget=forget).recover(deployment)
    found = Recovered(pending.operations)
    if found.undecided:
        return found, deployment
    left = {name: object_id for name, object_id in take.items() if name not in {one.name for one in pending.operations}}
    changed, objects = _unrecorded(accounts, pending.deployment, failed, left)
    return Recovered(pending.operations, objects), changed


def _unrecorded(
    accounts: Accounts, deployment: JsonObject, failed: list[FailedUpdate], take: Mapping[str, str]
) -> tuple[JsonObject, list[Found]]:
    """What the engine has forgotten. The program is run only where there is something to give to a declaration."""
    if not failed and not take:
        return deployment, []
    project, stack = accounts.project, accounts.stack
    states = [deployment, *(project.export(other)["deployment"] for other in project.stacks())]
    strays = {stray.id: stray for api in accounts.all(deployment) for stray in unknown_to(states, api)}
    chosen = [stray for stray in strays.values() if mark_of(stray.name) is None]
    candidates = unrecorded(strays.values(), failed, project=project.name, stack=stack.rsplit("/", 1)[-1])
    if not candidates and not take and not chosen:
        return deployment, []
    try:
        planned = project.planned(stack)
    except PulumiFailed:
        if take:
            raise
        planned = []  # the next `up` says why; what is there is named meanwhile
    known = {object_id for state in states for object_id in known_ids(state)}
    result = taken_as_given(deployment, planned, take, accounts.of, known=known)
    mine = [(orphan, mark) for orphan, mark in candidates if orphan.id not in take.values()]
    rest = taken(result.deployment, planned, mine, accounts.of)
    same = namesakes(rest.deployment, planned, [stray for stray in chosen if stray.id not in take.values()])
    return rest.deployment, [*result.found, *rest.found, *same]


def _pair(entry: str) -> tuple[str, str]:
    name, equals, object_id = entry.partition("=")
    if not (name and equals and object_id):
        raise typer.BadParameter(f"{entry!r} is not RESOURCE=ID")
    return name, object_id


def _row(operation: Interrupted) -> JsonObject:
    return {
        "urn": operation.urn,
        "operation": operation.operation,
        "kind": operation.kind,
        "verdict": operation.verdict,
        "id": operation.id,
        "candidates": list(operation.candidates),
    }


def _found_row(found: Found) -> JsonObject:
    return {
        "urn": found.urn,
        "operation": "creating",
        "kind": found.kind,
        "verdict": found.verdict,
        "id": found.id,
        "candidates": [],
    }


def _line(stack: str, operation: Interrupted) -> str:
    what = f"{operation.kind} {operation.name!r}, interrupted while {operation.operation}"
    match operation.verdict:
        case "recovered":
            return f"{what}: it is {operation.id}, now in the state"
        case "recorded":
            return f"{what}: it is {operation.id}, in the state already"
        case "orphan":
            return (
                f"{what}: {operation.id} is an orphan, since the state holds {operation.instead} for it, which stays. "
                + _orphan_advice(stack)
            )
        case "superseded":
            found = f". Of that name there is also: {', '.join(operation.candidates)}" if operation.candidates else ""
            return f"{what}: the state holds {operation.instead} for it, which stays{found}"
        case "never made":
            now = f"the state holds {operation.instead}" if operation.instead else "the next `pulumi up` makes it"
            return f"{what}: nothing was made; {now}"
        case "unproven":
            return (
                f"{what}: nothing of it is in this account, and the state holds nothing that proves the account. The "
                "entry stays until then; the next `pulumi up` makes the object"
            )
        case "another account":
            return f"{what}: nothing of it is in this account, and nothing else that the state holds"
        case "forgotten":
            return f"{what}: forgotten, as asked"
        case "repeatable":
            return f"{what}: the next `pulumi up` does it again"
        case "undecided":
            found = ", ".join(operation.candidates) or "none that could be compared"
            return f"{what}: the program chose its name, which proves nothing. Of that name there is: {found}"


def _orphan_advice(stack: str) -> str:
    return f"`pulumi-runpod orphans --stack {stack} --delete` deletes such objects (volumes with `--volumes`)"


def _found_line(stack: str, found: Found) -> str:
    if found.urn is not None and found.verdict == "namesake":
        name = resource_name(found.urn)
        command = f"`pulumi-runpod recover --stack {stack} --take {name}={found.id}`"
        return (
            f"{found.kind} {found.id} is named as {name!r} will be, and no stack has it. If an `up` that failed has "
            f"made it: {command}; if not, choose another name, or allow objects of one name: "
            "`pulumi config set runpod:allowNamesakes true`"
        )
    what = f"{found.kind} {found.id}, made by an update that failed"
    if found.urn is not None:
        return f"{what}: it is {resource_name(found.urn)!r}, now in the state"
    return f"{what}: no declaration lacks it. {_orphan_advice(stack)}"
