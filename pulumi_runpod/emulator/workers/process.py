"""Workers as processes of this machine, each under a supervisor that takes it along when the local RunPod dies."""

from __future__ import annotations

import asyncio
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from pulumi_runpod.emulator.workers.runtime import LogSink, RunningWorker, WorkerSpec, WorkerStartError

SUPERVISOR = Path(__file__).with_name("supervisor.py")
_READ_BYTES = 64 * 1024


@dataclass(frozen=True)
class Command:
    """Images that match `image_glob` are run as `argv`."""

    image_glob: str
    argv: tuple[str, ...]

    @classmethod
    def parse(cls, image_glob: str, line: str) -> Command:
        """`line` is split as a shell would; no shell runs it. Raises ValueError when nothing can be run."""
        argv = tuple(shlex.split(line))
        if not image_glob or not argv:
            raise ValueError(f"--worker needs GLOB=COMMAND, not {image_glob + '=' + line!r}")
        return cls(image_glob, argv)


class ProcessRuntime:
    """The first command whose glob matches an image runs its workers."""

    def __init__(self, commands: Sequence[Command]) -> None:
        self._commands = tuple(commands)

    def refusal(self, image: str) -> str | None:
        if self._find(image) is not None:
            return None
        return f"nothing here runs {image}: give a command for it with --worker 'GLOB=COMMAND'"

    async def start(self, spec: WorkerSpec, log: LogSink) -> RunningWorker:
        command = self._find(spec.image)
        if command is None:
            raise WorkerStartError(f"no command for {spec.image}")
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-I",
                "-S",
                str(SUPERVISOR),
                *command.argv,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                env=dict(spec.env),
                start_new_session=True,
            )
        except OSError as error:
            raise WorkerStartError(f"cannot start a process: {error.strerror}") from error
        return _SupervisedProcess(process, log)

    def _find(self, image: str) -> Command | None:
        return next((c for c in self._commands if fnmatchcase(image, c.image_glob)), None)


class _SupervisedProcess:
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
