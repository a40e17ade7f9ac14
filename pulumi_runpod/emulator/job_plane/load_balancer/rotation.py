"""In or out of the rotation, by what a worker answers to its ping; and out of service when it does not come back."""

from __future__ import annotations

import asyncio
from typing import Protocol

from pulumi_runpod.emulator.job_plane.host import Host
from pulumi_runpod.emulator.job_plane.load_balancer import health
from pulumi_runpod.emulator.job_plane.load_balancer.balancer import Balancer
from pulumi_runpod.emulator.job_plane.worker import Health, Worker


class Life(Protocol):
    def saw(self, worker: Worker) -> None:
        """It has loaded."""

    def end(self, worker: Worker, reason: str, *, kill: bool = False) -> None:
        """Take it out of service."""


class Rotation:
    """Of one start of a worker's program."""

    def __init__(self, worker: Worker, host: Host, life: Life, balancer: Balancer) -> None:
        self._worker, self._host, self._life, self._balancer = worker, host, life, balancer
        worker.health = "healthy"

    def watch(self) -> None:
        """Ask until the program ends. No-op where it has ended already."""
        worker, switches = self._worker, self._host.switches
        if worker.running is None or worker.address is None:
            return
        asking = health.watch(
            worker.address,
            worker.running.exited,
            self._on_answer,
            interval=switches.ping_interval,
            timeout_s=switches.ping_timeout,
        )
        task = asyncio.get_running_loop().create_task(asking)
        # It ends with the program, at the latest.
        worker.running.exited.add_done_callback(lambda _: task.cancel())

    def _on_answer(self, result: Health, how: str) -> bool:
        worker = self._worker
        if worker.phase == "loading" and result == "healthy":
            self._life.saw(worker)
            self._balancer.offer()
        elif worker.phase == "ready" and result != worker.health:
            self._changed(result, how)
        return worker.phase == "ready"

    def _changed(self, result: Health, how: str) -> None:
        worker, was = self._worker, self._worker.health
        worker.health = result
        if result == "healthy":
            worker.cancel_timers()
            worker.log.write("system", f"ping: {how}: healthy again, gets requests")
            self._balancer.offer()
            return
        worker.log.write("system", f"ping: {how}: {result}, gets no requests")
        if was == "healthy":
            limit = self._host.switches.balancer_init_timeout
            reason = f"not healthy for {limit:g} s"
            worker.limit = self._host.clock.call_later(limit, lambda: self._life.end(worker, reason, kill=True))
