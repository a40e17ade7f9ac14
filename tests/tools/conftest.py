"""The real engine on projects in temporary directories, each with its own file backend.

The engine is the one that `.venv/bin/pulumi` points at, so the same tests hold for the official Pulumi where the set-up
found that, and for our language host where it did not.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT / "tools"), str(HERE / "harness")]

from probe_projects import Events, Projects  # noqa: E402 - found through the path set above


@pytest.fixture(scope="session")
def pulumi_program() -> Path:
    """The `pulumi` that the set-up chose for this clone, symbolic links resolved."""
    program = ROOT / ".venv" / "bin" / "pulumi"
    assert program.exists(), f"{program} is missing; run: python3 tools/setup.py"
    return program.resolve()


@pytest.fixture(scope="session")
def pulumi_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One PULUMI_HOME for all projects of a session: credentials and plugins, none of the user's."""
    return tmp_path_factory.mktemp("pulumi-home")


@pytest.fixture
def projects(pulumi_program: Path, pulumi_home: Path, tmp_path: Path) -> Projects:
    """Makes Pulumi projects below this test's temporary directory."""
    return Projects(pulumi_home, tmp_path)


@pytest.fixture
def events(tmp_path: Path) -> Iterator[Events]:
    """Pipes for one create; what still runs of its provider afterwards is ended."""
    directory = tmp_path / "events"
    directory.mkdir()
    for name in ("started", "go"):
        os.mkfifo(directory / name)
    pipes = Events(directory)
    yield pipes
    pipes.end_provider()
