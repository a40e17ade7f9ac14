"""`pulumi-runpod emulator ...`: run the local RunPod, in the foreground or in the background."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from pulumi_runpod.cli import emulator_control
from pulumi_runpod.emulator.platform.quota import DEFAULT_QUOTA, parse_quota
from pulumi_runpod.emulator.platform.worker_command import WorkerCommand
from pulumi_runpod.emulator.process import background
from pulumi_runpod.emulator.process.remote import Remote
from pulumi_runpod.emulator.process.server_settings import (
    DEFAULT_PORT,
    DEFAULT_STATE,
    ServerError,
    ServerSettings,
)
from pulumi_runpod.errors import RunPodError, SettingsError
from pulumi_runpod.extras import require

app = typer.Typer(help="The local RunPod.", no_args_is_help=True)
emulator_control.mount(app)

SERVE = (sys.executable, "-m", "pulumi_runpod.cli", "emulator", "serve")

Port = Annotated[int, typer.Option(min=0, max=65535, help="TCP port; 0 picks a free one.")]
Host = Annotated[str, typer.Option(help="Address to listen on. A public one needs --api-key.")]
State = Annotated[Path, typer.Option(help="Directory that keeps everything; made when missing.")]
ApiKey = Annotated[
    str | None,
    typer.Option(
        envvar=background.KEY_VARIABLE,
        help="The key that clients send. Default on loopback: a random one, made for the state directory; see `key`.",
    ),
]
Worker = Annotated[
    list[str] | None,
    typer.Option(
        metavar="'GLOB=COMMAND'",
        help="Run COMMAND as the workers of images that match GLOB. Repeatable. Other images run as containers.",
    ),
]
WorkerEnv = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME[=VALUE]",
        help="Environment that this machine adds to every worker, under what its endpoint sets. Without =VALUE, the "
        "value is taken from this command's own environment, so that no process list shows a secret. Repeatable.",
    ),
]
Quota = Annotated[str, typer.Option(help="Rate limit: q=CALLS;w=SECONDS, comma-separated; empty: none.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def serve(
    port: Port = DEFAULT_PORT,
    host: Host = "127.0.0.1",
    state: State = DEFAULT_STATE,
    api_key: ApiKey = None,
    worker: Worker = None,
    worker_env: WorkerEnv = None,
    quota: Quota = DEFAULT_QUOTA,
    worker_env_digest: Annotated[str, typer.Option(hidden=True)] = "",  # noqa: ARG001 - `start` tells servers apart by it
    as_json: Json = False,  # noqa: ARG001 - the one line that it prints is JSON anyway
) -> None:
    """Serve in the foreground; when ready, print one JSON line with the addresses."""
    settings = ServerSettings(
        state_dir=state,
        host=host,
        port=port,
        api_key=api_key,
        quota=_checked_quota(quota),
        worker_commands=_worker_commands(worker),
        worker_env={**_handed_over(), **_worker_env(worker_env)},
        containers=True,
    )
    require("local", "The local RunPod")
    # Only the server itself needs what it is made of: every other command starts without it.
    from pulumi_runpod.emulator.process.server import serve as serve_in_foreground

    arguments = _arguments(port, host, state, worker, settings.worker_env, quota)
    with errors_reported():
        serve_in_foreground(settings, sys.stdout, arguments=arguments)


@app.command()
def start(
    port: Port = DEFAULT_PORT,
    host: Host = "127.0.0.1",
    state: State = DEFAULT_STATE,
    api_key: ApiKey = None,
    worker: Worker = None,
    worker_env: WorkerEnv = None,
    quota: Quota = DEFAULT_QUOTA,
    as_json: Json = False,
) -> None:
    """Serve in the background. Already running with the same options: nothing happens."""
    require("local", "The local RunPod")
    _checked_quota(quota)
    _worker_commands(worker)
    env = _worker_env(worker_env)
    with errors_reported():
        arguments = _arguments(port, host, state, worker, env, quota)
        running, fresh = background.start(state, SERVE, arguments, api_key=api_key, worker_env=env)
    if as_json:
        fields = {**_addresses(running), "pid": running.pid, "started": fresh, "containers": _containers(state)}
        typer.echo(json.dumps(fields))
    else:
        typer.echo(f"Local RunPod {'started' if fresh else 'runs already'}: {running.api} (pid {running.pid})")
        _tell_processes_alone(state)


@app.command()
def stop(state: State = DEFAULT_STATE, as_json: Json = False) -> None:
    """End the server that uses this state directory, workers included. None running: nothing happens."""
    with errors_reported():
        stopped = background.stop(state)
    if as_json:
        typer.echo(json.dumps({"stopped": stopped}))
    else:
        typer.echo("Local RunPod stopped." if stopped else "No local RunPod was running.")


@app.command()
def status(state: State = DEFAULT_STATE, as_json: Json = False) -> None:
    """Say whether a server uses this state directory. Exit code 3: none does."""
    with errors_reported():
        running = background.find(state)
    if as_json:
        fields = {**_addresses(running), "pid": running.pid, "containers": _containers(state)} if running else {}
        typer.echo(json.dumps({"running": running is not None, **fields}))
    elif running:
        typer.echo(f"Local RunPod runs: {running.api} (pid {running.pid})")
        _tell_processes_alone(state)
    else:
        typer.echo("No local RunPod runs.")
    if running is None:
        raise typer.Exit(3)


def _containers(state: Path) -> dict[str, str | bool | None]:
    with errors_reported():
        result: dict[str, str | bool | None] = Remote(state, "").call("GET", "ready")["containers"]
    return result


def _tell_processes_alone(state: Path) -> None:
    result = _containers(state)
    if not result["available"]:
        typer.echo(f"Workers run as processes alone, where --worker names one: {result['reason']}.")


@contextmanager
def errors_reported() -> Iterator[None]:
    """Errors of the server as errors of the command."""
    try:
        yield
    except ServerError as failure:
        raise RunPodError(str(failure)) from failure


def _worker_commands(items: list[str] | None) -> tuple[WorkerCommand, ...]:
    commands = []
    for text in items or []:
        glob, equals, command = text.partition("=")
        if not (glob and equals and command.strip()):
            raise SettingsError(f"--worker {text!r}: write 'GLOB=COMMAND', such as '*/my-worker*=python -m my_worker'")
        commands.append(WorkerCommand(glob, command))
    return tuple(commands)


def _worker_env(items: list[str] | None) -> dict[str, str]:
    env = {}
    for text in items or []:
        name, equals, value = text.partition("=")
        if not name.isidentifier():
            # Not the text itself: it may be the value that somebody meant to keep.
            raise SettingsError(f"--worker-env {name!r}: write NAME=VALUE, such as ALLOW_CPU=1")
        if not equals and name not in os.environ:
            raise SettingsError(f"--worker-env {name}: {name} is not set here; set it, or write NAME=VALUE")
        env[name] = value if equals else os.environ[name]
    return env


def _handed_over() -> dict[str, str]:
    """What `start` passes to the server that it starts."""
    env: dict[str, str] = json.loads(os.environ.pop(background.WORKER_ENV_VARIABLE, "{}"))
    return env


def _checked_quota(quota: str) -> str:
    try:
        parse_quota(quota)
    except ValueError as wrong:
        raise SettingsError(f"--quota: {wrong}") from wrong
    return quota


def _arguments(
    port: int, host: str, state: Path, worker: list[str] | None, worker_env: Mapping[str, str], quota: str
) -> tuple[str, ...]:
    """The options of `serve` that make one server equal to another. Never the key, nor a value of `--worker-env`."""
    workers = [part for text in worker or [] for part in ("--worker", text)]
    env = json.dumps(dict(worker_env), sort_keys=True).encode()
    digest = ("--worker-env-digest", hashlib.sha256(env).hexdigest()) if worker_env else ()
    where = ("--port", str(port), "--host", host, "--state", str(state.absolute()))
    return (*where, "--quota", quota, *workers, *digest)


def _addresses(running: background.Running) -> dict[str, str]:
    return {"api": running.api, "jobs": running.jobs, "console": running.console}
