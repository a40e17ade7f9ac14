"""How much GPU memory a model needs: said outright, or estimated from its weights, with the error of the estimate.

The estimate is for latent diffusion models (SDXL and its kin); for others say `vram_gb`, as measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from pulumi_runpod.planning.money import plain
from pulumi_runpod.planning.quantities import Given, GpuMemoryGb, Mistake

Dtype = Literal["float32", "float16", "bfloat16", "float8", "int8"]
BYTES: dict[str, int] = {"float32": 4, "float16": 2, "bfloat16": 2, "float8": 1, "int8": 1}

HEADROOM = Decimal("1.2")
"""Need + 20 %, for fragmentation and the request that is larger than most."""
CONTEXT_GB = Decimal("0.8")
"""CUDA context and libraries of one process."""
# Published runs of SDXL at 1024 x 1024 with diffusers: 8.8 to 10.5 GB peak with 6.9 GB of 16-bit weights and one image
# (1.9 to 3.6 GB above them), 21.7 GB with four images and the VAE in float32 (3.7 GB each).
ACTIVATIONS_GB = (Decimal("1.8"), Decimal("3.0"), Decimal("3.8"))
"""GB per megapixel and image: low, expected, high."""

Pixels = Annotated[int, Field(ge=64, le=16_384)]


@dataclass(frozen=True)
class MemoryEstimate:
    """GB on the GPU while a request runs, and how it was reckoned."""

    low: Decimal
    expected: Decimal
    high: Decimal
    arithmetic: str


class GpuNeed(Given):
    """GPU memory that a worker needs: either `vram_gb`, or `weights_gb` and what the estimate is made from.

    `GpuNeed(vram_gb=12)`, or `GpuNeed(weights_gb=6.94, dtype="float16", resolution=(1024, 1024))`.
    """

    vram_gb: GpuMemoryGb | None = None
    """GB at the peak, measured or known; the headroom comes on top. Without it, an estimate from `weights_gb`."""
    weights_gb: GpuMemoryGb | None = None
    """GB of the weight files, for an estimate instead of `vram_gb`."""
    stored_dtype: Dtype = "float16"
    """What the files hold."""
    dtype: Dtype = "float16"
    """What the model is loaded as."""
    resolution: tuple[Pixels, Pixels] = (1024, 1024)
    """Width and height of the largest image."""
    images: Annotated[int, Field(ge=1, le=64)] = 1
    """Images made at once."""
    min_cuda_version: Annotated[str, Field(pattern=r"^\d+\.\d+$")] | None = None
    """`"12.8"`: only pools with hosts of this or newer. Default: any."""

    def contradictions(self) -> list[Mistake]:
        if (self.vram_gb is None) != (self.weights_gb is None):
            return []
        return [Mistake("vram_gb", self.vram_gb, "give either vram_gb or weights_gb")]

    def estimate(self) -> MemoryEstimate:
        """Low, expected and high GB; all the same where the need was said outright."""
        if self.vram_gb is not None:
            return MemoryEstimate(self.vram_gb, self.vram_gb, self.vram_gb, f"{plain(self.vram_gb)} GB as given")
        weights = (self.weights_gb or Decimal(0)) * BYTES[self.dtype] / BYTES[self.stored_dtype]
        width, height = self.resolution
        megapixels = Decimal(width * height) / 1_000_000 * self.images
        low, expected, high = (weights + CONTEXT_GB + each * megapixels for each in ACTIVATIONS_GB)
        return MemoryEstimate(
            low,
            expected,
            high,
            f"{plain(weights, digits=4)} GB of weights as {self.dtype} + {CONTEXT_GB} GB CUDA context + "
            f"{ACTIVATIONS_GB[1]} GB x {plain(megapixels, digits=3)} megapixels "
            f"= {plain(expected, digits=3)} GB ({plain(low, digits=3)} to {plain(high, digits=3)})",
        )

    @property
    def wanted_gb(self) -> Decimal:
        """Expected need plus headroom: the memory to look for."""
        return self.estimate().expected * HEADROOM
