"""`pulumi-runpod native ...`: the native provider's plugin, and the way of a stack to it and back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pulumi_runpod.errors import RunPodError

if TYPE_CHECKING:
    from pulumi_runpod.cli.deployment import Project
    from pulumi_runpod.native.migration.state import Migrated
    from pulumi_runpod.wire.model import JsonObject

app = typer.Typer(help="The native provider: install its plugin, move stacks to it.", no_args_is_help=True)
_CHOICE = "runpod:provider"


@app.command()
def install() -> None:
    """Put the plugin into Pulumi's plugin directory (PULUMI_HOME), where every project finds it."""
    from pulumi_runpod.native.install import install as put

    typer.echo(f"installed {put()}")


@app.command()
def path() -> None:
    """Print the plugin's folder: for `plugins:` in a Pulumi.yaml, `packages:` of a YAML program, `pulumi package`."""
    from pulumi_runpod.native.install import PLUGIN_FOLDER

    typer.echo(PLUGIN_FOLDER)


@app.command()
def migrate(
    stack: Annotated[str, typer.Option("--stack", "-s", help="Stack whose state is changed.")],
    back: Annotated[bool, typer.Option("--back", help="From native resources to dynamic ones.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Turn a stack's dynamic resources into native ones, in its state alone: RunPod is not asked.

    Shows what changes, asks, and keeps a copy of the state. The program stays as it is: the stack's config says from
    then on which provider its resources register with. `--back` undoes it.
    """
    from pulumi_runpod.cli.deployment import Project
    from pulumi_runpod.native.migration.state import native_config, to_dynamic, to_native

    project = Project.here()
    config = project.config(stack)
    state = project.export(stack, show_secrets=True)
    deployment = state.get("deployment") or {}
    wanted = native_config(config)
    migrated = to_dynamic(deployment) if back else to_native(deployment, _marked(wanted))
    _show(migrated, as_json=as_json)
    if not migrated.urns:
        return
    if not yes and not typer.confirm(f"Change {len(migrated.urns)} resources in the state of {stack}?", err=True):
        raise RunPodError("nothing was changed")
    kept = _keep(project, stack)
    project.import_(stack, {**state, "deployment": migrated.deployment})
    if back:
        project.unset_config(stack, _CHOICE)
    else:
        for name, (value, secret) in wanted.items():
            project.set_config(stack, f"runpod-serverless:{name}", value, secret=secret)
        project.set_config(stack, _CHOICE, "native")
    typer.echo(
        f"done; the state before is in {kept}, and `pulumi-runpod native migrate{_undo(back)}` undoes it", err=True
    )


def _undo(back: bool) -> str:
    return "" if back else " --back"


def _marked(config: dict[str, tuple[str, bool]]) -> JsonObject:
    from pulumi_runpod.resources.recovery.state_entries import secret

    return {name: secret(value) if hidden else value for name, (value, hidden) in config.items()}


def _show(migrated: Migrated, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps([{"urn": old, "new_urn": new} for old, new in migrated.urns.items()]))
        return
    for old, new in migrated.urns.items():
        typer.echo(f"{old}\n  -> {new}")
    if not migrated.urns:
        typer.echo("nothing to change: the state has no resources of that provider")


def _keep(project: Project, stack: str) -> Path:
    """A copy of the state with its secrets encrypted, under a name that is not taken."""
    name = stack.rsplit("/", 1)[-1]
    folder = project.workspace.directory
    number = 1
    while (file := folder / f"state-of-{name}-{number}.json").exists():
        number += 1
    file.write_text(json.dumps(project.export(stack), indent=2))
    return file
