"""`pulumi-runpod recover`: after an interrupted `pulumi up`, before the next one."""

from __future__ import annotations

import json
from collections.abc import Container, Mapping
from typing import Annotated

import typer

from pulumi_runpod.cli.deployment import Project
from pulumi_runpod.client import client_for
from pulumi_runpod.errors import RunPodError
from pulumi_runpod.resources.api import Api
from pulumi_runpod.resources.recovery import Interrupted, Recoverer, Recovery
from pulumi_runpod.settings import Settings
from pulumi_runpod.wire.model import JsonObject

_PROVIDER_TYPE = "pulumi:providers:pulumi-python"


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

    Does nothing, with one call of `pulumi`, where nothing was interrupted. Exits with 1 where a person has to decide.
    """
    project = Project.here()
    if unlock and not dry_run:
        project.unlock(stack)
    taken = dict(_pair(entry) for entry in take or ())
    found = recovered(project, stack, take=taken, forget=frozenset(forget or ()), dry_run=dry_run)
    if as_json:
        typer.echo(json.dumps([_row(operation) for operation in found.operations]))
    else:
        for operation in found.operations:
            typer.echo(_line(operation))
        if not found.operations:
            typer.echo(f"stack {stack}: nothing was interrupted")
    if found.undecided:
        raise Undecided(stack, found)


def recover_unasked(project: Project, stack: str) -> None:
    """What `recover` does by itself. Raises `Undecided`."""
    found = recovered(project, stack)
    if found.undecided:
        raise Undecided(stack, found)


class Undecided(RunPodError):  # noqa: N818 - as the rest of the tree
    """A person has to say what an interrupted create has made."""

    def __init__(self, stack: str, found: Recovery) -> None:
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
) -> Recovery:
    """What was interrupted, and what it was found to be: written into the state where nothing is undecided."""
    state = project.export(stack)
    found = Recoverer(lambda resource: _api_of(project, stack, resource), take=take or {}, forget=forget).recover(
        state["deployment"]
    )
    if found.operations and not found.undecided and not dry_run:
        project.import_(stack, {**state, "deployment": found.deployment})
    return found


def _api_of(project: Project, stack: str, resource: JsonObject) -> Api:
    """The client of the account in which the resource is made: its explicit provider's, or the stack's."""
    provider_urn = str(resource.get("provider", "")).rsplit("::", 1)[0]
    if "::default" in provider_urn or not provider_urn:
        return client_for(project.settings(stack))
    deployment = project.export(stack, show_secrets=True)["deployment"]
    for other in deployment.get("resources") or []:
        if other["urn"] == provider_urn and other["type"] == _PROVIDER_TYPE:
            return client_for(Settings.load({key: _plain(value) for key, value in other.get("inputs", {}).items()}))
    raise RunPodError(f"stack {stack}: the provider {provider_urn} of {resource['urn']} is not in the state")


def _plain(value: object) -> str:
    if isinstance(value, dict) and "plaintext" in value:
        return str(json.loads(value["plaintext"]))
    return str(value)


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


def _line(operation: Interrupted) -> str:
    what = f"{operation.kind} {operation.name!r}, interrupted while {operation.operation}"
    match operation.verdict:
        case "recovered":
            return f"{what}: it is {operation.id}, now in the state"
        case "never made":
            return f"{what}: nothing was made; the next `pulumi up` makes it"
        case "forgotten":
            return f"{what}: forgotten, as asked"
        case "repeatable":
            return f"{what}: the next `pulumi up` does it again"
        case "undecided":
            found = ", ".join(operation.candidates) or "none that could be compared"
            return f"{what}: the program chose its name, which proves nothing. Of that name there is: {found}"
