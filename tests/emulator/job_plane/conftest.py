"""A stage for the scheduler: the real one on a real store and a frozen clock, with puppets for workers.

Puppets exist because these tests are about moments: a real process takes real time to start, ask and end, and a rule
about seconds could only be tested by waiting for them. Real workers are tested in `test_workers*.py` and over HTTP.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest

from pulumi_runpod.emulator.job_plane.fleet import Fleet
from pulumi_runpod.emulator.job_plane.job import Job
from pulumi_runpod.emulator.job_plane.scheduler import Scheduler
from pulumi_runpod.emulator.job_plane.worker import Worker
from pulumi_runpod.emulator.job_plane.workers.runtime import LogSink, RunningWorker, WorkerSpec, WorkerStartError
from pulumi_runpod.emulator.local import LocalRunPod
from pulumi_runpod.emulator.platform.clock import Clock, rfc3339
from pulumi_runpod.emulator.platform.faults import Fault
from pulumi_runpod.emulator.platform.keys import Keys
from pulumi_runpod.emulator.platform.rate_limit import RateLimit
from pulumi_runpod.emulator.platform.request_log import RequestLog
from pulumi_runpod.emulator.platform.state import Platform
from pulumi_runpod.emulator.platform.store import Store
from pulumi_runpod.emulator.platform.switches import Switches
from pulumi_runpod.wire.catalog import offline_catalog
from pulumi_runpod.wire.endpoint import ENDPOINTS
from pulumi_runpod.wire.job import JobRequest
from tests.waiting import eventually

T = TypeVar("T")
T0 = 1_700_000_000.0


class Puppet:
    """A worker without a program: it ends on request, at once unless it is stubborn."""

    def __init__(self, spec: WorkerSpec) -> None:
        self.spec = spec
        self.exited: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.stubborn = False
        self.orders: list[str] = []

    def exit(self, code: int) -> None:
        if not self.exited.done():
            self.exited.set_result(code)

    def terminate(self) -> None:
        self.orders.append("terminate")
        if not self.stubborn:
            self.exit(0)

    def kill(self) -> None:
        self.orders.append("kill")
        self.exit(137)

    def pause(self) -> None:
        self.orders.append("pause")


class Puppets:
    """A runtime of puppets. `unknown` images are refused, `broken` ones do not start."""

    def __init__(self) -> None:
        self.started: list[Puppet] = []
        self.unknown: set[str] = set()
        self.broken: set[str] = set()

    def refusal(self, image: str) -> str | None:
        return f"nothing here runs {image}" if image in self.unknown else None

    def uncontained(self) -> str | None:
        return "puppets"

    def is_real(self, image: str) -> bool:
        return False

    async def open(self) -> None: ...

    async def prepare(self, spec: WorkerSpec, log: LogSink) -> bool:
        return False

    async def close(self) -> None: ...

    async def start(self, spec: WorkerSpec, log: LogSink) -> RunningWorker:
        if spec.image in self.broken:
            raise WorkerStartError("exec format error")
        log("container", "hello")
        puppet = Puppet(spec)
        self.started.append(puppet)
        return puppet


class Stage:
    """Everything happens on one event loop, which runs only while a method does."""

    def __init__(self, state_dir: Path) -> None:
        self.state_dir = state_dir
        self.runner = asyncio.Runner()
        self.clock = Clock(frozen_at=T0)
        self.store = Store()
        self.puppets = Puppets()
        self.platform = Platform(
            store=self.store,
            clock=self.clock,
            catalog=offline_catalog(),
            keys=Keys(self.store, "key"),
            rate_limit=RateLimit((), self.clock.now),
            request_log=RequestLog(),
            state_dir=state_dir,
            switches=Switches(cold_start_speed=1e9),
            base_url="http://127.0.0.1:1",
        )
        self.scheduler = Scheduler(self.platform, runtime=self.puppets)
        self.run(self.scheduler.start())
        self._serial = 0

    def run(self, step: Awaitable[T]) -> T:
        """Do a step, and let the event loop come to rest."""

        async def settled() -> T:
            result = await step
            for _ in range(20):
                await asyncio.sleep(0)
            return result

        return self.runner.run(settled())

    def do(self, step: Callable[[], T]) -> T:
        async def call() -> T:
            return step()

        return self.run(call())

    def advance(self, seconds: float) -> None:
        self.do(lambda: self.clock.advance(seconds))
        # A cold start has phases of almost nothing: let the clock meet them.
        self.do(lambda: self.clock.advance(0.001))

    def switch(self, **changes: object) -> None:
        self.platform.switches = self.platform.switches.model_copy(update=changes)

    def fault(self, kind: str, **fields: object) -> None:
        self.platform.faults.add(Fault.model_validate({"kind": kind, **fields}, by_alias=False, by_name=True))

    def endpoint(self, **changes: Any) -> Fleet:
        """Create an endpoint as the control plane does."""
        self._serial += 1
        endpoint_id = f"ep{self._serial}"
        body = {
            "id": endpoint_id, "name": "e", "type": "QUEUE", "image": "worker:1", "args": "", "env": {}, "disk": 20,
            "ports": [], "registry": None, "gpu": {"pools": ["ADA_24"], "count": 1}, "timeout": 20_000,
            "scaling": {"type": "QUEUE_DELAY", "queueDelay": 4.0}, "flashboot": "OFF", "dataCenterIds": [],
            "workers": {"min": 0, "max": 3, "idleTimeout": 10}, "networkVolumes": [],
            "createdAt": rfc3339(self.clock.now()), **changes,
        }  # fmt: skip
        self.store.insert(ENDPOINTS.kind, endpoint_id, body, {"version": 1})
        self.do(lambda: self.scheduler.endpoint_created(endpoint_id, body))
        self.advance(0)
        return self.fleet(endpoint_id)

    def patch(self, fleet: Fleet, **changes: Any) -> None:
        old = fleet.body
        new = {**old, **changes}
        self.store.update(ENDPOINTS.kind, fleet.endpoint_id, new)
        self.do(lambda: self.scheduler.endpoint_updated(fleet.endpoint_id, old, new))
        self.advance(0)

    def delete(self, fleet: Fleet) -> None:
        self.store.delete(ENDPOINTS.kind, fleet.endpoint_id)
        self.do(lambda: self.scheduler.endpoint_deleted(fleet.endpoint_id))

    def fleet(self, endpoint_id: str) -> Fleet:
        fleet = self.scheduler.fleet(endpoint_id)
        assert fleet is not None
        return fleet

    def submit(self, fleet: Fleet, *, sync: bool = False, **request: Any) -> Job:
        wanted = JobRequest.model_validate({"input": {}, **request})

        def accept() -> Job:
            ttl = wanted.policy.ttl if wanted.policy is not None else None
            job = self.scheduler.jobs.accept(
                fleet.endpoint_id, wanted, sync=sync, ttl_ms=ttl or 86_400_000, webhook_attempts=3
            )
            fleet.dispatch.submit(job)
            return job

        job = self.do(accept)
        self.advance(0)
        return job

    def load(self, fleet: Fleet) -> list[Worker]:
        """Let every worker that is loading ask for its first job; all that are ready then."""
        for worker in list(fleet.workers.values()):
            self.do(lambda w=worker: fleet.life.saw(w))
        return [w for w in fleet.workers.values() if w.phase == "ready"]

    def take(self, fleet: Fleet, worker: Worker, count: int = 1) -> list[Job]:
        return self.do(lambda: fleet.dispatch.pull(worker, count))

    def report(self, fleet: Fleet, worker: Worker, job: Job, **result: Any) -> bool:
        return self.do(lambda: fleet.dispatch.report(worker, job.id, **{"status": "COMPLETED", **result}))

    def puppet(self, worker: Worker) -> Puppet:
        return next(p for p in reversed(self.puppets.started) if p.spec.worker_id == worker.id)

    def statuses(self, fleet: Fleet) -> list[str]:
        return [w.status for w in fleet.workers.values()]

    def found(self, job: Job) -> Job:
        """The job as the store has it."""
        found = self.scheduler.jobs.find(job.endpoint_id, job.id)
        assert found is not None
        return found

    def lines(self, worker: Worker) -> list[str]:
        return [line.text for line in worker.log.lines()]

    def close(self) -> None:
        self.run(self.scheduler.stop())
        self.runner.close()
        self.store.close()


@pytest.fixture(scope="session")
def make_stage() -> Callable[[Path], Stage]:
    return Stage


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path)
    yield stage
    stage.close()


class Hand:
    """An endpoint and its one worker, played by the test: the process behind it only sleeps.

    So each request of a worker comes when the test says, and is seen on the wire as the SDK sends it.
    """

    def __init__(self, server: LocalRunPod, **changes: Any) -> None:
        self.server = server
        self.client = httpx.Client(headers={"Authorization": f"Bearer {server.api_key}"}, timeout=60)
        body = {
            "name": "hand", "type": "QUEUE", "image": "hand:1", "gpu": {"pools": ["ADA_24"]}, "timeout": 60_000,
            "scaling": {"type": "QUEUE_DELAY", "queueDelay": 4}, "workers": {"min": 1, "max": 1, "idleTimeout": 60},
            **changes,
        }  # fmt: skip
        answer = self.client.post(f"{server.api}/v2/serverless", json=body)
        assert answer.status_code == 201, answer.text
        self.body = answer.json()
        self.id: str = self.body["id"]
        self.urls: dict[str, str] = self.body["requestUrls"]
        self.base = f"{server.api}/v2/{self.id}"
        self.worker = httpx.Client()
        if server.call(lambda p: p.clock.frozen):
            server.advance(1)
        self.adopt()

    def adopt(self) -> None:
        """Play the worker that runs now."""

        def find(platform: Platform) -> tuple[str, str] | None:
            fleet = platform.scheduler.fleet(self.id)  # type: ignore[attr-defined]
            running = [w for w in fleet.workers.values() if w.running is not None and w.phase in ("loading", "ready")]
            return (running[0].id, running[0].key) if running else None

        self.worker.close()
        self.worker_id, key = eventually(lambda: self.server.call(find))
        self.worker = httpx.Client(headers={"Authorization": key, "Content-Type": "application/json"}, timeout=60)

    # As a client.

    def run(self, **request: Any) -> str:
        answer = self.client.post(self.urls["run"], json={"input": {}, **request})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])

    def ask(self, operation: str, job_id: str, **params: object) -> dict[str, Any]:
        answer = self.client.get(self.urls[operation].replace("{job_id}", job_id), params=params)  # type: ignore[arg-type]
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def tell(self, operation: str, job_id: str) -> httpx.Response:
        return self.client.post(self.urls[operation].replace("{job_id}", job_id))

    def health(self) -> dict[str, dict[str, int]]:
        return dict(self.client.get(self.urls["health"]).json())

    # As the worker.

    def take(self, *, busy: bool = False) -> httpx.Response:
        return self.worker.get(f"{self.base}/job-take/{self.worker_id}?gpu=x&job_in_progress={int(busy)}")

    def take_batch(self, size: int, *, busy: bool = False) -> httpx.Response:
        url = f"{self.base}/job-take-batch/{self.worker_id}?gpu=x&batch_size={size}&job_in_progress={int(busy)}"
        return self.worker.get(url)

    def stop(self) -> httpx.Response:
        return self.worker.get(f"{self.base}/job-stop/{self.worker_id}?gpu=x")

    def done(self, job_id: str, body: object, *, stream: bool = False) -> httpx.Response:
        """As the SDK posts: JSON under a form's content type."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.worker.post(
            f"{self.base}/job-done/{self.worker_id}/{job_id}?gpu=x&isStream={str(stream).lower()}",
            content=raw,
            headers={
                "Content-Type": "application/x-www-form-urlencoded",
                "charset": "utf-8",
                "X-Request-ID": job_id,
            },
        )

    def part(self, job_id: str, output: object) -> httpx.Response:
        return self.worker.post(
            f"{self.base}/job-stream/{self.worker_id}/{job_id}?gpu=x&isStream=false", json={"output": output}
        )

    def ping(self, **params: str) -> httpx.Response:
        return self.worker.get(f"{self.base}/ping/{self.worker_id}?gpu=x", params={"gpu": "x", **params})

    def close(self) -> None:
        self.client.delete(f"{self.server.api}/v2/serverless/{self.id}")
        self.client.close()
        self.worker.close()


@pytest.fixture(scope="session")
def still() -> Iterator[LocalRunPod]:
    """A local RunPod whose clock is frozen, and whose polls are short."""
    switches = Switches(cold_start_speed=1e9, poll_hold=0.3, platform_scale_down=False)
    with LocalRunPod(frozen_at=T0, workers={"hand:*": "sleep 1000"}, switches=switches) as server:
        yield server


@pytest.fixture
def patient(still: LocalRunPod) -> Iterator[None]:
    """Polls are held for longer than any test waits."""
    still.turn(poll_hold=30)
    yield
    still.turn(poll_hold=0.3)


@pytest.fixture(scope="session")
def make_hand() -> Callable[[LocalRunPod], Hand]:
    return Hand


@pytest.fixture
def hand(still: LocalRunPod) -> Iterator[Hand]:
    hand = Hand(still)
    yield hand
    hand.close()
