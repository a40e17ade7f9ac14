"""How many milliseconds the worker's handler adds to the pipeline, on the tiny weights. Reports only.

    PYTHONPATH=worker <worker environment>/bin/python tests/bench/worker_overhead.py [--pairs 30]

Each pair runs the same job through the handler and through the bare pipeline with the PNG encoded, one after the other
and in alternating order, so that a busy machine hits both alike.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import io
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_VERBOSITY="error", DIFFUSERS_VERBOSITY="error")

import torch

from sdxl_worker import tiny_weights
from sdxl_worker.engine import Engine
from sdxl_worker.handler import Handler
from sdxl_worker.settings import read_settings
from sdxl_worker.weights import find_weights

JOB: dict[str, Any] = {"prompt": "a red fox in the snow", "seed": 1}


class _Quiet:
    def info(self, message: str, request_id: str | None = None) -> None:
        """Nothing is logged for a job that works."""

    warn = error = info


def _timed(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return (time.perf_counter() - started) * 1000


def main() -> None:
    """Prints one JSON line: medians in milliseconds."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=30)
    pairs = parser.parse_args().pairs
    with tempfile.TemporaryDirectory() as folder:
        volume = Path(folder)
        tiny_weights.write(volume / "models" / "sdxl-tiny")
        settings = read_settings({"ALLOW_CPU": "1", "RUNPOD_VOLUME_PATH": folder, "MODEL_NAME": "sdxl-tiny"})
        engine = Engine(settings)
        engine.load(find_weights(name="sdxl-tiny", volume=volume))
        report = _compare(engine, pairs)
    print(json.dumps(report))


def _compare(engine: Engine, pairs: int) -> dict[str, float]:
    handler = Handler(
        settings=engine.model.settings,
        engine=engine,
        send_progress=lambda job, update: None,
        recycle=lambda: None,
        log=_Quiet(),
    )
    loop = asyncio.new_event_loop()
    pipe, defaults = engine.model.base, engine.defaults

    def by_handler() -> None:
        answer = loop.run_until_complete(handler.handle({"id": "job", "input": JOB}))
        assert "images" in answer

    def by_pipeline() -> None:
        with torch.inference_mode():
            image = pipe(
                JOB["prompt"],
                width=defaults.width,
                height=defaults.height,
                num_inference_steps=defaults.num_inference_steps,
                guidance_scale=defaults.guidance_scale,
                generator=torch.Generator("cpu").manual_seed(1),
            ).images[0]
        stream = io.BytesIO()
        image.save(stream, "PNG", compress_level=1)
        base64.b64encode(stream.getvalue()).decode()

    by_handler()
    by_pipeline()
    with_handler, bare = [], []
    for number in range(pairs):
        for call, times in ((by_handler, with_handler), (by_pipeline, bare))[:: 1 if number % 2 else -1]:
            times.append(_timed(call))
    loop.close()
    return {
        "pairs": pairs,
        "handler_ms": round(statistics.median(with_handler), 2),
        "pipeline_ms": round(statistics.median(bare), 2),
        "overhead_ms": round(statistics.median(a - b for a, b in zip(with_handler, bare, strict=True)), 2),
    }


if __name__ == "__main__":
    main()
