"""Clones with a cache of their own, and a PATH of stand-ins."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from setup_stand_ins import Clones, Recorder

from bootstrap.console import Console


@pytest.fixture
def recorder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recorder:
    """Stand-ins on a PATH that has nothing else but the system's own programs."""
    directory = tmp_path / "stand-ins"
    directory.mkdir()
    monkeypatch.setenv("PATH", f"{directory}:/usr/bin:/bin")
    return Recorder(directory)


@pytest.fixture
def heard() -> io.StringIO:
    """What the set-up tells the user."""
    return io.StringIO()


@pytest.fixture
def console(heard: io.StringIO) -> Console:
    """A console that writes to `heard`."""
    return Console(heard)


@pytest.fixture
def clones(tmp_path: Path) -> Clones:
    """Makes clones below this test's temporary directory."""
    return Clones(tmp_path)
