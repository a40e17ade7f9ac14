"""One job: from the platform's object to the answer or the error that the caller gets.

Asynchronous around one thread: only so can the platform's stop signal reach a running job. Never raises for anything
that a job did, and never lets two jobs share the GPU.
"""

from __future__ import annotations

import asyncio
import os
import resource
import time
import traceback
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from sdxl_worker import __version__, image_input
from sdxl_worker.answer import Answer, Memory, Parameters, Timings, Versions, WorkerState
from sdxl_worker.delivery import Delivery
from sdxl_worker.engine import Engine, Result
from sdxl_worker.failure import Cancelled, Code, JobError
from sdxl_worker.progress import Progress
from sdxl_worker.request import Limits, Request, parse
from sdxl_worker.settings import Settings
from sdxl_worker.watch import Watch


class Log(Protocol):
    """The part of the SDK's logger that is used here."""

    def info(self, message: str, request_id: str | None = None) -> None: ...
    def warn(self, message: str, request_id: str | None = None) -> None: ...
    def error(self, message: str, request_id: str | None = None) -> None: ...


@dataclass(kw_only=True)
class Handler:
    """What the SDK calls with each job.

    Attributes:
        engine: loaded before the first job.
        send_progress: hands one update to the platform.
        recycle: asks the platform for a new process after this job.
    """

    settings: Settings
    engine: Engine
    send_progress: Callable[[Mapping[str, Any], dict[str, int]], None]
    recycle: Callable[[], None]
    log: Log
    _jobs: int = 0
    _started_jobs: int = 0

    def __post_init__(self) -> None:
        self._delivery = Delivery(self.settings)

    async def handle(self, job: dict[str, Any]) -> dict[str, Any]:
        """The answer (see ``answer.Answer``), or ``{"error": <JSON string>}`` (see ``failure``)."""
        limit = self.settings.job_timeout_seconds
        progress = Progress(send=lambda update: self.send_progress(job, update))
        watch = Watch(deadline=None if limit is None else time.monotonic() + limit, report=progress.report)
        work = asyncio.ensure_future(asyncio.to_thread(self._work, job, watch))
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            watch.cancel.set()
            await asyncio.wait([work])  # the GPU is free before the next job is taken
            work.exception()
            raise

    def _work(self, job: Mapping[str, Any], watch: Watch) -> dict[str, Any]:
        job_id = str(job.get("id", "job"))
        try:
            return self._answer(job_id, job.get("input"), watch)
        except Cancelled:
            self.log.info("CANCELLED: stopped by the platform", job_id)
            raise
        except JobError as failure:
            self.log.warn(f"{failure.code}: {failure.message}", job_id)
            if failure.recycle:
                self.log.warn("asks to be replaced: this process can no longer be trusted with a job", job_id)
                self.recycle()
            return {"error": failure.to_json()}
        except Exception:  # noqa: BLE001 the SDK would post a traceback with our paths, and call it the job's error
            incident = uuid.uuid4().hex[:12]
            self.log.error(f"INTERNAL {incident}: {traceback.format_exc()}", job_id)  # noqa: TRY400 not the logging module
            return {
                "error": JobError(Code.INTERNAL, f"the worker failed; its log says more under {incident}").to_json()
            }

    def _answer(self, job_id: str, job_input: object, watch: Watch) -> dict[str, Any]:
        started = time.perf_counter()
        self._started_jobs += 1
        cold = self._started_jobs == 1
        request = parse(job_input, Limits(settings=self.settings, defaults=self.engine.defaults))
        image, size = self._starting_image(request, watch)
        prepared = time.perf_counter()
        result = self.engine.generate(request, size=size, watch=watch, image=image)
        generated = time.perf_counter()
        images = self._delivery.deliver(result.images, seeds=request.seeds, output=request.output, job_id=job_id)
        encoded = time.perf_counter()
        self._jobs += 1
        answer = Answer(
            images=images,
            model=self.engine.model.weights.name,
            cold_start=cold,
            parameters=self._parameters(request, size),
            timings=Timings(
                imports_seconds=self.engine.libraries.seconds,
                load_seconds=self.engine.model.load_seconds,
                warmup_seconds=self.engine.warmup_seconds,
                ready_seconds=self.engine.ready_seconds,
                prepare_seconds=prepared - started + result.prepare_seconds,
                inference_seconds=result.inference_seconds,
                encode_seconds=encoded - generated,
                total_seconds=encoded - started,
            ),
            worker=self._state(),
            memory=_memory(result),
            versions=_versions(),
            warnings=result.warnings,
        )
        # The model allows only what JSON can carry: the SDK drops an answer that it can't encode without a word.
        return answer.model_dump(mode="json")

    def _starting_image(self, request: Request, watch: Watch) -> tuple[Any, tuple[int, int]]:
        if request.image is not None:
            image = image_input.decode(request.image, self.settings)
        elif request.image_url is not None:
            image = image_input.fetch(request.image_url, self.settings, give_up=watch.check)
        else:
            assert request.width is not None
            assert request.height is not None
            return None, (request.width, request.height)
        size = image_input.target_size(image, width=request.width, height=request.height, settings=self.settings)
        return image_input.fitted(image, size), size

    def _parameters(self, request: Request, size: tuple[int, int]) -> Parameters:
        return Parameters(
            width=size[0],
            height=size[1],
            num_inference_steps=request.num_inference_steps,
            guidance_scale=request.guidance_scale,
            scheduler=request.scheduler.value if request.scheduler else self.engine.model.scheduler_class,
            strength=request.strength if request.has_image else None,
            refiner_start=request.refiner.start if request.refiner else None,
            loras=[lora.name for lora in request.loras],
        )

    def _state(self) -> WorkerState:
        model = self.engine.model
        return WorkerState(
            id=self.settings.worker_id,
            pid=os.getpid(),
            device=model.device_name,
            dtype=str(model.dtype).removeprefix("torch."),
            loads=self.engine.loads,
            jobs=self._jobs,
        )


def _memory(result: Result) -> Memory:
    # Linux counts in KiB.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return Memory(peak_vram_bytes=result.peak_vram_bytes, peak_rss_bytes=peak)


def _versions() -> Versions:
    import diffusers
    import torch

    return Versions(
        worker=__version__, torch=torch.__version__, diffusers=diffusers.__version__, cuda=torch.version.cuda
    )
