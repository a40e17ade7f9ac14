"""`pulumi-runpod endpoint ...`: what RunPod says of deployed endpoints, their workers and their logs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, cast

import typer

from pulumi_runpod.cli.stack import EndpointId, Stack, settings_of, target
from pulumi_runpod.client import client_for
from pulumi_runpod.wire.endpoint import ENDPOINTS, Endpoint
from pulumi_runpod.wire.model import JsonObject

app = typer.Typer(help="Deployed endpoints.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_HIDDEN = "[secret]"


@app.command()
def show(
    stack: Stack = None,
    endpoint_id: EndpointId = None,
    show_secrets: Annotated[bool, typer.Option(help="Print env values instead of [secret].")] = False,
    as_json: Json = False,
) -> None:
    """Print one endpoint. With --json, exactly what the API returns, env values hidden."""
    meant = target(stack, endpoint_id)
    fields, _ = meant.client.fetch_one(ENDPOINTS, meant.endpoint_id)
    if not show_secrets and isinstance(fields.get("env"), dict):
        fields = {**fields, "env": dict.fromkeys(fields["env"], _HIDDEN)}
    if as_json:
        typer.echo(json.dumps(fields))
        return
    for name, value in fields.items():
        typer.echo(f"{name}: {value if isinstance(value, str) else json.dumps(value)}")


@app.command("list")
def list_(stack: Stack = None, as_json: Json = False) -> None:
    """List every endpoint of the account. --stack: the account that the stack uses."""
    endpoints = cast("Sequence[Endpoint]", client_for(settings_of(stack)).list(ENDPOINTS))
    if as_json:
        typer.echo(json.dumps([_row(endpoint) for endpoint in endpoints]))
        return
    _table(
        ("ID", "NAME", "TYPE", "WORKERS", "IMAGE"),
        [(e.id, e.name, e.type or "", f"{e.workers.min}-{e.workers.max}", e.image or "") for e in endpoints],
    )


@app.command()
def workers(stack: Stack = None, endpoint_id: EndpointId = None, as_json: Json = False) -> None:
    """List the workers that are active now."""
    meant = target(stack, endpoint_id)
    result = meant.client.workers(meant.endpoint_id)
    if as_json:
        typer.echo(result.model_dump_json(by_alias=True))
        return
    _table(
        ("ID", "STATUS", "GPU", "DATA CENTER", "RELEASE"),
        [
            (w.id, w.status, w.gpu_type_id or "", w.data_center_id or "", "stale" if w.is_stale else "current")
            for w in result.workers
        ],
    )


@app.command()
def logs(
    worker: Annotated[str | None, typer.Argument(help="Id of the worker; default: each of the active ones.")] = None,
    stack: Stack = None,
    endpoint_id: EndpointId = None,
    tail: Annotated[int, typer.Option(min=0, max=5000, help="Lines per worker, at most.")] = 100,
    as_json: Json = False,
) -> None:
    """Print the last lines of the workers' logs."""
    meant = target(stack, endpoint_id)
    ids = [worker] if worker else [w.id for w in meant.client.workers(meant.endpoint_id).workers]
    for worker_id in ids:
        for line in meant.client.worker_logs(meant.endpoint_id, worker_id, tail=tail):
            if as_json:
                typer.echo(json.dumps({"workerId": worker_id, **line.model_dump(by_alias=True)}))
            else:
                typer.echo(f"{worker_id} {line.ts} {line.source}: {line.line}")


def _row(endpoint: Endpoint) -> JsonObject:
    return {
        "id": endpoint.id,
        "name": endpoint.name,
        "type": endpoint.type,
        "image": endpoint.image,
        "workers": endpoint.workers.model_dump(by_alias=True, exclude_none=True),
    }


def _table(titles: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    widths = [max(map(len, column)) for column in zip(titles, *rows, strict=True)]
    for row in (titles, *rows):
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
