"""What the worker's tests share: a volume with tiny random weights, and the real worker as a process.

Needs the worker's environment, nothing of the package. Without torch the tests that need it are skipped, except on a
CI machine: there a missing torch is a failure.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from worker_process import WorkerProcess

    from sdxl_worker.engine import Engine

# Read by the libraries when they are imported. One thread: tiny tensors gain nothing from more, and on a busy machine
# threads that wait for each other cost minutes.
os.environ.update(
    HF_HUB_OFFLINE="1",
    TRANSFORMERS_OFFLINE="1",
    TRANSFORMERS_VERBOSITY="error",
    DIFFUSERS_VERBOSITY="error",
    OMP_NUM_THREADS="1",
)

MODEL, REFINER, LORA = "sdxl-tiny", "sdxl-tiny-refiner", "style"
HAS_TORCH = importlib.util.find_spec("torch") is not None
NEEDS_TORCH = [
    "test_engine.py",
    "test_gpu.py",
    "test_model.py",
    "test_tiny_weights.py",
    "test_worker_ends.py",
    "test_worker_process.py",
]
collect_ignore = [] if HAS_TORCH else NEEDS_TORCH


def pytest_configure(config: pytest.Config) -> None:
    if not HAS_TORCH and os.environ.get("CI") == "true":
        raise pytest.UsageError("torch is missing: on a CI machine the worker's tests must not be skipped")


def pytest_report_header(config: pytest.Config) -> str:
    return "torch: present" if HAS_TORCH else f"torch: MISSING, not run: {', '.join(NEEDS_TORCH)}"


@pytest.fixture(scope="session")
def volume(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network volume: tiny base, tiny refiner, one LoRA that fits and one that does not."""
    import lora_files

    from sdxl_worker import tiny_weights

    root = tmp_path_factory.mktemp("volume")
    tiny_weights.write(root / "models" / MODEL)
    tiny_weights.write(root / "models" / REFINER, kind="refiner")
    lora_files.write_fitting(root / "loras" / f"{LORA}.safetensors", root / "models" / MODEL / "unet")
    lora_files.write_foreign(root / "loras" / "foreign.safetensors")
    return root


@pytest.fixture(scope="session")
def engine(volume: Path) -> Engine:
    """A loaded engine with a refiner at hand."""
    from sdxl_worker.engine import Engine
    from sdxl_worker.settings import read_settings
    from sdxl_worker.weights import find_weights

    settings = read_settings(
        {
            "ALLOW_CPU": "1",
            "RUNPOD_VOLUME_PATH": str(volume),
            "MODEL_NAME": MODEL,
            "REFINER_NAME": REFINER,
            "MIN_SIDE": "64",
        }
    )
    loaded = Engine(settings)
    loaded.load(find_weights(name=MODEL, volume=volume), find_weights(name=REFINER, volume=volume))
    return loaded


@pytest.fixture(scope="session")
def worker(volume: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerProcess]:
    """The worker as RunPod runs it, with a model loaded; shared, since a start costs seconds."""
    from worker_process import WorkerProcess

    with WorkerProcess(volume=volume, home=tmp_path_factory.mktemp("home"), model=MODEL) as process:
        process.wait_until_ready()
        yield process
