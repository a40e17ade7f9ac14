"""The answer to a job: what the caller finds under ``output``. This module is its one description.

Every value is a plain JSON value; the model refuses NaN and infinity, which JSON can't carry.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Format = Literal["png", "jpeg", "webp"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, allow_inf_nan=False, extra="forbid")


class ImageAnswer(_Part):
    """One image."""

    image: str = Field(description="base64 of the file, or its URL: see delivery")
    delivery: Literal["base64", "url"]
    format: Format
    width: int = Field(description="pixels")
    height: int = Field(description="pixels")
    seed: int = Field(description="with num_images=1 this seed gives this image again, up to rounding")
    file_bytes: int = Field(description="size of the file")


class Timings(_Part):
    """Seconds. The first four are of the process and the same for each of its jobs; the rest are of this job."""

    imports_seconds: float = Field(description="importing torch and diffusers")
    load_seconds: float = Field(description="weights from disk until they are on the device")
    warmup_seconds: float = Field(description="the first, thrown-away image")
    ready_seconds: float = Field(description="from the start of the process until it could take a job")
    prepare_seconds: float = Field(description="checking the input, reading an input image, loading LoRA")
    inference_seconds: float = Field(description="the pipeline, noise to pixels")
    encode_seconds: float = Field(description="pixels to files, and their upload")
    total_seconds: float = Field(description="all of this job in the worker")


class Parameters(_Part):
    """What the images were made with, defaults filled in."""

    width: int
    height: int
    num_inference_steps: int
    guidance_scale: float
    scheduler: str
    strength: float | None = Field(description="only for a job with an input image")
    refiner_start: float | None = Field(description="only for a job with the refiner")
    loras: list[str]


class Versions(_Part):
    """What the image depends on beyond its parameters."""

    worker: str
    torch: str
    diffusers: str
    cuda: str | None


class WorkerState(_Part):
    """Which process answered."""

    id: str = Field(description="RunPod's id of the worker")
    pid: int
    device: str = Field(description="the GPU's name, or cpu")
    dtype: str
    loads: int = Field(description="how often this process loaded the model: 1")
    jobs: int = Field(description="how many jobs this process has answered with images, this one included")


class Memory(_Part):
    """Bytes."""

    peak_vram_bytes: int | None = Field(description="of this job; absent on a CPU")
    peak_rss_bytes: int = Field(description="of the process, so far")


class Answer(_Part):
    """What a job returns."""

    images: list[ImageAnswer]
    model: str = Field(description="name of the weights")
    cold_start: bool = Field(description="whether this was the process's first job")
    parameters: Parameters
    timings: Timings
    worker: WorkerState
    memory: Memory
    versions: Versions
    warnings: list[str] = Field(description="what the caller should know, e.g. that a prompt was cut")
