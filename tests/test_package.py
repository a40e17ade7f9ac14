"""What the built package holds."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_every_package_folder_is_named_in_the_project_file() -> None:
    """A folder that is not listed would be missing from the wheel, and work in every checkout."""
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    elsewhere = tuple(setuptools["package-dir"])  # such as the worker's sources
    listed = {name for name in setuptools["packages"] if not name.startswith(elsewhere)}
    there = {".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / "pulumi_runpod").rglob("__init__.py")}

    assert listed == there
