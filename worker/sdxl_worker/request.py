"""The input of a job: what it may ask for, and the only place where that is decided.

Strict: no type is coerced and no unknown field is dropped. Every refusal names the field, what is wrong with it and
what is allowed. Knows nothing of torch, so it answers a bad job in microseconds.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from sdxl_worker.answer import Format
from sdxl_worker.failure import Code, JobError
from sdxl_worker.refusal import MAX_PROMPT, MAX_SEED, MAX_STEPS, json_type, refusal
from sdxl_worker.schedulers import ALIASES, SchedulerName
from sdxl_worker.settings import Settings
from sdxl_worker.weights import ModelDefaults

_PNDM_STEPS = 4  # its first steps are those of a method of fourth order
_RANDOM_SEEDS = 2**53 - 1024  # drawn seeds survive JSON readers that keep numbers as doubles
_NULL_IS_UNSAID = frozenset({"width", "height", "scheduler"})


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What this worker offers: its settings and the defaults of its model."""

    settings: Settings
    defaults: ModelDefaults


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)


class Output(_Part):
    """How the images come back."""

    format: Format = "png"
    quality: int = Field(95, ge=1, le=100)
    delivery: Literal["auto", "base64", "url"] = "auto"


class Refiner(_Part):
    """Hands the last part of the denoising to the refiner."""

    start: float = Field(0.8, gt=0, lt=1)
    num_inference_steps: int | None = Field(None, ge=1, le=MAX_STEPS)


class Lora(_Part):
    """One LoRA from the volume's ``loras/`` folder."""

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][\w.-]{0,127}$")]
    scale: float = Field(1.0, ge=-4, le=4)


def _scheduler(value: Any) -> Any:
    known = {**{name.value: name for name in SchedulerName}, **ALIASES}
    return known.get(value, value) if isinstance(value, str) else value


class Request(_Part):
    """One job, checked. Fields left out by the caller hold the model's defaults."""

    prompt: Annotated[str, StringConstraints(min_length=1, max_length=MAX_PROMPT)]
    negative_prompt: str = Field("", max_length=MAX_PROMPT)
    width: int | None = Field(None, multiple_of=8)
    height: int | None = Field(None, multiple_of=8)
    num_inference_steps: int = Field(ge=1, le=MAX_STEPS)
    guidance_scale: float = Field(ge=0, le=20)
    seed: int = Field(ge=0, le=MAX_SEED)
    num_images: int = Field(1, ge=1)
    scheduler: Annotated[SchedulerName | None, BeforeValidator(_scheduler)] = None
    image: str | None = Field(None, min_length=1)
    image_url: str | None = Field(None, pattern=r"^https://[^\s]+$", max_length=2048)
    strength: float = Field(0.3, gt=0, le=1)
    refiner: Refiner | None = None
    loras: Annotated[tuple[Lora, ...], Field(max_length=4, strict=False)] = ()
    output: Output = Output()

    @field_validator("prompt")
    @classmethod
    def _says_something(cls, prompt: str) -> str:
        if not prompt.strip():
            raise ValueError("must not be blank")
        return prompt

    @field_validator("width", "height")
    @classmethod
    def _side_fits(cls, side: int | None, info: ValidationInfo) -> int | None:
        settings = _limits(info).settings
        if side is not None and not settings.min_side <= side <= settings.max_side:
            raise ValueError(f"must be from {settings.min_side} to {settings.max_side}")
        return side

    @field_validator("num_images")
    @classmethod
    def _not_too_many(cls, count: int, info: ValidationInfo) -> int:
        most = _limits(info).settings.max_images
        if count > most:
            raise ValueError(f"must be at most {most}")
        return count

    @field_validator("image")
    @classmethod
    def _not_too_long(cls, image: str | None, info: ValidationInfo) -> str | None:
        most = _limits(info).settings.max_input_bytes
        # Base64 makes 4 characters of 3 bytes; a data URI's head is short.
        if image is not None and len(image) > most * 4 // 3 + 128:
            raise ValueError(f"must hold at most {most} bytes")
        return image

    @field_validator("refiner")
    @classmethod
    def _has_refiner(cls, refiner: Refiner | None, info: ValidationInfo) -> Refiner | None:
        if refiner is not None and _limits(info).settings.refiner_name is None:
            raise ValueError("this worker has no refiner: it is started without REFINER_NAME")
        return refiner

    @field_validator("loras")
    @classmethod
    def _can_take_loras(cls, loras: tuple[Lora, ...], info: ValidationInfo) -> tuple[Lora, ...]:
        if loras and (_limits(info).settings.fuse_qkv or _limits(info).settings.compile):
            raise ValueError("this worker takes no LoRA: it is started with FUSE_QKV or COMPILE")
        if len({lora.name for lora in loras}) < len(loras):
            raise ValueError("names must differ")
        return loras

    @model_validator(mode="after")
    def _fits_together(self, info: ValidationInfo) -> Self:
        settings = _limits(info).settings
        if self.width and self.height and self.width * self.height > settings.max_pixels:
            raise ValueError(
                f"width x height: {self.width} x {self.height} is {self.width * self.height} pixels, "
                f"more than {settings.max_pixels}"
            )
        if self.seed + self.num_images - 1 > MAX_SEED:
            raise ValueError(f"seed: image i gets seed+i, and seed+{self.num_images - 1} is above {MAX_SEED}")
        if self.image is not None and self.image_url is not None:
            raise ValueError("image, image_url: only one of them can be given")
        if self.has_image and self.refiner is not None:
            raise ValueError("refiner: can't be combined with an input image")
        if self.has_image and int(self.num_inference_steps * self.strength) < 1:
            raise ValueError(
                f"strength: {self.strength} of {self.num_inference_steps} steps leaves none; "
                f"num_inference_steps x strength must be at least 1"
            )
        if not self.has_image and "strength" in self.model_fields_set:
            raise ValueError("strength: only means something together with image or image_url")
        fewest = min(self.num_inference_steps, (self.refiner and self.refiner.num_inference_steps) or MAX_STEPS)
        if self.scheduler is SchedulerName.PNDM and fewest < _PNDM_STEPS:
            raise ValueError(f"num_inference_steps: pndm needs at least {_PNDM_STEPS} steps")
        if self.refiner is not None:
            steps = self.refiner.num_inference_steps or self.num_inference_steps
            if round(self.num_inference_steps * self.refiner.start) < 1 or round(steps * (1 - self.refiner.start)) < 1:
                raise ValueError(
                    f"refiner.start: {self.refiner.start} of {self.num_inference_steps} and {steps} steps leaves "
                    "none for one of the two; give more steps"
                )
        if self.output.delivery == "url" and not settings.has_bucket:
            raise ValueError("output.delivery: this worker has no bucket (BUCKET_NAME and its three companions)")
        return self

    @property
    def has_image(self) -> bool:
        """Whether the job starts from an image."""
        return self.image is not None or self.image_url is not None

    @property
    def seeds(self) -> tuple[int, ...]:
        """One per image, so that each image can be made again alone."""
        return tuple(self.seed + index for index in range(self.num_images))


def parse(job_input: object, limits: Limits) -> Request:
    """The checked request.

    Args:
        job_input: what the platform handed over under ``input``: any JSON value.
        limits: what this worker offers.

    Raises:
        JobError: INVALID_INPUT with all problems at once, or PROMPT_BLOCKED.
    """
    if not isinstance(job_input, Mapping):
        raise JobError(
            Code.INVALID_INPUT,
            f"input must be an object with at least a prompt, not {json_type(job_input)}",
            details=[{"field": "input", "problem": f"is {json_type(job_input)}", "allowed": "an object"}],
        )
    defaults = limits.defaults
    said = {key: value for key, value in job_input.items() if value is not None or key not in _NULL_IS_UNSAID}
    filled: dict[str, Any] = {
        "num_inference_steps": defaults.num_inference_steps,
        "guidance_scale": defaults.guidance_scale,
        "scheduler": defaults.scheduler,
        "seed": secrets.randbelow(_RANDOM_SEEDS),
        **said,
    }
    if job_input.get("image") is None and job_input.get("image_url") is None:
        filled = {"width": defaults.width, "height": defaults.height, **filled}
    try:
        request = Request.model_validate(filled, context=limits)
    except ValidationError as error:
        raise refusal(error, limits.settings) from None
    _refuse_blocked_words(request, limits.settings)
    return request


def _limits(info: ValidationInfo) -> Limits:
    assert isinstance(info.context, Limits)
    return info.context


def _refuse_blocked_words(request: Request, settings: Settings) -> None:
    blocked = {word for part in settings.blocked_words.split(",") if (word := part.strip().casefold())}
    words = {word.strip(".,;:!?\"'()[]").casefold() for word in request.prompt.split()}
    if blocked & words:
        raise JobError(Code.PROMPT_BLOCKED, "prompt: holds a word that this endpoint does not take")
