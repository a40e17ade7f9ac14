"""One worker's way: throttled, image pull, container start, load, ready, end; and back to the pull when a start fails.

All steps are synchronous and timed by the platform's clock, so that a moved clock gives the same as a real one. Only
the worker's own program takes real time.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Protocol

from pulumi_runpod.emulator.job_plane import coldstart, scaling
from pulumi_runpod.emulator.job_plane.coldstart import ColdStart, Phases
from pulumi_runpod.emulator.job_plane.host import Host
from pulumi_runpod.emulator.job_plane.worker import Worker
from pulumi_runpod.emulator.job_plane.workers.runtime import WorkerStartError
from pulumi_runpod.wire.model import JsonObject

THROTTLE_RETRY = 5.0
"""Seconds between two looks of a throttled worker for room. Room that becomes free is seen at once."""
ENGINE_RETRY = 10.0
"""Seconds between two looks for a Docker engine that does not answer."""
_SIGNAL_LATENCY = 0.1
"""Real seconds after which a worker surely knows of its SIGTERM."""


class Owner(Protocol):
    """The endpoint whose worker it is."""

    endpoint_id: str
    body: JsonObject
    version: int

    def start_failed(self) -> None:
        """A worker ended before it was ready."""

    def worker_ready(self) -> None: ...

    def program_started(self, worker: Worker) -> None:
        """It loads; when it is ready is for its owner to find out where it does not ask for jobs."""

    def jobs_lost(self, worker: Worker, reason: str) -> None:
        """The worker is out of `workers`; whatever it had is to be done by others."""

    def work_changed(self) -> None: ...


class Lifecycle:
    """The workers of one endpoint: `workers` are active, `ending` on their way out and not listed."""

    def __init__(self, host: Host, owner: Owner) -> None:
        self.workers: dict[str, Worker] = {}
        self.ending: dict[str, Worker] = {}
        self._host, self._clock, self._owner = host, host.clock, owner
        self._warmed: set[int] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def hire(self) -> None:
        owner, worker_id = self._owner, secrets.token_hex(7)
        log = self._host.logs.open(owner.endpoint_id, worker_id)
        image = owner.body.get("image") or ""
        worker = Worker(worker_id, owner.endpoint_id, owner.version, image, self._clock.now(), log)
        self.workers[worker_id] = worker
        self._place(worker)

    def look_for_room(self) -> None:
        """Throttled workers try again."""
        for worker in list(self.workers.values()):
            if worker.phase == "throttled":
                self._place(worker)

    def saw(self, worker: Worker) -> None:
        """It asks for jobs, or answers its ping: it has loaded."""
        if worker.phase != "loading":
            return
        now = self._clock.now()
        worker.phase, worker.failures, worker.idle_since = "ready", 0, now
        worker.cancel_timers()
        load = now - (worker.started_at or now)
        worker.log.write("system", f"worker is ready after {load:.1f} s of loading")
        self._host.cold_starts.record(
            ColdStart(
                worker.endpoint_id,
                worker.id,
                worker.version,
                worker.image,
                self._flashboots(worker),
                worker.began_at,
                worker.phases.image_pull,
                worker.phases.container_start,
                load,
            )
        )
        self._warmed.add(worker.version)
        self._owner.worker_ready()

    def heard(self, worker: Worker) -> None:
        """It pings: from now on it must go on doing so."""
        worker.stop_heartbeat()
        limit = self._host.switches.heartbeat_limit
        if limit and worker.phase == "ready":
            silent = f"no heartbeat for {limit:g} s"
            loop = asyncio.get_running_loop()
            worker.heartbeat = loop.call_later(limit, lambda: self.end(worker, silent, kill=True))

    def end(self, worker: Worker, reason: str, *, kill: bool = False) -> None:
        """Take a worker out of service. Without `kill` its program may finish by itself, within a grace."""
        if self.workers.pop(worker.id, None) is None:
            return
        worker.phase = "ending"
        worker.cancel_timers()
        worker.stop_heartbeat()
        worker.log.write("system", f"stop container: {reason}")
        # How long its program takes to go is real time, which a moved clock would make hours of.
        self._stop_meter(worker)
        self.ending[worker.id] = worker
        running = worker.running
        if running is None:
            # Not started yet, or between two starts; a start under way ends itself when it sees the phase.
            if worker.started_at is None:
                self._bury(worker)
        elif kill:
            running.kill()
        else:
            running.terminate()
            loop = asyncio.get_running_loop()
            loop.call_later(self._host.switches.stop_grace, running.kill)
            # Its polls come back once it knows that it is to end: else it would only ask again.
            loop.call_later(_SIGNAL_LATENCY, worker.release_polls)
        self._owner.jobs_lost(worker, reason)

    def kill_all(self, reason: str) -> None:
        for worker in list(self.workers.values()):
            self.end(worker, reason, kill=True)
        for worker in self.ending.values():
            if worker.running is not None:
                worker.running.kill()

    async def all_gone(self) -> None:
        """Return once nothing runs any more. Bounded by the kill that comes first."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    # Phases.

    def _place(self, worker: Worker) -> None:
        worker.cancel_timers()
        worker.placement = self._host.find_place(self._owner.body)
        if worker.placement is not None:
            self._pull(worker)
            return
        if worker.phase != "throttled" or worker.began_at == 0:
            worker.log.write("system", "throttled: no room for this worker now")
        worker.phase, worker.began_at = "throttled", self._clock.now()
        self._after(worker, THROTTLE_RETRY, self._place)

    def _pull(self, worker: Worker) -> None:
        """First phase: the image."""
        worker.phase, worker.began_at, worker.started_at = "pulling", self._clock.now(), None
        worker.overdue = False
        host, endpoint_id = self._host, worker.endpoint_id
        refusal = host.refusal(worker.image)
        if refusal is not None:
            worker.phase = "unhealthy"
            if refusal != worker.refused:
                worker.refused = refusal
                worker.log.write("system", refusal)
            if host.is_real(worker.image):
                self._after(worker, ENGINE_RETRY, self._pull)
            self._owner.work_changed()
            return
        worker.refused = ""
        if host.faults.take("worker.image_missing", endpoint_id) is not None:
            self._failed(worker, f"image pull: {worker.image}: not found")
            return
        slow = host.faults.take("worker.slow_pull", endpoint_id)
        flashboot = self._flashboots(worker)
        worker.limit = self._clock.call_later(self._init_timeout(), lambda: self._too_long(worker))
        worker.log.write("system", "start from FlashBoot" if flashboot else f"image pull: {worker.image}: pending")
        worker.phases = coldstart.phases(
            host.switches, flashboot=flashboot, slow_pull_factor=slow.factor if slow is not None else 1.0
        )
        if host.is_real(worker.image):
            # These phases take what they take; only a fault makes the first one longer.
            worker.phases = Phases(worker.phases.image_pull if slow is not None else 0.0, 0.0)
            self._after(worker, worker.phases.image_pull, lambda pulled: self._spawn(self._really_pull(pulled)))
        else:
            self._after(worker, worker.phases.image_pull, self._create_container)

    async def _really_pull(self, worker: Worker) -> None:
        """Have the image on this machine."""
        began, attempt = self._clock.now(), worker.failures
        failure = None
        try:
            pulled = await self._host.prepare(worker, self._owner.body)
        except WorkerStartError as error:
            failure = str(error)
        if worker.phase != "pulling" or worker.failures != attempt:
            return  # it was ended, or given up and begun anew
        if failure is not None:
            self._failed(worker, f"image pull: {worker.image}: failed: {failure}")
            return
        if pulled:
            took = self._clock.now() - began
            worker.phases = replace(worker.phases, image_pull=worker.phases.image_pull + took)
        self._create_container(worker)

    def _create_container(self, worker: Worker) -> None:
        worker.phase = "starting"
        if not self._flashboots(worker):
            worker.log.write("system", f"image pull: {worker.image}: complete")
        if self._host.faults.take("worker.wrong_cuda", worker.endpoint_id) is not None:
            self._failed(worker, "start container: the host's CUDA version does not meet the image's requirement")
            return
        self._after(worker, worker.phases.container_start, self._load)

    def _load(self, worker: Worker) -> None:
        """Last phase: the worker's own program, until it asks for its first job."""
        worker.phase, worker.started_at = "loading", self._clock.now()
        worker.log.write("system", f"start container for {worker.image}: begin")
        self._spawn(self._run(worker))

    async def _run(self, worker: Worker) -> None:
        """One start of the worker's program, from its first instant to its last."""
        host = self._host
        try:
            running = worker.running = await host.run(worker, self._owner.body)
        except WorkerStartError as error:
            if worker.is_ending():
                self._bury(worker)
            else:
                self._failed(worker, f"start container: {error}")
            return
        if host.is_real(worker.image):
            now = self._clock.now()
            took = now - (worker.started_at or now)
            worker.started_at, worker.phases = now, replace(worker.phases, container_start=took)
        if worker.placement is not None:
            worker.meter = host.consumption.begin(worker.endpoint_id, worker.id, worker.placement)
        if (
            worker.is_ending()
            or worker.overdue
            or host.faults.take("worker.start_crash", worker.endpoint_id) is not None
        ):
            running.kill()
        else:
            self._owner.program_started(worker)
        self._exited(worker, await running.exited)

    def _exited(self, worker: Worker, code: int) -> None:
        worker.running = None
        self._stop_meter(worker)
        text = f"container exited with code {code}" + (f" ({worker.end_reason})" if worker.end_reason else "")
        if worker.phase == "ending":
            worker.log.write("system", text)
            self._bury(worker)
        elif worker.phase == "ready":
            # A worker that was at work is replaced if it is still needed, not restarted.
            worker.log.write("system", text)
            self.end(worker, text)
            self._bury(worker)
        else:
            self._failed(worker, text)

    def _failed(self, worker: Worker, reason: str) -> None:
        """A start came to nothing: try again after a pause that grows."""
        worker.cancel_timers()
        worker.failures += 1
        worker.phase = "unhealthy"
        pause = scaling.restart_delay(worker.failures)
        worker.log.write("system", f"{reason}; next start in {pause:g} s")
        worker.started_at = None
        self._after(worker, pause, self._pull)
        self._owner.start_failed()

    def _too_long(self, worker: Worker) -> None:
        worker.limit = None
        worker.log.write("system", f"unhealthy: not ready within {self._init_timeout():g} s")
        if worker.phase == "loading":
            # The end of its program is a start that failed.
            worker.overdue = True
            if worker.running is not None:
                worker.running.kill()
        else:
            self._failed(worker, "start container: timed out")

    def _stop_meter(self, worker: Worker) -> None:
        if worker.meter is not None:
            self._host.consumption.end(worker.meter)
            worker.meter = None

    def _bury(self, worker: Worker) -> None:
        self.ending.pop(worker.id, None)
        worker.release_polls()
        self._host.gone(worker)

    def _spawn(self, step: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(step)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _after(self, worker: Worker, seconds: float, step: Callable[[Worker], None]) -> None:
        worker.timer = self._clock.call_later(seconds, lambda: step(worker))

    def _flashboots(self, worker: Worker) -> bool:
        if self._owner.body.get("flashboot", "OFF") == "OFF":
            return False
        return self._host.switches.flashboot == "always" or worker.version in self._warmed

    def _init_timeout(self) -> float:
        """`RUNPOD_INIT_TIMEOUT`, seconds, in the endpoint's env; else the platform's."""
        text = str((self._owner.body.get("env") or {}).get("RUNPOD_INIT_TIMEOUT", ""))
        try:
            seconds = float(text)
        except ValueError:
            seconds = 0.0
        if 0 < seconds < float("inf"):
            return seconds
        switches, balanced = self._host.switches, self._owner.body["type"] == "LOAD_BALANCER"
        return switches.balancer_init_timeout if balanced else switches.init_timeout
