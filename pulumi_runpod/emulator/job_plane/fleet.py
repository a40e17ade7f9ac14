"""One endpoint at work: how many workers it has, and what its queue asks of them.

What there should be is decided by `scaling`, each worker's way by `lifecycle`, and who works at what by `dispatch`.
"""

from __future__ import annotations

import asyncio

from pulumi_runpod.emulator.job_plane import scaling
from pulumi_runpod.emulator.job_plane.dispatch import Dispatch
from pulumi_runpod.emulator.job_plane.host import Host
from pulumi_runpod.emulator.job_plane.lifecycle import Lifecycle
from pulumi_runpod.emulator.job_plane.load_balancer.balancer import Balancer
from pulumi_runpod.emulator.job_plane.load_balancer.rotation import Rotation
from pulumi_runpod.emulator.job_plane.worker import Worker
from pulumi_runpod.emulator.platform.clock import Timer
from pulumi_runpod.emulator.platform.switches import Switches
from pulumi_runpod.wire.model import JsonObject


class Fleet:
    def __init__(
        self, host: Host, endpoint_id: str, body: JsonObject, *, version: int, created_at: float, idle_from: float
    ) -> None:
        self.endpoint_id, self.body, self.version, self.created_at = endpoint_id, body, version, created_at
        self.idle_from = idle_from
        """When days without requests began to count, unless a later request says otherwise."""
        self._host, self._clock = host, host.clock
        self.life = Lifecycle(host, self)
        self.dispatch = Dispatch(endpoint_id, host.jobs, host.clock, self)
        self.balancer = Balancer(self, host.clock) if body["type"] == "LOAD_BALANCER" else None
        """Of a load balancer, whose queue stays empty."""
        self._last_added_at: float | None = None
        self._failed_starts = 0
        self._look_again: Timer | None = None
        self._idle_look: Timer | None = None
        self._poked = False
        self._closed = False

    @property
    def workers(self) -> dict[str, Worker]:
        """Active workers by id."""
        return self.life.workers

    @property
    def queued(self) -> int:
        """Jobs or requests that wait."""
        return self.balancer.waiting if self.balancer is not None else len(self.dispatch.queue)

    @property
    def running(self) -> int:
        """Jobs or requests that workers have."""
        return self.balancer.in_flight if self.balancer is not None else self.dispatch.running

    # What the dispatch of jobs asks of its staff.

    @property
    def switches(self) -> Switches:
        return self._host.switches

    @property
    def default_timeout_ms(self) -> int:
        return int(self.body["timeout"]) or self.switches.zero_timeout_ms

    def worker(self, worker_id: str) -> Worker | None:
        return self.workers.get(worker_id)

    def takes_jobs(self, worker: Worker) -> bool:
        return worker.phase == "ready" and not worker.retiring and worker.version == self.version

    def polling(self) -> list[Worker]:
        """Least loaded first, then the one that became idle last: the others may end."""
        waiting = [w for w in self.workers.values() if w.poll is not None and not w.poll.answer.done()]
        return sorted(waiting, key=lambda w: (len(w.jobs), -(w.idle_since or 0.0)))

    def kill(self, worker: Worker, reason: str) -> None:
        self.life.end(worker, reason, kill=True)

    def recycle(self, worker: Worker) -> None:
        """It asked to be replaced: end it as soon as it holds no job."""
        worker.retiring = True
        if not worker.jobs:
            self.life.end(worker, "the worker asked to be refreshed")

    def work_changed(self) -> None:
        """Look once at the end of this turn of the event loop, however much has changed in it."""
        if not self._poked and not self._closed:
            self._poked = True
            asyncio.get_running_loop().call_soon(self._poke)

    def _poke(self) -> None:
        self._poked = False
        self.reconcile()

    # What a worker's life tells its endpoint.

    def start_failed(self) -> None:
        self._failed_starts += 1
        limit = self.switches.crash_loop_limit
        if limit and self._failed_starts >= limit and self.body["workers"]["max"] > 1:
            self._host.lower_maximum(self.endpoint_id, 1, f"{self._failed_starts} failed starts in a row")
        self.work_changed()

    def program_started(self, worker: Worker) -> None:
        if self.balancer is not None:
            Rotation(worker, self._host, self.life, self.balancer).watch()

    def worker_ready(self) -> None:
        self._failed_starts = 0
        self.work_changed()

    def jobs_lost(self, worker: Worker, reason: str) -> None:
        self.dispatch.lost(worker, reason)
        if self.balancer is not None:
            self.balancer.offer()  # who insists on this worker waits in vain
        self.work_changed()

    # How many workers there are.

    def reconcile(self) -> None:
        """Bring the workers to what the rules want now, and arm the clock for when that changes by itself."""
        if self._closed:
            return
        now, switches = self._clock.now(), self.switches
        rules = scaling.rules_of(
            self.body,
            request_count_idle_timeout=switches.request_count_idle_timeout,
            step_seconds=switches.queue_delay_step,
        )
        for worker in [w for w in self.workers.values() if w.retiring and not w.jobs]:
            self.recycle(worker)
        states = [w.state(current_version=self.version) for w in self.workers.values()]
        load = self.balancer.load() if self.balancer is not None else self.dispatch.load()
        plan = scaling.plan(rules, load, states, now, last_added_at=self._last_added_at)
        for worker_id in plan.stop:
            self._stop(self.workers[worker_id], rules)
        for _ in range(plan.start):
            self._last_added_at = now
            self.life.hire()
        if self._look_again is not None:
            self._look_again.cancel()
            self._look_again = None
        if plan.look_again_at is not None:
            self._look_again = self._clock.call_at(plan.look_again_at, self.reconcile)

    def _stop(self, worker: Worker, rules: scaling.Rules) -> None:
        if worker.version != self.version:
            reason = f"release {self.version} replaces release {worker.version}"
        elif len(self.workers) > rules.max_workers:
            reason = f"workers.max is {rules.max_workers}"
        else:
            reason = f"idle for {rules.idle_timeout:g} s"
        self.life.end(worker, reason)

    def watch_idle_days(self) -> None:
        """Lower `workers.max` after idle days, as the platform does, and look again when it would next."""
        if self._idle_look is not None:
            self._idle_look.cancel()
            self._idle_look = None
        if self._closed or not self.switches.platform_scale_down:
            return
        last = max(self.idle_from, self._host.jobs.activity.last_request_at(self.endpoint_id) or 0.0)
        maximum, now = self.body["workers"]["max"], self._clock.now()
        lowered, look_at = scaling.platform_maximum(maximum, last, now)
        if lowered < maximum:
            days = int((now - last) // scaling.DAY)
            self._host.lower_maximum(self.endpoint_id, lowered, f"no requests for {days} days")
        if look_at is not None:
            self._idle_look = self._clock.call_at(look_at, self.watch_idle_days)

    def body_changed(self, body: JsonObject, version: int) -> None:
        if version != self.version:
            self._failed_starts = 0
        self.body, self.version = body, version
        self.work_changed()

    def close(self, reason: str) -> None:
        """End every worker at once, and do nothing more."""
        self._closed = True
        if self.balancer is not None:
            self.balancer.close()
        for timer in (self._look_again, self._idle_look):
            if timer is not None:
                timer.cancel()
        self.life.kill_all(reason)
