"""Tells a lost GPU from every other failure."""

from __future__ import annotations

# What a lost CUDA context writes into its RuntimeError; torch has no separate class for all of them.
_GPU_MARKS = ("CUDA error", "CUBLAS_STATUS", "CUDNN_STATUS", "cuDNN error", "device-side assert")


def is_gpu_failure(error: BaseException) -> bool:
    """Whether the error says that the CUDA context is lost: every later call in this process would fail too."""
    import torch

    accelerator_error: type[BaseException] | None = getattr(torch, "AcceleratorError", None)
    if accelerator_error is not None and isinstance(error, accelerator_error):
        return True
    return isinstance(error, RuntimeError) and any(mark in str(error) for mark in _GPU_MARKS)
