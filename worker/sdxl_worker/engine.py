"""Makes the images: one loaded model, one job at a time, stopped within one step.

Owns what must be put back after each job (scheduler, LoRA, tiling) and what running out of memory means. Never shrinks
or changes what was asked for without saying so.
"""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image

from sdxl_worker import lora, schedulers
from sdxl_worker.failure import Code, JobError
from sdxl_worker.gpu import is_gpu_failure
from sdxl_worker.model import Libraries, Model, load
from sdxl_worker.request import Request
from sdxl_worker.settings import Settings
from sdxl_worker.watch import Watch
from sdxl_worker.weights import ModelDefaults, Weights

_WARMUP_STEPS = 1


@dataclass(frozen=True, kw_only=True)
class Result:
    """What one job gave."""

    images: list[Image.Image]
    prepare_seconds: float
    inference_seconds: float
    peak_vram_bytes: int | None
    warnings: list[str]


class Engine:
    """One per process."""

    def __init__(self, settings: Settings, libraries: Libraries | None = None) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._model: Model | None = None
        self._out_of_memory_in_a_row = 0
        self.libraries = libraries or Libraries()
        self.loads = 0
        self.warmup_seconds = 0.0
        self.ready_seconds = 0.0

    @property
    def model(self) -> Model:
        """The loaded model."""
        if self._model is None:
            raise RuntimeError("the model is not loaded: load() comes first")
        return self._model

    @property
    def defaults(self) -> ModelDefaults:
        """What a job gets when it does not say."""
        return self.model.weights.defaults

    def load(self, weights: Weights, refiner: Weights | None = None) -> None:
        """Loads the model and makes one image with it, so that no job pays for first-time set-up."""
        self._model = load(self._settings, weights, refiner, self.libraries)
        self.loads += 1
        started = time.perf_counter()
        defaults = weights.defaults
        self.generate(
            Request.model_construct(
                prompt="warm-up",
                width=defaults.width,
                height=defaults.height,
                num_inference_steps=_WARMUP_STEPS,
                guidance_scale=defaults.guidance_scale,
                scheduler=defaults.scheduler,
                seed=0,
            ),
            size=(defaults.width, defaults.height),
            watch=Watch(),
        )
        self.warmup_seconds = time.perf_counter() - started

    def generate(
        self, request: Request, *, size: tuple[int, int], watch: Watch, image: Image.Image | None = None
    ) -> Result:
        """The images of one job.

        Args:
            request: checked.
            size: width and height of the result in pixels.
            watch: asked after every step.
            image: what to start from, already in ``size``.

        Raises:
            Cancelled: stopped by the platform.
            JobError: any code about images, memory, the GPU or LoRA.
        """
        import torch

        with self._lock:
            watch.check()
            on_gpu = self.model.device == "cuda"
            started = time.perf_counter()
            try:
                with lora.worn(self.model.base, request.loras, self._settings.volume_root / "loras"):
                    if on_gpu:
                        torch.cuda.reset_peak_memory_stats()
                    prepared = time.perf_counter()
                    images, warnings = self._within_memory(request, size=size, watch=watch, image=image)
            except torch.OutOfMemoryError:  # while loading LoRA, or freeing: nothing left to retry
                raise self._out_of_memory() from None
            except RuntimeError as error:
                if is_gpu_failure(error):
                    raise JobError(
                        Code.GPU_FAILED, "the GPU failed; this worker is being replaced: try again", recycle=True
                    ) from error
                raise
            self._out_of_memory_in_a_row = 0
            finished = time.perf_counter()
            if any(is_black(made) for made in images):
                raise JobError(
                    Code.BAD_IMAGE,
                    "an image came out all black: the numbers overflowed; try another seed, or lower guidance_scale",
                )
            return Result(
                images=images,
                prepare_seconds=prepared - started,
                inference_seconds=finished - prepared,
                peak_vram_bytes=torch.cuda.max_memory_allocated() if on_gpu else None,
                warnings=warnings + self._cut_prompts(request),
            )

    def _within_memory(
        self, request: Request, *, size: tuple[int, int], watch: Watch, image: Image.Image | None
    ) -> tuple[list[Image.Image], list[str]]:
        """All images at once; out of memory, one by one; out of memory again, one by one and decoded in tiles.

        Every image has its own generator, so the second way makes the same images as the first.
        """
        import torch

        every = list(request.seeds)
        singles = [[seed] for seed in every]
        ways: list[tuple[list[list[int]], bool]] = [([every], False), (singles, False), (singles, True)]
        if len(every) == 1:
            del ways[1]
        vae = self.model.base.vae
        for batches, tiled in ways:
            if tiled:
                vae.enable_tiling()
            try:
                images: list[Image.Image] = []
                for number, seeds in enumerate(batches):
                    part = watch.part(number, len(batches))
                    images += self._pipeline(request, seeds=seeds, size=size, watch=part, image=image)
            except torch.OutOfMemoryError:
                pass  # the frames of the failed attempt hold its memory until this block is left
            else:
                return images, ["memory was short: decoded in tiles, which can show at their edges"] if tiled else []
            finally:
                if tiled:
                    vae.disable_tiling()
            gc.collect()
            torch.cuda.empty_cache()
        raise self._out_of_memory()

    def _out_of_memory(self) -> JobError:
        # One job can be too large; two in a row mean that the memory is not coming back.
        self._out_of_memory_in_a_row += 1
        return JobError(
            Code.OUT_OF_MEMORY,
            "the GPU has too little memory for this job, also image by image: ask for a smaller width and height",
            recycle=self._out_of_memory_in_a_row > 1,
        )

    def _pipeline(
        self, request: Request, *, seeds: Sequence[int], size: tuple[int, int], watch: Watch, image: Image.Image | None
    ) -> list[Image.Image]:
        import torch

        model = self.model
        done = before = to_come = 0
        if request.refiner is not None:
            of = request.refiner.num_inference_steps or request.num_inference_steps
            to_come = round(of * (1 - request.refiner.start))

        def on_step(pipe: Any, _index: int, _timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
            nonlocal done
            watch.check()
            done += 1
            # Some schedulers call back more often than there are steps: they know how often.
            watch.report(done, before + int(pipe.num_timesteps) + to_come)
            return tensors

        common: dict[str, Any] = {
            "prompt": request.prompt,
            # None, not "": SDXL then uses zeros, as its index asks.
            "negative_prompt": request.negative_prompt or None,
            "num_images_per_prompt": len(seeds),
            "guidance_scale": request.guidance_scale,
            "callback_on_step_end": on_step,
        }
        # On the CPU, so that the noise does not depend on the GPU's model.
        noise = {"generator": [torch.Generator("cpu").manual_seed(seed) for seed in seeds]}
        pipe: Any
        if image is None:
            pipe = model.base
            shape: dict[str, Any] = {"width": size[0], "height": size[1]}
        else:
            pipe = model.image_to_image
            shape = {"image": image, "strength": request.strength}
        pipe.scheduler = self._scheduler(request)
        with torch.inference_mode():
            if request.refiner is None:
                made = pipe(**common, **shape, **noise, num_inference_steps=request.num_inference_steps)
                return list(made.images)
            start = request.refiner.start
            latents = pipe(
                **common,
                **shape,
                **noise,
                num_inference_steps=request.num_inference_steps,
                denoising_end=start,
                output_type="latent",
            ).images
            refiner: Any = model.refiner
            refiner.scheduler = schedulers.build(
                request.scheduler,
                own_class=type(refiner.scheduler).__name__,
                config=model.refiner_scheduler_config,
            )
            before, to_come = done, 0
            made = refiner(
                **common,
                **noise,
                image=latents,
                denoising_start=start,
                num_inference_steps=request.refiner.num_inference_steps or request.num_inference_steps,
            )
            return list(made.images)

    def _scheduler(self, request: Request) -> Any:
        return schedulers.build(
            request.scheduler,
            own_class=self.model.scheduler_class,
            config=self.model.scheduler_config,
            spacing=self.defaults.timestep_spacing,
        )

    def _cut_prompts(self, request: Request) -> list[str]:
        tokenizer: Any = self.model.base.tokenizer
        warnings = []
        for name, text in (("prompt", request.prompt), ("negative_prompt", request.negative_prompt)):
            count = len(tokenizer(text, truncation=False, verbose=False).input_ids)
            if count > tokenizer.model_max_length:
                warnings.append(f"{name}: cut after {tokenizer.model_max_length} of {count} tokens")
        return warnings


def is_black(image: Image.Image) -> bool:
    """Whether every pixel is zero: what NaN becomes on its way to 8 bits."""
    return image.getbbox() is None
