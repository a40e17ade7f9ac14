"""Requests through a load balancer against the same requests straight to its worker, and what the way through costs.

Run with `python tests/bench/load_balancer.py [SECONDS]`. Reports and asserts nothing. Worker, server and load share the
machine's cores.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

import httpx
import psutil
from job_plane import Caller, serving
from load import rate

WORKER = Path(__file__).parents[1] / "emulator" / "job_plane" / "load_balancer" / "http_worker.py"
ROUNDS, CALLS = 5, 1000


def median_ms(url: str) -> float:
    """Of one call after the other on one connection."""
    times = []
    with httpx.Client(headers={"Authorization": "Bearer local"}) as client:
        for _ in range(CALLS):
            at = time.perf_counter()
            client.get(url).raise_for_status()
            times.append(time.perf_counter() - at)
    return statistics.median(times) * 1000


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 2.0
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder), f"{sys.executable} {WORKER}") as (server, api):
        body = {
            "name": "bench", "type": "LOAD_BALANCER", "image": "direct:1", "gpu": {"pools": ["ADA_24"]},
            "scaling": {"type": "REQUEST_COUNT", "requestCount": 100}, "workers": {"min": 1, "max": 1},
        }  # fmt: skip
        endpoint = Caller(api)("POST", "/v2/serverless", body)
        through = f"{endpoint['requestUrls']['base']}/ping"  # type: ignore[index]
        port = int(httpx.get(f"{through[:-5]}/x", headers={"Authorization": "Bearer local"}).json()["ports"][0])
        straight = f"http://127.0.0.1:{port}/ping"
        print(f"one at a time, median: {median_ms(straight):.2f} ms straight, {median_ms(through):.2f} ms through")
        rates: list[tuple[float, float]] = []
        before, calls = psutil.Process(server.pid).cpu_times(), 0.0
        for _ in range(ROUNDS):
            rates.append((rate("GET", straight, seconds=seconds), rate("GET", through, seconds=seconds)))
            calls += rates[-1][1] * seconds
        after = psutil.Process(server.pid).cpu_times()
        cost = (after.user + after.system - before.user - before.system) / calls
        alone, passed = (statistics.median(values) for values in zip(*rates, strict=True))
        memory = server.memory_info().rss / 1e6
        print(
            f"16 connections, median of {ROUNDS}: {alone:.0f} requests/s straight, {passed:.0f} through; "
            f"{cost * 1e6:.0f} us of server time each; {memory:.0f} MB after {calls:.0f} requests"
        )


if __name__ == "__main__":
    main()
