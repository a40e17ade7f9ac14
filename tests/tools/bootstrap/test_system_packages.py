"""System packages: installed as root, named with the exact command otherwise."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from setup_stand_ins import Recorder

from bootstrap.console import Console
from bootstrap.errors import SetupError
from bootstrap.system_packages import SystemPackage, ensure


def widget(recorder: Recorder) -> SystemPackage:
    """A package that holds the program `widget`."""
    return SystemPackage("widget-tools", "makes widgets", lambda: shutil.which("widget") is not None)


def test_nothing_is_done_where_nothing_is_missing(recorder: Recorder, console: Console) -> None:
    """Not even apt-get is called."""
    recorder.program("apt-get")
    recorder.program("widget")
    ensure([widget(recorder)], as_root=True, console=console)
    assert recorder.calls == []


def test_root_gets_what_is_missing_installed(recorder: Recorder, console: Console) -> None:
    """The list of packages is read first: a fresh machine has none."""
    recorder.program(
        "apt-get", f'[ "$1" = install ] && cp {recorder.program("seed")} {recorder.directory}/widget; true'
    )
    ensure([widget(recorder)], as_root=True, console=console)
    assert recorder.calls == [
        "apt-get update",
        "apt-get install --yes --no-install-recommends widget-tools",
    ]


def test_others_get_the_exact_command(recorder: Recorder, console: Console) -> None:
    """And nothing is run."""
    recorder.program("apt-get")
    with pytest.raises(SetupError) as failure:
        ensure([widget(recorder)], as_root=False, console=console)
    assert "widget-tools (makes widgets)" in str(failure.value)
    assert "sudo apt-get install --yes --no-install-recommends widget-tools" in str(failure.value)
    assert recorder.calls == []


def test_a_system_without_apt_learns_what_to_look_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, console: Console
) -> None:
    """By Debian's names."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SetupError, match="with your package manager"):
        ensure([SystemPackage("widget-tools", "makes widgets", lambda: False)], as_root=True, console=console)


def test_an_installation_that_does_not_help_is_a_failure(recorder: Recorder, console: Console) -> None:
    """Rather than a surprise later on."""
    recorder.program("apt-get")
    with pytest.raises(SetupError, match="widget-tools was installed but is not found"):
        ensure([widget(recorder)], as_root=True, console=console)


def test_a_failed_installation_shows_what_apt_said(recorder: Recorder, console: Console) -> None:
    """With the way out."""
    recorder.program("apt-get", 'echo "E: Unable to locate package"; exit 100')
    with pytest.raises(
        SetupError, match=r"(?s)exit status 100.*Unable to locate package.*Install widget-tools by hand"
    ):
        ensure([widget(recorder)], as_root=True, console=console)
