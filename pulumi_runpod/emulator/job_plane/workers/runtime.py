"""The contract between the scheduler and whatever runs a worker: a process of this machine, or a container."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

LogSource = Literal["container", "system"]
LogSink = Callable[[LogSource, str], None]


class WorkerStartError(Exception):
    """The worker cannot run here; the text is for its system log."""


@dataclass(frozen=True)
class RegistryLogin:
    """What a private image is pulled with."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class WorkerSpec:
    """What is to be run. `env` is complete: a runtime adds only what its own kind of worker cannot do without.

    What follows `home` is for containers: a process is run by a command that has a say in all that itself.
    """

    worker_id: str
    image: str
    env: Mapping[str, str]
    volume: Path | None
    """Directory of the network volume that the worker sees, if any."""
    home: Path = Path("/nonexistent")
    """A separate directory on this machine, with `tmp` in it."""
    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    """Instead of the image's, where they are not empty."""
    login: RegistryLogin | None = None
    gpu_count: int = 0
    vcpu_count: int | None = None
    memory_gb: float | None = None
    """None: as much as this machine can spare."""


class RunningWorker(Protocol):
    """One start of a worker. `exited` resolves to its exit code, 128 + N for signal N, once nothing of it is left."""

    exited: asyncio.Future[int]

    def terminate(self) -> None:
        """SIGTERM: let it end what it has begun."""

    def kill(self) -> None:
        """SIGKILL to everything that it started."""

    def pause(self) -> None:
        """Make it hang: its program stops where it is, and its heartbeat goes on."""


class WorkerRuntime(Protocol):
    def refusal(self, image: str) -> str | None:
        """Why workers of this image cannot run here, as one line with what to do; None when they can."""

    def uncontained(self) -> str | None:
        """Why no worker runs as a container, as half a sentence; None when they can."""

    def is_real(self, image: str) -> bool:
        """Whether it runs workers of this image as containers, with a pull before."""

    async def open(self) -> None:
        """Before all else: end what a former local RunPod on the same state left running."""

    async def prepare(self, spec: WorkerSpec, log: LogSink) -> bool:
        """Have a container's image. Whether it had to be pulled. Raises WorkerStartError."""

    async def start(self, spec: WorkerSpec, log: LogSink) -> RunningWorker:
        """Raises WorkerStartError."""

    async def close(self) -> None:
        """Give up what is being prepared."""
