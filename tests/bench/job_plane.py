"""The job plane: time from accept to hand-over, a long queue's weight, and throughput with nothing lost or done twice.

Run with `python tests/bench/job_plane.py [JOBS]` (default 5000; the full figure is 50000). Reports and asserts nothing.
Wanted: hand-over p99 of at most 25 ms at 100 jobs/s, 10,000 queued jobs within 200 MB and no more than 1.5 x slower.
"""

from __future__ import annotations

import http.client
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psutil

WORKERS = 20
SECONDS_AT_RATE = 10
RATE = 100
QUEUED = 10_000
CLIENTS = 4
WORKER = Path(__file__).with_name("direct_worker.py")
SERVE = """
import sys
from pathlib import Path
from pulumi_runpod.emulator.platform.worker_command import WorkerCommand
from pulumi_runpod.emulator.process.server import ServerSettings, serve
command = WorkerCommand("direct:*", sys.argv[2])
serve(ServerSettings(state_dir=Path(sys.argv[1]), worker_commands=(command,)), sys.stdout)
"""


class Caller:
    """One kept-alive connection of a client."""

    def __init__(self, api: str) -> None:
        where = urlsplit(api)
        self._connection = http.client.HTTPConnection(where.hostname or "", where.port)

    def __call__(self, method: str, path: str, body: object = None) -> dict[str, object]:
        text = None if body is None else json.dumps(body)
        self._connection.request(method, path, text, {"Authorization": "Bearer local"})
        answer = self._connection.getresponse()
        raw = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {raw.decode()}")
        return dict(json.loads(raw))


@contextmanager
def serving(folder: Path, command: str = f"{sys.executable} -I -S {WORKER}") -> Iterator[tuple[psutil.Process, str]]:
    """A local RunPod whose workers run `command`, and its address."""
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE, str(folder / "state"), command], stdout=subprocess.PIPE, text=True
    )
    with process:
        try:
            assert process.stdout is not None
            yield psutil.Process(process.pid), json.loads(process.stdout.readline())["api"]
        finally:
            process.terminate()


def endpoint(call: Caller, *, workers: int, deliveries: Path) -> str:
    body = {
        "name": "bench", "type": "QUEUE", "image": "direct:1", "gpu": {"pools": ["ADA_24"]}, "timeout": 600_000,
        "scaling": {"type": "REQUEST_COUNT", "requestCount": 1}, "env": {"DELIVERIES": str(deliveries)},
        "workers": {"min": workers, "max": workers},
    }  # fmt: skip
    endpoint_id = str(call("POST", "/v2/serverless", body)["id"])
    while call("GET", f"/v2/{endpoint_id}/health")["workers"]["idle"] < workers:  # type: ignore[index]
        time.sleep(0.05)
    return endpoint_id


def quantiles(seconds: list[float]) -> str:
    cuts = statistics.quantiles(seconds, n=100)
    return f"p50 {cuts[49] * 1000:.1f} ms, p95 {cuts[94] * 1000:.1f} ms, p99 {cuts[98] * 1000:.1f} ms"


def latency(api: str, endpoint_id: str) -> None:
    """From before the call of /run to the worker's receipt: accept and hand-over, both ways of HTTP included."""
    call = Caller(api)
    sent: dict[str, float] = {}
    began = time.time()
    for n in range(RATE * SECONDS_AT_RATE):
        if (early := began + n / RATE - time.time()) > 0:
            time.sleep(early)
        at = time.time()
        sent[str(call("POST", f"/v2/{endpoint_id}/run", {"input": {"n": n}})["id"])] = at
    waits, delays = [], []
    for job_id, at in sent.items():
        job = call("GET", f"/v2/{endpoint_id}/status-sync/{job_id}")
        waits.append(job["output"]["got"] - at)  # type: ignore[index]
        delays.append(job["delayTime"])
    print(f"accept to hand-over at {RATE} jobs/s: {quantiles(waits)} (server's own delayTime: max {max(delays)} ms)")


def accept_times(call: Caller, endpoint_id: str, count: int) -> float:
    """Median seconds of a call of /run."""
    times = []
    for n in range(count):
        at = time.perf_counter()
        call("POST", f"/v2/{endpoint_id}/run", {"input": {"prompt": "a red fox in the snow", "n": n}})
        times.append(time.perf_counter() - at)
    return statistics.median(times)


def queue_weight(api: str, server: psutil.Process, deliveries: Path) -> None:
    call = Caller(api)
    endpoint_id = endpoint(call, workers=0, deliveries=deliveries)
    before = server.memory_info().rss
    first = accept_times(call, endpoint_id, 500)
    accept_times(call, endpoint_id, QUEUED - 1000)
    last = accept_times(call, endpoint_id, 500)
    grown = (server.memory_info().rss - before) / 1e6
    print(
        f"{QUEUED} queued jobs: {server.memory_info().rss / 1e6:.0f} MB in all, {grown:.1f} MB more; accept "
        f"{first * 1000:.2f} ms empty, {last * 1000:.2f} ms full: {last / first:.2f} x"
    )
    at = time.perf_counter()
    call("POST", f"/v2/{endpoint_id}/purge-queue")
    print(f"purge of {QUEUED}: {time.perf_counter() - at:.2f} s")


def throughput(api: str, endpoint_id: str, deliveries: Path, jobs: int) -> None:
    done_before = Caller(api)("GET", f"/v2/{endpoint_id}/health")["jobs"]["completed"]  # type: ignore[index]
    accepted: list[str] = []

    def submit(count: int) -> None:
        call = Caller(api)
        accepted.extend(str(call("POST", f"/v2/{endpoint_id}/run", {"input": {"n": n}})["id"]) for n in range(count))

    began = time.perf_counter()
    clients = [threading.Thread(target=submit, args=(jobs // CLIENTS,)) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    call = Caller(api)
    wanted = done_before + jobs // CLIENTS * CLIENTS
    while call("GET", f"/v2/{endpoint_id}/health")["jobs"]["completed"] < wanted:  # type: ignore[index]
        time.sleep(0.1)
        if time.perf_counter() - began > 600:
            print("gave up after 600 s")
            break
    seconds = time.perf_counter() - began
    for client in clients:
        client.join()
    given = Counter(line for file in deliveries.iterdir() for line in file.read_text().split())
    lost, twice = sum(j not in given for j in accepted), sum(count > 1 for count in given.values())
    print(
        f"{len(accepted)} jobs through {WORKERS} workers: {len(accepted) / seconds:.0f} jobs/s accepted, done and "
        f"reported; lost {lost}, delivered twice {twice}"
    )


def main() -> None:
    jobs = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    with tempfile.TemporaryDirectory() as folder:
        deliveries = Path(folder, "deliveries")
        deliveries.mkdir()
        with serving(Path(folder)) as (server, api):
            print(f"server alone: {server.memory_info().rss / 1e6:.0f} MB")
            queue_weight(api, server, deliveries)
            endpoint_id = endpoint(Caller(api), workers=WORKERS, deliveries=deliveries)
            latency(api, endpoint_id)
            throughput(api, endpoint_id, deliveries, jobs)
            print(f"server at the end: {server.memory_info().rss / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
