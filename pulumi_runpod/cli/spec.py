"""`pulumi-runpod spec ...`: hold the models of this package against a published OpenAPI document."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from pulumi_runpod.errors import RunPodError
from pulumi_runpod.wire.model import JsonObject

app = typer.Typer(help="Compare the models with RunPod's published document.", no_args_is_help=True)

File = Annotated[Path, typer.Argument(help="OpenAPI document of RunPod REST v2, as JSON.")]


@app.command()
def check(file: File, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List where models and document differ. Exit code 1 when they do beyond what is known to be newer."""
    from pulumi_runpod.wire.spec import SpecError, differences

    try:
        found = differences(_document(file))
    except SpecError as error:
        raise RunPodError(f"{file} -> {error}") from error
    wrong = [difference for difference in found if not difference.newer]
    if as_json:
        typer.echo(json.dumps([{"where": d.where, "what": d.what, "newer": d.newer} for d in found]))
    else:
        for difference in wrong:
            typer.echo(str(difference))
        for difference in found:
            if difference.newer:
                typer.echo(f"newer than the document: {difference}")
        typer.echo(f"{len(wrong)} differences, {len(found) - len(wrong)} additions newer than the document")
    if wrong:
        raise typer.Exit(1)


@app.command()
def table(file: File) -> None:
    """Print the compatibility table of docs/compatibility.md."""
    from pulumi_runpod.wire.compatibility import table as written
    from pulumi_runpod.wire.spec import SpecError

    try:
        typer.echo(written(_document(file)), nl=False)
    except SpecError as error:
        raise RunPodError(f"{file} -> {error}") from error


def _document(file: Path) -> JsonObject:
    try:
        document = json.loads(file.read_text("utf-8"))
    except OSError as error:
        raise RunPodError(f"{file} -> {error.strerror}: name a file with an OpenAPI document") from error
    except ValueError as error:
        raise RunPodError(f"{file} -> not JSON: name a file with an OpenAPI document as JSON") from error
    if not isinstance(document, dict):
        raise RunPodError(f"{file} -> is no OpenAPI document: the file holds no JSON object")
    return document
