"""The local RunPod as its own process: start it, find it again by its state directory, stop it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pulumi_runpod.emulator.process.private_files import own_directory
from pulumi_runpod.emulator.process.server_settings import ADDRESS_FILE, ServerError

KEY_VARIABLE = "RUNPOD_EMULATOR_API_KEY"
"""The key reaches the child here, where `ps` does not show it."""
WORKER_ENV_VARIABLE = "RUNPOD_EMULATOR_WORKER_ENV"
"""JSON object: likewise the values of `--worker-env`."""
_START_TIMEOUT_S = 60
_STOP_TIMEOUT_S = 30


@dataclass(frozen=True)
class Running:
    """A server that holds its state directory."""

    pid: int
    api: str
    jobs: str
    console: str
    arguments: tuple[str, ...] = ()
    """What it was started with."""


def find(state_dir: Path) -> Running | None:
    """Who uses the state directory; None when nobody does. Raises ServerError for one that is still starting."""
    try:
        with (state_dir / "lock").open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return None
    except FileNotFoundError:
        return None
    except BlockingIOError:
        pass
    try:
        document = json.loads((state_dir / ADDRESS_FILE).read_text())
    except (FileNotFoundError, ValueError):
        raise ServerError(f"a local RunPod with state {state_dir} is starting or ending: try again") from None
    return Running(**{**document, "arguments": tuple(document.get("arguments", ()))})


def start(
    state_dir: Path,
    command: Sequence[str],
    arguments: Sequence[str],
    *,
    api_key: str | None,
    worker_env: Mapping[str, str] | None = None,
) -> tuple[Running, bool]:
    """The server on `state_dir`, and whether it was started now.

    `command` is the program that serves, `arguments` its options, `--state` included. `api_key` and `worker_env` reach
    it in its environment, where no other user of this machine sees them.

    Raises ServerError when it runs with other arguments, and when it cannot be started.
    """
    running = find(state_dir)
    if running is not None:
        if running.arguments != tuple(arguments):
            raise ServerError(
                f"a local RunPod runs at {running.api} with other options: stop it first with "
                f"`pulumi-runpod emulator stop --state {state_dir}`"
            )
        return running, False
    try:
        own_directory(state_dir)
    except OSError as failure:
        raise ServerError(f"cannot use {state_dir} for state: {failure.strerror or failure}") from failure
    environment = {k: v for k, v in os.environ.items() if k not in (KEY_VARIABLE, WORKER_ENV_VARIABLE)}
    if worker_env:
        environment[WORKER_ENV_VARIABLE] = json.dumps(dict(worker_env))
    if api_key is not None:
        environment[KEY_VARIABLE] = api_key
    log = state_dir / "server.log"
    with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as sink:
        child = subprocess.Popen(
            [*command, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=sink,
            env=environment,
            start_new_session=True,
        )
    line = _first_line(child)
    if not line:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        child.wait()
        raise ServerError(f"the local RunPod did not start: {_last_line(log)} (log: {log})")
    found = find(state_dir)
    if found is None:
        raise ServerError(f"the local RunPod ended at once (log: {log})")
    return found, True


def stop(state_dir: Path) -> bool:
    """End the server that uses `state_dir`, and wait until it is gone. False: there was none. Raises ServerError."""
    running = find(state_dir)
    if running is None:
        return False
    try:
        watched = os.pidfd_open(running.pid)
    except ProcessLookupError:
        return True
    try:
        signal.pidfd_send_signal(watched, signal.SIGTERM)
        ended, _, _ = select.select([watched], [], [], _STOP_TIMEOUT_S)
        if not ended:
            raise ServerError(f"the local RunPod (pid {running.pid}) did not end within {_STOP_TIMEOUT_S} s")
    finally:
        os.close(watched)
    return True


def _first_line(child: subprocess.Popen[bytes]) -> str:
    """What the child says first; empty when it ended, or said nothing in time."""
    if child.stdout is None:
        return ""
    with child.stdout as result:
        ready, _, _ = select.select([result], [], [], _START_TIMEOUT_S)
        return result.readline().decode() if ready else ""


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1].removeprefix("error: ") if lines else "it said nothing"
