"""The Docker engine: the user's where one answers, our own where we may, else one line that says what is missing."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from setup_stand_ins import Recorder

from bootstrap import docker_engine
from bootstrap.console import Console
from bootstrap.errors import SetupError

NO_ENGINE = "exit 1"


@pytest.fixture(autouse=True)
def nobodys_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment names none."""
    monkeypatch.delenv("DOCKER_HOST", raising=False)


def test_an_engine_that_answers_is_used_as_it_is(recorder: Recorder, console: Console, tmp_path: Path) -> None:
    """It is asked for its version, and nothing is installed or started."""
    recorder.program("docker", "echo 27.1.0")
    for name in ("apt-get", "dockerd"):
        recorder.program(name)
    assert docker_engine.ensure(tmp_path, console=console) == "27.1.0"
    assert recorder.calls == ["docker version --format {{.Server.Version}}"]


def test_an_engine_that_the_user_named_is_not_replaced(
    recorder: Recorder, console: Console, heard: io.StringIO, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DOCKER_HOST that does not answer is named; no other engine is started instead."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere.sock")
    recorder.program("docker", NO_ENGINE)
    recorder.program("dockerd")
    assert docker_engine.ensure(tmp_path, console=console) == ""
    assert "DOCKER_HOST, unix:///nowhere.sock" in heard.getvalue()
    assert not any(call.startswith("dockerd") for call in recorder.calls)


def test_nothing_is_installed_for_whoever_only_looks(
    recorder: Recorder, console: Console, heard: io.StringIO, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No engine that answers, and none of ours that ran before: one line says what that means, and nothing is run."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    recorder.program("docker", NO_ENGINE)
    for name in ("apt-get", "dockerd"):
        recorder.program(name)
    assert docker_engine.found(tmp_path, console=console) == ""
    assert heard.getvalue().startswith("No Docker engine answers: no image is built, and workers are processes.")
    assert heard.getvalue().count("\n") == 1
    assert {call.split()[0] for call in recorder.calls} == {"docker"}


@pytest.mark.parametrize(("installed", "advice"), [(False, "Install Docker"), (True, "systemctl start docker")])
def test_who_is_not_root_learns_what_to_do(
    installed: bool,
    advice: str,
    recorder: Recorder,
    console: Console,
    heard: io.StringIO,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In one line, and nothing is run that would ask for rights."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("PATH", str(recorder.directory))
    recorder.program("docker", NO_ENGINE)
    recorder.program("apt-get")
    if installed:
        recorder.program("dockerd")
    assert docker_engine.ensure(tmp_path, console=console) == ""
    assert advice in heard.getvalue()
    assert heard.getvalue().count("\n") == 1
    assert {call.split()[0] for call in recorder.calls} <= {"docker"}


def test_root_on_debian_gets_an_engine_installed_and_started(
    recorder: Recorder, console: Console, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both of Debian's packages are installed; what they bring is started with its data in our directory."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    running, seed = tmp_path / "running", tmp_path / "seed"
    recorder.program("docker", f"[ -e {running} ] && echo 20.10.24")
    seed.write_text(f'#!/bin/sh\necho "dockerd $*" >> {recorder.log}\n: > {running}\nexec sleep 1000\n')
    seed.chmod(0o755)
    installs = f"cp {seed} {recorder.directory}/dockerd; cp {seed} {recorder.directory}/containerd"
    recorder.program("apt-get", f'[ "$1" = install ] && {{ {installs}; }}; true')
    monkeypatch.setenv("PATH", f"{recorder.directory}:/bin")
    _hide(monkeypatch, "dockerd", "containerd", but=recorder.directory)
    try:
        assert docker_engine.ensure(tmp_path, console=console) == "20.10.24"
        assert "apt-get install --yes --no-install-recommends docker.io containerd" in recorder.calls
        (started,) = [call for call in recorder.calls if call.startswith("dockerd")]
        assert f"--data-root {tmp_path / 'docker'}" in started
    finally:
        docker_engine.daemon(tmp_path).stop()


def test_an_engine_that_does_not_come_up_is_no_failure_of_the_set_up(
    recorder: Recorder, console: Console, heard: io.StringIO, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine that lets no engine run has none: its last words are reported, and all else goes on."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    recorder.program("docker", NO_ENGINE)
    recorder.program("containerd")
    recorder.program("dockerd", "echo 'failed to mount cgroup: operation not permitted'; exit 1")
    assert docker_engine.ensure(tmp_path, console=console) == ""
    assert "A Docker engine cannot run on this machine" in heard.getvalue()
    assert "failed to mount cgroup: operation not permitted" in heard.getvalue()


@pytest.fixture
def own_directory() -> Iterator[Path]:
    """Short, since it holds a socket."""
    if os.geteuid() != 0 or shutil.which("dockerd") is None:
        pytest.skip("an engine of our own needs root and dockerd")
    directory = Path(tempfile.mkdtemp(prefix="pr-engine-"))
    yield directory
    docker_engine.daemon(directory).stop()
    docker_engine.unmount(directory)
    shutil.rmtree(directory)


def test_our_own_engine_is_started_found_and_stopped_by_its_pid(own_directory: Path, console: Console) -> None:
    """A real engine beside any other: it answers at its address, keeps its data apart, and is gone after stop."""
    address = own_directory / "docker.sock"
    docker_engine.start(own_directory, console=console, address=address)
    daemon = docker_engine.daemon(own_directory)
    assert docker_engine.version(address)
    assert daemon.pid() is not None
    completed = subprocess.run(
        ["docker", "info", "--format", "{{.DockerRootDir}} {{.RegistryConfig.InsecureRegistryCIDRs}}"],
        env=os.environ | {"DOCKER_HOST": f"unix://{address}"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert str(own_directory / "docker") in completed
    assert "127.0.0.0/8" in completed
    assert daemon.stop()
    assert (daemon.pid(), docker_engine.version(address), daemon.stop()) == (None, "", False)


def test_an_address_that_cannot_be_had_is_said(own_directory: Path, console: Console) -> None:
    """The engine's last words, and where its log is."""
    with pytest.raises(SetupError, match="dockerd did not come up") as failure:
        docker_engine.start(own_directory, console=console, address=own_directory / ("x" * 200))
    assert str(own_directory / "run" / "dockerd.log") in str(failure.value)


def _hide(monkeypatch: pytest.MonkeyPatch, *names: str, but: Path) -> None:
    """As on a machine where only `but` has programs of these names."""
    real = shutil.which

    def which(name: str) -> str | None:
        return real(name, path=str(but)) if name in names else real(name)

    monkeypatch.setattr(shutil, "which", which)
