"""How a worker ends: refused at the start with a reason, or replaced because its GPU is lost."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import MODEL
from worker_process import WorkerProcess


@pytest.fixture(scope="module")
def lost(volume: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerProcess]:
    """A worker whose first job loses the GPU, with a second job waiting."""
    script = Path(__file__).with_name("lost_gpu.py")
    home = tmp_path_factory.mktemp("lost")
    with WorkerProcess(volume=volume, home=home, model=MODEL, command=[str(script)]) as process:
        process.wait_until_ready()
        # The heartbeat process starts beside the job loop; the job below ends them both.
        process.plane.wait_for(lambda call: call.kind == "ping")
        process.plane.submit("first", {"prompt": "x", "width": 64, "height": 64})
        process.plane.submit("second", {"prompt": "x", "width": 64, "height": 64})
        process.plane.result("first")
        yield process


def test_a_lost_gpu_is_reported_and_the_worker_recycles_itself(lost: WorkerProcess) -> None:
    """The job fails with its code, the platform is asked for a new worker, and the process takes no further job."""
    body = lost.plane.result("first")
    code = lost.process.wait(timeout=60)

    error = json.loads(body["error"])
    assert (error["code"], error["retryable"]) == ("GPU_FAILED", True)
    assert body["stopPod"] is True
    assert code == 0
    assert lost.plane.of("done", "second") == []


def test_the_heartbeat_runs_under_forkserver(lost: WorkerProcess) -> None:
    """The heartbeat process imports the main module again, and neither fails nor loads a second model."""
    pings = lost.plane.of("ping")

    assert pings
    assert lost.output.count(f"loaded {MODEL}") == 1


def test_half_written_weights_are_refused_at_the_start(volume: Path, tmp_path: Path) -> None:
    """The platform hears which file is cut off, and the worker exits with 1 without asking for a job."""
    broken = tmp_path / "volume"
    shutil.copytree(volume / "models" / MODEL, broken / "models" / MODEL)
    unet = broken / "models" / MODEL / "unet" / "diffusion_pytorch_model.safetensors"
    unet.write_bytes(unet.read_bytes()[:-1000])

    with WorkerProcess(volume=broken, home=tmp_path, model=MODEL) as worker:
        ping = worker.plane.wait_for(lambda call: call.query.get("status") == ["unhealthy"])

        assert worker.process.wait(timeout=30) == 1
        assert ping.query["check"] == ["weights_present"]
        assert "unet/diffusion_pytorch_model.safetensors" in worker.output
        assert worker.plane.of("take") == []


def test_wrong_settings_are_refused_at_the_start(volume: Path, tmp_path: Path) -> None:
    """The platform hears every wrong variable by its name."""
    wrong = {"MAX_SIDE": "many", "MODEL_NAME": "../outside"}
    with WorkerProcess(volume=volume, home=tmp_path, model=MODEL, environment=wrong) as worker:
        ping = worker.plane.wait_for(lambda call: call.query.get("status") == ["unhealthy"])

        assert worker.process.wait(timeout=30) == 1
        assert ping.query["check"] == ["settings_valid"]
        assert "MAX_SIDE" in ping.query["reason"][0]
        assert "MODEL_NAME" in ping.query["reason"][0]
