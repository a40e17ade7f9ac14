"""The way in for contributors: what its pages name exists, and the versions agree."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
BASES = (ROOT, ROOT / "pulumi_runpod", ROOT / "pulumi_runpod" / "emulator", ROOT / "tests")
PATHS = sorted(set(re.findall(r"`((?:[\w.-]+/)*[\w.-]+(?:/|\.py|\.toml|\.md|\.txt))`", CONTRIBUTING)))


@pytest.mark.parametrize("path", PATHS)
def test_a_path_that_contributing_names_exists(path: str) -> None:
    """Below one of the folders that its tables are about."""
    assert any((base / path).exists() for base in BASES)


def test_the_paths_are_found() -> None:
    """The test above looks at a page that names files of several folders."""
    assert {"pulumi_runpod/wire/", "tests/test_layers.py", "cli/lazy_commands.py", "wire/endpoint.py"} <= set(PATHS)


def test_make_has_every_target_that_the_pages_name() -> None:
    """CONTRIBUTING, the pull-request template and the pre-commit hook."""
    pages = [CONTRIBUTING, *((ROOT / ".github").rglob("*.md")), ROOT / ".pre-commit-config.yaml"]
    text = "\n".join(page if isinstance(page, str) else page.read_text() for page in pages)
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    assert {"check", "test"} <= set(re.findall(r"make ([a-z][\w-]+)", text)) <= targets


def test_the_top_section_of_the_changelog_is_the_next_version_or_this_one() -> None:
    """`Unreleased` while work goes on; at a release, the version of the project."""
    sections = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)

    assert sections[0] in ("Unreleased", PROJECT["version"])
    assert len(sections) == len(set(sections))


def test_the_license_is_named_where_package_indexes_look() -> None:
    """An SPDX expression, and the file itself in the distribution."""
    assert PROJECT["license"] == "Apache-2.0"
    assert PROJECT["license-files"] == ["LICENSE"]
    assert "Apache License" in (ROOT / "LICENSE").read_text()
