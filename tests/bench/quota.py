"""150 creates under a quota of 60 per 3 s: how near they come to the least time that the quota allows. Reports only.

Run: `.venv/bin/python tests/bench/quota.py [RUNS]`. The least is two windows when a run starts with one.
The local RunPod's windows are aligned to the clock: a run that starts within one can be quicker (last figure).
"""

from __future__ import annotations

import math
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from pulumi_runpod.client import RunPodClient
from pulumi_runpod.emulator.local import LocalRunPod
from pulumi_runpod.settings import Settings
from pulumi_runpod.wire import NETWORK_VOLUMES
from pulumi_runpod.wire.network_volume import CreateNetworkVolume

CREATES, QUOTA, WINDOW = 150, 60, 3
THREADS = 8


def body(number: int) -> CreateNetworkVolume:
    return CreateNetworkVolume.model_validate({"name": f"v{number}", "size": 10, "dataCenter": "EU-RO-1"})


def run() -> tuple[float, float, int]:
    """Seconds taken, least seconds for a start at this moment, calls that were refused."""
    with (
        LocalRunPod(quota=f"q={QUOTA};w={WINDOW}") as runpod,
        RunPodClient(Settings.load({}, runpod.environment)) as client,
        ThreadPoolExecutor(THREADS) as pool,
    ):
        began, wall = time.monotonic(), time.time()
        list(pool.map(lambda number: client.create(NETWORK_VOLUMES, body(number)), range(CREATES)))
        taken = time.monotonic() - began
        refused = sum(call.status == 429 for call in runpod.calls())
    windows = math.ceil(CREATES / QUOTA) - 1
    return taken, WINDOW - wall % WINDOW + (windows - 1) * WINDOW, refused


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    least = WINDOW * (math.ceil(CREATES / QUOTA) - 1)
    ratios = []
    for _ in range(runs):
        taken, from_here, refused = run()
        ratios.append(taken / least)
        print(
            f"{taken:5.2f} s, {taken / least:.3f} of {least} s, refused {refused}; from this moment {from_here:.2f} s"
        )
    print(f"median {sorted(ratios)[len(ratios) // 2]:.3f}, worst {max(ratios):.3f} over {runs} runs (goal 1.10)")


if __name__ == "__main__":
    main()
