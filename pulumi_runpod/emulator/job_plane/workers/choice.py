"""Which runtime runs an image: a process where a command was given for it, else a container."""

from __future__ import annotations

from pulumi_runpod.emulator.job_plane.workers.container import ContainerRuntime
from pulumi_runpod.emulator.job_plane.workers.runtime import LogSink, RunningWorker, WorkerRuntime, WorkerSpec


class ChosenRuntime:
    def __init__(self, processes: WorkerRuntime, containers: ContainerRuntime) -> None:
        self._processes, self._containers = processes, containers

    def refusal(self, image: str) -> str | None:
        unmatched = self._processes.refusal(image)
        if unmatched is None or (uncontained := self._containers.refusal(image)) is None:
            return None
        return f"{unmatched}; {uncontained}"

    def uncontained(self) -> str | None:
        return self._containers.uncontained()

    def is_real(self, image: str) -> bool:
        return self._for(image).is_real(image)

    async def open(self) -> None:
        await self._containers.open()

    async def prepare(self, spec: WorkerSpec, log: LogSink) -> bool:
        return await self._for(spec.image).prepare(spec, log)

    async def start(self, spec: WorkerSpec, log: LogSink) -> RunningWorker:
        return await self._for(spec.image).start(spec, log)

    async def close(self) -> None:
        await self._containers.close()

    def _for(self, image: str) -> WorkerRuntime:
        return self._containers if self._processes.refusal(image) is not None else self._processes
