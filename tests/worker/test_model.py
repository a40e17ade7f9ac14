"""Loading: every layout and precision of the weights that the worker says it takes, by diffusers itself."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import sdxl_architecture
import torch
from conftest import MODEL
from PIL import Image

from sdxl_worker import tiny_weights
from sdxl_worker.model import Libraries, load
from sdxl_worker.settings import read_settings
from sdxl_worker.weights import WeightsError, find_weights


def loaded(volume: Path, name: str, **environ: str) -> torch.nn.Module:
    settings = read_settings({"RUNPOD_VOLUME_PATH": str(volume), "ALLOW_CPU": "1", "MODEL_NAME": name, **environ})
    model = load(settings, find_weights(name=name, volume=volume), None, Libraries())
    assert model.load_seconds > 0
    unet: torch.nn.Module = model.base.unet
    return unet


def test_a_folder_with_half_precision_alone_is_loaded(tmp_path: Path) -> None:
    """Nobody has to say that the files carry fp16 in their names."""
    tiny_weights.write(tmp_path / "models" / "half", precision="float16", variant="fp16")

    assert find_weights(name="half", volume=tmp_path).variant == "fp16"
    assert loaded(tmp_path, "half", DTYPE="float16").dtype == torch.float16
    assert loaded(tmp_path, "half").dtype == torch.float32


def test_the_layout_of_the_hugging_face_cache_is_loaded(volume: Path, tmp_path: Path) -> None:
    """RunPod's cached models lie on the volume in this layout."""
    cached = tmp_path / "huggingface-cache/hub/models--team--xl"
    shutil.copytree(volume / "models" / MODEL, cached / "snapshots" / "abc")
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text("abc")

    assert loaded(tmp_path, "team/xl").dtype == torch.float32


def test_another_vae_takes_the_models_place(volume: Path, tmp_path: Path) -> None:
    """VAE_NAME is how the fp16 fix is used; a damaged one is refused by file."""
    shutil.copytree(volume / "models" / MODEL, tmp_path / "models" / MODEL)
    shutil.copytree(volume / "models" / MODEL / "vae", tmp_path / "models" / "fixed")
    settings = read_settings(
        {"RUNPOD_VOLUME_PATH": str(tmp_path), "ALLOW_CPU": "1", "MODEL_NAME": MODEL, "VAE_NAME": "fixed"}
    )
    weights = find_weights(name=MODEL, volume=tmp_path)
    model = load(settings, weights, None, Libraries())
    assert Path(model.base.vae.config["_name_or_path"]) == tmp_path / "models" / "fixed"

    file = tmp_path / "models" / "fixed" / "diffusion_pytorch_model.safetensors"
    file.write_bytes(file.read_bytes()[:-5])
    with pytest.raises(WeightsError, match="VAE_NAME"):
        load(settings, weights, None, Libraries())


@pytest.mark.parametrize("side", [64, 72])
def test_any_multiple_of_eight_is_made(engine: object, side: int) -> None:
    """Not only the multiples of 64 that SDXL was trained on."""
    pipe = engine.model.base  # type: ignore[attr-defined]  # the shared engine
    image = pipe("x", width=side, height=side, num_inference_steps=1).images[0]

    assert isinstance(image, Image.Image)
    assert image.size == (side, side)


def test_the_architecture_that_is_measured_on_a_gpu_is_sdxl() -> None:
    """As many parameters as SDXL base 1.0 has: without a GPU only the shapes can be built."""
    models = sdxl_architecture.components("meta")
    counts = {name: sum(parameter.numel() for parameter in model.parameters()) for name, model in models.items()}

    assert counts == {
        "unet": 2_567_463_684,
        "text_encoder": 123_060_480,
        "text_encoder_2": 694_659_840,
        "vae": 83_653_863,
    }
