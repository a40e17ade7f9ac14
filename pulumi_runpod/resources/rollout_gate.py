"""Waits until a release serves, or says in one reason why it does not.

Evidence is a worker of the newest release that is ready, or a smoke job that such a worker has done. With `workers.min`
0 nothing starts without a job: then there is no evidence, and that is said.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol
from weakref import WeakKeyDictionary

from pulumi_runpod.errors import NotFound, RunPodError, worker_error
from pulumi_runpod.resources.api import GateApi
from pulumi_runpod.resources.completion import DEFAULT_ROLLOUT_TIMEOUT_S
from pulumi_runpod.resources.diagnosis import Diagnosis, diagnose
from pulumi_runpod.settings import Settings
from pulumi_runpod.wire.endpoint import ENDPOINTS, Endpoint
from pulumi_runpod.wire.job import Job
from pulumi_runpod.wire.model import JsonObject
from pulumi_runpod.wire.release import Worker

CALLS_PER_MINUTE = 20
_WINDOW_S = 60.0
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.25, 3.0
_LOG_TAIL = 40
# A worker that is unhealthy for an unknown reason may recover; one whose reason is certain will not.
_LOOKS = 4
_LOOKS_WHEN_CERTAIN = 2
_MOST_SMOKE_JOBS = 3
_SERVING = ("IDLE", "RUNNING")

Evidence = Literal["worker", "job", "nothing"]


class Jobs(Protocol):
    """The part of a job client that a smoke job takes."""

    def run(self, job: object) -> Job: ...
    def status(self, job_id: str) -> Job: ...
    def cancel(self, job_id: str) -> Job: ...
    def close(self) -> None: ...


class Unhealthy(RunPodError):  # noqa: N818 - says what is the case
    """The release does not serve; the text is the one reason, with the last log lines."""


@dataclass(frozen=True)
class RolloutPolicy:
    """`timeout` in seconds for the whole; `smoke_job` as `{"input": ...}`, None without one."""

    timeout: float
    smoke_job: JsonObject | None = None

    @classmethod
    def of(cls, fields: JsonObject) -> RolloutPolicy:
        """From inputs that passed the check."""
        job = {"input": fields["smoke_input"]} if "smoke_input" in fields else None
        return cls(float(fields.get("timeout", DEFAULT_ROLLOUT_TIMEOUT_S)), job)


class Budget:
    """At most 20 calls in any minute: many gates on one key share it."""

    def __init__(
        self,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        most: int = CALLS_PER_MINUTE,
    ) -> None:
        self._monotonic, self._sleep, self._most = monotonic, sleep, most
        self._lock = threading.Lock()
        self._sent: deque[float] = deque(maxlen=most)

    def spend(self) -> None:
        """Wait for the next call's turn. Turns are given out in order, so the wait is known at once."""
        with self._lock:
            now = self._monotonic()
            turn = max(now, self._sent[0] + _WINDOW_S) if len(self._sent) == self._most else now
            self._sent.append(turn)
        if turn > now:
            self._sleep(turn - now)


@dataclass
class _Watch:
    """What has been seen of one release."""

    looks_at_unhealthy: int = 0
    stale: set[str] = field(default_factory=set)
    smoke_job: Job | None = None
    smoke_jobs: int = 0
    last: Sequence[Worker] = ()


class Gate:
    def __init__(
        self,
        *,
        budget_of: Callable[[GateApi], Budget] | None = None,
        jobs_of: Callable[[Endpoint, Settings], Jobs] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._budget_of = budget_of or _shared_budget
        self._jobs_of = jobs_of or _job_client
        self._monotonic, self._sleep = monotonic, sleep

    def wait(self, api: GateApi, endpoint_id: str, policy: RolloutPolicy) -> Evidence:
        """What proves the newest release. Raises `Unhealthy`, or what the client raises."""
        budget = self._budget_of(api)
        budget.spend()
        endpoint = api.get(ENDPOINTS, endpoint_id)
        if not isinstance(endpoint, Endpoint):
            raise TypeError("the collection of endpoints reads endpoints")
        jobs = self._jobs_of(endpoint, api.settings) if policy.smoke_job is not None else None
        try:
            return self._watched(api, budget, endpoint, policy, jobs)
        finally:
            if jobs is not None:
                jobs.close()

    def _watched(
        self, api: GateApi, budget: Budget, endpoint: Endpoint, policy: RolloutPolicy, jobs: Jobs | None
    ) -> Evidence:
        ends, pause, watch = self._monotonic() + policy.timeout, _FIRST_WAIT_S, _Watch()
        while True:
            budget.spend()
            workers: Sequence[Worker] = api.workers(endpoint.id).workers
            watch.stale |= {worker.id for worker in workers if worker.is_stale}
            latest = watch.last = [worker for worker in workers if not worker.is_stale]
            serving = [worker for worker in latest if worker.status in _SERVING]
            if jobs is not None:
                if self._smoke_job_done(
                    endpoint, policy, jobs, watch, may_start=bool(serving) or not _any_stale(workers)
                ):
                    return "job"
            elif serving:
                return "worker"
            elif endpoint.workers.min == 0 and not workers:
                return "nothing"
            self._judge(api, budget, endpoint, latest, watch)
            if self._monotonic() + pause > ends:
                self._give_up(api, budget, endpoint, policy, jobs, watch)
            self._sleep(pause)
            pause = min(pause * 2, _LONGEST_WAIT_S)

    def _smoke_job_done(
        self, endpoint: Endpoint, policy: RolloutPolicy, jobs: Jobs, watch: _Watch, *, may_start: bool
    ) -> bool:
        """Whether a worker of the newest release has done the job; a worker on its way out proves nothing."""
        if watch.smoke_job is None:
            if may_start:
                watch.smoke_job, watch.smoke_jobs = jobs.run(policy.smoke_job), watch.smoke_jobs + 1
            return False
        job = watch.smoke_job = jobs.status(watch.smoke_job.id)
        if not job.is_final:
            return False
        if job.worker_id in watch.stale and watch.smoke_jobs < _MOST_SMOKE_JOBS:
            watch.smoke_job = None
            return False
        if job.status == "COMPLETED":
            return True
        text = worker_error(job.error) if job.error else str(job.output or "no reason given")[:200]
        raise self._unhealthy(endpoint, f"its smoke job {job.id} ended {job.status}: {text}")

    def _judge(self, api: GateApi, budget: Budget, endpoint: Endpoint, latest: Sequence[Worker], watch: _Watch) -> None:
        """Raises as soon as it is certain that waiting does not help."""
        unhealthy = [worker for worker in latest if worker.status == "UNHEALTHY"]
        if not unhealthy or any(worker.status in (*_SERVING, "INITIALIZING") for worker in latest):
            # One that starts again is INITIALIZING in between: the count goes on.
            watch.looks_at_unhealthy += bool(unhealthy)
            return
        watch.looks_at_unhealthy += 1
        if watch.looks_at_unhealthy < _LOOKS_WHEN_CERTAIN:
            return
        found = self._diagnosis(api, budget, endpoint, unhealthy[0])
        if found.certain or (found.cause == "unknown" and watch.looks_at_unhealthy >= _LOOKS):
            raise self._unhealthy(endpoint, f"{found} (worker {unhealthy[0].id})")

    def _give_up(
        self, api: GateApi, budget: Budget, endpoint: Endpoint, policy: RolloutPolicy, jobs: Jobs | None, watch: _Watch
    ) -> None:
        """The time is over: raise with the best explanation there is."""
        if jobs is not None and watch.smoke_job is not None and not watch.smoke_job.is_final:
            jobs.cancel(watch.smoke_job.id)
        late = f"it does not serve after {policy.timeout:.0f} s"
        by_status = {worker.status: worker for worker in watch.last}
        if "UNHEALTHY" in by_status:
            worker = by_status["UNHEALTHY"]
            raise self._unhealthy(endpoint, f"{self._diagnosis(api, budget, endpoint, worker)} (worker {worker.id})")
        if "INITIALIZING" in by_status:
            worker = by_status["INITIALIZING"]
            lines = self._diagnosis(api, budget, endpoint, worker).lines
            text = f". Last log lines: {' | '.join(lines)}" if lines else ""
            raise self._unhealthy(endpoint, f"{late}: worker {worker.id} is still starting{text}")
        if "THROTTLED" in by_status:
            raise self._unhealthy(
                endpoint,
                f"{late}: there is no stock of {_wanted(endpoint)} for its workers (THROTTLED). Name more GPU pools or "
                "data centers, or try again later",
            )
        if watch.smoke_job is not None:
            raise self._unhealthy(endpoint, f"{late}: its smoke job is still {watch.smoke_job.status}")
        if endpoint.workers.max == 0:
            raise self._unhealthy(endpoint, f"{late}: workers.max is 0, so that none may start")
        raise self._unhealthy(
            endpoint, f"{late}: no worker of it was started; is the account's quota of workers used up elsewhere?"
        )

    def _diagnosis(self, api: GateApi, budget: Budget, endpoint: Endpoint, worker: Worker) -> Diagnosis:
        budget.spend()
        try:
            return diagnose(api.worker_logs(endpoint.id, worker.id, tail=_LOG_TAIL))
        except NotFound:
            return diagnose(())  # replaced meanwhile

    def _unhealthy(self, endpoint: Endpoint, reason: str) -> Unhealthy:
        """Log lines and job errors may hold what is in the environment."""
        # Imported where it is needed: check and diff, which make no call, do without the HTTP client.
        from pulumi_runpod.client.answer import hidden, secrets_of

        secrets = secrets_of({"env": endpoint.env or {}}, ("env",), "")
        return Unhealthy(
            f"endpoint {endpoint.id} ({endpoint.name}): the release is not healthy: {hidden(reason, secrets)}"
        )


def _any_stale(workers: Sequence[Worker]) -> bool:
    return any(worker.is_stale for worker in workers)


def _wanted(endpoint: Endpoint) -> str:
    where = f" in {', '.join(endpoint.data_center_ids)}" if endpoint.data_center_ids else ""
    if endpoint.gpu is not None:
        return f"{', '.join(endpoint.gpu.pools)}{where}"
    return f"{', '.join(choice.id for choice in endpoint.cpu or [])}{where}"


def _job_client(endpoint: Endpoint, settings: Settings) -> Jobs:
    from pulumi_runpod.client.jobs import JobClient, urls_of

    return JobClient(urls_of(endpoint), settings)


_budgets: WeakKeyDictionary[GateApi, Budget] = WeakKeyDictionary()
_budgets_lock = threading.Lock()


def _shared_budget(api: GateApi) -> Budget:
    """One per client, which is one per account and process."""
    with _budgets_lock:
        return _budgets.setdefault(api, Budget())
