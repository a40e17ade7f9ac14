"""The command that writes the tiny weights: whole or not at all, and never twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import MODEL
from worker_process import WORKER

from sdxl_worker import tiny_weights
from sdxl_worker.weights import MANIFEST, WeightsError, find_weights


def test_a_second_call_changes_nothing(volume: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No file is touched, and the command prints that."""
    folder = volume / "models" / MODEL
    before = {file: file.stat().st_mtime_ns for file in folder.rglob("*")}

    assert tiny_weights.main([str(folder)]) == 0
    assert capsys.readouterr().out == f"already there: {folder}\n"
    assert {file: file.stat().st_mtime_ns for file in folder.rglob("*")} == before


def test_a_second_call_does_not_import_torch(volume: Path) -> None:
    """It is a matter of milliseconds, so that it can run before every start."""
    code = f"""
import sys
from sdxl_worker import tiny_weights
assert tiny_weights.main([{str(volume / "models" / MODEL)!r}]) == 0
assert "torch" not in sys.modules and "diffusers" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(WORKER)}, check=True)


def test_the_manifest_lists_every_file(volume: Path) -> None:
    """What the worker checks at its start is what was written."""
    folder = volume / "models" / MODEL
    listed = {entry["path"] for entry in json.loads((folder / MANIFEST).read_text())["files"]}

    assert listed == {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()} - {MANIFEST}


def test_a_folder_with_something_else_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line says what to do, the files stay, and nothing is left beside them."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "photo.png").write_bytes(b"x")

    assert tiny_weights.main([str(tmp_path / "mine")]) == 1
    assert "remove it, or name another folder" in capsys.readouterr().err
    assert [file.name for file in tmp_path.rglob("*")] == ["mine", "photo.png"]


def test_another_precision_is_another_set(volume: Path) -> None:
    """Weights that are there are not taken for those asked for."""
    with pytest.raises(WeightsError, match="holds tiny-sdxl-1/base/float32/plain, not tiny-sdxl-1/base/float16"):
        tiny_weights.write(volume / "models" / MODEL, precision="float16")


def test_the_same_recipe_gives_the_same_weights(volume: Path, tmp_path: Path) -> None:
    """Two volumes hold the same bytes, so that images can be compared across them."""
    tiny_weights.write(tmp_path / "again")

    assert (tmp_path / "again" / MANIFEST).read_bytes() == (volume / "models" / MODEL / MANIFEST).read_bytes()


def test_the_set_is_whole_for_the_worker(volume: Path) -> None:
    """The defaults beside the weights are read: 256 x 256, 4 steps."""
    weights = find_weights(name=MODEL, volume=volume)

    assert (weights.defaults.width, weights.defaults.height, weights.defaults.num_inference_steps) == (256, 256, 4)
    assert weights.variant is None
    assert weights.total_bytes > 5_000_000
