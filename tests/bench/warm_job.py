"""Overhead of a warm job: from submit to result in the client's hands, less the pipeline call inside the worker.

Real local RunPod, real worker process, real diffusers, tiny model. The SDK takes one job a second at most, so that jobs
are sent farther apart than that: what is measured is queue, hand-over, worker and answer. Run:

    .venv/bin/python tests/bench/warm_job.py [JOBS]
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pydantic import SecretStr

from pulumi_runpod.client import RunPodClient
from pulumi_runpod.client.jobs import JobClient, urls_of
from pulumi_runpod.emulator.local import LocalRunPod
from pulumi_runpod.settings import Settings
from pulumi_runpod.wire import ENDPOINTS
from pulumi_runpod.wire.endpoint import CreateEndpoint

ROOT = Path(__file__).resolve().parents[2]
WORKER_PYTHON = ROOT / ".venv-worker" / "bin" / "python"
TAKE_CADENCE_S = 1.0


def main(jobs: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "sdxl-tiny"
        environment = {"PYTHONPATH": str(ROOT / "worker"), "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
        subprocess.run([WORKER_PYTHON, "-m", "sdxl_worker.tiny_weights", model], env=environment, check=True)
        command = f"env PYTHONPATH={ROOT / 'worker'} ALLOW_CPU=1 MODEL_PATH={model} {WORKER_PYTHON} -m sdxl_worker"
        with LocalRunPod(workers={"*": command}) as local:
            settings = Settings(api_key=SecretStr(local.api_key), api_base_url=local.api)
            report(run(settings, jobs))


def run(settings: Settings, jobs: int) -> list[tuple[float, float]]:
    """`(seconds from submit to result, seconds in the pipeline)` of each warm job."""
    body = CreateEndpoint.model_validate(
        {
            "name": "bench",
            "type": "QUEUE",
            "image": "registry.example.com/team/sdxl-worker:bench",
            "scaling": {"type": "QUEUE_DELAY", "queueDelay": 0.5},
            "gpu": {"pools": ["ADA_24"]},
            "workers": {"min": 1, "max": 1},
            "timeout": 240_000,
        }
    )
    found = []
    with RunPodClient(settings) as api:
        urls = urls_of(api.create(ENDPOINTS, body))  # type: ignore[arg-type] # an endpoint, as the collection says
        with JobClient(urls, settings) as client:
            client.output({"prompt": "the first loads the model"})
            for seed in range(jobs):
                time.sleep(1.2 * TAKE_CADENCE_S)
                begun = time.perf_counter()
                job = client.run_sync({"prompt": "a red fox", "seed": seed})
                found.append((time.perf_counter() - begun, job.output["timings"]["inference_seconds"]))
    return found


def report(found: list[tuple[float, float]]) -> None:
    walls, pipelines = ([pair[i] * 1000 for pair in found] for i in (0, 1))
    overheads = [wall - pipeline for wall, pipeline in zip(walls, pipelines, strict=True)]
    print(
        f"{len(found)} warm jobs, medians: {statistics.median(walls):.0f} ms from submit to result, "
        f"{statistics.median(pipelines):.0f} ms in the pipeline, {statistics.median(overheads):.0f} ms around it"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
