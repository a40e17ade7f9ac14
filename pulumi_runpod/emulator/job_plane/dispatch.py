"""Jobs of one endpoint on their way: who gets which, and what becomes of them when a worker reports or dies."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from pulumi_runpod.emulator.job_plane.job import Job, JobQueue
from pulumi_runpod.emulator.job_plane.jobs import Jobs
from pulumi_runpod.emulator.job_plane.scaling import Load
from pulumi_runpod.emulator.job_plane.worker import Poll, Worker
from pulumi_runpod.emulator.platform.clock import Clock
from pulumi_runpod.emulator.platform.store import CannotWrite
from pulumi_runpod.emulator.platform.switches import Switches
from pulumi_runpod.wire.job import JobStatus

_FULL_DISK_PAUSE_S = 1.0
"""Real seconds until a hand-over that the disk refused is tried again."""


class Staff(Protocol):
    """The workers, as jobs need them."""

    @property
    def switches(self) -> Switches: ...

    @property
    def default_timeout_ms(self) -> int:
        """Execution limit of a job that names none; 0: none."""

    def worker(self, worker_id: str) -> Worker | None: ...

    def takes_jobs(self, worker: Worker) -> bool:
        """Whether this worker may be given a job now."""

    def polling(self) -> list[Worker]:
        """Workers that wait for a job, in order of preference."""

    def kill(self, worker: Worker, reason: str) -> None:
        """End it at once; its jobs go to `Dispatch.lost`."""

    def work_changed(self) -> None:
        """The load, or who is busy, is not what it was."""


class Dispatch:
    def __init__(self, endpoint_id: str, jobs: Jobs, clock: Clock, staff: Staff) -> None:
        self.endpoint_id = endpoint_id
        self.queue = JobQueue()
        self._jobs, self._clock, self._staff = jobs, clock, staff
        self._running = 0
        self._next_offer: asyncio.TimerHandle | None = None

    def load(self) -> Load:
        return Load(self.queue.pressing, self._running, self.queue.oldest_pressing_at)

    @property
    def running(self) -> int:
        return self._running

    # From clients.

    def submit(self, job: Job, *, front: bool = False) -> None:
        self.queue.add(job, front=front)
        self.offer()

    def cancel(self, job: Job) -> None:
        """End a job that waits or runs. One that has ended stays as it is."""
        if job.is_final:
            return
        self._end(job, "CANCELLED")
        self._jobs.once_written(lambda: self._take_away(job))

    def purge(self) -> int:
        """Cancel what waits; how many there were."""
        waiting = list(self.queue)
        with self._jobs.together():
            for job in waiting:
                self._end(job, "CANCELLED")
        for job in waiting:
            self.queue.remove(job)
        return len(waiting)

    def cancel_all(self) -> None:
        """The endpoint goes away."""
        with self._jobs.together():
            for job in [job for job in self._jobs.live.values() if job.endpoint_id == self.endpoint_id]:
                self.cancel(job)

    def expired(self, job: Job) -> None:
        """Its time to live is over: nobody works at it any more. Its end is not ours to write."""
        self._take_away(job)
        self._staff.work_changed()

    # From workers.

    def pull(self, worker: Worker, count: int) -> list[Job]:
        """Up to `count` jobs for a worker that asks."""
        given: list[Job] = []
        while len(given) < count and len(self.queue) and self._staff.takes_jobs(worker):
            job = self.queue.first()
            try:
                self._jobs.start(job, worker.id)
            except CannotWrite:
                self._offer_later()
                break
            self.queue.remove(job)
            self._hand_over(job, worker)
            given.append(job)
        if given:
            self._staff.work_changed()
        return given

    def offer(self) -> None:
        """Give waiting jobs to waiting workers."""
        for worker in self._staff.polling() if len(self.queue) else ():
            poll = worker.poll
            if poll is None or poll.answer.done():
                continue
            if given := self.pull(worker, poll.count):
                poll.answer.set_result(given)
            if not len(self.queue):
                break
        self._staff.work_changed()

    def wait(self, worker: Worker, count: int) -> Poll:
        """A worker's open request. An earlier one of the same worker is let go."""
        worker.release_polls()
        worker.poll = Poll(count, asyncio.get_running_loop().create_future())
        return worker.poll

    def give_back(self, worker: Worker, jobs: list[Job]) -> None:
        """The answer did not reach the worker: these wait again, as if never handed over."""
        for job in reversed(jobs):
            if worker.jobs.pop(job.id, None) is None:
                continue
            self._running -= 1
            self._again(job, self._jobs.take_back)
        self._freed(worker)
        self.offer()

    def report(
        self, worker: Worker, job_id: str, status: JobStatus, *, output: str | None = None, error: str | None = None
    ) -> bool:
        """A worker's result. False when the job is not this worker's any more: cancelled, expired, given to another."""
        job = worker.jobs.pop(job_id, None)
        if job is None:
            worker.dropped.pop(job_id, None)
            self._freed(worker)
            return False
        self._running -= 1
        self._freed(worker)
        self._end_eventually(job, status, output=output, error=error)
        return True

    def still_at(self, worker: Worker, job_ids: frozenset[str]) -> None:
        """What a worker says it works at: whatever else it was asked to drop, it has dropped."""
        gone = [job_id for job_id, sent_at in worker.dropped.items() if sent_at is not None and job_id not in job_ids]
        for job_id in gone:
            del worker.dropped[job_id]
        if gone:
            self._freed(worker)

    def has_nothing(self, worker: Worker) -> None:
        """A worker asks for jobs and says that it holds none."""
        if not worker.busy:
            return
        worker.dropped.clear()
        if self._staff.switches.unreported_job == "retry":
            self._lose_jobs(worker, f"worker {worker.id} ended the job without a result")
        self._freed(worker)

    def lost(self, worker: Worker, reason: str) -> None:
        """A worker is gone with its jobs: each is tried again, or fails."""
        worker.dropped.clear()
        self._lose_jobs(worker, f"worker {worker.id} is gone: {reason}")
        self.offer()

    def _lose_jobs(self, worker: Worker, reason: str) -> None:
        jobs, worker.jobs = list(worker.jobs.values()), {}
        for job in reversed(jobs):
            self._running -= 1
            if job.losses < self._staff.switches.worker_loss_retries:
                job.losses += 1
                self._again(job, self._jobs.try_again)
            else:
                retries = f" (after {job.retries} retries)" if job.retries else ""
                self._end_eventually(job, "FAILED", error=f"{reason}{retries}")

    def _hand_over(self, job: Job, worker: Worker) -> None:
        self._running += 1
        worker.jobs[job.id] = job
        worker.idle_since = None
        limit_ms = job.execution_timeout_ms or self._staff.default_timeout_ms
        if limit_ms:
            job.timer = self._clock.call_later(limit_ms / 1000, lambda: self._too_slow(job, limit_ms))

    def _again(self, job: Job, step: Callable[[Job], None]) -> None:
        """Back to the head of the queue."""

        def again() -> None:
            step(job)
            self.queue.add(job, front=True)
            self._staff.work_changed()

        self._jobs.eventually(job, again)

    def _offer_later(self) -> None:
        """The disk takes no hand-over now: jobs wait, and are offered again until it does."""
        if self._next_offer is None:

            def offer() -> None:
                self._next_offer = None
                self.offer()

            self._next_offer = asyncio.get_running_loop().call_later(_FULL_DISK_PAUSE_S, offer)

    def _too_slow(self, job: Job, limit_ms: int) -> None:
        worker = self._staff.worker(job.worker_id or "")
        if worker is None or worker.jobs.pop(job.id, None) is None:
            return
        self._running -= 1
        allowed = self._staff.switches.timeout_retries
        if job.timeouts < allowed:
            job.timeouts += 1
            self._again(job, self._jobs.try_again)
        elif allowed:
            self._end_eventually(job, "FAILED", error=f"job timed out after {job.timeouts} retries")
        else:
            self._end_eventually(job, "TIMED_OUT", error=f"job exceeded its execution timeout of {limit_ms} ms")
        self._staff.kill(worker, f"job {job.id} exceeded its execution timeout of {limit_ms} ms")

    def _take_away(self, job: Job) -> None:
        """From the queue, or from the worker that has it, which gets a grace to stop by itself."""
        self.queue.remove(job)
        worker = self._staff.worker(job.worker_id) if job.worker_id is not None else None
        if worker is None or worker.jobs.pop(job.id, None) is None:
            return
        self._running -= 1
        worker.dropped[job.id] = None
        worker.wake_stop_poll()
        grace = self._staff.switches.cancel_grace
        self._clock.call_later(grace, lambda: self._check_dropped(worker, job, grace))

    def _check_dropped(self, worker: Worker, job: Job, grace: float) -> None:
        if job.id in worker.dropped and self._staff.worker(worker.id) is worker:
            self._staff.kill(worker, f"it went on with job {job.id} for {grace:g} s after that had ended")

    def _freed(self, worker: Worker) -> None:
        if not worker.busy and worker.idle_since is None:
            worker.idle_since = self._clock.now()
        self._staff.work_changed()

    def _end_eventually(
        self, job: Job, status: JobStatus, *, output: str | None = None, error: str | None = None
    ) -> None:
        """What a worker did is not lost to a full disk: the result waits here until it can be written."""
        self._jobs.eventually(job, lambda: self._end(job, status, output=output, error=error))

    def _end(self, job: Job, status: JobStatus, *, output: str | None = None, error: str | None = None) -> None:
        switches = self._staff.switches
        retention = switches.runsync_retention if job.sync else switches.run_retention
        self._jobs.finish(job, status, retention=retention, output=output, error=error)
        self._staff.work_changed()
