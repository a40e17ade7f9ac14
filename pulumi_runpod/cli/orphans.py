"""`pulumi-runpod orphans`: what this project made and no stack of it knows any more."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from pulumi_runpod.cli.accounts import Accounts
from pulumi_runpod.cli.deployment import Project
from pulumi_runpod.errors import RunPodError
from pulumi_runpod.resources.recovery.orphans import Orphan, delete, orphans_of


def orphans(
    stack: Annotated[str, typer.Option("--stack", "-s", help="Stack whose accounts are searched.")],
    delete_: Annotated[bool, typer.Option("--delete", help="Delete what is found, except volumes.")] = False,
    volumes: Annotated[bool, typer.Option(help="With --delete: volumes, too, and the data on them.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List what carries this project's marker in its name, in the accounts of the stack, and is in no stack's state.

    Only the stacks of this backend are known: if the same project is deployed from another backend to the same
    account has objects that look like orphans here. Nor is anything of an `up` that runs at this moment in a state yet.
    """
    project = Project.here()
    deployments = {name: project.export(name)["deployment"] for name in project.stacks()}
    accounts = Accounts(project, stack).all(deployments.get(stack) or project.export(stack)["deployment"])
    home = {o.id: (api, o) for api in accounts for o in orphans_of(api, project.name, deployments.values())}
    found = [orphan for _, orphan in home.values()]
    if as_json:
        typer.echo(json.dumps([{"kind": o.kind, "id": o.id, "name": o.name} for o in found]))
    else:
        for orphan in found:
            typer.echo(f"{orphan.kind} {orphan.id} ({orphan.name})")
        if not found:
            typer.echo("no orphans")
    chosen = [orphan for orphan in found if volumes or not orphan.holds_data]
    if not (delete_ and chosen):
        return
    if not yes and not _asked(chosen):
        raise RunPodError("nothing was deleted")
    for orphan in chosen:
        delete(home[orphan.id][0], orphan)
        typer.echo(f"deleted {orphan.kind} {orphan.id}", err=as_json)


def _asked(chosen: list[Orphan]) -> bool:
    return typer.confirm(f"Delete {len(chosen)} object{'s' if len(chosen) > 1 else ''}?", err=True)
