"""What the built package holds."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_every_package_folder_is_named_in_the_project_file() -> None:
    """A folder that is not listed would be missing from the wheel, and work in every checkout."""
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    there = {".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / "pulumi_runpod").rglob("__init__.py")}

    assert there == {name for name in listed if name.split(".")[0] == "pulumi_runpod"}
