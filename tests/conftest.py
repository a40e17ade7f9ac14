"""What tests of several rooms need."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parents[1]

# `ci` is what `make test` runs: the same cases each time, so that a run fails for a change and for nothing else. `full`
# draws new ones each time.
settings.register_profile("ci", derandomize=True, deadline=None, database=None)
settings.register_profile("full", deadline=None, print_blob=True)
settings.load_profile("ci")

ONE_WORKER = {
    "tests/emulator/job_plane/containers": "docker",
    "tests/e2e/images": "images",
    "tests/e2e/test_make.py": "torch",
    "tests/e2e/test_team.py": "torch",
}
"""Tests that share one Docker engine, one builder or all cores: one worker of pytest-xdist runs each group."""

FOLDER_MARKS = {"tests/e2e": "engine", "tests/emulator/job_plane/containers": "docker", "tests/e2e/images": "docker"}
FIXTURE_MARKS = {"chromium": "browser", "pulumi_command": "engine", "pulumi_program": "engine", "deployed": "engine"}
SLOW = ("docker", "worker", "engine", "browser", "process")
"""Marks that `make test-quick` leaves out, and the order in which workers take the rest of the tests up."""


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups in its own
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Marks tests by what they need; sorts them by cost and keeps modules together where several workers run them."""
    for item in items:
        path = item.path.relative_to(ROOT).as_posix()
        for folder, mark in FOLDER_MARKS.items():
            if path.startswith(f"{folder}/"):
                item.add_marker(mark)
        for fixture, mark in FIXTURE_MARKS.items():
            if fixture in getattr(item, "fixturenames", ()):
                item.add_marker(mark)
        group = next((group for start, group in ONE_WORKER.items() if path.startswith(start)), path)
        item.add_marker(pytest.mark.xdist_group(group))
    if hasattr(config, "workerinput"):  # a worker of pytest-xdist
        # A module that takes minutes must not be the last one.
        items.sort(key=lambda item: min((SLOW.index(m.name) for m in item.iter_markers() if m.name in SLOW), default=9))


@pytest.fixture(scope="session")
def copy_project() -> Callable[[Path], None]:
    """`copy_project(folder)`: the files that a clone of this tree would hold, uncommitted changes included."""

    def copy(folder: Path) -> None:
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        for name in filter(None, listed.stdout.split("\0")):
            if (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, folder / name)

    return copy


@pytest.fixture(scope="session")
def mock_loop() -> asyncio.AbstractEventLoop:
    """One for all tests: what a program under mocks registers may still be under way when the next one begins."""
    return asyncio.new_event_loop()
