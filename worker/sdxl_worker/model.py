"""Loads the pipelines, once per process, and says how long each phase took.

Everything heavy (torch, diffusers) is imported inside functions: a worker without weights fails before paying for it.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from sdxl_worker.settings import Settings
from sdxl_worker.weights import Weights, WeightsError, length_problem

if TYPE_CHECKING:
    import torch
    from diffusers import StableDiffusionXLImg2ImgPipeline, StableDiffusionXLPipeline

_BLOCK = 16 * 1024 * 1024  # bytes: large enough to be sequential for a network file system


class Prefetch:
    """Reads files once, in order, into the page cache, while the libraries are imported.

    Weights are memory-mapped, and page faults over a network are slow; reading ahead is not.
    """

    def __init__(self, weights: Weights) -> None:
        self._files = [file for file, _ in weights.files]
        self.bytes = 0
        self.seconds = 0.0
        self._thread = threading.Thread(target=self._read, name="prefetch", daemon=True)

    def start(self) -> None:
        """Begins reading."""
        self._thread.start()

    def join(self) -> None:
        """Waits until all is read."""
        self._thread.join()

    def _read(self) -> None:
        started = time.perf_counter()
        block = bytearray(_BLOCK)
        for name in self._files:
            try:
                with name.open("rb", buffering=0) as file:
                    while count := file.readinto(block):
                        self.bytes += count
            except OSError:
                break  # the load reads the same file and says what is wrong with it
        self.seconds = time.perf_counter() - started


class Libraries:
    """Seconds spent on importing, counted where it happens first."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def torch(self) -> Any:
        """The torch module."""
        started = time.perf_counter()
        import torch

        self.seconds += time.perf_counter() - started
        return torch

    def diffusers(self) -> Any:
        """The diffusers module, with its SDXL pipelines and what they import."""
        started = time.perf_counter()
        import diffusers
        from diffusers import StableDiffusionXLImg2ImgPipeline, StableDiffusionXLPipeline  # noqa: F401 lazy: load now

        self.seconds += time.perf_counter() - started
        return diffusers


@dataclass(kw_only=True)
class Model:
    """The loaded pipelines and what they were loaded as.

    Attributes:
        base: text to image.
        scheduler_config: the base scheduler's configuration as loaded; jobs build theirs from it.
        device: torch device type, ``"cuda"`` or ``"cpu"``.
        load_seconds: from the first byte until the weights are on the device.
    """

    settings: Settings
    weights: Weights
    refiner_weights: Weights | None
    base: StableDiffusionXLPipeline
    device: str
    device_name: str
    dtype: torch.dtype
    load_seconds: float
    scheduler_class: str = field(init=False)
    scheduler_config: MappingProxyType[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.scheduler_class = type(self.base.scheduler).__name__
        self.scheduler_config = MappingProxyType(dict(self.base.scheduler.config))

    @cached_property
    def image_to_image(self) -> StableDiffusionXLImg2ImgPipeline:
        """Image to image on the same modules, without extra memory."""
        from diffusers import AutoPipelineForImage2Image

        pipe = AutoPipelineForImage2Image.from_pipe(self.base)
        pipe.set_progress_bar_config(disable=True)
        return pipe

    @cached_property
    def refiner(self) -> StableDiffusionXLImg2ImgPipeline:
        """The refiner, loaded with the first job that asks for it; shares VAE and second text encoder with the base."""
        from diffusers import StableDiffusionXLImg2ImgPipeline

        assert self.refiner_weights is not None
        pipe = StableDiffusionXLImg2ImgPipeline.from_pretrained(
            self.refiner_weights.folder,
            variant=self.refiner_weights.variant,
            dtype=self.dtype,
            text_encoder_2=self.base.text_encoder_2,
            tokenizer_2=self.base.tokenizer_2,
            vae=self.base.vae,
            **_OFFLINE,
        ).to(self.device)
        pipe.set_progress_bar_config(disable=True)
        return pipe

    @cached_property
    def refiner_scheduler_config(self) -> MappingProxyType[str, Any]:
        """The refiner scheduler's configuration as loaded; read before any job replaces the scheduler."""
        return MappingProxyType(dict(self.refiner.scheduler.config))


_OFFLINE: dict[str, Any] = {"use_safetensors": True, "local_files_only": True, "add_watermarker": False}


def load(settings: Settings, weights: Weights, refiner: Weights | None, libraries: Libraries) -> Model:
    """Brings the base pipeline onto the device.

    Raises:
        WeightsError: the VAE named by VAE_NAME is missing or not whole.
    """
    torch, diffusers = libraries.torch(), libraries.diffusers()
    _silence_progress_bars()
    started = time.perf_counter()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    dtype = _dtype(torch, settings, device)
    extra: dict[str, Any] = {}
    if settings.vae_name is not None:
        home = _vae_folder(settings.volume_root, settings.vae_name)
        extra["vae"] = diffusers.AutoencoderKL.from_pretrained(
            home, dtype=dtype, use_safetensors=True, local_files_only=True
        )
    base = diffusers.StableDiffusionXLPipeline.from_pretrained(
        weights.folder, variant=weights.variant, dtype=dtype, **_OFFLINE, **extra
    ).to(device)
    base.set_progress_bar_config(disable=True)
    # Decoding is the peak of memory: one image after the other costs next to no time.
    base.vae.enable_slicing()
    if device == "cuda":
        if settings.channels_last:
            base.unet.to(memory_format=torch.channels_last)
            base.vae.to(memory_format=torch.channels_last)
        torch.cuda.synchronize()
    if settings.fuse_qkv:
        base.fuse_qkv_projections()
    if settings.compile:
        base.unet = torch.compile(base.unet, mode="max-autotune", fullgraph=True)
    return Model(
        settings=settings,
        weights=weights,
        refiner_weights=refiner,
        base=base,
        device=device,
        device_name=torch.cuda.get_device_name() if device == "cuda" else "cpu",
        dtype=dtype,
        load_seconds=time.perf_counter() - started,
    )


def _silence_progress_bars() -> None:
    import diffusers
    import transformers

    diffusers.utils.logging.disable_progress_bar()
    transformers.utils.logging.disable_progress_bar()


def _dtype(torch: Any, settings: Settings, device: str) -> Any:
    if settings.dtype == "auto":
        return torch.float16 if device == "cuda" else torch.float32
    return getattr(torch, settings.dtype)


def _vae_folder(volume: Path, name: str) -> Path:
    home = volume / "models" / name
    files = sorted(home.glob("*.safetensors"))
    if not (home / "config.json").is_file() or not files:
        raise WeightsError(f"VAE_NAME: {home} needs a config.json and a .safetensors file")
    for file in files:
        if problem := length_problem(file):
            raise WeightsError(f"VAE_NAME: {file} {problem}. Upload it again")
    return home
