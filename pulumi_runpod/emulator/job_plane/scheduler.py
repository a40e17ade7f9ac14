"""The workers and jobs of all endpoints: one fleet each, and what they share: room, quota, clock, and the store.

It learns of each change of an endpoint right after the write. Nothing here polls: every step follows an event or a
timer of the clock.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from typing import Literal

from pulumi_runpod.emulator.job_plane import releases
from pulumi_runpod.emulator.job_plane.coldstart import ColdStarts
from pulumi_runpod.emulator.job_plane.consumption import Consumption
from pulumi_runpod.emulator.job_plane.fleet import Fleet
from pulumi_runpod.emulator.job_plane.job import Job
from pulumi_runpod.emulator.job_plane.jobs import Jobs
from pulumi_runpod.emulator.job_plane.logs import Logs
from pulumi_runpod.emulator.job_plane.placement import Placement, place
from pulumi_runpod.emulator.job_plane.releases import FIRST_VERSION, Releases
from pulumi_runpod.emulator.job_plane.webhooks import Webhooks
from pulumi_runpod.emulator.job_plane.worker import Worker
from pulumi_runpod.emulator.job_plane.worker_specs import WorkerSpecs
from pulumi_runpod.emulator.job_plane.workers.choice import ChosenRuntime
from pulumi_runpod.emulator.job_plane.workers.container import ContainerRuntime
from pulumi_runpod.emulator.job_plane.workers.process import Command, ProcessRuntime
from pulumi_runpod.emulator.job_plane.workers.runtime import RunningWorker, WorkerRuntime
from pulumi_runpod.emulator.platform.clock import parse_rfc3339
from pulumi_runpod.emulator.platform.faults import Faults
from pulumi_runpod.emulator.platform.state import Platform
from pulumi_runpod.emulator.platform.switches import Switches
from pulumi_runpod.wire.endpoint import ENDPOINTS
from pulumi_runpod.wire.model import JsonObject


class Scheduler:
    """Raises ValueError when a worker command cannot be run."""

    def __init__(self, platform: Platform, *, runtime: WorkerRuntime | None = None) -> None:
        self.platform, self.clock = platform, platform.clock
        self.jobs = Jobs(platform.store, platform.clock)
        self.logs = Logs(platform.clock)
        self.cold_starts = ColdStarts(platform.store)
        self.consumption = Consumption(platform.store, platform.clock)
        self.releases = Releases(platform.store)
        self.webhooks = Webhooks(self.jobs, platform.clock)
        self.stopping = False
        """True when the server goes away: held calls are answered at once."""
        self.resets = 0
        """How often the account was emptied: caches compare it and begin anew."""
        self.on_request_ended: Callable[[str, float], None] = _ignore
        """Called for each request of a load balancer: the endpoint's id, and when the request came."""
        self._fleets: dict[str, Fleet] = {}
        commands = [Command.parse(c.image_glob, c.command) for c in platform.worker_commands]
        processes: WorkerRuntime = ProcessRuntime(commands)
        if platform.containers:
            processes = ChosenRuntime(processes, ContainerRuntime(platform.state_dir))
        self._runtime = runtime or processes
        self._specs = WorkerSpecs(platform)
        self.jobs.on_final = self._job_ended
        self.jobs.on_expired = self._job_expired

    # For the server.

    async def start(self) -> None:
        """Take up what a former process left: its jobs wait again, its workers are gone."""
        for home in self._specs.homes.glob("*"):
            shutil.rmtree(home, ignore_errors=True)
        await self._runtime.open()
        for row in reversed(self.platform.store.list(ENDPOINTS.kind)):
            self._open(row.id, row.body, row.private)
        for job in self.jobs.load():
            fleet = self._fleets.get(job.endpoint_id)
            if fleet is None:
                continue
            if job.status == "IN_PROGRESS":
                # Its worker died with the former process, whose fault it was: this is not one of the job's retries.
                self.jobs.try_again(job)
            fleet.dispatch.submit(job)
        for job in self.jobs.owed_webhooks():
            self.webhooks.owe(job, self.switches.webhook_delays)
        for fleet in self._fleets.values():
            fleet.reconcile()
            fleet.watch_idle_days()

    async def stop(self) -> None:
        """End every worker, then return. Running jobs are tried again after the next start."""
        self.stopping = True
        self.logs.close()
        for job in self.jobs.live.values():
            job.changed()
        await self.webhooks.stop()
        fleets, self._fleets = list(self._fleets.values()), {}
        for fleet in fleets:
            fleet.close("the local RunPod ends")
        await self._runtime.close()
        for fleet in fleets:
            await fleet.life.all_gone()

    # For the control plane.

    def endpoint_created(self, endpoint_id: str, body: JsonObject) -> None:
        fleet = self._open(endpoint_id, body, {})
        if body["workers"]["min"]:  # without a job, nothing else starts a worker
            fleet.work_changed()
        fleet.watch_idle_days()

    def endpoint_updated(self, endpoint_id: str, old_body: JsonObject, new_body: JsonObject) -> None:
        fleet, switches, now = self._fleets[endpoint_id], self.switches, self.clock.now()
        diff = releases.changes(old_body, new_body, switches.release_fields)
        version = fleet.version
        if diff or (switches.release_without_change and old_body == new_body):
            version += 1
            self.releases.add(endpoint_id, version, now, diff)
            self._keep(endpoint_id, new_body, version=version)
        rescaled = old_body["workers"] != new_body["workers"]
        if rescaled:
            self._keep(endpoint_id, new_body, idleFrom=now)

        def changed() -> None:
            if rescaled:
                # Setting the number of workers starts the idle days anew.
                fleet.idle_from = now
            fleet.body_changed(new_body, version)
            fleet.watch_idle_days()

        self.platform.store.on_commit(changed)

    def endpoint_deleted(self, endpoint_id: str) -> None:
        fleet = self._fleets.get(endpoint_id)
        if fleet is None:
            return
        fleet.dispatch.cancel_all()
        self.releases.forget_endpoint(endpoint_id)
        self.cold_starts.forget_endpoint(endpoint_id)

        def deleted() -> None:
            self._fleets.pop(endpoint_id, None)
            fleet.close("the endpoint is deleted")
            # After the webhooks of cancelled jobs have read them.
            self.platform.store.eventually(lambda: self.jobs.forget_endpoint(endpoint_id))

        self.platform.store.on_commit(deleted)

    def reset(self) -> None:
        """The store was cleared: end every worker and forget every job."""
        fleets, self._fleets = list(self._fleets.values()), {}
        for fleet in fleets:
            fleet.close("the account is reset")
        self.resets += 1
        self.jobs.clear()

    def conditions_changed(self) -> None:
        """Faults or stock are not what they were: look again at once where the clock would look later."""
        for fleet in list(self._fleets.values()):
            if self.faults.take("scale_down", fleet.endpoint_id) is not None:
                maximum = fleet.body["workers"]["max"]
                self.lower_maximum(fleet.endpoint_id, 2 if maximum > 2 else 0, "as after days without requests")
            fleet.life.look_for_room()

    def fleet(self, endpoint_id: str) -> Fleet | None:
        return self._fleets.get(endpoint_id)

    @property
    def fleets(self) -> tuple[Fleet, ...]:
        """Of all endpoints, oldest first."""
        return tuple(self._fleets.values())

    def accrue(self) -> None:
        """Bring what running workers consumed up to now."""
        self.consumption.accrue()

    # For the fleets.

    @property
    def switches(self) -> Switches:
        return self.platform.switches

    @property
    def faults(self) -> Faults:
        return self.platform.faults

    def find_place(self, body: JsonObject) -> Placement | None:
        placed = [
            w.placement
            for fleet in self._fleets.values()
            for w in [*fleet.workers.values(), *fleet.life.ending.values()]
            if w.placement is not None
        ]
        quota = self.switches.worker_quota
        if quota is not None and len(placed) >= quota:
            return None
        used: Counter[tuple[str, str]] = Counter()
        for placement in placed:
            used[placement.pool, placement.data_center_id] += placement.units
        return place(
            body,
            self.platform.catalog,
            volume_centers=self._specs.volume_centers(body),
            free=lambda pool, center: self.platform.stock.capacity(pool, center) - used[pool, center],
            sold_out=lambda where: self.faults.take("stock_out", where) is not None,
        )

    def refusal(self, image: str) -> str | None:
        return self._runtime.refusal(image)

    def uncontained(self) -> str | None:
        """Why no worker runs as a container; None when they can."""
        return self._runtime.uncontained()

    def is_real(self, image: str) -> bool:
        return self._runtime.is_real(image)

    async def prepare(self, worker: Worker, body: JsonObject) -> bool:
        return await self._runtime.prepare(self._specs.of(worker, body), worker.log.write)

    async def run(self, worker: Worker, body: JsonObject) -> RunningWorker:
        spec = self._specs.of(worker, body)
        (spec.home / "tmp").mkdir(parents=True, exist_ok=True)
        return await self._runtime.start(spec, worker.log.write)

    def lower_maximum(self, endpoint_id: str, maximum: int, reason: str) -> None:
        fleet = self._fleets.get(endpoint_id)
        if fleet is None:
            return

        def lower() -> None:
            body: JsonObject = {**fleet.body, "workers": {**fleet.body["workers"], "max": maximum}}
            self.platform.store.update(ENDPOINTS.kind, endpoint_id, body)
            for worker in fleet.workers.values():
                worker.log.write("system", f"workers.max is lowered to {maximum}: {reason}")
            fleet.body_changed(body, fleet.version)

        self.platform.store.eventually(lower)

    def request_ended(self, endpoint_id: str, began: float, *, well: bool) -> None:
        if endpoint_id in self._fleets:
            what: Literal["completed", "failed"] = "completed" if well else "failed"
            self.platform.store.eventually(lambda: self.jobs.activity.count(endpoint_id, what))
            self.on_request_ended(endpoint_id, began)

    def gone(self, worker: Worker) -> None:
        self.logs.retire(worker.id)
        shutil.rmtree(self._specs.home(worker), ignore_errors=True)
        for fleet in self._fleets.values():
            fleet.life.look_for_room()

    # For the routes of workers.

    def worker(self, endpoint_id: str, worker_id: str) -> tuple[Fleet, Worker] | None:
        """A worker that runs, those on their way out included."""
        fleet = self._fleets.get(endpoint_id)
        if fleet is None:
            return None
        worker = fleet.workers.get(worker_id) or fleet.life.ending.get(worker_id)
        return (fleet, worker) if worker is not None else None

    def _open(self, endpoint_id: str, body: JsonObject, private: JsonObject) -> Fleet:
        created_at = parse_rfc3339(body["createdAt"])
        fleet = self._fleets[endpoint_id] = Fleet(
            self,
            endpoint_id,
            body,
            version=int(private.get("version", FIRST_VERSION)),
            created_at=created_at,
            idle_from=float(private.get("idleFrom", created_at)),
        )
        return fleet

    def _keep(self, endpoint_id: str, body: JsonObject, **private: object) -> None:
        row = self.platform.store.get(ENDPOINTS.kind, endpoint_id)
        if row is not None:
            self.platform.store.update(ENDPOINTS.kind, endpoint_id, body, {**row.private, **private})

    def _job_ended(self, job: Job) -> None:
        if not job.webhook_left:
            return
        if job.status in self.switches.webhook_states:
            self.webhooks.owe(job, self.switches.webhook_delays)
        else:
            self.jobs.webhook_tried(job, 0)

    def _job_expired(self, job: Job) -> None:
        fleet = self._fleets.get(job.endpoint_id)
        if fleet is not None:
            fleet.dispatch.expired(job)


def _ignore(_: str, __: float) -> None:
    pass
