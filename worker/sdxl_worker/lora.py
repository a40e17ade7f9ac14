"""LoRA files of the volume, put on for one job and taken off again.

Takes names, never paths or URLs. A file that does not fit the model is the caller's to know, not a failed worker.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sdxl_worker.failure import Code, JobError
from sdxl_worker.gpu import is_gpu_failure
from sdxl_worker.request import Lora
from sdxl_worker.weights import length_problem


@contextmanager
def worn(pipe: Any, loras: Sequence[Lora], folder: Path) -> Iterator[None]:
    """The pipeline with these LoRA, and without them afterwards, whatever happened.

    Raises:
        JobError: INVALID_INPUT for an unknown name, LORA_INVALID for a file that is damaged or does not fit.
    """
    import torch

    if not loras:
        yield
        return
    files = [find(folder, lora.name) for lora in loras]
    adapters = [f"lora_{index}" for index in range(len(loras))]
    try:
        for lora, file, adapter in zip(loras, files, adapters, strict=True):
            try:
                pipe.load_lora_weights(str(file.parent), weight_name=file.name, adapter_name=adapter)
            except (ValueError, KeyError, OSError, RuntimeError) as error:
                if isinstance(error, torch.OutOfMemoryError) or is_gpu_failure(error):
                    raise
                raise JobError(
                    Code.LORA_INVALID, f"loras: {lora.name} does not fit this model ({type(error).__name__})"
                ) from error
        try:
            pipe.set_adapters(adapters, [lora.scale for lora in loras])
        except ValueError as error:  # a file whose keys name no module of this model adds no adapter
            names = ", ".join(lora.name for lora in loras)
            raise JobError(Code.LORA_INVALID, f"loras: {names}: not all fit this model") from error
        yield
    finally:
        pipe.unload_lora_weights()


def find(folder: Path, name: str) -> Path:
    """The file of a LoRA.

    Raises:
        JobError: INVALID_INPUT with the names there are, or LORA_INVALID for a half-written file.
    """
    file = folder / (name if name.endswith(".safetensors") else f"{name}.safetensors")
    if not file.is_file():
        there = ", ".join(sorted(found.stem for found in folder.glob("*.safetensors"))) or "none"
        raise JobError(
            Code.INVALID_INPUT,
            f"loras: no file named {name} in the volume's loras folder (there: {there})",
            details=[{"field": "loras", "problem": f"no file named {name}", "allowed": there}],
        )
    if problem := length_problem(file):
        raise JobError(Code.LORA_INVALID, f"loras: {name} {problem}: upload it again")
    return file
