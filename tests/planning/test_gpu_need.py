"""Memory needs: as given, or estimated with an error."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from pulumi_runpod.planning.gpu_need import GpuNeed


def test_headroom_is_a_fifth() -> None:
    """12 GB needed are 14.4 GB wanted."""
    assert GpuNeed(vram_gb=12).wanted_gb == Decimal("14.4")


def test_a_given_need_has_no_error() -> None:
    """What was said outright is not an estimate."""
    result = GpuNeed(vram_gb=12).estimate()
    assert (result.low, result.expected, result.high) == (12, 12, 12)


def test_sdxl_is_estimated_within_what_was_measured() -> None:
    """SDXL base in 16 bits at 1024 x 1024: published peaks of 8.8 to 10.5 GB of tensors plus the CUDA context."""
    result = GpuNeed(weights_gb=6.94, resolution=(1024, 1024)).estimate()
    assert result.low <= Decimal("8.8") + Decimal("0.9")
    assert result.high >= Decimal("10.5") + Decimal("0.8")
    assert "6.94 GB of weights as float16" in result.arithmetic
    assert "(9.63 to 11.7)" in result.arithmetic


def test_files_in_32_bits_loaded_in_16_take_half() -> None:
    """The weights count as what they are loaded as."""
    full = GpuNeed(weights_gb=14, stored_dtype="float32", dtype="float16")
    assert full.estimate().expected == GpuNeed(weights_gb=7).estimate().expected


@given(
    weights=st.decimals("0.1", "200", places=2),
    width=st.integers(64, 4096),
    height=st.integers(64, 4096),
    images=st.integers(1, 8),
)
def test_an_estimate_lies_within_its_error_and_grows_with_the_image(
    weights: Decimal, width: int, height: int, images: int
) -> None:
    """low <= expected <= high, all above the weights, and a larger batch never needs less."""
    result = GpuNeed(weights_gb=weights, resolution=(width, height), images=images).estimate()
    more = GpuNeed(weights_gb=weights, resolution=(width, height), images=images + 1).estimate()
    assert weights < result.low <= result.expected <= result.high
    assert more.expected > result.expected
