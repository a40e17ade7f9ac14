"""Weights in the image itself, for those who want no volume: the worker's own Dockerfile, over packages of a few kB."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.e2e.conftest import ROOT, Engine, Outcome
from tests.e2e.images.conftest import REPOSITORY, Builder, Source, program
from tests.e2e.images.registry import Registry

pytestmark = pytest.mark.engine


@pytest.fixture
def worker(tmp_path: Path) -> Source:
    folder = tmp_path / "sdxl"
    shutil.copytree(ROOT / "worker", folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "dependencies.Dockerfile").write_text("FROM scratch\nCOPY requirements-installer.lock /packages\n")
    return Source(folder)


def test_weights_may_be_baked_into_the_image(
    engine: Engine, environment: dict[str, str], registry: Registry, builder: Builder, worker: Source, tmp_path: Path
) -> None:
    """A layer of their own below the code, which a change of code leaves as it is; a changed file is a new image."""
    weights = tmp_path / "weights"
    weights.mkdir()
    (weights / "model_index.json").write_text("{}")
    (weights / "unet.safetensors").write_bytes(bytes(range(256)) * 4000)
    baked = {"build_args": {"WEIGHTS": "baked"}, "build_contexts": {"weights": str(weights)}}
    stack = engine.stack(program(worker, registry.address, **baked), environment)

    def layers(done: Outcome) -> list[str]:
        manifest = registry.manifest(REPOSITORY, done.outputs["ref"].partition("@")[2])
        assert manifest is not None
        found = manifest["layers"]
        assert isinstance(found, list)
        return [layer["digest"] for layer in found]

    first = stack.up()
    assert first.errors == []
    again = stack.up(expect_no_changes=True)
    (worker.folder / "sdxl_worker" / "__init__.py").write_text("# changed\n")
    recoded = stack.up()
    (weights / "unet.safetensors").write_bytes(bytes(range(256)) * 4000 + b"more")
    reweighed = stack.up()

    assert again.images == []
    packages, baked_layer, *code = layers(first)
    assert layers(recoded)[:2] == [packages, baked_layer]
    assert layers(recoded)[2:] != code
    assert layers(reweighed)[0] == packages
    assert layers(reweighed)[1] != baked_layer
    assert layers(reweighed)[2:] == layers(recoded)[2:]
