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


def compare(bare: str, api: str, seconds: float) -> None:
    print(f"{'':34}{'bare/s':>9}{'ours/s':>9}{'ratio':>7}")
    for collection, wanted in BODIES.items():
        body = json.dumps(wanted).encode()
        path = f"{api}/v2/{collection}"
        made = httpx.post(path, json=wanted, headers=HEADERS).json()["id"]
        pairs = [
            (
                rate("POST", f"{bare}/objects", seconds=seconds, body=body, status=201),
                rate("POST", path, seconds=seconds, body=body, status=201),
            )
            for _ in range(PAIRS)
        ]
        told(f"create, POST /v2/{collection}", pairs)
        pairs = [
            (rate("GET", f"{bare}/objects/x", seconds=seconds), rate("GET", f"{path}/{made}", seconds=seconds))
            for _ in range(PAIRS)
        ]
        told(f"get, GET /v2/{collection}/ID", pairs)


def told(what: str, pairs: list[tuple[float, float]]) -> None:
    bare, ours = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratio = statistics.median(b / a for a, b in pairs)
    print(f"{what:34}{bare:9.0f}{ours:9.0f}{ratio:7.2f}")


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
            process(str(HERE / "bare_app.py"), f"{folder}/bare.sqlite") as (_, bare),
            process(*serve) as (child, line),
        ):
            api = json.loads(line)["api"]
            print("Memory, five times 20,000 calls:")
            memory(child, api)
            compare(bare, api, seconds)


if __name__ == "__main__":
    main()
