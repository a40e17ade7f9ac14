"""Runs one worker as a container, and leaves no container behind: not when it ends, and not when the local RunPod dies,
which this program sees as the end of its standard input.

Standard library only, started with `python -I -S`: there is one per worker. Arguments: docker, the container's name, a
file with its environment, which is deleted, and the arguments of `docker create`. A zero byte on standard output says
that the container was made; what comes before it is why it was not. Bytes on standard input are orders: `T` SIGTERM,
`S` SIGSTOP to the worker. The exit code is the worker's.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

_SECONDS = 30


def main(docker: str, name: str, environment: str, *create: str) -> int:
    for stop in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(stop, signal.SIG_IGN)
    woken, waker = os.pipe()
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    try:
        made = _create(docker, name, environment, *create)
        if b"already in use" in made.stderr:
            # An engine that was away when it was to remove the container of the start before.
            _tell(docker, "rm", "--force", "--volumes", name)
            made = _create(docker, name, environment, *create)
    finally:
        Path(environment).unlink(missing_ok=True)
    try:
        if made.returncode != 0:
            os.write(1, made.stderr)
            return 125
        os.write(1, b"\0")
        worker = subprocess.Popen([docker, "start", "--attach", name], stdin=subprocess.DEVNULL)
        return _wait(worker, woken, docker, name)
    finally:
        _tell(docker, "rm", "--force", "--volumes", name)


def _create(docker: str, name: str, environment: str, *create: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [docker, "create", "--name", name, "--env-file", environment, *create],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False,
    )  # fmt: skip


def _wait(worker: subprocess.Popen[bytes], woken: int, docker: str, name: str) -> int:
    """Obey until the worker ends or nobody is left to give orders."""
    while True:
        code = worker.poll()
        if code is not None:
            return _exit_code(docker, name, code)
        readable, _, _ = select.select([0, woken], [], [])
        if woken in readable:
            os.read(woken, 4096)
        if 0 in readable:
            orders = os.read(0, 64)
            if not orders:
                _tell(docker, "rm", "--force", "--volumes", name)
                return _last_words(worker)
            for order in orders:
                if order in b"TS":
                    _tell(docker, "kill", "--signal", "TERM" if order == ord("T") else "STOP", name)


def _exit_code(docker: str, name: str, attached: int) -> int:
    """The container's own: `docker` has 1 for whatever could not be started."""
    try:
        asked = subprocess.run(
            [docker, "inspect", "--format", "{{.State.ExitCode}} {{.State.OOMKilled}}", name],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False,
            timeout=_SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return attached
    code, _, oom = asked.stdout.decode().strip().partition(" ")
    if oom == "true":
        os.write(1, b"killed: the container was out of memory\n")
    return int(code) if code.isdigit() else attached


def _last_words(worker: subprocess.Popen[bytes]) -> int:
    """Attached to what is no more, it ends by itself, and what the worker said last still comes through."""
    try:
        worker.wait(_SECONDS)
    except subprocess.TimeoutExpired:
        worker.kill()
    return 137


def _tell(docker: str, *arguments: str) -> None:
    # A container that has just ended is no failure, and an engine that hangs cannot be helped from here.
    try:
        subprocess.run(
            [docker, *arguments],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
            timeout=_SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
