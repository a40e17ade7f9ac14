"""The control plane against bare Starlette, same server settings, same run: medians of interleaved pairs.

Run with `python tests/bench/control_plane.py [SECONDS]`. Reports and asserts nothing. Wanted: 0.5 or more, ready in
under 300 ms, under 120 MB and flat.
"""

from __future__ import annotations

import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
from load import rate

from pulumi_runpod.emulator.local import LocalRunPod

PAIRS = 7
HERE = Path(__file__).parent
HEADERS = {"Authorization": "Bearer local"}
BODIES = {
    "network-volumes": {"name": "weights", "size": 20, "dataCenter": "EU-RO-1"},
    "templates": {"name": "worker", "image": "registry.example.com/team/worker:1", "serverless": True},
    "serverless": {
        "name": "sdxl",
        "type": "QUEUE",
        "image": "registry.example.com/team/worker:1",
        "gpu": {"pools": ["ADA_24"]},
        "scaling": {"type": "QUEUE_DELAY", "queueDelay": 4},
        "workers": {"min": 0, "max": 0},
    },
}


@contextlib.contextmanager
def process(*command: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server, and the first line that it prints."""
    child = subprocess.Popen([sys.executable, *command], stdout=subprocess.PIPE, text=True)
    with child:
        try:
            assert child.stdout is not None
            yield child, child.stdout.readline().strip()
        finally:
            child.terminate()


@dataclass(frozen=True)
class Reached:
    rate: float
    """Answers per second."""
    cpu: float
    """Processor time of the server per answer, microseconds: what other load on the machine disturbs less."""


def reached(
    server: psutil.Process, method: str, url: str, seconds: float, body: bytes = b"", status: int = 200
) -> Reached:
    before = server.cpu_times()
    answers = rate(method, url, seconds=seconds, body=body, status=status)
    after = server.cpu_times()
    spent = after.user + after.system - before.user - before.system
    return Reached(answers, spent / (answers * seconds) * 1e6)


def compare(bare: tuple[psutil.Process, str], ours: tuple[psutil.Process, str], seconds: float) -> None:
    print(f"{'':34}{'bare/s':>9}{'ours/s':>9}{'ratio':>7}{'bare us':>9}{'ours us':>9}{'ratio':>7}")
    for collection, wanted in BODIES.items():
        body = json.dumps(wanted).encode()
        path = f"{ours[1]}/v2/{collection}"
        made = httpx.post(path, json=wanted, headers=HEADERS).json()["id"]
        pairs = [
            (
                reached(bare[0], "POST", f"{bare[1]}/objects", seconds, body, 201),
                reached(ours[0], "POST", path, seconds, body, 201),
            )
            for _ in range(PAIRS)
        ]
        report(f"create, POST /v2/{collection}", pairs)
        pairs = [
            (
                reached(bare[0], "GET", f"{bare[1]}/objects/x", seconds),
                reached(ours[0], "GET", f"{path}/{made}", seconds),
            )
            for _ in range(PAIRS)
        ]
        report(f"get, GET /v2/{collection}/ID", pairs)


def report(what: str, pairs: list[tuple[Reached, Reached]]) -> None:
    middle = statistics.median
    rates = f"{middle(b.rate for b, _ in pairs):9.0f}{middle(o.rate for _, o in pairs):9.0f}"
    costs = f"{middle(b.cpu for b, _ in pairs):9.0f}{middle(o.cpu for _, o in pairs):9.0f}"
    by_rate, by_cost = middle(o.rate / b.rate for b, o in pairs), middle(b.cpu / o.cpu for b, o in pairs)
    print(f"{what:34}{rates}{by_rate:7.2f}{costs}{by_cost:7.2f}")


def memory(child: subprocess.Popen[str], api: str) -> None:
    """Resident memory over 100,000 calls that leave nothing behind."""
    server, seen = psutil.Process(child.pid), []
    with httpx.Client(base_url=api, headers=HEADERS) as client:
        made = client.post("/v2/network-volumes", json=BODIES["network-volumes"]).json()["id"]
    for _ in range(5):
        before = time.perf_counter()
        reached = rate("GET", f"{api}/v2/network-volumes/{made}", seconds=1)
        rate("GET", f"{api}/v2/network-volumes/{made}", seconds=max(0.1, 20_000 / reached - 1))
        seen.append(server.memory_info().rss / 1e6)
        print(f"  {time.perf_counter() - before:4.1f} s, {seen[-1]:6.1f} MB")


def start_times() -> None:
    seconds = []
    for _ in range(20):
        begin = time.perf_counter()
        with LocalRunPod():
            seconds.append(time.perf_counter() - begin)
    print(f"LocalRunPod() ready: median {statistics.median(seconds) * 1e3:.0f} ms, worst {max(seconds) * 1e3:.0f} ms")


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 1.5
    start_times()
    with tempfile.TemporaryDirectory() as folder:
        state = f"{folder}/state"
        serve = ("-m", "pulumi_runpod.cli", "emulator", "serve", "--port", "0", "--state", state)
        with (
            process(str(HERE / "bare_app.py"), f"{folder}/bare.sqlite") as (yardstick, bare),
            process(*serve) as (child, line),
        ):
            api = json.loads(line)["api"]
            print("Memory, five times 20,000 calls:")
            memory(child, api)
            compare((psutil.Process(yardstick.pid), bare), (psutil.Process(child.pid), api), seconds)


if __name__ == "__main__":
    main()
