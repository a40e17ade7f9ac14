"""RunPod's own Python SDK, unmodified, on both ends of the local RunPod: its client, and its worker's loop.

Starting the SDK takes 1.5 s, so that one server and one worker of each kind serve all tests here.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from pulumi_runpod.emulator.local import LocalRunPod
from pulumi_runpod.emulator.platform.switches import Switches
from tests.waiting import eventually

WORKER = Path(__file__).parent.parent / "emulator" / "job_plane" / "sdk_worker.py"


@pytest.fixture(scope="module")
def server() -> Iterator[LocalRunPod]:
    kinds = ("plain", "concurrent", "async", "generator", "aggregate", "refresh")
    workers = {f"{kind}:*": f"{sys.executable} {WORKER} {kind}" for kind in kinds}
    with LocalRunPod(workers=workers, switches=Switches(poll_hold=5)) as server:
        yield server


class Made:
    """An endpoint of the local RunPod and raw calls on it."""

    def __init__(self, server: LocalRunPod, kind: str, **changes: Any) -> None:
        self.server = server
        self.client = httpx.Client(headers={"Authorization": f"Bearer {server.api_key}"}, timeout=60)
        body = {
            "name": kind, "type": "QUEUE", "image": f"{kind}:1", "gpu": {"pools": ["ADA_24"]}, "timeout": 60_000,
            "scaling": {"type": "QUEUE_DELAY", "queueDelay": 60}, "workers": {"min": 1, "max": 1, "idleTimeout": 60},
            **changes,
        }  # fmt: skip
        answer = self.client.post(f"{server.api}/v2/serverless", json=body)
        assert answer.status_code == 201, answer.text
        self.id: str = answer.json()["id"]
        self.urls: dict[str, str] = answer.json()["requestUrls"]

    def run(self, result: object, **request: Any) -> str:
        answer = self.client.post(self.urls["run"], json={"input": result, **request})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])

    def status(self, job_id: str) -> dict[str, Any]:
        return dict(self.client.get(self.urls["status"].replace("{job_id}", job_id)).json())

    def end(self, job_id: str) -> dict[str, Any]:
        """The job once it has ended."""
        url = self.urls["status"].replace("/status/{job_id}", f"/status-sync/{job_id}")
        response = dict(self.client.get(url, params={"wait": 60_000}).json())
        assert response["status"] not in ("IN_QUEUE", "IN_PROGRESS"), response
        return response

    def cancel(self, job_id: str) -> None:
        self.client.post(self.urls["cancel"].replace("{job_id}", job_id)).raise_for_status()

    def workers(self) -> list[dict[str, Any]]:
        return list(self.client.get(f"{self.server.api}/v2/serverless/{self.id}/workers").json()["workers"])


@pytest.fixture(scope="module")
def made(server: LocalRunPod) -> Iterator[Callable[[str], Made]]:
    """One endpoint of each kind, made when it is first asked for."""
    endpoints: dict[str, Made] = {}

    def get(kind: str) -> Made:
        if kind not in endpoints:
            endpoints[kind] = Made(server, kind)
        return endpoints[kind]

    yield get
    for endpoint in endpoints.values():
        endpoint.client.close()


@pytest.fixture
def plain(made: Callable[[str], Made]) -> Made:
    return made("plain")


CLIENT = """
import json, os, sys, time
import runpod
runpod.api_key = os.environ["RUNPOD_API_KEY"]
endpoint = runpod.Endpoint(sys.argv[1])
answers = {}
job = endpoint.run({"input": {"a": 1}})
answers["first"] = job.status()
answers["output"] = job.output(timeout=60)
answers["last"] = job.status()
answers["run_sync"] = endpoint.run_sync({"b": 2}, timeout=60)
answers["health"] = endpoint.health()
blocking = endpoint.run({"block": 1.5})
while blocking.status() != "IN_PROGRESS":
    time.sleep(0.05)
waiting = [endpoint.run({"n": n}) for n in range(2)]
answers["purged"] = endpoint.purge_queue()
answers["waiting"] = [w.status() for w in waiting]
other = endpoint.run({"n": 9})
answers["cancelled"] = other.cancel()
answers["blocking"] = blocking.output(timeout=60)
json.dump(answers, sys.stdout)
"""


def client_environment(server: LocalRunPod, home: Path) -> dict[str, str]:
    """The SDK reads its base URL and the user's credentials at import: a separate process, without any."""
    return {**server.environment, "HOME": str(home), "PATH": "/usr/bin:/bin"}


def test_the_sync_client_runs_polls_cancels_and_purges(plain: Made, tmp_path: Path) -> None:
    """run, status, output, run_sync, health, purge_queue, cancel."""
    done = subprocess.run(
        [sys.executable, "-c", CLIENT, plain.id],
        env=client_environment(plain.server, tmp_path), capture_output=True, text=True, timeout=90, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    output = json.loads(done.stdout)
    assert output["first"] in ("IN_QUEUE", "IN_PROGRESS", "COMPLETED")
    assert output["output"]["echo"] == {"a": 1}
    assert output["last"] == "COMPLETED"
    assert output["run_sync"]["echo"] == {"b": 2}
    assert set(output["health"]) == {"jobs", "workers"}
    assert output["health"]["jobs"]["completed"] >= 2
    assert output["purged"] == {"removed": 2, "status": "completed"}
    assert output["waiting"] == ["CANCELLED", "CANCELLED"]
    assert output["cancelled"]["status"] == "CANCELLED"
    assert output["blocking"]["echo"] == {"block": 1.5}


ASYNC_CLIENT = """
import asyncio, json, os, sys
import aiohttp
import runpod
from runpod import AsyncioEndpoint
runpod.api_key = os.environ["RUNPOD_API_KEY"]
async def main():
    answers = {}
    async with aiohttp.ClientSession() as session:
        endpoint = AsyncioEndpoint(sys.argv[1], session)
        job = await endpoint.run({"a": 1})
        answers["first"] = await job.status()
        answers["output"] = await job.output(timeout=60)
        answers["health"] = await endpoint.health()
        job = await endpoint.run({"block": 1.5})
        other = await endpoint.run({"b": 1})
        answers["cancelled"] = await other.cancel()
        answers["purged"] = await endpoint.purge_queue()
        answers["second"] = await job.output(timeout=60)
        generator = AsyncioEndpoint(sys.argv[2], session)
        job = await generator.run({"parts": 4})
        answers["stream"] = [part async for part in job.stream()]
    json.dump(answers, sys.stdout)
asyncio.run(main())
"""


def test_the_asyncio_client_runs_polls_cancels_purges_and_streams(
    plain: Made, made: Callable[[str], Made], tmp_path: Path
) -> None:
    """The same, with aiohttp."""
    done = subprocess.run(
        [sys.executable, "-c", ASYNC_CLIENT, plain.id, made("generator").id],
        env=client_environment(plain.server, tmp_path), capture_output=True, text=True, timeout=90, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    output = json.loads(done.stdout)
    assert output["output"]["echo"] == {"a": 1}
    assert set(output["health"]) == {"jobs", "workers"}
    assert output["cancelled"]["status"] == "CANCELLED"
    assert output["purged"]["status"] == "completed"
    assert output["second"]["echo"] == {"block": 1.5}
    assert output["stream"] == [{"part": n} for n in range(4)]


STREAM_CLIENT = """
import json, os, sys
import runpod
runpod.api_key = os.environ["RUNPOD_API_KEY"]
job = runpod.Endpoint(sys.argv[1]).run({"input": {"parts": 3}})
json.dump({"parts": list(job.stream()), "output": job.output()}, sys.stdout)
"""


def test_the_sync_client_streams_a_generators_parts(made: Callable[[str], Made], tmp_path: Path) -> None:
    """Each part once and in order, then the end; the aggregate is the output."""
    endpoint = made("aggregate")
    done = subprocess.run(
        [sys.executable, "-c", STREAM_CLIENT, endpoint.id],
        env=client_environment(endpoint.server, tmp_path), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    output = json.loads(done.stdout)
    assert output["parts"] == ["part 0", "part 1", "part 2"]
    assert output["output"] == output["parts"]


def test_an_exception_of_the_handler_fails_the_job_with_the_sdks_own_error(plain: Made) -> None:
    """JSON text with type, message and worker."""
    result = plain.end(plain.run({"raise": True}))
    assert result["status"] == "FAILED"
    error = json.loads(result["error"])
    assert error["error_message"] == "boom"
    assert error["worker_id"] == result["workerId"]


def test_progress_is_seen_while_the_handler_runs(plain: Made) -> None:
    """It arrives over a separate session, and the result wins at the end."""
    job_id = plain.run({"progress": 3})
    seen = eventually(lambda: (result := plain.status(job_id))["status"] == "IN_PROGRESS" and result.get("output"))
    assert "step" in seen
    assert "echo" in plain.end(job_id)["output"]


def test_a_result_that_json_cannot_hold_does_not_hang(plain: Made) -> None:
    """The SDK logs it and posts nothing: the job fails once the worker asks for work again."""
    result = plain.end(plain.run({"unserializable": True}))
    assert result["status"] == "FAILED"
    assert "without a result" in result["error"]


def test_a_cancel_stops_a_running_async_handler(made: Callable[[str], Made]) -> None:
    """By the stop channel: the same process goes on with the next job long before the first would have ended."""
    endpoint = made("async")
    first = endpoint.end(endpoint.run({"n": 1}))["output"]["pid"]
    job_id = endpoint.run({"sleep": 60})
    eventually(lambda: endpoint.status(job_id)["status"] == "IN_PROGRESS")
    endpoint.cancel(job_id)
    began = time.monotonic()
    result = endpoint.end(endpoint.run({"n": 2}))
    assert result["output"]["pid"] == first
    assert time.monotonic() - began < 20
    assert endpoint.status(job_id)["status"] == "CANCELLED"


def test_a_blocking_handler_is_killed_when_a_cancel_is_not_obeyed(plain: Made) -> None:
    """Its event loop hears nothing: after the grace, a new worker takes over."""
    plain.server.turn(cancel_grace=0.5)
    job_id = plain.run({"block": 60})
    old = eventually(lambda: plain.status(job_id).get("workerId"))
    plain.cancel(job_id)
    result = plain.end(plain.run({"n": 1}))
    plain.server.turn(cancel_grace=10)
    assert result["status"] == "COMPLETED"
    assert result["workerId"] != old


def test_the_execution_timeout_kills_a_worker_that_blocks(plain: Made) -> None:
    """TIMED_OUT, and none of its processes is left, the heartbeat's included."""
    job_id = plain.run({"block": 60}, policy={"executionTimeout": 5000})
    worker_id = eventually(lambda: plain.status(job_id).get("workerId"))
    processes = worker_processes(worker_id)
    assert len(processes) >= 3
    plain.server.advance(6)
    assert plain.end(job_id)["status"] == "TIMED_OUT"
    eventually(lambda: not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in processes), 5)


def worker_processes(worker_id: str) -> list[psutil.Process]:
    """Supervisor, worker, heartbeat: each process that carries the worker's id in its environment."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("RUNPOD_POD_ID") == worker_id:
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def test_a_worker_that_exits_in_a_job_is_replaced_and_the_job_tried_again(plain: Made) -> None:
    """Twice, then the job fails with the exit code."""
    result = plain.end(plain.run({"exit": 3}))
    assert (result["status"], result["retries"]) == ("FAILED", 1)
    assert "code 3" in result["error"]


def test_concurrent_jobs_run_at_once_in_one_worker(made: Callable[[str], Made]) -> None:
    """A concurrency of three: batches are taken, jobs overlap, and all are in one process."""
    endpoint = made("concurrent")
    jobs = [endpoint.run({"sleep": 1.0, "n": n}) for n in range(3)]
    outputs = [endpoint.end(job_id)["output"] for job_id in jobs]
    assert len({o["pid"] for o in outputs}) == 1
    assert max(o["started"] for o in outputs) < min(o["ended"] for o in outputs)
    assert [o["echo"]["n"] for o in outputs] == [0, 1, 2]


def test_a_cancelled_job_leaves_the_others_of_its_worker_alone(made: Callable[[str], Made]) -> None:
    """Stopped by id, in the middle of two others."""
    endpoint = made("concurrent")
    jobs = [endpoint.run({"sleep": 2.0, "n": n}) for n in range(3)]
    eventually(lambda: all(endpoint.status(j)["status"] == "IN_PROGRESS" for j in jobs))
    endpoint.cancel(jobs[1])
    assert [endpoint.end(j)["status"] for j in jobs] == ["COMPLETED", "CANCELLED", "COMPLETED"]
    assert endpoint.status(jobs[0])["workerId"] == endpoint.status(jobs[2])["workerId"]


def test_refresh_worker_gives_every_job_a_process_of_its_own(made: Callable[[str], Made]) -> None:
    """By the worker's configuration, and by one job's own flag."""
    endpoint = made("refresh")
    pids = [endpoint.end(endpoint.run({"n": n}))["output"]["pid"] for n in range(2)]
    assert len(set(pids)) == 2
    plain = made("plain")
    first = plain.end(plain.run({"refresh": True}))
    assert "refresh_worker" not in first["output"]
    assert plain.end(plain.run({"n": 1}))["output"]["pid"] != first["output"]["pid"]


def test_a_worker_that_is_asked_to_end_leaves_by_itself(made: Callable[[str], Made]) -> None:
    """SIGTERM and released polls: the SDK drains and exits with 0, before any kill."""
    endpoint = made("async")
    endpoint.end(endpoint.run({"n": 1}))
    (worker,) = endpoint.workers()
    url = f"{endpoint.server.api}/v2/serverless/{endpoint.id}"
    endpoint.client.patch(url, json={"workers": {"min": 0, "max": 0, "idleTimeout": 60}}).raise_for_status()

    def last_line() -> str | None:
        log = endpoint.server.call(lambda p: p.scheduler.logs.of(endpoint.id, worker["id"]))  # type: ignore[attr-defined]
        text: str = log.lines(source="system")[-1].text
        return text if "exited" in text else None

    assert eventually(last_line) == "container exited with code 0"


def test_a_worker_sees_its_volume(server: LocalRunPod) -> None:
    """The directory of the endpoint's volume, in the volume's data center."""
    key = {"Authorization": f"Bearer {server.api_key}"}
    center = next(c.id for c in server.platform.catalog.data_centers.values() if c.network_volume_types)
    volume = httpx.post(
        f"{server.api}/v2/network-volumes", headers=key, json={"name": "v", "size": 10, "dataCenter": center}
    ).json()
    endpoint = Made(server, "plain", networkVolumes=[volume["id"]])
    try:
        result = endpoint.end(endpoint.run({"n": 1}))["output"]["volume"]
        assert Path(result) == server.platform.volume_dir(volume["id"]).resolve()
        assert [w["dataCenterId"] for w in endpoint.workers()] == [center]
    finally:
        endpoint.client.delete(f"{server.api}/v2/serverless/{endpoint.id}")
        endpoint.client.close()
