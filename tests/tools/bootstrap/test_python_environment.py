"""`.venv`: made once, redone when its inputs change, repaired when its interpreter has gone."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from setup_stand_ins import Clones, Recorder

from bootstrap import python_environment
from bootstrap.console import Console
from bootstrap.errors import SetupError
from bootstrap.places import Places


def clone_with_environment(clones: Clones, recorder: Recorder, version: str = "3.11.7") -> Places:
    """A clone whose `.venv` has an interpreter with pip, and uv; both note their calls."""
    places = clones.make("clone")
    (places.repository / "requirements-dev.txt").write_text("tool==1\n")
    (places.repository / "pyproject.toml").write_text("[project]\n")
    (places.venv / "pyvenv.cfg").write_text(f"home = /usr/bin\nversion = {version}\n")
    pip = places.venv / "lib" / "python3.11" / "site-packages" / "pip"
    pip.mkdir(parents=True)
    (pip / "__init__.py").write_text("")
    places.venv_python.symlink_to(recorder.program("python"))
    places.uv.symlink_to(recorder.program("uv"))
    return places


def test_what_is_installed_is_pinned_by_hash_and_the_package_is_editable(
    clones: Clones, recorder: Recorder, console: Console
) -> None:
    """First uv by pip, then all else by uv."""
    places = clone_with_environment(clones, recorder)
    python_environment.ensure(places, console=console)
    pip, sync, install = recorder.calls
    assert pip.startswith("python -m pip install")
    assert "--require-hashes" in pip
    assert sync.startswith("uv pip sync")
    assert "--require-hashes" in sync
    assert "requirements-dev.txt" in sync
    assert install.startswith("uv pip install")
    assert install.endswith(f"--editable {places.repository}")


def test_the_official_host_finds_that_there_is_no_plugin(clones: Clones, recorder: Recorder, console: Console) -> None:
    """The note lies where that host looks: in a folder of the distribution's name beside the installed packages."""
    places = clone_with_environment(clones, recorder)
    python_environment.ensure(places, console=console)
    (note,) = places.venv.glob("lib/python3*/site-packages/pulumi_runpod_serverless/pulumi-plugin.json")
    assert json.loads(note.read_text()) == {"resource": False}


def test_an_unchanged_clone_starts_no_process(clones: Clones, recorder: Recorder, console: Console) -> None:
    """The second time costs nothing."""
    places = clone_with_environment(clones, recorder)
    python_environment.ensure(places, console=console)
    before = len(recorder.calls)
    python_environment.ensure(places, console=console)
    assert len(recorder.calls) == before


@pytest.mark.parametrize("name", ["requirements-dev.txt", "pyproject.toml", "tools/requirements-bootstrap.txt"])
def test_a_changed_input_is_installed(clones: Clones, recorder: Recorder, console: Console, name: str) -> None:
    """Whichever it is."""
    places = clone_with_environment(clones, recorder)
    python_environment.ensure(places, console=console)
    before = len(recorder.calls)
    with (places.repository / name).open("a") as file:
        file.write("# changed\n")
    python_environment.ensure(places, console=console)
    assert any(call.startswith("uv pip sync") for call in recorder.calls[before:])


def test_a_failed_installation_is_tried_again(clones: Clones, recorder: Recorder, console: Console) -> None:
    """What was not finished does not count as done."""
    places = clone_with_environment(clones, recorder)
    recorder.program("uv", "echo no route to host; exit 2")
    with pytest.raises(SetupError, match=r"(?s)pinned requirements into \.venv.*no route to host.*can be reached"):
        python_environment.ensure(places, console=console)
    recorder.program("uv")
    python_environment.ensure(places, console=console)
    assert [call.split()[2] for call in recorder.calls if call.startswith("uv")] == ["sync", "sync", "install"]


def test_an_environment_of_a_python_that_is_too_old_is_made_anew(
    clones: Clones, recorder: Recorder, console: Console
) -> None:
    """With the Python that runs the set-up."""
    places = clone_with_environment(clones, recorder, version="3.9.2")
    python_environment.ensure_interpreter(places, console=console)
    made = (places.venv / "pyvenv.cfg").read_text()
    assert f"version = {sys.version_info.major}.{sys.version_info.minor}" in made
    assert (places.venv / "bin" / "pip").exists()


def test_an_environment_whose_python_was_removed_is_made_anew(
    clones: Clones, recorder: Recorder, console: Console, tmp_path: Path
) -> None:
    """A dangling link is no interpreter."""
    places = clone_with_environment(clones, recorder)
    places.venv_python.unlink()
    places.venv_python.symlink_to(tmp_path / "gone")
    python_environment.ensure_interpreter(places, console=console)
    assert places.venv_python.resolve().exists()


def test_an_incomplete_clone_learns_which_file_it_lacks(clones: Clones, recorder: Recorder, console: Console) -> None:
    """Before anything is made."""
    places = clone_with_environment(clones, recorder)
    (places.repository / "requirements-dev.txt").unlink()
    with pytest.raises(SetupError, match=r"requirements-dev\.txt is missing: this clone is not complete"):
        python_environment.ensure(places, console=console)
    assert recorder.calls == []
