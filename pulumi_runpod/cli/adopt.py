"""`pulumi-runpod adopt`: what an account has, as native resources of a stack."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pulumi_runpod.errors import RunPodError

if TYPE_CHECKING:
    from pulumi_runpod.cli.deployment import Project
    from pulumi_runpod.native.account_program import Existing

_IMPORTS, _PROGRAM = "adopted.json", "adopted.py"


def adopt(
    stack: Annotated[str, typer.Option("--stack", "-s", help="Stack that is to manage the objects.")],
    account: Annotated[bool, typer.Option("--account", help="All that the stack's account has.")] = False,
    from_state: Annotated[
        Path | None,
        typer.Option("--from-state", help="What a state of another tool holds: `pulumi stack export` or Terraform's."),
    ] = None,
    match: Annotated[
        list[str] | None, typer.Option("--match", help="Names to take, `sdxl-*`; may be repeated. Default: all.")
    ] = None,
    interactive: Annotated[bool, typer.Option("--interactive", "-i", help="Ask for each object.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Write over files of an earlier run.")] = False,
) -> None:
    """Write `adopted.json` for `pulumi import` and `adopted.py`, which declares the same, into the project.

    Nothing is changed at RunPod. Environments go into the stack's config, encrypted. Credentials, secrets and
    delegations are read by id: the service does not return what declaring them would need.
    """
    from pulumi_runpod.cli.deployment import Project
    from pulumi_runpod.client import client_for
    from pulumi_runpod.native.account_program import everything, import_file, program

    if account == (from_state is not None):
        raise RunPodError(
            "adopt takes either --account or --from-state FILE; a single object is taken over by `pulumi import`"
        )
    held = _held(from_state) if from_state is not None else None
    project = Project.here()
    folder = project.workspace.directory
    earlier = [name for name in (_IMPORTS, _PROGRAM) if (folder / name).exists()]
    if earlier and not force:
        raise RunPodError(f"{folder}: {' and '.join(earlier)} exist already: move them, or give --force")
    _refuse_dynamic(project, stack)
    there = {(one.kind, one.id): one for one in everything(client_for(project.settings(stack)))}
    chosen = there.values() if held is None else [there[key] for key in held if key in there]
    found = [one for one in chosen if _wanted(one, match, interactive)]
    for kind, object_id in set(held or ()) - there.keys():
        typer.echo(f"{kind} {object_id}: the account has no such object", err=True)
    if not found:
        raise RunPodError("nothing to adopt: the account has no such objects, or none of these names")
    (folder / _IMPORTS).write_text(json.dumps(import_file(found), indent=2) + "\n")
    (folder / _PROGRAM).write_text(program(found))
    for one in found:
        if "env" in one.inputs and not one.is_read_only:
            project.set_config(stack, f"{project.name}:{one.config_key}", json.dumps(one.inputs["env"]), secret=True)
    project.set_config(stack, "runpod:provider", "native")
    for one in found:
        typer.echo(f"{one.kind} {one.id} ({one.name}){': read by id' if one.is_read_only else ''}")
    typer.echo(
        f"wrote {_IMPORTS} and {_PROGRAM}. Next: `pulumi import --file {_IMPORTS} --generate-code=false "
        f"--stack {stack}`, and `import adopted; adopted.declare()` in the program. The `pulumi up` after that finds "
        "nothing to do",
        err=True,
    )


def _held(file: Path) -> list[tuple[str, str]]:
    """Kind and id of every resource in a state of another tool. What has no counterpart is reported."""
    from pulumi_runpod.native.migration.foreign import foreign

    try:
        state = json.loads(file.read_text())
    except (OSError, ValueError) as error:
        raise RunPodError(f"{file} -> {error}") from error
    if not isinstance(state, dict):
        raise RunPodError(f"{file} -> not a state: it holds no JSON object")
    resources = foreign(state)
    for one in resources:
        if one.kind is None:
            typer.echo(f"{one.type} {one.name} ({one.id}): has no counterpart here, and stays with its tool", err=True)
    return [(one.kind, one.id) for one in resources if one.kind is not None]


def _wanted(one: Existing, match: list[str] | None, interactive: bool) -> bool:
    if match and not any(fnmatchcase(one.name, pattern) for pattern in match):
        return False
    return not interactive or typer.confirm(f"{one.kind} {one.id} ({one.name})?", default=True, err=True)


def _refuse_dynamic(project: Project, stack: str) -> None:
    from pulumi_runpod.resources.tokens import TYPE_PREFIX

    deployment = project.export(stack).get("deployment") or {}
    if any(str(r["type"]).startswith(TYPE_PREFIX) for r in deployment.get("resources") or []):
        raise RunPodError(
            f"stack {stack} has dynamic resources, and one program has one provider: move them first with "
            f"`pulumi-runpod native migrate --stack {stack}`"
        )
