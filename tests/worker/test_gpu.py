"""What only a GPU can show: SDXL's true size at 1024 x 1024 and 30 steps, against plain diffusers in the same run.

Speed does not depend on what the weights say, so these are random: the true architecture, built from its configuration.
Figures are printed and not judged; the tests judge images, memory and what happens after a failure.
"""

from __future__ import annotations

import json
import statistics
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sdxl_worker.engine import Engine, is_black
from sdxl_worker.failure import Cancelled, Code, JobError
from sdxl_worker.request import Limits, parse
from sdxl_worker.settings import read_settings
from sdxl_worker.watch import Watch
from sdxl_worker.weights import find_weights

pytestmark = [
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
    pytest.mark.timeout(1800),
]

SIDE, STEPS = 1024, 30


@pytest.fixture(scope="module")
def true_size(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SDXL base in float16 with random weights: 2.6 billion parameters in the UNet, about 7 GB."""
    import sdxl_architecture

    root = tmp_path_factory.mktemp("true-size")
    sdxl_architecture.write(root / "models" / "sdxl-random")
    return root


def loaded(volume: Path, **environ: str) -> Engine:
    settings = read_settings({"RUNPOD_VOLUME_PATH": str(volume), "MODEL_NAME": "sdxl-random", **environ})
    engine = Engine(settings)
    engine.load(find_weights(name="sdxl-random", volume=volume))
    return engine


def run(engine: Engine, watch: Watch | None = None, **fields: Any) -> Any:
    job = {"prompt": "a red fox in the snow", "num_inference_steps": STEPS, "seed": 1, **fields}
    request = parse(job, Limits(settings=engine.model.settings, defaults=engine.defaults))
    return engine.generate(request, size=(request.width or SIDE, request.height or SIDE), watch=watch or Watch())


def seconds(call: Callable[[], object], *, rounds: int = 5) -> float:
    """Median wall time of a call, the GPU's work included."""
    times = []
    for _ in range(rounds):
        torch.cuda.synchronize()
        started = time.perf_counter()
        call()
        torch.cuda.synchronize()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def plain_pipeline(volume: Path) -> Any:
    """What a short script does: load, move, call."""
    from diffusers import StableDiffusionXLPipeline

    pipe = StableDiffusionXLPipeline.from_pretrained(
        volume / "models" / "sdxl-random", dtype=torch.float16, use_safetensors=True, add_watermarker=False
    ).to("cuda")
    pipe.set_progress_bar_config(disable=True)
    return pipe


def plain_call(pipe: Any, seed: int = 1) -> Any:
    generator = torch.Generator("cpu").manual_seed(seed)
    return pipe(
        "a red fox in the snow",
        width=SIDE,
        height=SIDE,
        num_inference_steps=STEPS,
        guidance_scale=7.0,
        generator=generator,
    ).images[0]


def test_the_worker_makes_the_image_of_a_plain_script(true_size: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without its own memory format the pixels are the script's; its seconds are printed beside the script's."""
    engine = loaded(true_size, CHANNELS_LAST="0")
    pipe = plain_pipeline(true_size)
    ours, theirs = run(engine).images[0], plain_call(pipe)

    with capsys.disabled():
        report = {
            "gpu": torch.cuda.get_device_name(),
            "torch": torch.__version__,
            "load_seconds": engine.model.load_seconds,
            "warmup_seconds": engine.warmup_seconds,
            "worker_seconds": seconds(lambda: run(engine)),
            "script_seconds": seconds(lambda: plain_call(pipe)),
        }
        print(json.dumps(report))
    assert abs(np.asarray(ours).astype(int) - np.asarray(theirs).astype(int)).max() <= 1


@pytest.mark.parametrize("lever", [{"CHANNELS_LAST": "1"}, {"FUSE_QKV": "1"}, {"DTYPE": "bfloat16"}, {"COMPILE": "1"}])
def test_every_lever_still_makes_an_image(
    true_size: Path, lever: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Its seconds and its memory are printed."""
    if "COMPILE" in lever and not _has_compiler():
        pytest.skip("torch.compile needs a C compiler")
    engine = loaded(true_size, **lever)
    result = run(engine)

    with capsys.disabled():
        taken = seconds(lambda: run(engine), rounds=3)
        print(
            json.dumps(
                {**lever, "seconds": taken, "warmup_seconds": engine.warmup_seconds, "peak": result.peak_vram_bytes}
            )
        )
    assert result.peak_vram_bytes > 0
    assert not is_black(result.images[0])


def test_same_seed_same_bytes_on_the_gpu(true_size: Path) -> None:
    """In one process, on one GPU."""
    engine = loaded(true_size)

    assert run(engine).images[0].tobytes() == run(engine).images[0].tobytes()


def test_a_job_beyond_the_memory_fails_and_the_next_one_works(true_size: Path) -> None:
    """The memory is free again; the process is kept."""
    engine = loaded(true_size, MAX_SIDE="4096", MAX_PIXELS=str(4096 * 4096), MAX_IMAGES="16")
    free, _ = torch.cuda.mem_get_info()
    ballast = torch.empty(max(0, free - 2 * 1024**3), dtype=torch.uint8, device="cuda")
    with pytest.raises(JobError) as caught:
        run(engine, width=4096, height=4096, num_images=16, num_inference_steps=1)
    del ballast
    torch.cuda.empty_cache()

    assert caught.value.code == Code.OUT_OF_MEMORY
    assert not caught.value.recycle
    assert run(engine).images


def test_a_stop_frees_the_gpu_within_one_step(true_size: Path) -> None:
    """No step is begun after the signal."""
    engine = loaded(true_size)
    cancel = threading.Event()
    steps: list[int] = []

    def report(step: int, of: int) -> None:
        steps.append(step)
        if step == 3:
            cancel.set()

    with pytest.raises(Cancelled):
        run(engine, Watch(cancel=cancel, report=report))

    assert steps == [1, 2, 3]


def _has_compiler() -> bool:
    import shutil

    return any(shutil.which(name) for name in ("cc", "gcc", "clang"))
