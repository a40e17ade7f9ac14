"""Jobs through workers on RunPod's own SDK, which takes about one a second each: none lost, none delivered twice.

Run with `python tests/bench/sdk_jobs.py [JOBS] [WORKERS]` (default 500 and 10). Reports and asserts nothing.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from job_plane import Caller, endpoint, serving

WORKER = Path(__file__).with_name("noting_worker.py")
PATIENCE_S = 540


def submit(call: Caller, endpoint_id: str, jobs: int) -> list[str]:
    return [str(call("POST", f"/v2/{endpoint_id}/run", {"input": {"n": n}})["id"]) for n in range(jobs)]


def ended(call: Caller, endpoint_id: str, wanted: int) -> float:
    """Seconds until so many have ended, in whatever way."""
    began = time.perf_counter()
    while time.perf_counter() - began < PATIENCE_S:
        counts = call("GET", f"/v2/{endpoint_id}/health")["jobs"]
        if counts["completed"] + counts["failed"] >= wanted:  # type: ignore[index]
            break
        time.sleep(0.25)
    return time.perf_counter() - began


def main() -> None:
    jobs, workers = (int(fields) for fields in (sys.argv[1:] + ["500", "10"][len(sys.argv) - 1 :]))
    with tempfile.TemporaryDirectory() as folder:
        deliveries = Path(folder, "deliveries")
        deliveries.mkdir()
        with serving(Path(folder), f"{sys.executable} {WORKER}") as (server, api):
            call = Caller(api)
            began = time.perf_counter()
            endpoint_id = endpoint(call, workers=workers, deliveries=deliveries)
            print(f"{workers} workers on the SDK ready after {time.perf_counter() - began:.1f} s")
            accepted = submit(call, endpoint_id, jobs)
            seconds = ended(call, endpoint_id, jobs)
            fields = {job_id: call("GET", f"/v2/{endpoint_id}/status/{job_id}") for job_id in accepted}
            memory = server.memory_info().rss / 1e6
        given = Counter(line for file in deliveries.iterdir() for line in file.read_text().split())
    right = sum(job["status"] == "COMPLETED" and job["output"] == {"n": n} for n, job in enumerate(fields.values()))
    lost, twice = sum(job not in given for job in accepted), sum(count > 1 for count in given.values())
    print(
        f"{jobs} jobs through {workers} SDK workers in {seconds:.0f} s: {jobs / seconds / workers:.2f} jobs/s each; "
        f"completed with their own output {right}, lost {lost}, delivered twice {twice}, retried "
        f"{sum('retries' in job for job in fields.values())}; server {memory:.0f} MB"
    )


if __name__ == "__main__":
    main()
