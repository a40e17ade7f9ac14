"""kill -9 of the local RunPod under load, and its next start: no worker is left, every accepted job reaches an end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil

SDK = f"{sys.executable} {Path(__file__).with_name('sdk_worker.py')} concurrent"
DIRECT = f"{sys.executable} -I -S {Path(__file__).parents[2] / 'bench' / 'direct_worker.py'}"
SERVE = """
import sys
from pathlib import Path
from pulumi_runpod.emulator.platform.worker_command import WorkerCommand
from pulumi_runpod.emulator.process.server import ServerSettings, serve
command = WorkerCommand("worker:*", sys.argv[2])
serve(ServerSettings(state_dir=Path(sys.argv[1]), api_key="local", worker_commands=(command,)), sys.stdout)
"""
KEY = {"Authorization": "Bearer local"}


@contextmanager
def serving(state: Path, worker: str = SDK) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The server as its own process, and its address."""
    arguments = [sys.executable, "-c", SERVE, str(state), worker]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process, json.loads(process.stdout.readline())["api"]
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()


def within(seconds: float, holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def carriers(endpoint_id: str) -> list[int]:
    """Every process that was started for the endpoint, heartbeats and supervisors included."""
    found = []
    for process in psutil.process_iter(["status"]):
        try:
            if process.environ().get("RUNPOD_ENDPOINT_ID") == endpoint_id:
                found.append(process.pid)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def test_a_killed_server_leaves_no_worker_and_loses_no_job(tmp_path: Path) -> None:
    """Within five seconds nothing of the workers is there; the next start works off what was accepted."""
    with serving(tmp_path) as (process, api), httpx.Client(headers=KEY, timeout=60) as client:
        body = {
            "name": "e", "type": "QUEUE", "image": "worker:1", "gpu": {"pools": ["ADA_24"]}, "timeout": 60_000,
            "scaling": {"type": "QUEUE_DELAY", "queueDelay": 60}, "workers": {"min": 1, "max": 1, "idleTimeout": 60},
        }  # fmt: skip
        endpoint_id = client.post(f"{api}/v2/serverless", json=body).json()["id"]
        jobs_url = f"{api}/v2/{endpoint_id}"
        first = client.post(f"{jobs_url}/runsync", json={"input": {"n": 0}}).json()
        assert first["status"] == "COMPLETED"
        accepted = [
            client.post(f"{jobs_url}/run", json={"input": {"n": n, "sleep": 2.0}}).json()["id"] for n in range(30)
        ]

        def running() -> int:
            return int(client.get(f"{jobs_url}/health").json()["jobs"]["inProgress"])

        assert within(20, lambda: running() == 3)
        assert len(carriers(endpoint_id)) >= 3
        os.kill(process.pid, 9)
        process.wait(10)
        assert within(5, lambda: not carriers(endpoint_id))

    with serving(tmp_path) as (_, api), httpx.Client(headers=KEY, timeout=60) as client:
        jobs_url = f"{api}/v2/{endpoint_id}"
        response = {j: client.get(f"{jobs_url}/status/{j}").json() for j in accepted}
        assert {t["status"] for t in response.values()} <= {"IN_QUEUE", "IN_PROGRESS"}
        assert sorted(t.get("retries", 0) for t in response.values())[-4:] == [0, 1, 1, 1]
        # Two rounds of work are proof enough; the rest is cancelled, which is an end, too.
        done = [client.get(f"{jobs_url}/status-sync/{j}").json() for j in accepted[:6]]
        assert [d["status"] for d in done] == ["COMPLETED"] * 6
        assert [d["output"]["echo"]["n"] for d in done] == list(range(6))
        client.post(f"{jobs_url}/purge-queue")
        ends = [client.get(f"{jobs_url}/status-sync/{j}").json()["status"] for j in accepted]
        assert set(ends) <= {"COMPLETED", "CANCELLED"}
        log = client.get(f"{api}/v2/serverless/{endpoint_id}/workers").json()
        assert log["summary"]["total"] == 1
    assert within(5, lambda: not carriers(endpoint_id))


def test_jobs_accepted_in_the_moment_of_a_kill_reach_an_end(tmp_path: Path) -> None:
    """Clients submit and workers report without pause; three kills later, each job with an id is COMPLETED."""
    deliveries, state = tmp_path / "deliveries", tmp_path / "state"
    deliveries.mkdir()
    accepted: list[str] = []
    endpoint_id = ""
    for kill in (1, 2, 3):
        with serving(state, DIRECT) as (process, api), httpx.Client(headers=KEY, timeout=60) as client:
            endpoint_id = endpoint_id or busy_endpoint(client, api, deliveries)
            run = f"{api}/v2/{endpoint_id}/run"
            clients = [threading.Thread(target=submit_until_it_dies, args=(run, accepted)) for _ in range(3)]
            for submitting in clients:
                submitting.start()
            assert within(60, lambda: len(accepted) >= kill * 300)  # noqa: B023 - asked within this turn
            os.kill(process.pid, 9)
            process.wait(10)
            for submitting in clients:
                submitting.join(30)

    with serving(state, DIRECT) as (_, api), httpx.Client(headers=KEY, timeout=60) as client:
        url = f"{api}/v2/{endpoint_id}"

        def left() -> int:
            jobs = client.get(f"{url}/health").json()["jobs"]
            return int(jobs["inQueue"] + jobs["inProgress"])

        assert within(60, lambda: left() == 0)
        ends = [client.get(f"{url}/status/{job_id}").json().get("status") for job_id in accepted]
    assert len(ends) >= 900
    assert set(ends) == {"COMPLETED"}


def busy_endpoint(client: httpx.Client, api: str, deliveries: Path) -> str:
    body = {
        "name": "e", "type": "QUEUE", "image": "worker:1", "gpu": {"pools": ["ADA_24"]}, "timeout": 60_000,
        "scaling": {"type": "REQUEST_COUNT", "requestCount": 1}, "workers": {"min": 3, "max": 3},
        "env": {"DELIVERIES": str(deliveries)},
    }  # fmt: skip
    return str(client.post(f"{api}/v2/serverless", json=body).json()["id"])


def submit_until_it_dies(run: str, accepted: list[str]) -> None:
    with httpx.Client(headers=KEY, timeout=60) as client:
        for number in range(100_000):
            try:
                answer = client.post(run, json={"input": {"n": number}})
            except httpx.TransportError:
                return
            accepted.append(answer.json()["id"])
