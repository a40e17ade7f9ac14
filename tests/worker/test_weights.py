"""Finding weights and telling whole sets from half-written ones, on files that are built here byte by byte."""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from sdxl_worker.weights import WeightsError, candidates, find_weights, length_problem

MODELS = {"unet": "UNet2DConditionModel", "vae": "AutoencoderKL"}
PLAIN, HALF = "diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.fp16.safetensors"


def safetensors(file: Path, size: int = 64) -> None:
    header = json.dumps({"a": {"dtype": "F32", "shape": [size // 4], "data_offsets": [0, size]}}).encode()
    file.write_bytes(struct.pack("<Q", len(header)) + header + bytes(size))


def model(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True)
    index = {"_class_name": "StableDiffusionXLPipeline", "scheduler": ["diffusers", "EulerDiscreteScheduler"]}
    index |= {name: ["diffusers", kind] for name, kind in MODELS.items()} | {"image_encoder": [None, None]}
    (folder / "model_index.json").write_text(json.dumps(index))
    (folder / "scheduler").mkdir()
    for component in MODELS:
        (folder / component).mkdir()
        (folder / component / "config.json").write_text("{}")
        for name in names or (PLAIN,):
            safetensors(folder / component / name)
    return folder


def test_the_volume_comes_before_the_cache(tmp_path: Path) -> None:
    """A name with an owner is looked for in both layouts, the volume's own first."""
    cached = tmp_path / "huggingface-cache/hub/models--team--xl"
    (cached / "refs").mkdir(parents=True)
    (cached / "refs" / "main").write_text("abc123\n")

    assert candidates(name="team/xl", volume=tmp_path) == [tmp_path / "models/team/xl", cached / "snapshots/abc123"]
    assert candidates(name="xl", volume=tmp_path) == [tmp_path / "models/xl"]
    assert candidates(name="xl", volume=tmp_path, path=Path("/w")) == [Path("/w")]


def test_a_snapshot_of_links_is_found(tmp_path: Path) -> None:
    """The cache holds links to files named by hash; they are followed and measured."""
    blobs = model(tmp_path / "blobs")
    cached = tmp_path / "huggingface-cache/hub/models--team--xl"
    snapshot = cached / "snapshots" / "abc123"
    for file in [file for file in blobs.rglob("*") if file.is_file()]:
        link = snapshot / file.relative_to(blobs)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(file)
    (snapshot / "scheduler").mkdir()
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text("abc123")

    found = find_weights(name="team/xl", volume=tmp_path)

    assert (found.name, found.folder) == ("team/xl", snapshot)
    assert found.total_bytes > 0


def test_missing_weights_list_the_tried_places(tmp_path: Path) -> None:
    """The text says where to put them."""
    with pytest.raises(WeightsError) as caught:
        find_weights(name="team/xl", volume=tmp_path)

    assert str(tmp_path / "models/team/xl") in str(caught.value)
    assert "refs/main is missing" in str(caught.value)


def cut(folder: Path) -> None:
    file = folder / "unet" / PLAIN
    file.write_bytes(file.read_bytes()[:-1])


def grown(folder: Path) -> None:
    file = folder / "unet" / PLAIN
    file.write_bytes(file.read_bytes() + b"x")


def no_safetensors(folder: Path) -> None:
    (folder / "unet" / PLAIN).rename(folder / "unet" / "diffusion_pytorch_model.bin")


def missing_shard(folder: Path) -> None:
    index = {"weight_map": {"a": "part-1.safetensors", "b": PLAIN}}
    (folder / "unet" / "diffusion_pytorch_model.safetensors.index.json").write_text(json.dumps(index))


def unfinished_manifest(folder: Path) -> None:
    entries = [{"path": "vae/extra.json", "size": 2}, {"path": "vae/config.json", "size": 99}]
    (folder / "READY.json").write_text(json.dumps({"files": entries}))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (cut, f"unet/{PLAIN} has"),
        (grown, f"unet/{PLAIN} has"),
        (lambda folder: (folder / "unet" / PLAIN).write_bytes(b"\x01"), "cut off in its first 8 bytes"),
        (lambda folder: (folder / "unet" / PLAIN).write_bytes(b"PK" * 40), "cut off in its header"),
        (lambda folder: (folder / "unet" / PLAIN).write_bytes(struct.pack("<Q", 4) + b"[1]}"), "can't be read"),
        (no_safetensors, "unet/ has no .safetensors file"),
        (lambda folder: (folder / "vae" / "config.json").unlink(), "vae/config.json is missing"),
        (lambda folder: shutil.rmtree(folder / "vae"), "vae/ is missing"),
        (lambda folder: shutil.rmtree(folder / "scheduler"), "scheduler/ is missing"),
        (missing_shard, "unet/part-1.safetensors is missing"),
        (unfinished_manifest, "vae/extra.json is missing; vae/config.json has 2 bytes where READY.json says 99"),
        (lambda folder: (folder / "READY.json").write_text("{"), "READY.json can't be read"),
        (lambda folder: (folder / "model_index.json").unlink(), "has files but no model_index.json"),
        (lambda folder: (folder / "model_index.json").write_text("["), "is not a pipeline index"),
        (lambda folder: (folder / "model_index.json").write_text("[]"), "is not a pipeline index"),
    ],
)
def test_a_set_that_is_not_whole_is_refused_by_file(
    tmp_path: Path, damage: Callable[[Path], object], words: str
) -> None:
    """Whatever an interrupted upload leaves behind is named, with what to do."""
    folder = model(tmp_path / "models" / "xl")
    assert find_weights(name="xl", volume=tmp_path).variant is None
    damage(folder)

    with pytest.raises(WeightsError, match="again") as caught:
        find_weights(name="xl", volume=tmp_path)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("names", "half", "variant"),
    [
        ([PLAIN], True, None),
        ([PLAIN], False, None),
        ([HALF], True, "fp16"),
        ([HALF], False, "fp16"),
        ([PLAIN, HALF], True, "fp16"),
        ([PLAIN, HALF], False, None),
    ],
)
def test_the_files_decide_the_variant(tmp_path: Path, names: list[str], half: bool, variant: str | None) -> None:
    """Where both are there the precision decides, and only the chosen files are read ahead."""
    model(tmp_path / "models" / "xl", *names)
    found = find_weights(name="xl", volume=tmp_path, half=half)

    assert found.variant == variant
    assert {file.name for file, _ in found.files} == {HALF if variant else PLAIN}
    assert len(found.files) == len(MODELS)


def test_a_component_without_the_variant_gives_its_plain_file(tmp_path: Path) -> None:
    """As diffusers loads it: a repaired VAE often comes in one precision only."""
    folder = model(tmp_path / "models" / "xl", HALF)
    (folder / "vae" / HALF).rename(folder / "vae" / PLAIN)

    found = find_weights(name="xl", volume=tmp_path)

    assert found.variant == "fp16"
    assert {str(file.relative_to(folder)) for file, _ in found.files} == {f"unet/{HALF}", f"vae/{PLAIN}"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"steps": 4}', "steps"),
        ('{"num_inference_steps": 0}', "num_inference_steps"),
        ("{", "JSON"),
        ('{"width": 100}', "width"),
    ],
)
def test_wrong_defaults_beside_the_weights_are_refused(tmp_path: Path, text: str, words: str) -> None:
    """The file and the key are named at the start, not in the first job."""
    folder = model(tmp_path / "models" / "xl")
    (folder / "worker.json").write_text(text)

    with pytest.raises(WeightsError, match=words) as caught:
        find_weights(name="xl", volume=tmp_path)
    assert "worker.json" in str(caught.value)


def test_a_whole_file_has_no_problem(tmp_path: Path) -> None:
    """Length by header, header by length."""
    safetensors(tmp_path / "a.safetensors", 4096)

    assert length_problem(tmp_path / "a.safetensors") is None
