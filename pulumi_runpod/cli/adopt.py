"""`pulumi-runpod adopt`: what an account has, as native resources of a stack."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
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

    if not account:
        raise RunPodError("adopt takes --account; a single object is taken over by `pulumi import` or `adopt_id`")
    project = Project.here()
    folder = project.workspace.directory
    there = [name for name in (_IMPORTS, _PROGRAM) if (folder / name).exists()]
    if there and not force:
        raise RunPodError(f"{folder}: {' and '.join(there)} exist already: move them, or give --force")
    _refuse_dynamic(project, stack)
    found = [one for one in everything(client_for(project.settings(stack))) if _wanted(one, match, interactive)]
    if not found:
        raise RunPodError("the account has nothing of these names")
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
