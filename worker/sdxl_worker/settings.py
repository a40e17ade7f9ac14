"""The worker's settings: every environment variable it reads, once, at start.

Refuses the whole set with one message per wrong variable, so that a wrong template is corrected in one go.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator

MODEL_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")
# A multiple of 8 is what the VAE needs: it halves the image three times.
Side = Annotated[int, Field(ge=8, le=4096, multiple_of=8)]


class SettingsError(ValueError):
    """The environment can't be worked with; the text names each variable, what is wrong and what to do."""


class Settings(BaseModel):
    """What the environment says. Each field's alias is the variable's name."""

    model_config = ConfigDict(frozen=True)

    volume_root: Path = Field(
        Path("/runpod-volume"),
        validation_alias="RUNPOD_VOLUME_PATH",
        description="where the network volume is mounted; RunPod always mounts it at /runpod-volume",
    )
    model_name: str = Field(
        "stabilityai/stable-diffusion-xl-base-1.0",
        validation_alias="MODEL_NAME",
        description="folder under <volume>/models/, or a Hugging Face id in the volume's cache",
    )
    model_path: Path | None = Field(
        None, validation_alias="MODEL_PATH", description="folder with the weights; wins over MODEL_NAME"
    )
    refiner_name: str | None = Field(
        None, validation_alias="REFINER_NAME", description="folder of the refiner; without it no job can ask for one"
    )
    vae_name: str | None = Field(
        None, validation_alias="VAE_NAME", description="folder of a VAE that replaces the model's own (the fp16 fix)"
    )
    allow_cpu: bool = Field(False, validation_alias="ALLOW_CPU", description="run without a GPU: for tests")
    min_vram_gb: float = Field(
        10.0, ge=0, le=1024, validation_alias="MIN_VRAM_GB", description="refuse a GPU with less memory, in GB"
    )
    dtype: Literal["auto", "float16", "bfloat16", "float32"] = Field(
        "auto", validation_alias="DTYPE", description="auto: float16 on a GPU, float32 on a CPU"
    )
    channels_last: bool = Field(True, validation_alias="CHANNELS_LAST", description="memory format on a GPU")
    fuse_qkv: bool = Field(False, validation_alias="FUSE_QKV", description="fused projections; excludes LoRA")
    compile: bool = Field(False, validation_alias="COMPILE", description="torch.compile the UNet; needs a C compiler")
    prefetch: bool = Field(
        True, validation_alias="PREFETCH", description="read the weights ahead while the libraries are imported"
    )
    min_side: Side = Field(256, validation_alias="MIN_SIDE", description="smallest width or height, in pixels")
    max_side: Side = Field(1536, validation_alias="MAX_SIDE", description="largest width or height, in pixels")
    max_pixels: int = Field(
        1536 * 1024, ge=64, le=4096 * 4096, validation_alias="MAX_PIXELS", description="largest width x height"
    )
    max_images: int = Field(4, ge=1, le=16, validation_alias="MAX_IMAGES", description="images in one job")
    max_input_pixels: int = Field(
        4096 * 4096, ge=64, le=16384 * 16384, validation_alias="MAX_INPUT_PIXELS", description="size of an input image"
    )
    max_input_bytes: int = Field(
        10_000_000, ge=1000, le=100_000_000, validation_alias="MAX_INPUT_BYTES", description="bytes of an input image"
    )
    max_answer_bytes: int = Field(
        7_000_000,
        ge=1000,
        le=15_000_000,
        validation_alias="MAX_ANSWER_BYTES",
        description="image bytes in one answer before base64 (RunPod takes 10 MB from /run)",
    )
    job_timeout_seconds: float | None = Field(
        None, gt=0, validation_alias="JOB_TIMEOUT_SECONDS", description="the worker's own limit for one job"
    )
    blocked_words: str = Field(
        "", validation_alias="BLOCKED_WORDS", description="comma-separated; a prompt with one of them is refused"
    )
    bucket_endpoint_url: str | None = Field(None, validation_alias="BUCKET_ENDPOINT_URL", description="S3 endpoint")
    bucket_name: str | None = Field(None, validation_alias="BUCKET_NAME", description="S3 bucket")
    bucket_region: str | None = Field(None, validation_alias="BUCKET_REGION", description="S3 region")
    bucket_access_key_id: SecretStr | None = Field(
        None, validation_alias="BUCKET_ACCESS_KEY_ID", description="S3 access key"
    )
    bucket_secret_access_key: SecretStr | None = Field(
        None, validation_alias="BUCKET_SECRET_ACCESS_KEY", description="S3 secret key"
    )
    bucket_url_seconds: int = Field(
        86_400, ge=60, le=604_800, validation_alias="BUCKET_URL_SECONDS", description="how long an image's URL works"
    )
    worker_id: str = Field("local", validation_alias="RUNPOD_POD_ID", description="set by RunPod")

    @field_validator("model_name", "refiner_name", "vae_name")
    @classmethod
    def _is_a_name(cls, name: str | None) -> str | None:
        if name is not None and not MODEL_NAME.fullmatch(name):
            raise ValueError("must be a folder name such as sdxl-tiny, or owner/name; no absolute path and no '..'")
        return name

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.min_side > self.max_side:
            raise ValueError(f"MIN_SIDE ({self.min_side}) must not be above MAX_SIDE ({self.max_side})")
        if self.min_side**2 > self.max_pixels:
            raise ValueError(f"MAX_PIXELS ({self.max_pixels}) leaves no room for MIN_SIDE ({self.min_side}) squared")
        bucket = {
            "BUCKET_ENDPOINT_URL": self.bucket_endpoint_url,
            "BUCKET_NAME": self.bucket_name,
            "BUCKET_ACCESS_KEY_ID": self.bucket_access_key_id,
            "BUCKET_SECRET_ACCESS_KEY": self.bucket_secret_access_key,
        }
        missing = [name for name, value in bucket.items() if value is None]
        if missing and len(missing) < len(bucket):
            raise ValueError(f"a bucket needs all four of {', '.join(bucket)}; missing: {', '.join(missing)}")
        return self

    @property
    def has_bucket(self) -> bool:
        """Whether images can be delivered as URLs."""
        return self.bucket_name is not None


def variables() -> dict[str, str]:
    """Every environment variable that the worker reads, with its meaning."""
    return {str(field.validation_alias): str(field.description) for field in Settings.model_fields.values()}


def read_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """The settings in ``environ`` (default: the process environment).

    Raises:
        SettingsError: one line per wrong variable.
    """
    source = os.environ if environ is None else environ
    values: dict[str, Any] = {name: source[name] for name in variables() if source.get(name, "") != ""}
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        problems = [_problem(item) for item in error.errors(include_url=False, include_input=False)]
        raise SettingsError("settings of the worker: " + "; ".join(problems)) from None


def _problem(item: Mapping[str, Any]) -> str:
    text = str(item["msg"]).removeprefix("Value error, ")
    return f"{item['loc'][0]}: {text}" if item["loc"] else text
