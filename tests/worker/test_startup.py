"""What a worker checks before its first job, in order, and what each refusal says."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_handler import Recorder

from sdxl_worker.engine import Engine
from sdxl_worker.settings import read_settings
from sdxl_worker.startup import Startup
from sdxl_worker.weights import WeightsError


def startup(tmp_path: Path, **environ: str) -> Startup:
    settings = read_settings({"RUNPOD_VOLUME_PATH": str(tmp_path), **environ})
    return Startup(settings, Engine(settings), Recorder())


def test_the_checks_run_from_cheap_to_dear(tmp_path: Path) -> None:
    """Their names are what the platform shows."""
    names = [check.__name__ for check in startup(tmp_path).checks]

    assert names == ["gpu_present", "weights_present", "load_model"]


def test_a_worker_without_a_gpu_is_refused(tmp_path: Path) -> None:
    """The text says what to look at, and how to try without."""
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(RuntimeError, match="ALLOW_CPU=1"):
        startup(tmp_path).gpu_present()


def test_a_cpu_is_allowed_by_name(tmp_path: Path) -> None:
    """And then torch is not even imported for the check."""
    startup(tmp_path, ALLOW_CPU="1").gpu_present()


def test_a_missing_refiner_is_found_at_the_start(volume: Path) -> None:
    """Not with the first job that asks for it."""
    with pytest.raises(WeightsError, match="no-such-refiner"):
        startup(volume, ALLOW_CPU="1", MODEL_NAME="sdxl-tiny", REFINER_NAME="no-such-refiner").weights_present()


def test_reading_ahead_reads_every_weight_once(volume: Path) -> None:
    """As many bytes as the files with weights have; missing weights are left to their check."""
    from sdxl_worker.model import Prefetch
    from sdxl_worker.weights import find_weights

    weights = find_weights(name="sdxl-tiny", volume=volume)
    prefetch = Prefetch(weights)
    prefetch.start()
    prefetch.join()

    assert prefetch.bytes == weights.total_bytes
    startup(volume, MODEL_NAME="absent").read_ahead()
