"""What tests of several rooms need."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


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
