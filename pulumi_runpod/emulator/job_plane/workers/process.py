"""Workers as processes of this machine, each under a supervisor that takes it along when the local RunPod dies."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from pulumi_runpod.emulator.job_plane.workers.environment import machine_environment
from pulumi_runpod.emulator.job_plane.workers.runtime import LogSink, RunningWorker, WorkerSpec, WorkerStartError
from pulumi_runpod.emulator.job_plane.workers.supervised import SupervisedWorker, supervise

SUPERVISOR = Path(__file__).with_name("supervisor.py")


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

    def uncontained(self) -> str | None:
        return "containers are off"

    def is_real(self, image: str) -> bool:  # noqa: ARG002 - no process has an image
        return False

    async def open(self) -> None:
        """A process dies with its supervisor, and that with the local RunPod."""

    async def prepare(self, spec: WorkerSpec, log: LogSink) -> bool:  # noqa: ARG002 - a process needs nothing
        return False

    async def start(self, spec: WorkerSpec, log: LogSink) -> RunningWorker:
        command = self._find(spec.image)
        if command is None:
            raise WorkerStartError(f"no command for {spec.image}")
        env = {**machine_environment(spec.home, spec.volume), **spec.env}
        return SupervisedWorker(await supervise(SUPERVISOR, command.argv, env), log)

    async def close(self) -> None:
        """Nothing is prepared here."""

    def _find(self, image: str) -> Command | None:
        return next((c for c in self._commands if fnmatchcase(image, c.image_glob)), None)
