"""Workers as containers of a Docker engine on this machine, each under a supervisor that removes it when the local
RunPod dies.

A container has the host's network, so that it reaches the local RunPod on loopback, and its volume at `/runpod-volume`,
open to whatever user its image runs as. It is limited in memory, CPUs and processes, and gains no rights.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pulumi_runpod.emulator.job_plane.workers.docker_engine import DockerEngine, reason_of
from pulumi_runpod.emulator.job_plane.workers.runtime import LogSink, RunningWorker, WorkerSpec, WorkerStartError
from pulumi_runpod.emulator.job_plane.workers.supervised import SupervisedWorker, supervise

SUPERVISOR = Path(__file__).with_name("container_supervisor.py")
VOLUME = "/runpod-volume"
LABEL = "pulumi-runpod.state"
"""On every container of ours: which local RunPod it belongs to."""
PROCESSES = 4096
CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID")
"""What the start scripts of images need as root: files of other users on the volume, and a step down to another user.
Docker's others are dropped: raw sockets, device nodes, `chroot`, signals to other users' processes, and the rest."""
SPARE = 0.9
"""Share of this machine's memory that one worker may take."""
PULL_SECONDS = 3600.0


_UP_TO_DATE = "Status: Image is up to date"


@dataclass(frozen=True)
class _Pull:
    refused: str | None
    """Why it could not be pulled."""
    news: bool = False
    """Something came over the wire."""


class ContainerRuntime:
    """`state_dir` is what tells the containers of one local RunPod from those of another."""

    def __init__(self, state_dir: Path, engine: DockerEngine | None = None) -> None:
        self.engine = engine or DockerEngine()
        self.label = f"{LABEL}={hashlib.sha256(str(state_dir.resolve()).encode()).hexdigest()[:16]}"
        self._pulls: dict[tuple[object, ...], asyncio.Task[_Pull]] = {}
        self._running: set[str] = set()
        self._swept = False
        self._closed = False

    def refusal(self, image: str) -> str | None:
        why = self.engine.refusal()
        if why is None:
            return None
        # Its engine ends without its containers: what is left of them goes when it is back.
        self._swept = False
        return f"{image} cannot be run as a container: {why}"

    def is_real(self, image: str) -> bool:  # noqa: ARG002 - every container has one
        return True

    def uncontained(self) -> str | None:
        return self.engine.refusal()

    async def open(self) -> None:
        if self.engine.refusal() is None:
            await self._remove_left_over()

    async def prepare(self, spec: WorkerSpec, log: LogSink) -> bool:
        """Pull the image, once for all workers that wait for it.

        What is named by digest cannot change, and is not asked for again once it is here. A tag is; what the registry
        does not give, though it once did, is run from this machine's copy only where there are no credentials that say
        that it should.
        """
        if not self._swept:
            await self._remove_left_over()
        present = await self.engine.has(spec.image)
        if present and "@sha256:" in spec.image:
            log("system", f"image pull: {spec.image}: already on this machine")
            return False
        if self._closed:
            raise WorkerStartError("given up: the local RunPod ends")
        key = (spec.image, spec.login)
        pull = self._pulls.get(key)
        if pull is None:
            pull = self._pulls[key] = asyncio.create_task(self._pull(spec))
            pull.add_done_callback(lambda _: self._pulls.pop(key, None))
        try:
            pulled = await asyncio.shield(pull)
        except asyncio.CancelledError:
            if not pull.cancelled():
                raise
            raise WorkerStartError("given up: the local RunPod ends") from None
        if pulled.refused is None:
            return pulled.news
        if not present or spec.login is not None:
            raise WorkerStartError(pulled.refused)
        log("system", f"image pull: {spec.image}: {pulled.refused}: the copy on this machine is used")
        return False

    async def start(self, spec: WorkerSpec, log: LogSink) -> RunningWorker:
        if spec.volume is not None:
            await asyncio.to_thread(open_to_all, spec.volume)
        name = f"pulumi-runpod-{spec.worker_id}"
        self._running.add(name)
        try:
            process = await self._made(name, spec)
        except BaseException:
            self._running.discard(name)
            raise
        worker = SupervisedWorker(process, log)
        worker.exited.add_done_callback(lambda _: self._running.discard(name))
        return worker

    async def _made(self, name: str, spec: WorkerSpec) -> asyncio.subprocess.Process:
        """The supervisor of a container that was made, and starts now."""
        environment, lines = _split_environment(spec.env)
        with tempfile.NamedTemporaryFile("w", prefix="pulumi-runpod-env-", delete=False) as file:  # mode 0600
            file.write(lines)
        try:
            process = await supervise(
                SUPERVISOR,
                [self.engine.program, name, file.name, *self._create(spec, environment)],
                {**environment, **self.engine.environment()},
            )
        except WorkerStartError:
            Path(file.name).unlink(missing_ok=True)
            raise
        if process.stdout is None:
            raise RuntimeError("the supervisor was started without a pipe for its output")
        said = b""
        while not said.endswith(b"\0"):
            byte = await process.stdout.read(1)
            if not byte:
                await process.wait()
                raise WorkerStartError(reason_of(said.decode(errors="replace")) or "the container could not be made")
            said += byte
        return process

    async def close(self) -> None:
        self._closed = True
        for pull in list(self._pulls.values()):
            pull.cancel()

    async def _pull(self, spec: WorkerSpec) -> _Pull:
        answer = await self.engine.pull(spec.image, spec.login, seconds=PULL_SECONDS)
        if answer.code == 0:
            return _Pull(None, news=_UP_TO_DATE not in answer.out)
        # The line that this becomes part of names the image already, and lines are shown shortened.
        return _Pull(answer.reason.replace(spec.image, "it"))

    async def _remove_left_over(self) -> None:
        """Containers whose supervisor died, or could not reach the engine."""
        listed = await self.engine.run(["ps", "--all", "--format", "{{.Names}}", "--filter", f"label={self.label}"])
        if left := set(listed.out.split()) - self._running:
            await self.engine.run(["rm", "--force", "--volumes", *left])
        self._swept = listed.code == 0

    def _create(self, spec: WorkerSpec, environment: Mapping[str, str]) -> Iterator[str]:
        spare = SPARE * _memory_bytes()
        memory = min(spec.memory_gb * 1e9, spare) if spec.memory_gb is not None else spare
        yield from ("--label", self.label, "--network", "host", "--log-driver", "none", "--pull", "never")
        yield from ("--security-opt", "no-new-privileges", "--pids-limit", str(PROCESSES), "--cap-drop", "ALL")
        for capability in CAPABILITIES:
            yield from ("--cap-add", capability)
        yield from ("--memory", str(int(memory)), "--memory-swap", str(int(memory)))
        if spec.vcpu_count is not None:
            yield from ("--cpus", str(min(spec.vcpu_count, os.cpu_count() or 1)))
        if spec.gpu_count and Path("/dev/nvidia0").exists() and shutil.which("nvidia-container-cli"):
            yield from ("--gpus", "all")
        if spec.volume is not None:
            # A line of CSV: the quotes are for a comma in the path.
            source = f"source={spec.volume}".replace('"', '""')
            yield from ("--mount", f'type=bind,"{source}",target={VOLUME}')
        for name in environment:
            yield from ("--env", name)
        if spec.entrypoint:
            yield from ("--entrypoint", spec.entrypoint[0])
        yield from ("--", spec.image)
        yield from (*spec.entrypoint[1:], *spec.cmd)


def open_to_all(directory: Path) -> None:
    """As a network volume is, whatever user an image runs as: what was written with a strict umask is opened.

    By descriptors alone: another worker may swap a file for a link meanwhile.
    """
    for _, _, files, at in os.fwalk(directory, follow_symlinks=False):
        _allow(at, 0o777)
        for name in files:
            # Somebody else's, gone since, a link, or a pipe that nobody reads.
            with contextlib.suppress(OSError):
                file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=at)
                try:
                    _allow(file, 0o666)
                finally:
                    os.close(file)


def _allow(descriptor: int, bits: int) -> None:
    mode = os.fstat(descriptor).st_mode
    if (stat.S_ISREG(mode) or stat.S_ISDIR(mode)) and mode & bits != bits:
        with contextlib.suppress(PermissionError):  # somebody else's
            os.fchmod(descriptor, stat.S_IMODE(mode) | bits)


def _split_environment(env: Mapping[str, str]) -> tuple[dict[str, str], str]:
    """Variables that are handed over by name, since a file of lines cannot hold them, and that file.

    By value, neither: arguments can be read by every user of this machine.
    """
    several_lines = {name: value for name, value in env.items() if "\n" in value}
    lines = "".join(f"{name}={value}\n" for name, value in env.items() if name not in several_lines)
    return several_lines, lines


def _memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
