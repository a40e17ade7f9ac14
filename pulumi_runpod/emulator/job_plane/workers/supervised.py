"""A worker under a supervisor of ours: a small program that takes orders on its standard input, and takes the worker
along when that ends, as it does when the local RunPod dies.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from pulumi_runpod.emulator.job_plane.workers.runtime import LogSink, WorkerStartError

_READ_BYTES = 64 * 1024


async def supervise(supervisor: Path, command: Sequence[str], env: Mapping[str, str]) -> asyncio.subprocess.Process:
    """Start `supervisor` on `command`. Raises WorkerStartError."""
    try:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            "-S",
            str(supervisor),
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=dict(env),
            start_new_session=True,
        )
    except OSError as error:
        raise WorkerStartError(f"cannot start a process: {error.strerror}") from error


class SupervisedWorker:
    """What the scheduler has in hand."""

    def __init__(self, process: asyncio.subprocess.Process, log: LogSink) -> None:
        self._process = process
        self.exited: asyncio.Future[int] = asyncio.ensure_future(self._watch(log))

    def terminate(self) -> None:
        self._order(b"T")

    def kill(self) -> None:
        # The end of its input makes the supervisor kill everything, whatever state the worker is in.
        stdin = self._process.stdin
        if stdin is not None and not stdin.is_closing():
            stdin.close()

    def pause(self) -> None:
        self._order(b"S")

    def _order(self, order: bytes) -> None:
        stdin = self._process.stdin
        if stdin is not None and not stdin.is_closing():
            stdin.write(order)

    async def _watch(self, log: LogSink) -> int:
        """Hand lines on until the last process that holds the pipe is gone."""
        stdout = self._process.stdout
        if stdout is None:
            raise RuntimeError("the worker was started without a pipe for its output")
        rest = b""
        while data := await stdout.read(_READ_BYTES):
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                log("container", line.rstrip(b"\r").decode(errors="replace"))
            if len(rest) > _READ_BYTES:
                log("container", rest.decode(errors="replace"))
                rest = b""
        if rest:
            log("container", rest.decode(errors="replace"))
        return await self._process.wait()
