"""The set-up as it is called from a shell."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from probe_projects import ROOT
from setup_stand_ins import Clones


def setup(root: Path, *arguments: str, cache: Path | None = None) -> subprocess.CompletedProcess[str]:
    environ = dict(os.environ) | ({"XDG_CACHE_HOME": str(cache)} if cache else {})
    return subprocess.run(
        [sys.executable, str(root / "tools" / "setup.py"), *arguments],
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_clone_that_has_everything_hears_one_line() -> None:
    """That it is so."""
    done = setup(ROOT, "--only", "pulumi")
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("Everything is in place")
    assert len(done.stderr.splitlines()) == 1


def test_a_printed_path_is_alone_on_stdout() -> None:
    """So that scripts can use it."""
    done = setup(ROOT, "--print", "pulumi")
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.rstrip("\n")).resolve() == (ROOT / ".venv" / "bin" / "pulumi").resolve()


def test_a_failure_is_a_message_and_status_1(clones: Clones, tmp_path: Path) -> None:
    """No traceback."""
    places = clones.make("clone")
    (places.tools / "requirements-bootstrap.txt").unlink()
    done = setup(places.repository, "--only", "python", cache=tmp_path / "other-cache")
    assert done.returncode == 1
    assert done.stderr.startswith("\nset-up stopped: ")
    assert "requirements-bootstrap.txt is missing" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_part_is_refused(tmp_path: Path) -> None:
    """With the parts there are."""
    done = setup(ROOT, "--only", "everything")
    assert done.returncode == 2
    assert "invalid choice: 'everything'" in done.stderr
    assert "worker" in done.stderr


def test_a_cache_that_cannot_be_written_is_a_message(clones: Clones, tmp_path: Path) -> None:
    """It names the place."""
    (tmp_path / "a-file").write_text("")
    done = setup(clones.make("clone").repository, "--only", "pulumi", cache=tmp_path / "a-file")
    assert done.returncode == 1
    assert f"Not a directory: '{tmp_path}/a-file/pulumi-runpod" in done.stderr
    assert "Traceback" not in done.stderr
