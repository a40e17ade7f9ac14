"""Which Python a program gets."""

from __future__ import annotations

from pathlib import Path

import pytest

from language_host.environments import resolve
from language_host.errors import HostError
from language_host.options import RuntimeOptions, Toolchain


def options(
    root: Path, *, program: str = ".", virtualenv: str = "", toolchain: Toolchain = Toolchain.AUTO
) -> RuntimeOptions:
    (root / program).mkdir(exist_ok=True)
    return RuntimeOptions(root=root, program_directory=root / program, virtualenv=virtualenv, toolchain=toolchain)


@pytest.fixture
def uv_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory on PATH with something called uv; these tests never run it."""
    directory = tmp_path / "uv-bin"
    directory.mkdir()
    (directory / "uv").write_text("#!/bin/sh\nexit 1\n")
    (directory / "uv").chmod(0o755)
    monkeypatch.setenv("PATH", str(directory), prepend=":")
    monkeypatch.delenv("UV_PROJECT_ENVIRONMENT", raising=False)


def test_a_virtualenv_is_relative_to_the_root(tmp_path: Path) -> None:
    """Not to the program's directory."""
    assert resolve(options(tmp_path, program="src", virtualenv="env")).virtualenv == tmp_path / "env"


def test_an_absolute_virtualenv_stays(tmp_path: Path) -> None:
    """It is taken as it is."""
    assert resolve(options(tmp_path, virtualenv="/opt/env")).virtualenv == Path("/opt/env")


def test_without_a_virtualenv_the_python_on_path_runs_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PULUMI_PYTHON_CMD names another one."""
    for name in ("python3", "python-of-mine"):
        (tmp_path / name).write_text("")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("PULUMI_PYTHON_CMD", raising=False)
    assert resolve(options(tmp_path)).python() == str(tmp_path / "python3")
    monkeypatch.setenv("PULUMI_PYTHON_CMD", "python-of-mine")
    assert resolve(options(tmp_path)).python() == str(tmp_path / "python-of-mine")
    monkeypatch.setenv("PULUMI_PYTHON_CMD", "no-such-python")
    with pytest.raises(HostError, match="no-such-python"):
        resolve(options(tmp_path)).python()


@pytest.mark.usefixtures("uv_on_path")
def test_a_lock_file_of_uv_selects_uv_and_the_environment_beside_it(tmp_path: Path) -> None:
    """Looked for upward from the program."""
    (tmp_path / "uv.lock").write_text("")
    found = resolve(options(tmp_path, program="src"))
    assert found.uses_uv
    assert found.virtualenv == tmp_path / ".venv"


@pytest.mark.usefixtures("uv_on_path")
def test_pip_is_taken_where_pulumi_yaml_says_so_whatever_lock_files_there_are(tmp_path: Path) -> None:
    """An explicit toolchain wins."""
    (tmp_path / "uv.lock").write_text("")
    assert not resolve(options(tmp_path, toolchain=Toolchain.PIP)).uses_uv


@pytest.mark.usefixtures("uv_on_path")
def test_uv_keeps_to_its_own_setting_for_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """UV_PROJECT_ENVIRONMENT is relative to the project; Pulumi.yaml's virtualenv to the root, and it wins."""
    (tmp_path / "pyproject.toml").write_text("")
    monkeypatch.setenv("UV_PROJECT_ENVIRONMENT", "elsewhere")
    assert resolve(options(tmp_path, program="src", toolchain=Toolchain.UV)).virtualenv == tmp_path / "elsewhere"
    named = options(tmp_path, program="src", virtualenv="env", toolchain=Toolchain.UV)
    assert resolve(named).virtualenv == tmp_path / "env"


def test_uv_that_is_not_installed_is_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the words of the official host."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(HostError, match="Could not find `uv` executable"):
        resolve(options(tmp_path, toolchain=Toolchain.UV))


def test_a_poetry_project_is_refused(tmp_path: Path) -> None:
    """It would otherwise run in the wrong environment."""
    (tmp_path / "poetry.lock").write_text("")
    with pytest.raises(HostError, match="poetry needs the official Pulumi CLI"):
        resolve(options(tmp_path))


def test_activation_puts_the_environment_first_and_drops_pythonhome(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `activate` would."""
    monkeypatch.setenv("PYTHONHOME", "/elsewhere")
    environ = resolve(options(tmp_path, virtualenv="env")).environ()
    assert environ["PATH"].split(":")[0] == str(tmp_path / "env" / "bin")
    assert environ["VIRTUAL_ENV"] == str(tmp_path / "env")
    assert "PYTHONHOME" not in environ
